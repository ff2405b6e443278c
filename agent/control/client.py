"""The other end of the control socket, for `stationctl` and the page: plain blocking calls, standard library only."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from agent.settings.problems import Problem

ANSWER_S = 30.0
LONGEST_ANSWER = 16 * 1024 * 1024


class AgentAbsentError(ConnectionError):
    """Nobody answers at the socket: the agent does not run, or runs elsewhere, or we may not talk to it."""


class CommandRefusedError(Exception):
    """The agent answered that it does not do this; `problems` say why and what to do."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


class Client:
    """One connection. Use as a context manager."""

    def __init__(self, path: str, answer_s: float = ANSWER_S) -> None:
        """Connect. Raises AgentAbsentError with what to do."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(answer_s)
        try:
            self._socket.connect(path)
        except (OSError, ValueError) as error:
            self._socket.close()
            raise AgentAbsentError(_absence(path, error)) from None
        self._stream = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def call(self, command: str, **fields: object) -> Any:
        """One command and its result. Raises CommandRefusedError or AgentAbsentError."""
        self._ask(command, fields)
        return self._answer()

    def watch(self, interval_s: float) -> Iterator[Any]:
        """Status after status, until the caller stops or the agent ends (then AgentAbsentError)."""
        self._ask("watch", {"interval_s": interval_s})
        while True:
            yield self._answer()

    def _ask(self, command: str, fields: dict[str, object]) -> None:
        line = json.dumps({"command": command, **fields}) + "\n"
        try:
            self._socket.sendall(line.encode("utf-8"))
        except OSError as error:
            raise AgentAbsentError(_absence(self._path, error)) from None

    def _answer(self) -> Any:
        try:
            line = self._stream.readline(LONGEST_ANSWER)
        except OSError as error:
            raise AgentAbsentError(_absence(self._path, error)) from None
        if not line.endswith(b"\n"):
            raise AgentAbsentError(f"{self._path}: the agent hung up; has it just stopped? See its log")
        answer = json.loads(line)
        if answer.get("ok") is True:
            return answer.get("result")
        errors = answer.get("errors", [])
        raise CommandRefusedError(tuple(Problem(e["field"], e["message"], e["remedy"]) for e in errors))


def _absence(path: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"{path}: the agent does not run (systemctl start stationd), or it listens elsewhere (use --socket)"
    if isinstance(error, PermissionError):
        return f"{path}: you may not talk to the agent; use sudo, or join its group"
    if isinstance(error, TimeoutError):
        return f"{path}: the agent does not answer; see its log with journalctl -u stationd"
    return f"{path}: {error}; see the agent's log with journalctl -u stationd"
