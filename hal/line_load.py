"""What the devices of a line want of it while all charge, and what that makes of their pace. Pure.

Theory of operation
-------------------
Each device wants a round of its requests once a period. A line that has no time for all of them asks all of them more
slowly by the same factor (`hal.bus_queue`): the sum of what they want, in seconds of the line for each second. So the
pace that is left can be told before anything is asked. It is an estimate by the profiles: a device may answer sooner,
or refuse long requests and want more of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hal import modbus
from hal.blocks import documented, merge
from hal.modbus import Read
from hal.profile import Profile, Register
from hal.serial_port import SerialSettings

ANSWERED_S = 0.02
"""Until a usual device begins its answer."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The rounds of one device on the line `bus`: how often, and the seconds of the line that each request takes."""

    bus: str
    period_s: float
    requests_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What all devices of a line want of it together."""

    wanted_per_s: float
    """Transactions."""
    busy: float
    """Seconds of the line for each second; more than one cannot be had."""

    @property
    def carried_per_s(self) -> float:
        """The transactions that there is time for."""
        return self.wanted_per_s / self.slower

    @property
    def slower(self) -> float:
        """The factor by which all periods grow."""
        return max(1.0, self.busy)


def demand(
    bus: str, settings: SerialSettings, profile: Profile, registers: Sequence[Register], period_s: float
) -> Demand:
    """What reading these registers once a period wants."""
    blocks = merge(registers, profile.limits, known=documented(profile.registers.values()))
    gap_s = max(profile.limits.gap_ms / 1000, settings.silence_s)
    reads = [Read(profile.unit, block.functions[0], block.address, block.count) for block in blocks]
    characters = [len(modbus.encode(read)) + modbus.response_length(read) for read in reads]
    return Demand(bus, period_s, tuple(gap_s + one * settings.character_s + ANSWERED_S for one in characters))


def load(demands: Iterable[Demand]) -> Load:
    """All demands of one line together."""
    whole = tuple(demands)
    return Load(
        sum(len(one.requests_s) / one.period_s for one in whole),
        sum(sum(one.requests_s) / one.period_s for one in whole),
    )


def limitations(lines: Mapping[str, SerialSettings], demands: Sequence[Demand]) -> tuple[str, ...]:
    """For people: which of these lines cannot carry what is on them, and the way out."""
    found: list[str] = []
    for bus, settings in lines.items():
        mine = [one for one in demands if one.bus == bus]
        whole = load(mine)
        if whole.busy > 1:
            paces = sorted({one.period_s for one in mine})
            slowed = ", ".join(f"every {whole.slower * one:.1f} s instead of {one:g} s" for one in paces)
            found.append(
                f"Bus {bus!r} at {settings.baud} baud has time for {whole.carried_per_s:.1f} of the "
                f"{whole.wanted_per_s:.1f} transactions a second that its devices want while all charge: they are "
                f"asked {slowed}. Raise its baud rate, or give its meters a bus of their own."
            )
    return tuple(found)
