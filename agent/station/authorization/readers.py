"""What a card at a reader means: which connector, and whether to start, stop, cancel or let go of a cable.

Theory of operation
-------------------
A reader may serve several connectors, so the card has to be matched with one. The rules, first match wins:

1. authorised by this card and not yet charging: cancel;
2. its cable is held for this card: let it go;
3. a car waits for a card: start there (the last plugged one is meant), even if this card charges elsewhere;
4. this card charges: stop it, with no question asked;
5. a cable is still in after a session: start again there;
6. a connector is free: this one, or with several the next one that is plugged;
7. a car waits where nothing may start now: refuse, and say why;
8. others charge, or a cable is held for another: ask about the card, and act only if the parents are equal.

Cards with random ids (4 bytes, first 08: ISO 14443-3 6.5.4) are refused: they differ at each presentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.station.evse.session import SessionState
from agent.vocabulary.ids import ConnectorId, IdToken


class Meaning(StrEnum):
    CANCEL = "cancel"
    LET_GO = "let_go"
    START = "start"
    STOP = "stop"
    COMPARE = "compare"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Seat:
    """One connector as the reader rules see it."""

    id: ConnectorId
    state: SessionState
    plugged_at_ms: int | None = None
    """When the cable came; None without a cable."""
    token: IdToken | None = None
    """Whose authorisation or transaction it is."""
    kept_for: IdToken | None = None
    """The cable is held until this card (or one of its parent) is shown."""
    refusal: str | None = None
    """Why nothing can start here now, in plain words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`connector` None with START: the next one that is plugged."""

    meaning: Meaning
    connector: ConnectorId | None = None
    reason: str = ""


_BEFORE_START = frozenset({SessionState.WAITING_CAR, SessionState.LOCKING, SessionState.READING})


def is_random(uid: str) -> bool:
    """True for a card id that is drawn anew at each presentation."""
    return len(uid) == 8 and uid.startswith("08")


def choose(seats: Sequence[Seat], token: IdToken) -> Choice:
    """What this card means at a reader that serves these connectors."""
    own = [seat for seat in seats if token.matches(seat.token)]
    for seat in own:
        if seat.state in _BEFORE_START:
            return Choice(Meaning.CANCEL, seat.id)
    held = [seat for seat in seats if token.matches(seat.kept_for)]
    if held:
        return Choice(Meaning.LET_GO, held[0].id)
    startable = [seat for seat in seats if seat.refusal is None and seat.kept_for is None]
    waiting = [seat for seat in startable if seat.state is SessionState.WAITING_CARD]
    if waiting:
        return Choice(Meaning.START, _last_plugged(waiting).id)
    return _stop_own(own) or _start_elsewhere(startable) or _compare(seats)


def _stop_own(own: Sequence[Seat]) -> Choice | None:
    for seat in own:
        if seat.state is SessionState.RUNNING:
            return Choice(Meaning.STOP, seat.id)
    for seat in own:
        if seat.state in (SessionState.STOPPING, SessionState.RECOVERING):
            return Choice(Meaning.REFUSE, seat.id, "the session is already ending")
    return None


def _start_elsewhere(startable: Sequence[Seat]) -> Choice | None:
    finished = [s for s in startable if s.state is SessionState.FINISHED and s.plugged_at_ms is not None]
    if finished:
        return Choice(Meaning.START, _last_plugged(finished).id)
    free = [seat for seat in startable if seat.state is SessionState.FREE]
    if free:
        return Choice(Meaning.START, free[0].id if len(free) == 1 else None)
    return None


def _compare(seats: Sequence[Seat]) -> Choice:
    for seat in seats:
        if seat.state is SessionState.WAITING_CARD and seat.refusal is not None:
            return Choice(Meaning.REFUSE, seat.id, seat.refusal)
    if any(seat.state is SessionState.RUNNING or seat.kept_for is not None for seat in seats):
        return Choice(Meaning.COMPARE)
    reason = next((seat.refusal for seat in seats if seat.refusal), "no connector is free")
    return Choice(Meaning.REFUSE, seats[0].id if seats else None, reason)


def _last_plugged(seats: Sequence[Seat]) -> Seat:
    return max(seats, key=lambda seat: (seat.plugged_at_ms or 0, seat.id))
