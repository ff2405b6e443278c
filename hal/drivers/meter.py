"""The meter: samples -> `MeterSeen`; what cannot be true is dropped, what is odd and voltages out of band are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hal.api import Fault, Measurand, Measured, MeterSeen, Phase
from hal.changes import FaultKeeper
from hal.drivers.contactor import ContactorDriver
from hal.plausibility import LOWEST_VOLT, Plausibility, Sample
from hal.profile import MeterProfile, Register
from hal.registers import Value, ValueType
from hal.suspicion import Suspicion

UNDER_VOLT, OVER_VOLT = 184.0, 264.5
"""80 % and 115 % of 230 V: what a car's charger must bear lies inside (IEC 60038 allows 207 to 253 V)."""
_PHASES = (Phase.L1, Phase.L2, Phase.L3)


class MeterDriver:
    """One meter of one connector with `phases` phases connected."""

    def __init__(
        self, connector: int, profile: MeterProfile, phases: int, faults: FaultKeeper, contactor: ContactorDriver
    ) -> None:
        self._connector = connector
        self._registers = tuple(one for one in profile.registers.values() if one.measurand is not None)
        self._energy = profile.energy
        self._phases = _PHASES[:phases]
        self._faults = faults
        self._contactor = contactor
        self._plausibility = Plausibility(profile.rating_a)
        fixed = self._energy.type is not ValueType.FLOAT32 and self._energy.exponent is None
        self._suspicion = Suspicion(self._energy.scale if fixed else 0.0)
        self._slow: dict[str, Value] = {}
        self._all_registers = profile.with_powers(self._mine(self._registers))
        self._fast_registers = profile.with_powers(one for one in self._mine(self._registers) if not one.slow)

    @property
    def measurands(self) -> tuple[tuple[Measurand, Phase | None], ...]:
        """What the meter can give for the phases that are connected."""
        return tuple((one.measurand, one.phase) for one in self._mine(self._registers) if one.measurand is not None)

    def wanted(self, slow_too: bool) -> tuple[Register, ...]:
        """Registers of the next round."""
        return self._all_registers if slow_too else self._fast_registers

    def take(self, fresh: Mapping[str, Value], requests: Iterable[int], now: float) -> tuple[MeterSeen, ...]:
        """One round that was read; a reading per request token (0: nobody asked). Empty where it cannot be true."""
        self._slow |= {one.name: fresh[one.name] for one in self._registers if one.slow and one.name in fresh}
        values = self._slow | dict(fresh)
        energy = values.get(self._energy.name)
        if not isinstance(energy, (int, float)):
            self._faults.set(Fault.METER_IMPLAUSIBLE, "sample", True, now, "no energy value")
            return ()
        sample = self._sample(float(energy), fresh, now)
        reason = self._plausibility.judge(sample)
        if not reason:
            self._faults.set(Fault.METER_IMPLAUSIBLE, "sample", False, now)
        elif self._plausibility.implausible:
            self._faults.set(Fault.METER_IMPLAUSIBLE, "sample", True, now, reason)
        if reason:
            return ()
        odd = self._suspicion.judge(sample)
        self._faults.set(Fault.METER_SUSPECT, "course", bool(odd), now, odd)
        measured = self._measured(values)
        self._watch(measured, now)
        return tuple(MeterSeen(self._connector, round(energy), measured, one) for one in requests)

    def _mine(self, registers: Iterable[Register]) -> Iterable[Register]:
        return (one for one in registers if one.phase is None or one.phase in self._phases)

    def _measured(self, values: Mapping[str, Value]) -> tuple[Measured, ...]:
        found: list[Measured] = []
        for one in self._mine(self._registers):
            value = values.get(one.name)
            if one.measurand is not None and one is not self._energy and isinstance(value, (int, float)):
                found.append(Measured(one.measurand, float(value), one.phase))
        return tuple(found)

    def _sample(self, energy_wh: float, fresh: Mapping[str, Value], now: float) -> Sample:
        return Sample(
            at_s=now,
            energy_wh=energy_wh,
            power_w=next(iter(self._all(fresh, Measurand.POWER_ACTIVE_IMPORT, (None,))), None),
            voltages=self._all(fresh, Measurand.VOLTAGE, self._phases),
            currents=self._all(fresh, Measurand.CURRENT_IMPORT, self._phases),
            frequency_hz=next(iter(self._all(fresh, Measurand.FREQUENCY, (None,))), None),
        )

    def _all(
        self, values: Mapping[str, Value], measurand: Measurand, phases: Iterable[Phase | None]
    ) -> tuple[float, ...]:
        wanted = [one for one in self._registers if one.measurand is measurand and one.phase in tuple(phases)]
        found = [values.get(one.name) for one in wanted]
        return tuple(float(one) for one in found if isinstance(one, (int, float)))

    def _watch(self, measured: Iterable[Measured], now: float) -> None:
        volts = [one.value for one in measured if one.measurand is Measurand.VOLTAGE and one.value >= LOWEST_VOLT]
        low, high = min(volts, default=230.0), max(volts, default=230.0)
        self._faults.set(Fault.UNDER_VOLTAGE, "meter", low < UNDER_VOLT, now, f"{low:.0f} V")
        self._faults.set(Fault.OVER_VOLTAGE, "meter", high > OVER_VOLT, now, f"{high:.0f} V")
        currents = [abs(one.value) for one in measured if one.measurand is Measurand.CURRENT_IMPORT]
        if currents:
            self._contactor.take_current(max(currents), now)
