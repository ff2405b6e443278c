from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator

import pytest

from agent.control.client import AgentAbsentError, Client, CommandRefusedError

pytestmark = pytest.mark.rung3


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ctl") as folder:
        yield f"{folder}/s"


class Scripted:
    """Accepts one connection, gives fixed lines for what it reads, and hangs up."""

    def __init__(self, path: str, *answers: bytes) -> None:
        self.read: list[bytes] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rb") as stream:
            self.read.append(stream.readline())
            for answer in self._answers:
                connection.sendall(answer)

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


def test_a_result_comes_back(path: str) -> None:
    scripted = Scripted(path, b'{"ok":true,"result":[1]}\n')
    with Client(path) as client:
        assert client.call("sessions", limit=1) == [1]
    scripted.close()
    assert scripted.read == [b'{"command": "sessions", "limit": 1}\n']


def test_a_refusal_is_raised_with_its_problems(path: str) -> None:
    scripted = Scripted(path, b'{"ok":false,"errors":[{"field":"url","message":"m","remedy":"r"}]}\n')
    with Client(path) as client, pytest.raises(CommandRefusedError, match="url: m; r"):
        client.call("set-primary")
    scripted.close()


def test_watch_ends_with_the_agent(path: str) -> None:
    scripted = Scripted(path, b'{"ok":true,"result":1}\n{"ok":true,"result":2}\n')
    seen: list[object] = []
    with Client(path) as client, pytest.raises(AgentAbsentError, match="hung up"):
        collect(client.watch(1.0), seen)
    scripted.close()
    assert seen == [1, 2]


def collect(results: Iterator[object], into: list[object]) -> None:
    for result in results:
        into.append(result)


def test_without_an_agent_it_says_what_to_do(path: str) -> None:
    with pytest.raises(AgentAbsentError, match="systemctl start stationd"):
        Client(path)
    with pytest.raises(AgentAbsentError):
        Client(path * 20)


def test_an_agent_that_does_not_answer_is_told(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with Client(path, answer_s=0.05) as client, pytest.raises(AgentAbsentError, match="does not answer"):
            client.call("status")
