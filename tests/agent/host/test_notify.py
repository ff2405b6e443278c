from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator

import pytest

from agent.host.notify import Notifier, watchdog_interval_s

pytestmark = pytest.mark.rung3


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory(prefix="ntf") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        held.bind(f"{folder}/s")
        held.settimeout(5)
        yield held


def test_the_manager_hears_every_message(manager: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "PATH": "/bin"}
    notifier = Notifier.from_environment(environment)
    assert environment == {"PATH": "/bin"}
    notifier.ready()
    notifier.watchdog()
    notifier.status("charging\n on  1\nREADY=1" + "x" * 300)
    notifier.stopping()
    heard = [manager.recv(1000).decode() for _ in range(4)]
    notifier.close()
    assert [heard[0], heard[1], heard[3]] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]
    assert heard[2].startswith("STATUS=charging on 1 READY=1xxx")
    assert "\n" not in heard[2]


def test_the_abstract_namespace_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        held.bind("\0stationd-test-notify")
        held.settimeout(5)
        notifier = Notifier("@stationd-test-notify")
        notifier.ready()
        assert held.recv(100) == b"READY=1"
        notifier.close()


def test_without_a_manager_nothing_happens() -> None:
    for address in ("", "/nowhere/at/all"):
        notifier = Notifier(address)
        assert notifier.listening is bool(address)
        notifier.ready()
        notifier.watchdog()
        notifier.close()


def test_a_manager_that_does_not_read_never_blocks_us(manager: socket.socket) -> None:
    notifier = Notifier(manager.getsockname())
    for _ in range(5_000):
        notifier.watchdog()
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "42"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
    ],
)
def test_the_watchdog_time_is_the_managers(environment: dict[str, str], expected: float | None) -> None:
    assert watchdog_interval_s(environment, 42) == expected
