"""The lock: pulse, tries, confirmation, and what happens when it moves by itself."""

from __future__ import annotations

import asyncio

from hal.api import ActuationFailed, Fault, FaultSeen, LockSeen
from tests.hal.bench import Bench
from tests.rig.virtual_time import until


def lock_writes(bench: Bench, start: str) -> list[tuple[float, str]]:
    return [(at, one[:-6]) for at, way, one in bench.board_line.transcript if way == ">>" and one.startswith(start)]


def test_a_pulse_is_as_long_as_the_profile_says() -> None:
    async def scenario(bench: Bench) -> None:
        bench.hardware.drive_lock(1, True)
        await until(lambda: bench.seen(LockSeen) and bench.seen(LockSeen)[-1].locked, within_s=3)
        (started, drive), (ended, rest) = lock_writes(bench, "07 10 00 05")
        assert (drive, rest) == ("07 10 00 05 00 01 02 00 01", "07 10 00 05 00 01 02 00 00")
        assert 0.3 <= ended - started <= 0.45

    Bench("tiny_commanded").play(scenario)


def test_it_is_tried_as_often_as_the_profile_says_and_told_once() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.break_lock()
        bench.hardware.drive_lock(1, True)
        await asyncio.sleep(20)
        assert len(lock_writes(bench, "65 10 00 04")) == 3
        assert [(one.fault, one.active, one.detail) for one in bench.seen(FaultSeen)] == [
            (Fault.LOCK, True, "did not lock")
        ]

    Bench("viridian_epc2plus").play(scenario)


def test_a_phoenix_lock_is_confirmed_a_second_later_by_the_absence_of_its_bits() -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.seen(LockSeen), within_s=2)
        bench.hardware.drive_lock(1, True)
        took_s = await until(lambda: bench.seen(LockSeen)[-1].locked, within_s=3)
        assert took_s >= 1

    Bench("phoenix_ev_cc_basic").play(scenario)


def test_a_lock_that_opens_by_itself_is_told_after_its_debounce() -> None:
    async def scenario(bench: Bench) -> None:
        bench.hardware.drive_lock(1, True)
        await until(lambda: bench.seen(LockSeen) and bench.seen(LockSeen)[-1].locked, within_s=3)
        bench.hardware.session_pace(1, True)
        await asyncio.sleep(1)
        bench.board.holding[3] = 0
        await asyncio.sleep(0.1)
        bench.board.holding[3] = 1
        await asyncio.sleep(1)
        assert bench.seen(LockSeen)[-1].locked
        bench.board.holding[3] = 0
        await until(lambda: not bench.seen(LockSeen)[-1].locked, within_s=1)
        assert bench.seen(FaultSeen)[-1].detail == "opened by itself"

    Bench("tiny_commanded").play(scenario)


def test_a_newer_wish_ends_the_tries_of_an_older_one() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.break_lock()
        bench.hardware.drive_lock(1, True)
        await asyncio.sleep(0.5)
        bench.hardware.drive_lock(1, False)
        await until(lambda: len(lock_writes(bench, "65 10 00 04 00 01 02 00 02")) == 1, within_s=3)
        assert len(lock_writes(bench, "65 10 00 04 00 01 02 00 01")) == 1

    Bench("viridian_epc2plus").play(scenario)


def test_a_connector_without_lock_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        bench.hardware.drive_lock(1, False)
        assert [one.what for one in bench.seen(ActuationFailed)] == ["unlock"]

    Bench("viridian_epc2plus", captive=True).play(scenario)
