"""The stand-in for the service manager keeps the promises of the unit file, with a process of its own to mind."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from tests.rig.notify_supervisor import Plan, Runner

pytestmark = pytest.mark.rung3

AGENT = """
import os, signal, socket, sys, time
run, boot = sys.argv[sys.argv.index("--run") + 1], sys.argv[sys.argv.index("--boot-id") + 1]
with open(run + "/../boots", "a") as file:
    file.write(boot + "\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.connect(os.environ["NOTIFY_SOCKET"])
manager.send(b"READY=1\\nSTATUS=fine")
if "reboot" in sys.argv and boot == "boot0":
    open(run + "/reboot-request", "w").close()
while True:
    time.sleep(0.05)
    manager.send(b"WATCHDOG=1")
"""
SAFE_OFF = "import sys; open(sys.argv[1] + '/../switched-off', 'a').write('x'); sys.exit(7)"


def running(tmp_path: Path, check: Callable[[Runner], Awaitable[None]], *extra: str) -> None:
    numbers = count()
    plan = Plan(
        command=(sys.executable, "-c", AGENT, *extra),
        run=tmp_path / "run",
        watchdog_s=0.6,
        restart_s=0.01,
        safe_off=(sys.executable, "-c", SAFE_OFF),
    )

    async def main() -> None:
        async with Runner(plan, lambda: f"boot{next(numbers)}") as runner, asyncio.timeout(30):
            await runner.wait_ready()
            await check(runner)

    asyncio.run(main())


def boots(tmp_path: Path) -> list[str]:
    return (tmp_path / "boots").read_text().split()


def test_a_killed_process_is_switched_off_and_started_again_in_the_same_boot(tmp_path: Path) -> None:
    async def check(runner: Runner) -> None:
        runner.kill()
        death = await runner.wait_death()
        assert (death.code, death.by_watchdog, death.safe_off) == (-signal.SIGKILL, False, 7)
        await runner.wait_ready()
        assert runner.status == "fine"

    running(tmp_path, check)
    assert boots(tmp_path) == ["boot0", "boot0"]
    assert (tmp_path / "switched-off").read_text() == "xx"


def test_a_process_that_hangs_is_killed_by_the_watchdog(tmp_path: Path) -> None:
    async def check(runner: Runner) -> None:
        runner.kill(signal.SIGSTOP)
        death = await runner.wait_death()
        assert death.by_watchdog
        assert death.code == -signal.SIGABRT
        assert death.safe_off == 7
        await runner.wait_ready()

    running(tmp_path, check)


def test_a_reboot_request_ends_in_a_new_boot_with_an_empty_run_directory(tmp_path: Path) -> None:
    async def check(runner: Runner) -> None:
        death = await runner.wait_death()
        assert (death.code, death.boot_id) == (0, "boot0")
        await runner.wait_ready()
        assert runner.boot_id == "boot1"
        assert list((tmp_path / "run").iterdir()) == []

    running(tmp_path, check, "reboot")
    assert boots(tmp_path) == ["boot0", "boot1"]


def test_after_a_power_cut_nothing_switched_off_and_the_boot_is_new(tmp_path: Path) -> None:
    async def check(runner: Runner) -> None:
        runner.power_cut()
        death = await runner.wait_death()
        assert death.safe_off is None
        await runner.wait_ready()
        assert runner.boot_id == "boot1"

    running(tmp_path, check)


def test_stop_ends_the_process_in_order(tmp_path: Path) -> None:
    runners = []

    async def check(runner: Runner) -> None:
        runners.append(runner)

    running(tmp_path, check)
    (runner,) = runners
    assert [death.code for death in runner.deaths] == [0]
    assert runner.starts == 1
    assert runner.pid is None
