"""Reservations (OCPP 1.6 3.10, 5.13): who has a claim to which connector, and who may charge in spite of it.

Theory of operation
-------------------
A reservation of a connector is a claim to that one. A reservation of connector 0 is a claim to any one: as many free
connectors must remain as there are such claims, and which one it will be is open until the card is shown. Who holds a
claim is the card that it names, or any card of the parent that it names. A claim ends by use, by its date, by being
cancelled, and when its connector is out of order or out of service.

`Occupancy` is what the caller tells of a connector; nothing here looks at hardware.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from agent.vocabulary.commands import Reserve, ResultStatus
from agent.vocabulary.ids import STATION, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import SaveReservation


class Occupancy(StrEnum):
    """How a connector counts for a reservation; reservations themselves aside."""

    FREE = "free"
    WAITING = "waiting"
    """A car, and nobody yet who may charge it."""
    IN_USE = "in_use"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


Occupancies = Mapping[ConnectorId, Occupancy]
REFUSALS: Mapping[Occupancy, ResultStatus] = {
    Occupancy.WAITING: ResultStatus.OCCUPIED,
    Occupancy.IN_USE: ResultStatus.OCCUPIED,
    Occupancy.UNAVAILABLE: ResultStatus.UNAVAILABLE,
    Occupancy.FAULTED: ResultStatus.FAULTED,
}


class Reservations:
    """The claims to the connectors of this station."""

    def __init__(self, stored: Iterable[SaveReservation] = ()) -> None:
        self._claims = list(stored)

    @property
    def claims(self) -> tuple[SaveReservation, ...]:
        """All of them, the oldest first."""
        return tuple(self._claims)

    def judge(self, wanted: Reserve, upstream: UpstreamId, occupied: Occupancies, wall_ms: int) -> ResultStatus:
        """What ReserveNow is answered; nothing changes.

        The claim that it replaces does not stand in its way, nor, at the same place, what happens there by now.
        """
        if wanted.expires_wall_ms <= wall_ms:
            return ResultStatus.REJECTED
        if wanted.connector != STATION and wanted.connector not in occupied:
            return ResultStatus.REJECTED
        replaced = next((each for each in self._claims if _same(each, upstream, wanted.id)), None)
        if replaced is not None and replaced.connector == wanted.connector:
            return ResultStatus.ACCEPTED
        others = Reservations(each for each in self._claims if each is not replaced)
        if wanted.connector != STATION:
            return others._of_connector(wanted.connector, occupied)
        if others._spare(occupied) > 0:
            return ResultStatus.ACCEPTED
        refusals = {REFUSALS.get(state, ResultStatus.OCCUPIED) for state in occupied.values()}
        return refusals.pop() if len(refusals) == 1 else ResultStatus.OCCUPIED

    def add(self, claim: SaveReservation) -> None:
        """A claim that was judged `ACCEPTED`; it replaces the one with the same id."""
        self.drop(claim.upstream, claim.id)
        self._claims.append(claim)

    def drop(self, upstream: UpstreamId, number: int) -> bool:
        """Forget one; False if there is none."""
        before = len(self._claims)
        self._claims = [each for each in self._claims if not _same(each, upstream, number)]
        return len(self._claims) < before

    def over(self, occupied: Occupancies, wall_ms: int | None) -> list[SaveReservation]:
        """The claims that have ended by their date or because their connector cannot be used."""
        return [each for each in self._claims if _is_over(each, occupied, wall_ms)]

    def against(
        self, connector: ConnectorId, token: IdToken, parent: IdToken | None, occupied: Occupancies
    ) -> str | None:
        """Why this card may not charge here, in plain words; None if no claim of another stands against it."""
        here = [each for each in self._claims if each.connector == connector]
        if any(not _holds(each, token, parent) for each in here):
            return "reserved for another card"
        for_any = any(each.connector == STATION for each in self._claims)
        if here or not for_any or self.claim(connector, token, parent) is not None:
            return None
        return None if self._spare(occupied, Occupancy.WAITING) > 0 else "what is free is reserved"

    def claim(self, connector: ConnectorId, token: IdToken, parent: IdToken | None) -> SaveReservation | None:
        """The claim that this card would use here: one of the connector before one of the station."""
        for place in (connector, STATION):
            for each in self._claims:
                if each.connector == place and _holds(each, token, parent):
                    return each
        return None

    def wants_parent(self, connector: ConnectorId) -> bool:
        """Somebody of a parent may have a claim here: the parent of a card must be known before it is judged."""
        return any(each.parent is not None for each in self._claims if each.connector in (connector, STATION))

    def is_reserved(self, connector: ConnectorId, occupied: Occupancies) -> bool:
        """The connector is free and kept for somebody."""
        state = occupied.get(connector)
        if any(each.connector == connector for each in self._claims):
            return state in (Occupancy.FREE, Occupancy.WAITING)
        for_any = any(each.connector == STATION for each in self._claims)
        return for_any and state is Occupancy.FREE and self._spare(occupied) <= 0

    def _of_connector(self, connector: ConnectorId, occupied: Occupancies) -> ResultStatus:
        if occupied[connector] is not Occupancy.FREE:
            return REFUSALS[occupied[connector]]
        taken = any(each.connector == connector for each in self._claims) or self._spare(occupied) <= 0
        return ResultStatus.OCCUPIED if taken else ResultStatus.ACCEPTED

    def _spare(self, occupied: Occupancies, *besides: Occupancy) -> int:
        """How many connectors that are free (or so) nobody has a claim to."""
        own = {each.connector for each in self._claims if each.connector != STATION}
        free = [each for each, state in occupied.items() if state in (Occupancy.FREE, *besides) and each not in own]
        return len(free) - sum(each.connector == STATION for each in self._claims)


def _same(claim: SaveReservation, upstream: UpstreamId, number: int) -> bool:
    return (claim.upstream, claim.id) == (upstream, number)


def _holds(claim: SaveReservation, token: IdToken, parent: IdToken | None) -> bool:
    """A parent is never taken for a card."""
    return token.matches(claim.token) or (parent is not None and parent.matches(claim.parent))


def _is_over(claim: SaveReservation, occupied: Occupancies, wall_ms: int | None) -> bool:
    if wall_ms is not None and claim.expires_wall_ms <= wall_ms:
        return True
    broken = (Occupancy.UNAVAILABLE, Occupancy.FAULTED)
    if claim.connector == STATION:
        return all(state in broken for state in occupied.values())
    return occupied.get(claim.connector, Occupancy.FAULTED) in broken
