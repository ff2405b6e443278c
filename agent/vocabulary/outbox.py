"""The head of an outbox, as the store shows it and an upstream task sends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import TransactionId


class RowKind(StrEnum):
    """Which transaction event a row holds."""

    START = "start"
    SAMPLE = "sample"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """The oldest security event that an upstream was not told yet; a queue of its own beside the outbox."""

    message_id: str
    frame: str | None
    """The complete frame; None: it waits for wall time."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """The oldest row of an upstream that is neither done nor parked."""

    message_id: str
    frame: str | None
    """The complete frame, written once and the same for every attempt; None: it waits for wall time or a foreign id."""
    transaction: TransactionId | None
    kind: RowKind
    attempts: int = 0
    """Failed attempts so far (OCPP 1.6 "TransactionMessageAttempts")."""
