"""Named defects: what a test puts in the place of a part, to see that somebody objects.

Each is a mapping from a seam to its substitute, as `StationRig(defects=...)` takes it: the fields of
`agent.runtime.context.Seams`, and three of the rig: `hardware` (wraps what was built), `store` (the class) and `plant`
(spoils the plant before anything runs).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.runtime.barrier import Barrier, GrantBook
from agent.runtime.engine import Engine
from agent.store.store import Store
from agent.vocabulary.effects import EFFECT_CLASSES, Effect, EffectClass
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.inputs import AuthorizeAnswered, Input
from agent.vocabulary.moments import iso8601
from agent.vocabulary.outbox import OutboxRow
from agent.vocabulary.records import AuthorizationStatus, Verdict
from hal.simulator.physics.contactor import Contactor
from hal.simulator.plant import Plant
from tests.rig.virtual_time import wall_ms

SLOW_S = 0.4
"""Longer than a contactor may take to open."""
GRANTED = frozenset({"offer", "lower", "withdraw", "close_contactor", "open_contactor"})
"""Commands of the hardware whose last argument is a grant."""


class PowerBeforeRecord(Engine):
    """Gives power first and writes down afterwards that it will."""

    def perform(self, effects: list[Effect], ends_power: bool = False) -> None:
        """Power, then the rest as ever."""
        power = [effect for effect in effects if EFFECT_CLASSES[type(effect)] is EffectClass.POWER]
        for effect in power:
            self._perform_one(effect)
        super().perform([effect for effect in effects if effect not in power], ends_power)


class NoBarrier(Engine):
    """Hands the record to the disk and waits for nothing."""

    def _when_recorded(self, effect: Effect, sequence: int | None, ends_power: bool) -> None:
        self._perform_one(effect)


class BlindGrants(GrantBook):
    """Lets every grant pass."""

    def allows(self, connector: ConnectorId, grant: int) -> bool:
        """Always."""
        return True


class LastingBarrier(Barrier):
    """Keeps what was revoked."""

    def revoke(self, connector: ConnectorId, grant: int) -> int:
        """Nothing is deleted."""
        return 0


class BlindHardware:
    """Hardware to which all grants are the same."""

    def __init__(self, hardware: Any) -> None:
        self._hardware = hardware

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._hardware, name)
        return (lambda *arguments: command(*arguments[:-1], 0)) if name in GRANTED else command


class NoStoredFrame(Store):
    """Writes the frame anew for each attempt, with the time of the attempt."""

    def head(self, upstream: UpstreamId) -> OutboxRow | None:
        """The oldest row, as if it had been written now."""
        row = super().head(upstream)
        if row is None or row.frame is None:
            return row
        return replace(row, frame=re.sub(r'"timestamp":"[^"]*"', f'"timestamp":"{iso8601(wall_ms())}"', row.frame))


class Rewriting(Store):
    """Changes a number in what is sent."""

    number: re.Pattern[str]
    added: int

    def head(self, upstream: UpstreamId) -> OutboxRow | None:
        """The oldest row, changed."""
        row = super().head(upstream)
        if row is None or row.frame is None:
            return row
        changed = self.number.sub(lambda found: f"{found[1]}{int(found[2]) + self.added}", row.frame)
        return replace(row, frame=changed)


class InventedEnergy(Rewriting):
    """Bills a little more than the meter counted."""

    number, added = re.compile(r'("meterStop":)(\d+)'), 7


class ForeignIds(Rewriting):
    """Sends the id of another upstream."""

    number, added = re.compile(r'("transactionId":)(\d+)'), 1000


class Gullible(Engine):
    """Takes every answer about a card for a yes."""

    def post(self, given: Input) -> None:
        """An answer becomes a yes."""
        if isinstance(given, AuthorizeAnswered):
            given = replace(given, verdict=Verdict(AuthorizationStatus.ACCEPTED))
        super().post(given)


class Hands:
    """Hardware that does some things otherwise: methods of a subclass replace those of the hardware."""

    def __init__(self, hardware: Any) -> None:
        self.hardware = hardware

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hardware, name)


class Generous(Hands):
    """Offers power to whatever is plugged, whenever anything changes."""

    def show(self, connector: ConnectorId, pattern: Any) -> None:
        """The light changes: somebody is there."""
        self.hardware.show(connector, pattern)
        self.hardware.offer(connector, 16.0, 1_000_000)


class SlowContactor(Contactor):
    """Takes its time to open."""

    _asked_s: float | None = None

    def update(self, now_s: float) -> None:
        """Whatever the coil does, it stays closed for a while."""
        if not self.closed or (self.commanded and self.coil_supply):
            self._asked_s = None
        elif self._asked_s is None:
            self._asked_s = now_s
        if self._asked_s is None or now_s >= self._asked_s + SLOW_S:
            super().update(now_s)


def slow_contactors(plant: Plant) -> None:
    """All contactors of the plant are slow from now on."""
    for connector in plant.outlets.values():
        connector.contactor.__class__ = SlowContactor


class Clinging(Hands):
    """Never lets a cable go."""

    def drive_lock(self, connector: ConnectorId, locked: bool) -> None:
        """It only closes."""
        if locked:
            self.hardware.drive_lock(connector, locked)


class Lavish(Hands):
    """Offers all that the hardware has, whatever is allowed."""

    def offer(self, connector: ConnectorId, current_a: float, grant: int) -> None:
        """All of it."""
        self.hardware.offer(connector, 16.0, grant)

    def lower(self, connector: ConnectorId, current_a: float, grant: int) -> None:
        """Nothing."""


POWER_BEFORE_RECORD: Mapping[str, Any] = {"engine": PowerBeforeRecord}
"""Power is given before the record that it is for."""
NO_BARRIER: Mapping[str, Any] = {"engine": NoBarrier}
"""Power and talk are not held until the record is synced."""
NO_GRANT_CHECK: Mapping[str, Any] = {"grants": BlindGrants, "barrier": LastingBarrier, "hardware": BlindHardware}
"""A grant that was taken back is performed all the same."""
NO_STORED_FRAME: Mapping[str, Any] = {"store": NoStoredFrame}
"""A message that is sent again has other bytes."""
INVENTED_ENERGY: Mapping[str, Any] = {"store": InventedEnergy}
FOREIGN_IDS: Mapping[str, Any] = {"store": ForeignIds}
GULLIBLE: Mapping[str, Any] = {"engine": Gullible}
GENEROUS: Mapping[str, Any] = {"hardware": Generous}
SLOW_CONTACTORS: Mapping[str, Any] = {"plant": slow_contactors}
CLINGING: Mapping[str, Any] = {"hardware": Clinging}
LAVISH: Mapping[str, Any] = {"hardware": Lavish}
BREAKS: Mapping[str, Mapping[str, Any]] = {
    "INV-1": NO_STORED_FRAME,
    "INV-2": NO_BARRIER,
    "INV-3": INVENTED_ENERGY,
    "INV-4": GENEROUS,
    "INV-5": SLOW_CONTACTORS,
    "INV-6": CLINGING,
    "INV-7": GULLIBLE,
    "INV-8": FOREIGN_IDS,
    "INV-9": LAVISH,
}
"""A defect that breaks each promise."""
