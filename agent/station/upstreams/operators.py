"""News about the operators of the station: answers for management, and what its keys tell of a staged change."""

from __future__ import annotations

from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import Answer, OptionsChanged
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.inputs import OperatorsAnswered, SettingsStaged
from agent.vocabulary.options import Origin


class Operators:
    """One method per input."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def answered(self, given: OperatorsAnswered, turn: Turn) -> None:
        """The answer goes to who asked."""
        turn.add(Answer(given.upstream, given.call, given.result))

    def staged(self, given: SettingsStaged, turn: Turn) -> None:
        """What the next boot applies, as a key tells it that only management has. Not stored: the settings know it."""
        self._site.options = self._site.options.with_value("pending_change", given.text, Origin.INSTALLER)
        turn.add(OptionsChanged(MANAGEMENT))
