"""Accepted cards that wait for the next connector that is plugged (several connectors free at one reader)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.station.authorization.ladder import Authorisation
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.notes import StationNote


@dataclass(frozen=True, slots=True)
class Waiting:
    """One accepted card and the connectors it may mean."""

    authorisation: Authorisation
    connectors: tuple[ConnectorId, ...]
    since_ms: int


class WaitingRoom:
    """First come, first served; each card as long as the connection time-out allows."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._waiting: list[Waiting] = []

    def enter(self, authorisation: Authorisation, connectors: tuple[ConnectorId, ...], turn: Turn) -> None:
        """A card was accepted, and no single connector is meant yet."""
        self._waiting.append(Waiting(authorisation, connectors, turn.now_ms))

    def cancel(self, token: IdToken, turn: Turn) -> bool:
        """The same card was shown again; True if it waited."""
        for waiting in self._waiting:
            if token.matches(waiting.authorisation.token):
                self._leave(waiting, "cancelled by the same card", turn)
                return True
        return False

    def settle(self, turn: Turn) -> None:
        """Seat the cards whose connector was plugged; those that waited too long leave."""
        timeout_s = self._site.registry.billing.options.connection_timeout_s
        for waiting in list(self._waiting):
            if self._seated(waiting, turn):
                self._waiting.remove(waiting)
            elif timeout_s and turn.reached(waiting.since_ms + timeout_s * 1000):
                self._leave(waiting, "no cable within the connection time-out", turn)

    def _leave(self, waiting: Waiting, why: str, turn: Turn) -> None:
        self._waiting.remove(waiting)
        turn.record(waiting.authorisation.step)
        turn.note(StationNote.SESSION_ABANDONED, why)

    def _seated(self, waiting: Waiting, turn: Turn) -> bool:
        plugged = [
            connector
            for connector in (self._connectors[i] for i in waiting.connectors)
            if connector.state is SessionState.WAITING_CARD
        ]
        plugged.sort(key=lambda connector: connector.facts.plugged_at_ms or 0)
        return any(connector.authorise(waiting.authorisation, turn) for connector in plugged)
