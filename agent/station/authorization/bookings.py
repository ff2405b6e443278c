"""Reservations where they meet the connectors: made, cancelled, over; and what is shown as reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.station.authorization.reservations import Occupancy
from agent.station.evse.connector import BLOCKING, Connector
from agent.station.evse.session import SessionState
from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.commands import CancelReservation, Reserve, Result, ResultStatus
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import DropReservation, SaveReservation


class Bookings:
    """The only one who changes the claims; the rules are those of `Reservations`."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors

    def begin(self, turn: Turn) -> None:
        """The first turn of this life: who has the service no more keeps nobody's connector."""
        for claim in self._site.snapshot.reservations:
            if claim.upstream != self._site.reservations_of:
                turn.record(DropReservation(claim.upstream, claim.id))
                why = "its upstream does not reserve any more"
                turn.note(StationNote.RESERVATION_OVER, why, claim.connector, claim.upstream)

    def reserve(self, asker: Upstream, command: Reserve, turn: Turn) -> Result:
        """ReserveNow; stored before it is answered."""
        self.look()
        wall_ms = self._site.wall_ms(turn.now)
        if wall_ms is None:
            return Result(ResultStatus.REJECTED, "the time is not known: nobody would know when it ends")
        status = self._site.reservations.judge(command, asker.id, self._site.occupied, wall_ms)
        if status is ResultStatus.ACCEPTED:
            claim = SaveReservation(
                asker.id, command.id, command.connector, command.token, command.expires_wall_ms, command.parent
            )
            self._site.reservations.add(claim)
            turn.record(claim, barrier=True)
        return Result(status, "" if status is ResultStatus.ACCEPTED else f"reservation: {status.value}")

    def cancel(self, asker: Upstream, command: CancelReservation, turn: Turn) -> Result:
        """CancelReservation."""
        if not self._site.reservations.drop(asker.id, command.id):
            return Result(ResultStatus.REJECTED, "no such reservation")
        turn.record(DropReservation(asker.id, command.id), barrier=True)
        return Result(ResultStatus.ACCEPTED)

    def against(self, connectors: Sequence[ConnectorId], token: IdToken) -> str | None:
        """Why this card may charge at none of these, as far as its parent does not matter."""
        if not self._site.reservations.claims:
            return None
        self.look()
        claims, occupied = self._site.reservations, self._site.occupied
        reasons = [claims.against(each, token, None, occupied) for each in connectors]
        return reasons[0] if reasons and all(reasons) else None

    def wants_parent(self, connectors: Sequence[ConnectorId]) -> bool:
        """The parent of a card decides at one of these."""
        return any(self._site.reservations.wants_parent(each) for each in connectors)

    def settle(self, turn: Turn) -> None:
        """Drop what is over, and see what is kept for somebody now."""
        site, wall_ms = self._site, self._site.wall_ms(turn.now)
        if not site.reservations.claims:
            site.reserved = frozenset()
            return
        self.look()
        for claim in site.reservations.over(site.occupied, wall_ms):
            site.reservations.drop(claim.upstream, claim.id)
            turn.record(DropReservation(claim.upstream, claim.id))
            turn.note(StationNote.RESERVATION_OVER, f"reservation {claim.id}", claim.connector, claim.upstream)
        for claim in site.reservations.claims if wall_ms is not None else ():
            turn.reached(turn.now_ms + claim.expires_wall_ms - (wall_ms or 0))
        site.reserved = frozenset(
            each for each in self._connectors if site.reservations.is_reserved(each, site.occupied)
        )

    def look(self) -> None:
        """How the connectors are used now."""
        self._site.occupied = {each.id: _occupancy(each) for each in self._connectors.values()}


def _occupancy(connector: Connector) -> Occupancy:
    if connector.faults.has(*BLOCKING) is not None:
        return Occupancy.FAULTED
    if not connector.site.holds.operative(connector.id):
        return Occupancy.UNAVAILABLE
    if connector.kept is None and connector.authorisation is None and connector.state is SessionState.FREE:
        return Occupancy.FREE
    return Occupancy.WAITING if connector.state is SessionState.WAITING_CARD else Occupancy.IN_USE
