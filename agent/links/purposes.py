"""Why an own call was sent: each purpose says what its answer means."""

from __future__ import annotations

from dataclasses import dataclass

from agent.ocpp.exchange import Status
from agent.vocabulary.effects import Ask, TellUpload
from agent.vocabulary.firmware_effects import TellFirmware
from agent.vocabulary.outbox import NoticeRow, OutboxRow


@dataclass(frozen=True, slots=True)
class Boot:
    """The registration."""


@dataclass(frozen=True, slots=True)
class Question:
    """A card."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class SigningWanted:
    """A certificate request."""


@dataclass(frozen=True, slots=True)
class Told:
    """A status."""

    status: Status


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A security event."""

    row: NoticeRow


@dataclass(frozen=True, slots=True)
class Delivered:
    """A row of the outbox."""

    row: OutboxRow


@dataclass(frozen=True, slots=True)
class Triggered:
    """What the peer itself has asked for; its answer means nothing more."""


Report = TellUpload | TellFirmware


@dataclass(frozen=True, slots=True)
class Reported:
    """How far an upload or an update is."""

    report: Report


Purpose = Boot | Question | SigningWanted | Told | Beat | Noticed | Delivered | Triggered | Reported


@dataclass(frozen=True, slots=True)
class OwnCall:
    """One call on its way."""

    message_id: str
    text: str
    purpose: Purpose
    sent_ms: int
