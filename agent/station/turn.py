"""One turn of the station: what a single input leads to, collected in the order *safer, record, power, talk*.

Theory of operation
-------------------
Parts of the station never hand effects to each other; they append to the turn. At its end all entries become one
`Record` (committed together or not at all; a barrier if any of them needs one), and power effects whose grant number
was overtaken within the same turn are gone.

Of what is talk, answers come first: a backend hears that its request was accepted before it hears what follows from it.

Nothing in the station keeps a timer. A part that waits asks `reached(at_ms)` each turn; what lies ahead is remembered,
and the earliest of it is when the station wants its next `Tick`.
"""

from __future__ import annotations

from agent.vocabulary.effects import (
    EFFECT_CLASSES,
    Answer,
    CloseContactor,
    Effect,
    EffectClass,
    Note,
    Offer,
    OpenContactor,
    Record,
    Withdraw,
)
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import Entry


class Turn:
    """Collects the effects of one input at one moment."""

    def __init__(self, now: Moment) -> None:
        self.now = now
        self._effects: dict[EffectClass, list[Effect]] = {each: [] for each in EffectClass}
        self._entries: list[Entry] = []
        self._barrier = False
        self._grants: dict[ConnectorId, int] = {}
        self._deadline: int | None = None

    @property
    def now_ms(self) -> int:
        """Monotonic time of this boot."""
        return self.now.monotonic_ms

    @property
    def deadline_ms(self) -> int | None:
        """The earliest instant that some part waits for."""
        return self._deadline

    @property
    def recorded(self) -> bool:
        """This turn has something to record."""
        return bool(self._entries)

    @property
    def makes_barrier(self) -> bool:
        """Power and talk of this turn will be held until its record is synced."""
        return self._barrier

    def add(self, effect: Effect) -> None:
        """Append an effect in its class. Records go through `record`."""
        if isinstance(effect, Withdraw | OpenContactor):
            self._grants[effect.connector] = effect.grant
        self._effects[EFFECT_CLASSES[type(effect)]].append(effect)

    def record(self, *entries: Entry, barrier: bool = False) -> None:
        """Append rows to the one record of this turn."""
        self._entries.extend(entries)
        self._barrier = self._barrier or barrier

    def note(
        self, event: StationNote, text: str, connector: ConnectorId | None = None, upstream: UpstreamId | None = None
    ) -> None:
        """A line for log and page; never a card in it."""
        self.add(Note(event.value, text, connector, upstream))

    def reached(self, at_ms: int) -> bool:
        """True once `at_ms` has come; else the station is woken then."""
        if self.now_ms >= at_ms:
            return True
        if self._deadline is None or at_ms < self._deadline:
            self._deadline = at_ms
        return False

    def effects(self) -> list[Effect]:
        """Everything collected, in order."""
        found = list(self._effects[EffectClass.SAFER])
        if self._entries:
            found.append(Record(tuple(self._entries), self._barrier))
        found.extend(e for e in self._effects[EffectClass.POWER] if self._is_current(e))
        found.extend(sorted(self._effects[EffectClass.TALK], key=_is_no_answer))
        return found

    def _is_current(self, effect: Effect) -> bool:
        if not isinstance(effect, Offer | CloseContactor):
            return True
        return effect.grant >= self._grants.get(effect.connector, effect.grant)


def _is_no_answer(effect: Effect) -> bool:
    return not isinstance(effect, Answer)
