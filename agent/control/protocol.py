"""The language of the control socket: one JSON object per line each way, and a closed list of commands.

Theory of operation
-------------------
A request is `{"command": "...", ...fields}`; the answer is `{"ok": true, "result": ...}` or `{"ok": false, "errors":
[{"field", "message", "remedy"}]}`. `watch` answers with one such line per interval until the caller hangs up. The
functions here are pure: bytes in, a frozen request or `RefusedError` out, and back. A password travels here but is
never part of an answer: `plain` masks secrets and cards wherever they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from agent.settings.problems import Problem, quoted
from agent.settings.settings import PrimaryRequest
from agent.vocabulary.ids import IdToken, Secret

LONGEST_LINE = 64 * 1024
"""Bytes of a request line; a chain of roots fits, and nothing can fill the memory."""

MOST_SESSIONS = 1_000


class RefusedError(Exception):
    """A request that is not carried out; what is wrong and what to do is in `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def refuse(field: str, message: str, remedy: str) -> RefusedError:
    """A refusal with one problem."""
    return RefusedError([Problem(field, message, remedy)])


@dataclass(frozen=True, slots=True)
class Status:
    """How the station is."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the station is, again and again."""

    interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Sessions:
    """The last sessions and what each upstream has of them."""

    limit: int = 20


@dataclass(frozen=True, slots=True)
class SetPrimary:
    """Stage a primary."""

    primary: PrimaryRequest


@dataclass(frozen=True, slots=True)
class RemovePrimary:
    """Stage the removal of the primary; `word` confirms it."""

    word: str


@dataclass(frozen=True, slots=True)
class DiscardPending:
    """Forget the staged change."""


@dataclass(frozen=True, slots=True)
class Reboot:
    """Reboot the system: now (running transactions are stopped), or once none runs."""

    wait_for_idle: bool = False


@dataclass(frozen=True, slots=True)
class ClearLatch:
    """Clear the latched fault of a connector, after somebody looked at it on the spot."""

    connector: int


@dataclass(frozen=True, slots=True)
class Reoffer:
    """Try messages again that were given up: of one upstream, or (empty) of all."""

    upstream: str = ""


@dataclass(frozen=True, slots=True)
class SecurityLog:
    """The newest lines of the security log, and whether its chain holds."""

    limit: int = 50


@dataclass(frozen=True, slots=True)
class ClearSecurityLog:
    """Drop the lines of the security log; that this was done is the first line of the next."""


@dataclass(frozen=True, slots=True)
class Dump:
    """Write the last inputs to the state folder."""


Request = (
    Status
    | Watch
    | Sessions
    | SetPrimary
    | RemovePrimary
    | DiscardPending
    | Reboot
    | ClearLatch
    | Reoffer
    | SecurityLog
    | ClearSecurityLog
    | Dump
)


class _Fields:
    """Reads the fields of one request, each with its type; unknown ones are refused by `finish`."""

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held
        self._known = {"command"}

    def text(self, name: str, default: str | None = None, longest: int = 512) -> str:
        value = self._take(name, default)
        if not isinstance(value, str):
            raise refuse(name, f"{quoted(value)} is not a text", "give it as a text")
        if len(value) > longest:
            raise refuse(name, f"has {len(value)} characters", f"use at most {longest}")
        return value

    def secret(self, name: str, longest: int = 512) -> Secret | None:
        text = self.text(name, "", longest)
        return Secret(text) if text else None

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refuse(name, f"{quoted(value)} is not possible", f"use a number from {low:g} to {high:g}")
        return value

    def integer(self, name: str, default: int | None, low: int, high: int) -> int:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refuse(name, f"{quoted(value)} is not possible", f"use a whole number from {low} to {high}")
        return value

    def boolean(self, name: str, default: bool) -> bool:
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise refuse(name, f"{quoted(value)} is neither true nor false", "use true or false")
        return value

    def finish(self) -> None:
        unknown = sorted(set(self._held) - self._known)
        if unknown:
            known = ", ".join(sorted(self._known))
            raise refuse(quoted(unknown[0])[1:-1], "is not a field of this command", f"known here: {known}")

    def _take(self, name: str, default: object) -> Any:
        self._known.add(name)
        value = self._held.get(name, default)
        if value is None:
            raise refuse(name, "is missing", "give it")
        return value


def _set_primary(held: _Fields) -> SetPrimary:
    return SetPrimary(
        PrimaryRequest(
            url=held.text("url", longest=4_096),
            identity=held.text("identity"),
            security=held.integer("security", 0, 0, 9),
            password=held.secret("password"),
            trust_pem=held.text("trust_pem", "", longest=LONGEST_LINE),
            name=held.text("name", ""),
            certificate_pem=held.text("certificate_pem", "", longest=LONGEST_LINE),
            key_pem=held.secret("key_pem", longest=LONGEST_LINE),
            interface=held.text("interface", ""),
            proxy=held.text("proxy", ""),
            proxy_login=held.secret("proxy_login"),
        )
    )


COMMANDS: Mapping[str, Callable[[_Fields], Request]] = {
    "status": lambda held: Status(),
    "watch": lambda held: Watch(held.number("interval_s", 1.0, 0.1, 60)),
    "sessions": lambda held: Sessions(held.integer("limit", 20, 1, MOST_SESSIONS)),
    "set-primary": _set_primary,
    "remove-primary": lambda held: RemovePrimary(held.text("word")),
    "discard-pending": lambda held: DiscardPending(),
    "reboot": lambda held: Reboot(held.boolean("wait_for_idle", False)),
    "clear-latch": lambda held: ClearLatch(held.integer("connector", None, 1, 64)),
    "reoffer": lambda held: Reoffer(held.text("upstream", "")),
    "security-log": lambda held: SecurityLog(held.integer("limit", 50, 1, MOST_SESSIONS)),
    "clear-security-log": lambda held: ClearSecurityLog(),
    "dump": lambda held: Dump(),
}
"""The closed list: everything that the socket can be asked for."""


def parse_request(line: bytes) -> Request:
    """One request line. Raises RefusedError for anything else than a command of the list with its fields."""
    try:
        held = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise refuse("", "the line is not JSON", 'send one object per line, as {"command": "status"}') from None
    if not isinstance(held, dict):
        raise refuse("", "the line is not a JSON object", 'send one object per line, as {"command": "status"}')
    name = held.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise refuse("command", f"{quoted(name)} is not known", f"use one of: {', '.join(COMMANDS)}")
    reader = _Fields(held)
    request = COMMANDS[name](reader)
    reader.finish()
    return request


def command_name(request: Request) -> str:
    """The name of a request for the log; never its fields."""
    words = type(request).__name__
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in words).lstrip("-")


def render_result(result: object) -> bytes:
    """The line that answers a request that was carried out."""
    return _line({"ok": True, "result": plain(result)})


def render_refusal(problems: Iterable[Problem]) -> bytes:
    """The line that answers a request that was not."""
    errors = [{"field": found.field, "message": found.message, "remedy": found.remedy} for found in problems]
    return _line({"ok": False, "errors": errors})


def plain(value: object) -> Any:
    """Any value of ours as JSON can hold it: dataclasses by field, enums by word; cards and secrets masked."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, IdToken):
        return value.masked
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
