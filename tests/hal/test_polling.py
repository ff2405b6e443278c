"""Periods, staleness and fresh readings on virtual time."""

from __future__ import annotations

import asyncio

from hal.api import ActuationFailed, Fault, FaultSeen, MeterSeen, PilotSeen
from hal.bus_queue import Job, Priority
from hal.modbus import Read
from tests.hal.bench import Bench
from tests.rig.virtual_time import now_s, until


def reads(bench: Bench) -> int:
    """How often the state of the board was read."""
    return len([one for one in bench.board_line.sent() if one.startswith("65 03 00 0b")])


def test_periods_in_a_session_and_idle() -> None:
    async def scenario(bench: Bench) -> None:
        await asyncio.sleep(1)
        for in_session, polls, readings in ((False, 40, 2), (True, 100, 20), (False, 40, 2)):
            bench.hardware.session_pace(1, in_session)
            await asyncio.sleep(0.6)
            before, meter_before = reads(bench), len(bench.seen(MeterSeen))
            await asyncio.sleep(20)
            assert abs(reads(bench) - before - polls) <= 6, in_session
            assert abs(len(bench.seen(MeterSeen)) - meter_before - readings) <= 1, in_session

    Bench().play(scenario)


def test_a_silent_meter_in_a_session_is_one_fault_after_three_seconds() -> None:
    async def scenario(bench: Bench) -> None:
        bench.hardware.session_pace(1, True)
        await until(lambda: bench.seen(MeterSeen), within_s=2)
        bench.meter.silent = True
        took_s = await until(lambda: bench.seen(FaultSeen), within_s=6)
        assert 2.5 <= took_s <= 5
        await asyncio.sleep(120)
        bench.meter.silent = False
        await until(lambda: len(bench.seen(FaultSeen)) == 2, within_s=15)
        assert [(one.fault, one.active) for one in bench.seen(FaultSeen)] == [
            (Fault.METER_OFFLINE, True),
            (Fault.METER_OFFLINE, False),
        ]
        assert len([one for one in bench.log if "meter_offline" in one]) == 2

    Bench().play(scenario)


def test_an_idle_meter_is_stale_only_after_three_of_its_periods() -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.seen(MeterSeen), within_s=2)
        bench.meter.silent = True
        took_s = await until(lambda: bench.seen(FaultSeen), within_s=60)
        assert 28 <= took_s <= 45

    Bench().play(scenario)


def test_a_fresh_reading_begins_after_it_was_asked_for() -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.seen(MeterSeen), within_s=2)
        await asyncio.sleep(1)
        bench.meter.set(72, 1234.570)
        bench.hardware.read_meter(1, 5)
        bench.hardware.read_meter(1, 6)
        began = now_s()
        await until(lambda: len(bench.seen(MeterSeen)) == 3, within_s=2)
        assert now_s() - began < 1.5
        assert [(one.request, one.energy_wh) for one in bench.seen(MeterSeen)[1:]] == [(5, 1234570), (6, 1234570)]

    Bench().play(scenario)


def test_a_reading_that_cannot_be_had_is_told() -> None:
    async def scenario(bench: Bench) -> None:
        bench.meter.silent = True
        bench.hardware.read_meter(1, 5)
        await until(lambda: bench.seen(ActuationFailed), within_s=3)
        assert bench.seen(ActuationFailed)[0].what == "read_meter"

    Bench().play(scenario)


def test_a_device_that_was_never_there_is_told_after_three_seconds() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.silent = True
        await asyncio.sleep(5)
        assert [one.fault for one in bench.seen(FaultSeen)] == [Fault.CONTROLLER_OFFLINE]

    Bench().play(scenario)


def test_a_poll_that_waits_for_its_line_is_no_fresh_reading() -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.seen(PilotSeen), within_s=2)
        bus = bench.hardware._buses[0]

        def again(*_: object) -> None:
            bus.submit(Job(99, (Read(99, 3, 0, 1),), Priority.STOP, again))

        again()
        again()
        await until(lambda: bench.seen(FaultSeen), within_s=5)
        assert bench.seen(FaultSeen)[0].fault is Fault.CONTROLLER_OFFLINE

    Bench().play(scenario)


def test_a_meter_that_was_not_asked_is_not_offline_and_its_silence_counts_from_when_it_is_asked() -> None:
    async def scenario(bench: Bench) -> None:
        bench.hardware.session_pace(1, True)
        await until(lambda: bench.seen(MeterSeen), within_s=2)
        bus = bench.hardware._buses[1]
        busy = [True]

        def again(*_: object) -> None:
            if busy[0]:
                bus.submit(Job(99, (Read(99, 3, 0, 1),), Priority.STOP, again))

        again()
        again()
        before = len(bench.seen(MeterSeen))
        await asyncio.sleep(30)
        assert len(bench.seen(MeterSeen)) <= before + 1
        assert not bench.seen(FaultSeen)
        bench.meter.silent = True
        busy[0] = False
        took_s = await until(lambda: bench.seen(FaultSeen), within_s=10)
        assert took_s >= 1.0
        assert bench.seen(FaultSeen)[0].fault is Fault.METER_OFFLINE
        assert "busy" not in bench.seen(FaultSeen)[0].detail

    Bench().play(scenario)
