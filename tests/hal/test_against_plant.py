"""The hardware layer against the virtual plant, in one process on virtual time: devices behave as described."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from hal.api import (
    BusPlan,
    CardSeen,
    ConnectorPlan,
    ContactorSeen,
    Fault,
    FaultSeen,
    HardwarePlan,
    LockSeen,
    Measurand,
    MeterSeen,
    OutputsOff,
    PilotSeen,
    PilotState,
    ReaderPlan,
    Reading,
)
from hal.boards import build
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from hal.simulator.wire.bus import BusFaults
from tests.rig.virtual_time import cancelled, run_virtual, until

Kind = TypeVar("Kind")
PAIRS = [
    ("viridian_epc2plus", "eastron_sdm72dm_v2", "pn532_uart", BusPlan("bus1", "plant:bus1", 19200, "E", 1)),
    ("phoenix_ev_cc_basic", "eastron_sdm630", "rdm6300", BusPlan("bus1", "plant:bus1", 9600, "N", 1)),
]


class Desk:
    """One connector with everything on one line."""

    def __init__(self, board: str, meter: str, reader: str, bus: BusPlan) -> None:
        self.plant = Plant(default_settings(1, board, meter, reader))
        self.readings: list[Reading] = []
        self.log: list[str] = []
        meter_unit = 2 if board == "phoenix_ev_cc_basic" else 1
        plan = HardwarePlan(
            buses=(bus,),
            connectors=(ConnectorPlan(1, board, "bus1", None, meter, "bus1", meter_unit, 32.0),),
            readers=(ReaderPlan("reader1", reader, "plant:reader1", (1,)),),
        )
        self.hardware = build(plan, self.readings.append, self.plant.port_factory, self.log.append)

    def seen(self, kind: type[Kind]) -> list[Kind]:
        return [one for one in self.readings if isinstance(one, kind)]

    def faults(self) -> set[Fault]:
        active: set[Fault] = set()
        for one in self.seen(FaultSeen):
            active = active | {one.fault} if one.active else active - {one.fault}
        return active

    async def charging(self) -> None:
        self.hardware.all_off()
        await until(lambda: self.seen(OutputsOff) and self.seen(PilotSeen), within_s=10)
        self.plant.connector(1).plug_in(CarOptions(amps=16.0))
        await until(lambda: self.seen(PilotSeen)[-1].state is PilotState.B, within_s=1)
        self.hardware.drive_lock(1, True)
        await until(lambda: self.seen(LockSeen) and self.seen(LockSeen)[-1].locked, within_s=4)
        self.hardware.session_pace(1, True)
        self.hardware.offer(1, 16, grant=1)
        await until(lambda: self.seen(ContactorSeen)[-1].closed, within_s=6)
        await asyncio.sleep(20)

    def play(self, scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            tasks = [asyncio.create_task(self.plant.run()), asyncio.create_task(self.hardware.run())]
            try:
                await scenario(self)
                assert not any(task.done() for task in tasks), tasks
            finally:
                await cancelled(*tasks)

        run_virtual(whole())


@pytest.fixture(params=PAIRS, ids=[one[0] for one in PAIRS])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(*request.param)


def test_a_whole_charge(desk: Desk) -> None:
    async def scenario(_: Desk) -> None:
        await desk.charging()
        outlet = desk.plant.connector(1)
        last = desk.seen(MeterSeen)[-1]
        assert last.value(Measurand.POWER_ACTIVE_IMPORT) == pytest.approx(sum(outlet.powers_w()), rel=0.02)
        assert abs(last.energy_wh - outlet.register.energy_wh) < 10
        assert desk.faults() == set()
        desk.hardware.withdraw(1, grant=2)
        await until(lambda: not desk.seen(ContactorSeen)[-1].closed, within_s=8)
        desk.hardware.drive_lock(1, False)
        await until(lambda: not desk.seen(LockSeen)[-1].locked, within_s=4)
        desk.plant.connector(1).plug_out()
        await until(lambda: desk.seen(PilotSeen)[-1].state is PilotState.A, within_s=1)
        await asyncio.sleep(30)
        assert desk.faults() == set()

    desk.play(scenario)


def test_a_card(desk: Desk) -> None:
    async def scenario(_: Desk) -> None:
        await asyncio.sleep(1)
        uid = "04A1B2C3D4E5F6" if "pn532" in str(desk.plant.settings.readers) else "0A00AB12CD"
        desk.plant.present_card(uid)
        await until(lambda: desk.seen(CardSeen), within_s=2)
        await asyncio.sleep(10)
        assert [one.uid for one in desk.seen(CardSeen)] == [uid]

    desk.play(scenario)


def test_a_jammed_lock(desk: Desk) -> None:
    async def scenario(_: Desk) -> None:
        desk.hardware.all_off()
        await until(lambda: desk.seen(OutputsOff), within_s=10)
        desk.plant.connector(1).plug_in(CarOptions())
        desk.plant.set_condition(1, Condition.LOCK_JAM, True)
        await asyncio.sleep(1)
        desk.hardware.drive_lock(1, True)
        await until(lambda: Fault.LOCK in desk.faults(), within_s=10)

    desk.play(scenario)


def test_a_pulled_line_and_a_noisy_one(desk: Desk) -> None:
    async def scenario(_: Desk) -> None:
        await desk.charging()
        desk.plant.set_bus("bus1", BusFaults(crc_error_rate=0.1, foreign_frames=True))
        await asyncio.sleep(60)
        assert not desk.faults() & {Fault.CONTROLLER_OFFLINE, Fault.METER_OFFLINE}
        desk.plant.set_bus("bus1", BusFaults(online=False))
        both = {Fault.CONTROLLER_OFFLINE, Fault.METER_OFFLINE}
        await until(lambda: both <= desk.faults(), within_s=10)
        await asyncio.sleep(60)
        desk.plant.set_bus("bus1", BusFaults())
        await until(lambda: not both & desk.faults(), within_s=20)
        for fault in both:
            assert len([one for one in desk.seen(FaultSeen) if one.fault is fault]) == 2

    desk.play(scenario)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition.DIODE, {Fault.DIODE}),
        (Condition.RESIDUAL_CURRENT, {Fault.RESIDUAL_CURRENT}),
        (Condition.UNDER_VOLTAGE, {Fault.UNDER_VOLTAGE}),
        (Condition.OVER_VOLTAGE, {Fault.OVER_VOLTAGE}),
        (Condition.EMERGENCY_STOP, {Fault.CONTROLLER_OTHER}),
        (Condition.TAMPER, set()),
    ],
)
def test_conditions(desk: Desk, condition: Condition, expected: set[Fault]) -> None:
    async def scenario(_: Desk) -> None:
        await desk.charging()
        desk.plant.set_condition(1, condition, True)
        await until(lambda: expected <= desk.faults(), within_s=10)
        desk.plant.set_condition(1, condition, False)

    desk.play(scenario)


def test_an_epc_falls_back_when_nobody_talks_to_it() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.charging()
        desk.plant.set_bus("bus1", BusFaults(online=False))
        await until(lambda: not desk.plant.connector(1).contactor.closed, within_s=20)
        assert sum(desk.plant.connector(1).currents_a()) == 0

    Desk(*PAIRS[0]).play(scenario)
