"""What every driver of a board needs: the device on its bus, and where to report to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hal.blocks import write_requests
from hal.bus import Bus
from hal.bus_queue import Outcome, Priority
from hal.changes import Changes, FaultKeeper
from hal.modbus import WriteWords
from hal.profile import Profile, Register, Write
from hal.register_reader import RegisterReader


@dataclass(frozen=True, slots=True)
class Device:
    """One unit on one bus, with its profile. `reader` keeps what was learned about the unit."""

    bus: Bus
    unit: int
    profile: Profile
    reader: RegisterReader

    @classmethod
    def on(cls, bus: Bus, unit: int, profile: Profile) -> Device:
        """A device of which nothing is known yet."""
        return cls(bus, unit, profile, RegisterReader(bus, unit, profile.limits, profile.registers.values()))

    @property
    def registers(self) -> Mapping[str, Register]:
        """The registers of the profile."""
        return self.profile.registers

    @property
    def gap_s(self) -> float:
        """Silence before each request to it, in seconds."""
        return self.profile.limits.gap_ms / 1000

    def requests(self, writes: Sequence[Write], current_a: float = 0) -> tuple[WriteWords, ...]:
        """The frames of one actuation."""
        return write_requests(writes, self.registers, self.unit, current_a)

    async def write(self, writes: Sequence[Write], priority: Priority, current_a: float = 0) -> Outcome:
        """Write and wait for the outcome. For what is not power: it carries no grant."""
        return await self.bus.ask(self.unit, self.requests(writes, current_a), priority, self.gap_s)


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the drivers of one connector tell what they see. `failed(what, detail)`: a write did not get through."""

    connector: int
    changes: Changes
    faults: FaultKeeper
    failed: Callable[[str, str], None]
