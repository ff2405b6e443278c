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
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.control.card_requests import CARD_COMMANDS, CardRequest
from agent.control.request_fields import Fields
from agent.control.request_fields import RefusedError as RefusedError
from agent.control.request_fields import refuse as refuse
from agent.control.session_requests import SESSION_COMMANDS, SessionRequest
from agent.control.session_requests import DeleteSessions as DeleteSessions
from agent.control.session_requests import Export as Export
from agent.control.session_requests import Sessions as Sessions
from agent.settings.problems import quoted
from agent.settings.settings import FITTING, UpstreamRequest
from agent.vocabulary.operators import DiscardPending as DiscardPending
from agent.vocabulary.operators import RemoveOperator as RemoveOperator
from agent.vocabulary.operators import RemovePrimary as RemovePrimary
from agent.vocabulary.operators import SetBilling as SetBilling

LONGEST_LINE = 64 * 1024
"""Bytes of a request line; a chain of roots fits, and nothing can fill the memory."""
MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Status:
    """How the station is."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the station is, again and again."""

    interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """All upstreams with role and state, and what is staged."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The backoffices that can be set by name."""


@dataclass(frozen=True, slots=True)
class SetPrimary:
    """Stage a primary."""

    primary: UpstreamRequest


@dataclass(frozen=True, slots=True)
class AddOperator:
    """Stage a further operator."""

    operator: UpstreamRequest


@dataclass(frozen=True, slots=True)
class Reboot:
    """Reboot the system: now (running transactions are stopped), or once none runs."""

    wait_for_idle: bool = False
    drain: bool = False
    """Then wait, ten minutes at the most, until the Billing upstream has everything."""


@dataclass(frozen=True, slots=True)
class ClearLatch:
    """Clear the latched fault of a connector, after somebody looked at it on the spot."""

    connector: int


@dataclass(frozen=True, slots=True)
class Reoffer:
    """Try messages again that were given up: of one upstream, or (empty) of all."""

    upstream: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a connector (None: each) gets no more, or is not available."""

    connector: int | None = None


@dataclass(frozen=True, slots=True)
class SetLimit:
    """What a connector, or (0) the station, may take on each phase in A; None: no such limit."""

    connector: int
    current_a: float | None


@dataclass(frozen=True, slots=True)
class ClearHold:
    """End what an upstream that cannot be reached holds out of service: one connector, or (0) all."""

    upstream: str
    connector: int = 0


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
    | Upstreams
    | Catalogue
    | SetPrimary
    | AddOperator
    | RemovePrimary
    | RemoveOperator
    | SetBilling
    | DiscardPending
    | Reboot
    | ClearLatch
    | Reoffer
    | Why
    | SetLimit
    | ClearHold
    | SecurityLog
    | ClearSecurityLog
    | Dump
    | CardRequest
    | SessionRequest
)


def _upstream(held: Fields) -> UpstreamRequest:
    return UpstreamRequest(
        url=held.text("url", longest=4_096),
        identity=held.text("identity"),
        security=held.integer("security", FITTING, FITTING, 9),
        password=held.secret("password"),
        trust_pem=held.text("trust_pem", "", longest=LONGEST_LINE),
        name=held.text("name", ""),
        certificate_pem=held.text("certificate_pem", "", longest=LONGEST_LINE),
        key_pem=held.secret("key_pem", longest=LONGEST_LINE),
        interface=held.text("interface", ""),
        proxy=held.text("proxy", ""),
        proxy_login=held.secret("proxy_login"),
    )


COMMANDS: Mapping[str, Callable[[Fields], Request]] = {
    "status": lambda held: Status(),
    "watch": lambda held: Watch(held.number("interval_s", 1.0, 0.1, 60)),
    "upstreams": lambda held: Upstreams(),
    "catalogue": lambda held: Catalogue(),
    "set-primary": lambda held: SetPrimary(_upstream(held)),
    "add-operator": lambda held: AddOperator(_upstream(held)),
    "remove-primary": lambda held: RemovePrimary(held.text("word")),
    "remove-operator": lambda held: RemoveOperator(held.text("operator"), held.text("word")),
    "set-billing": lambda held: SetBilling(held.text("upstream")),
    "discard-pending": lambda held: DiscardPending(),
    "reboot": lambda held: Reboot(held.boolean("wait_for_idle", False), held.boolean("drain", False)),
    "clear-latch": lambda held: ClearLatch(held.integer("connector", None, 1, 64)),
    "reoffer": lambda held: Reoffer(held.text("upstream", "")),
    "why": lambda held: Why(held.optional("connector", 1, 64)),
    "set-limit": lambda held: SetLimit(
        held.integer("connector", None, 0, 64), held.optional_number("current_a", 0, 1_000)
    ),
    "clear-hold": lambda held: ClearHold(held.text("upstream"), held.integer("connector", 0, 0, 64)),
    "security-log": lambda held: SecurityLog(held.integer("limit", 50, 1, MOST_LINES)),
    "clear-security-log": lambda held: ClearSecurityLog(),
    "dump": lambda held: Dump(),
    **CARD_COMMANDS,
    **SESSION_COMMANDS,
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
    reader = Fields(held)
    request = COMMANDS[name](reader)
    reader.finish()
    return request


def command_name(request: Request) -> str:
    """The name of a request for the log; never its fields."""
    words = type(request).__name__
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in words).lstrip("-")
