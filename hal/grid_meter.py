"""The meter behind the main fuse: it belongs to no connector, and its currents alone are read.

It is asked once a second like any meter in a session, behind everything else on its bus, so that it can starve nobody.
Its silence is a fault of the station (`METER_OFFLINE` of no connector); what is then safe is for the station to say.
A phase whose power is negative feeds in: its current is told as negative where the meter gives power by phase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hal.api import Fault, GridPlan, GridSeen, HardwarePlan, Measurand, Observer, Phase
from hal.bus import Bus
from hal.changes import FaultKeeper
from hal.connector import Wiring
from hal.device import Device
from hal.line_load import Demand, demand
from hal.polling import METER_PACE, MeterPoller
from hal.profile import MeterProfile, Register
from hal.profile_reader import find_meter
from hal.registers import Value
from hal.toml_table import ProfileError

Log = Callable[[str], None]
_PHASES = (Phase.L1, Phase.L2, Phase.L3)
_TOO_MUCH = 1.2
"""More than the rating of the meter by this factor is not believed."""


class GridMeter:
    """One meter on one bus. Raises ProfileError where it does not measure each phase."""

    def __init__(self, plan: GridPlan, profile: MeterProfile, bus: Bus, observer: Observer, log: Log) -> None:
        self.unit = plan.unit or profile.unit
        self.bus = bus
        self.longest_read = profile.limits.max_read
        """Registers in one request at most."""
        self._observer = observer
        self._most_a = profile.rating_a * _TOO_MUCH
        self._currents = _by_phase(profile, Measurand.CURRENT_IMPORT)
        self._powers = _by_phase(profile, Measurand.POWER_ACTIVE_IMPORT)
        if set(self._currents) != set(_PHASES):
            raise ProfileError(f"grid: meter {profile.id!r} does not give the current of each phase; choose another")
        wanted = profile.with_powers([*self._currents.values(), *self._powers.values()])
        self.demand: Demand = demand(bus.name, bus.settings, profile, wanted, METER_PACE.session_s)
        """What it wants of its line."""
        faults = FaultKeeper(None, observer, log)
        self._faults = faults
        device = Device.on(bus, self.unit, profile)
        self._poller = MeterPoller(device.reader, lambda slow_too: wanted, faults, self._take, lambda detail: None)
        self._poller.session_pace(True)

    def check_unit(self, wirings: Iterable[Wiring]) -> None:
        """Raises ProfileError if a device of a connector has the same unit."""
        for one in wirings:
            if (self.bus, self.unit) in ((one.board_bus, one.board_unit), (one.meter_bus, one.meter_unit)):
                raise ProfileError(
                    f"bus {self.bus.name!r}: unit {self.unit} is the grid meter and a device of connector "
                    f"{one.plan.id}; give each a unit of its own"
                )

    async def run(self) -> None:
        """Poll until cancelled."""
        await self._poller.run()

    def _take(self, values: Mapping[str, Value], requests: Iterable[int], now: float) -> None:
        found = [self._current(phase, values) for phase in _PHASES]
        first, second, third = found
        doubtful = first is None or second is None or third is None
        self._faults.set(Fault.METER_IMPLAUSIBLE, "grid", doubtful, now, "grid meter: a current cannot be")
        if first is not None and second is not None and third is not None:
            self._observer(GridSeen((first, second, third)))

    def _current(self, phase: Phase, values: Mapping[str, Value]) -> float | None:
        """None where it is not given or cannot be true (NaN is no number that is within bounds)."""
        current = values.get(self._currents[phase].name)
        if not isinstance(current, (int, float)) or not abs(current) <= self._most_a:
            return None
        power = values.get(self._powers[phase].name) if phase in self._powers else None
        feeds_in = isinstance(power, (int, float)) and power < 0
        return -abs(current) if feeds_in else float(current)


def make_grid_meter(plan: HardwarePlan, buses: Mapping[str, Bus], observer: Observer, log: Log) -> GridMeter | None:
    """The grid meter of a plan, if it has one. Raises ProfileError."""
    if plan.grid is None:
        return None
    if plan.grid.bus not in buses:
        raise ProfileError(f"grid: there is no bus {plan.grid.bus!r}; there are: {', '.join(buses) or 'none'}")
    profile = find_meter(plan.grid.meter, plan.profile_folders)
    return GridMeter(plan.grid, profile, buses[plan.grid.bus], observer, log)


def _by_phase(profile: MeterProfile, measurand: Measurand) -> dict[Phase, Register]:
    mine = (one for one in profile.registers.values() if one.measurand is measurand)
    return {one.phase: one for one in mine if one.phase in _PHASES}
