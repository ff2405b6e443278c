"""The plant and the real drivers talk over the wire: whatever the drivers say happened did happen in the plant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from hal.api import (
    BusPlan,
    CableSeen,
    CardSeen,
    ConnectorPlan,
    ContactorSeen,
    Fault,
    FaultSeen,
    Hardware,
    HardwarePlan,
    LightPattern,
    LockSeen,
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

EPC, PHOENIX = "viridian_epc2plus", "phoenix_ev_cc_basic"
SDM72, SDM630 = "eastron_sdm72dm_v2", "eastron_sdm630"
T = TypeVar("T", bound=Reading)


class Rig:
    """One connector, its plant and all readings so far."""

    def __init__(self, board: str, meter: str, reader: str) -> None:
        settings = default_settings(board=board, meter=meter, reader=reader)
        unit = {EPC: 101, PHOENIX: 1}[board]
        (outlet,) = settings.outlets
        settings = replace(settings, outlets=(replace(outlet, board_unit=unit, meter_unit=2),))
        self.plant = Plant(settings)
        self.outlet = self.plant.outlets[1]
        self.readings: list[Reading] = []
        plan = HardwarePlan(
            buses=(BusPlan("bus1", "plant:bus1", 19200, "E", 1),),
            connectors=(ConnectorPlan(1, board, "bus1", unit, meter, "bus1", 2, 32),),
            readers=(ReaderPlan("reader1", reader, "plant:reader1", (1,)),),
        )
        self.hardware: Hardware = build(plan, self.readings.append, self.plant.port_factory)

    def all(self, kind: type[T]) -> list[T]:
        return [reading for reading in self.readings if isinstance(reading, kind)]

    async def seen(self, expected: Reading | Callable[[], object], within_s: float = 5.0) -> None:
        check = expected if callable(expected) else lambda: self.readings and expected in self.readings
        await until(check, within_s=within_s, what=f"{expected} among {self.readings[-12:]}")

    async def granted(self) -> None:
        """A car is plugged, locked and charging."""
        self.plant.connector(1).plug_in(CarOptions())
        await self.seen(PilotSeen(1, PilotState.B, False))
        self.hardware.drive_lock(1, True)
        await self.seen(LockSeen(1, True))
        self.hardware.session_pace(1, True)
        self.hardware.offer(1, 16, 1)
        await self.seen(ContactorSeen(1, True))


def with_rig(
    story: Callable[[Rig], Awaitable[None]], board: str = EPC, meter: str = SDM72, reader: str = "pn532_uart"
) -> Rig:
    async def run() -> Rig:
        rig = Rig(board, meter, reader)
        tasks = [asyncio.ensure_future(rig.plant.run()), asyncio.ensure_future(rig.hardware.run())]
        rig.hardware.all_off()
        await rig.seen(OutputsOff(1))
        await story(rig)
        await cancelled(*tasks)
        return rig

    return run_virtual(run())


@pytest.mark.parametrize("meter", [SDM72, SDM630])
@pytest.mark.parametrize("board", [EPC, PHOENIX])
def test_a_session(board: str, meter: str) -> None:
    async def story(rig: Rig) -> None:
        await rig.granted()
        await rig.seen(CableSeen(1, 32))
        await asyncio.sleep(60)
        rig.hardware.read_meter(1, 7)
        await rig.seen(lambda: [m for m in rig.all(MeterSeen) if m.request == 7])
        assert rig.all(MeterSeen)[-1].energy_wh == pytest.approx(rig.outlet.register.energy_wh, abs=4)
        assert rig.outlet.currents_a()[0] == pytest.approx(16, abs=0.01)
        rig.hardware.lower(1, 8, 1)
        await asyncio.sleep(5)
        assert rig.outlet.currents_a()[0] == pytest.approx(8, abs=0.01)
        rig.hardware.withdraw(1, 2)
        await asyncio.sleep(5)
        assert rig.all(ContactorSeen)[-1].closed is False
        assert not rig.outlet.contactor.closed
        rig.hardware.drive_lock(1, False)
        await asyncio.sleep(2)
        assert rig.outlet.lock is not None
        assert not rig.outlet.lock.locked
        rig.plant.connector(1).plug_out()
        await asyncio.sleep(2)
        assert rig.all(PilotSeen)[-1].state is PilotState.A
        assert not rig.all(FaultSeen)

    with_rig(story, board, meter)


@pytest.mark.parametrize(
    ("reader", "token"), [("pn532_uart", "04A1B2C3"), ("pn532_uart", "04A1B2C3D4E5F6"), ("rdm6300", "0A004B9D2C")]
)
def test_a_card(reader: str, token: str) -> None:
    async def story(rig: Rig) -> None:
        await asyncio.sleep(2)
        rig.plant.present_card(token)
        await asyncio.sleep(5)
        assert [card.uid for card in rig.all(CardSeen)] == [token]
        rig.plant.present_card(token)
        await asyncio.sleep(5)
        assert len(rig.all(CardSeen)) == 2

    with_rig(story, reader=reader)


@pytest.mark.parametrize("board", [EPC, PHOENIX])
@pytest.mark.parametrize(
    "condition",
    [
        *(Condition.OVER_TEMPERATURE, Condition.RESIDUAL_CURRENT, Condition.DIODE, Condition.GROUND),
        *(Condition.CONTACTOR_WELDED, Condition.CONTACTOR_STUCK, Condition.EMERGENCY_STOP),
    ],
)
def test_what_goes_wrong_while_charging_is_told_and_so_is_its_end(condition: Condition, board: str) -> None:
    async def story(rig: Rig) -> None:
        await rig.granted()
        rig.plant.set_condition(1, condition, True)
        if condition is Condition.CONTACTOR_WELDED:  # nothing shows before it should open
            rig.hardware.withdraw(1, 2)
        await rig.seen(lambda: [fault for fault in rig.all(FaultSeen) if fault.active])
        rig.hardware.withdraw(1, 2)
        rig.plant.set_condition(1, condition, False)
        await asyncio.sleep(15)
        told = {fault.fault: fault.active for fault in rig.all(FaultSeen)}
        assert told
        assert not any(told.values())

    with_rig(story, board)


def test_a_silent_agent_and_the_dead_man_of_the_epc() -> None:
    async def story(rig: Rig) -> None:
        await rig.granted()
        rig.plant.set_bus("bus1", BusFaults(online=False))
        await asyncio.sleep(12)
        assert rig.outlet.board.offered_a == 0
        assert not rig.outlet.contactor.closed

    with_rig(story, EPC)


def test_a_silent_agent_and_a_phoenix_that_goes_on() -> None:
    async def story(rig: Rig) -> None:
        await rig.granted()
        rig.plant.set_bus("bus1", BusFaults(online=False))
        await asyncio.sleep(60)
        assert rig.outlet.contactor.closed

    with_rig(story, PHOENIX)


@pytest.mark.parametrize("board", [EPC, PHOENIX])
def test_a_noisy_line_with_strangers_loses_nothing(board: str) -> None:
    async def story(rig: Rig) -> None:
        rig.plant.set_bus("bus1", BusFaults(crc_error_rate=0.05, foreign_frames=0.2))
        await rig.granted()
        await asyncio.sleep(30)
        rig.hardware.withdraw(1, 2)
        await asyncio.sleep(10)
        assert not rig.outlet.contactor.closed

    with_rig(story, board)


def test_an_offline_bus_is_told_and_its_return_too() -> None:
    async def story(rig: Rig) -> None:
        rig.plant.set_bus("bus1", BusFaults(online=False))
        await asyncio.sleep(60)
        faults = {fault.fault: fault.active for fault in rig.all(FaultSeen)}
        assert faults == {Fault.CONTROLLER_OFFLINE: True, Fault.METER_OFFLINE: True}
        rig.plant.set_bus("bus1", BusFaults())
        await asyncio.sleep(60)
        faults = {fault.fault: fault.active for fault in rig.all(FaultSeen)}
        assert faults == {Fault.CONTROLLER_OFFLINE: False, Fault.METER_OFFLINE: False}

    with_rig(story)


def test_a_broken_reader_is_told_and_comes_back() -> None:
    async def story(rig: Rig) -> None:
        await asyncio.sleep(2)
        rig.plant.set_condition(1, Condition.READER, True)
        await asyncio.sleep(60)
        told = rig.all(FaultSeen)[-1]
        assert (told.fault, told.active) == (Fault.READER_OFFLINE, True)
        rig.plant.set_condition(1, Condition.READER, False)
        await asyncio.sleep(60)
        assert not rig.all(FaultSeen)[-1].active
        rig.plant.present_card("04A1B2C3")
        await rig.seen(CardSeen("reader1", "04A1B2C3"))

    with_rig(story)


def test_the_light_shows_a_colour() -> None:
    async def story(rig: Rig) -> None:
        rig.hardware.show(1, LightPattern.CHARGING)
        await asyncio.sleep(1)
        assert rig.outlet.board.light == "#0000FF"

    with_rig(story)


def test_a_jammed_lock_is_a_fault() -> None:
    async def story(rig: Rig) -> None:
        rig.plant.set_condition(1, Condition.LOCK_JAM, True)
        rig.hardware.drive_lock(1, True)
        await rig.seen(lambda: [fault for fault in rig.all(FaultSeen) if fault.fault is Fault.LOCK], within_s=10)
        assert LockSeen(1, True) not in rig.readings

    for board in (EPC, PHOENIX):
        with_rig(story, board)
