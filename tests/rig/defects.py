"""Named defects: what a test puts in the place of a part, to see that somebody objects.

Each is a mapping from a seam to its substitute, as `StationRig(defects=...)` takes it: the fields of
`agent.runtime.context.Seams`, and two of the rig: `hardware` (wraps what was built) and `store` (the class).
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
from agent.vocabulary.moments import iso8601
from agent.vocabulary.outbox import OutboxRow
from tests.rig.virtual_time import wall_ms

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


POWER_BEFORE_RECORD: Mapping[str, Any] = {"engine": PowerBeforeRecord}
"""Power is given before the record that it is for."""
NO_BARRIER: Mapping[str, Any] = {"engine": NoBarrier}
"""Power and talk are not held until the record is synced."""
NO_GRANT_CHECK: Mapping[str, Any] = {"grants": BlindGrants, "barrier": LastingBarrier, "hardware": BlindHardware}
"""A grant that was taken back is performed all the same."""
NO_STORED_FRAME: Mapping[str, Any] = {"store": NoStoredFrame}
"""A message that is sent again has other bytes."""
