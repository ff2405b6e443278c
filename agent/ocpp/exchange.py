"""What a dialect and its upstream task hand to each other, in words of no particular OCPP version."""

from __future__ import annotations

from dataclasses import dataclass

from agent.ocpp.wire import ErrorCode, JsonObject
from agent.vocabulary.commands import Command
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import Verdict


class Unusable(ValueError):
    """The peer's confirmation lacks what makes it an answer; the call counts as failed."""


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """BootNotification.conf. `wall_ms` None: no time in it that can be believed."""

    status: Registration
    interval_s: int
    wall_ms: int | None


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What the answer to a row of the outbox holds: the peer's id of a started transaction, a verdict on the card."""

    foreign_id: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A connector as the dialect words it; `at` is when it became so."""

    connector: ConnectorId
    status: str
    error_code: str
    at: Moment
    info: str = ""
    vendor_error_code: str = ""

    def same(self, other: Status | None) -> bool:
        """True if the peer would learn nothing new."""
        return other is not None and self._told == other._told

    @property
    def _told(self) -> tuple[str, str, str, str]:
        return (self.status, self.error_code, self.info, self.vendor_error_code)


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that the dialect answers without the station: unknown keys, bad values, wrong connectors."""

    payload: JsonObject
    why: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that gets a CALLERROR."""

    code: ErrorCode
    why: str


Parsed = Command | Ready | Refusal
