"""What holds power and talk back until the record is on the disk, and what makes a grant revocable anywhere.

Theory of operation
-------------------
`Barrier` is an ordered list of held effects, each under the sequence of the record it waits for. `GrantBook` knows the
present grant number of every connector: a safer effect raises it, and a power effect with a lower number is never
performed, whether it was held here, queued on the bus or arrives late.

Both are tiny and injected into the engine, so that a test can put a defective substitute in their place and see the
plant's oracle object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.vocabulary.effects import Answer, CloseContactor, Effect, Offer, Publish
from agent.vocabulary.ids import ConnectorId, UpstreamId


@dataclass(frozen=True, slots=True)
class Held:
    """One effect that waits for the record `sequence`."""

    sequence: int
    effect: Effect
    released_on_failure: bool = False
    """The disk refuses writes: this effect goes out all the same (an answer to a stop command, a status)."""


class Barrier:
    """Held effects in the order in which they were wanted. Used by the engine only."""

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._outstanding: list[int] = []
        self.failing = False
        """The disk refuses writes: what may go out without its record is not held at all."""

    @property
    def last_outstanding(self) -> int | None:
        """Sequence of the newest barrier record that is not synced yet; None if there is none."""
        return self._outstanding[-1] if self._outstanding else None

    def expect(self, sequence: int) -> None:
        """A barrier record with this sequence was handed to the writer."""
        self._outstanding.append(sequence)

    def hold(self, held: Held) -> None:
        """Keep an effect until `released` returns it."""
        self._held.append(held)

    def sequence_of_publish(self, upstream: UpstreamId) -> int | None:
        """The newest sequence under which a status of this upstream waits: a later one must not overtake it."""
        waiting = [h.sequence for h in self._held if isinstance(h.effect, Publish) and h.effect.upstream == upstream]
        return waiting[-1] if waiting else None

    def synced(self, sequence: int) -> list[Effect]:
        """All records up to `sequence` are synced: what waited for them, in order."""
        self.failing = False
        self._outstanding = [s for s in self._outstanding if s > sequence]
        return self._take(lambda h: h.sequence <= sequence)

    def failed(self, sequence: int) -> list[Effect]:
        """The record could not be written: only what may go out without it."""
        self.failing = True
        return self._take(lambda h: h.sequence >= sequence and h.released_on_failure)

    def revoke(self, connector: ConnectorId, grant: int) -> int:
        """Delete held power effects of the connector below `grant`; returns how many."""
        gone = self._take(lambda h: isinstance(h.effect, Offer | CloseContactor) and _below(h.effect, connector, grant))
        return len(gone)

    def cap(self, connector: ConnectorId, current_a: float) -> None:
        """A lower limit came while an offer is held: when it goes out, it goes out lowered."""
        self._held = [
            replace(h, effect=replace(h.effect, current_a=min(current_a, h.effect.current_a)))
            if isinstance(h.effect, Offer) and h.effect.connector == connector
            else h
            for h in self._held
        ]

    def _take(self, wanted: Callable[[Held], bool]) -> list[Effect]:
        taken = [h.effect for h in self._held if wanted(h)]
        self._held = [h for h in self._held if not wanted(h)]
        return taken


class GrantBook:
    """The present grant number of every connector."""

    def __init__(self) -> None:
        self._current: dict[ConnectorId, int] = {}

    def raise_to(self, connector: ConnectorId, grant: int) -> None:
        """A safer effect: numbers below `grant` are void from now on."""
        self._current[connector] = max(grant, self._current.get(connector, 0))

    def allows(self, connector: ConnectorId, grant: int) -> bool:
        """True while a power effect with this number may be performed."""
        return grant >= self._current.get(connector, 0)


def is_released_on_failure(effect: Effect, ends_power: bool) -> bool:
    """Statuses always, answers only to commands that end power: nobody may be left hanging by a dead disk."""
    return isinstance(effect, Publish) or (ends_power and isinstance(effect, Answer))


def _below(effect: Offer | CloseContactor, connector: ConnectorId, grant: int) -> bool:
    return effect.connector == connector and effect.grant < grant
