"""What somebody wants with a card, and the question that came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.station.authorization.router import Poll
from agent.vocabulary.charging import ChargingProfile
from agent.vocabulary.events import Trigger
from agent.vocabulary.ids import ConnectorId, IdToken


class Purpose(StrEnum):
    """To charge, or to stop what another card of the same group began."""

    START = "start"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants something with a card."""

    token: IdToken
    purpose: Purpose
    connectors: tuple[ConnectorId, ...]
    """The one it is about, or all that it may be about."""
    trigger: Trigger = Trigger.AUTHORIZED
    remote_start_id: int | None = None
    profile: ChargingProfile | None = None

    @property
    def only(self) -> ConnectorId | None:
        """The one connector that it is about; None if there are several."""
        return self.connectors[0] if len(self.connectors) == 1 else None


@dataclass(frozen=True, slots=True)
class Question:
    """An open question to one upstream or several."""

    request: Request
    epoch: int | None
    """Of the one connector that it is about; None if there are several."""
    poll: Poll
