"""What every board must do behind `hal.api.Hardware`, whatever its profile: one suite, run for each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hal.api import (
    ActuationFailed,
    CableSeen,
    ContactorKind,
    ContactorSeen,
    Fault,
    FaultSeen,
    Hardware,
    LightPattern,
    LockSeen,
    MeterSeen,
    OutputsOff,
    PilotSeen,
    PilotState,
)
from hal.profile_reader import SHIPPED
from tests.hal.bench import BOARD_UNITS, Bench
from tests.rig.virtual_time import now_s, until

BOARDS = sorted(BOARD_UNITS)


@pytest.fixture(params=BOARDS)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def test_every_shipped_board_is_in_this_suite() -> None:
    assert {path.stem for path in SHIPPED.glob("boards/*.toml")} <= set(BOARDS)


def test_satisfies_the_protocol(bench: Bench) -> None:
    hardware: Hardware = bench.hardware
    assert list(hardware.capabilities) == [1]


async def _off(bench: Bench) -> None:
    bench.hardware.all_off()
    await until(lambda: bench.seen(OutputsOff) and bench.seen(PilotSeen), within_s=3)


async def _charging(bench: Bench, current_a: float = 16) -> None:
    await _off(bench)
    bench.board.plug()
    await until(lambda: bench.seen(PilotSeen) and bench.seen(PilotSeen)[-1].state is PilotState.B, within_s=1)
    bench.hardware.session_pace(1, True)
    bench.hardware.offer(1, current_a, grant=1)
    if bench.hardware.capabilities[1].contactor is ContactorKind.COMMANDED:
        bench.hardware.close_contactor(1, grant=1)
    await until(lambda: bench.board.offered_a == current_a, within_s=1)
    bench.board.ask_power()


def test_all_off_is_answered_once_read_back(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        assert bench.board.offered_a == 0

    bench.play(scenario)


def test_all_off_of_a_silent_board_is_tried_until_it_answers(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        bench.board.silent = True
        bench.hardware.all_off()
        await asyncio.sleep(20)
        assert not bench.seen(OutputsOff)
        bench.board.silent = False
        await until(lambda: bench.seen(OutputsOff), within_s=15)

    bench.play(scenario)


def test_a_car_that_comes_and_goes_is_told_once(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await until(lambda: bench.seen(PilotSeen), within_s=1)
        bench.board.plug()
        plugged_s = await until(lambda: len(bench.seen(PilotSeen)) == 2, within_s=1)
        assert plugged_s >= 0.2 - 0.05
        bench.board.unplug()
        await until(lambda: len(bench.seen(PilotSeen)) == 3, within_s=0.7)
        await asyncio.sleep(10)
        assert [one.state for one in bench.seen(PilotSeen)] == [PilotState.A, PilotState.B, PilotState.A]

    bench.play(scenario)


def test_an_offer_reaches_the_pilot_and_the_contactor(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        await until(lambda: bench.seen(ContactorSeen)[-1].closed, within_s=1)
        last = bench.seen(PilotSeen)[-1]
        assert (last.state, last.pwm, last.advertised_a) == (PilotState.C, True, 16)

    bench.play(scenario)


def test_a_withdrawn_offer_is_off_within_the_computed_time(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        worst_s = bench.hardware.capabilities[1].worst_opening_ms / 1000
        bench.hardware.withdraw(1, grant=2)
        assert await until(lambda: bench.board.offered_a == 0, within_s=worst_s, poll_s=0.005) < worst_s
        await until(lambda: not bench.seen(PilotSeen)[-1].pwm, within_s=1)

    bench.play(scenario)


def test_an_open_contactor_is_seen_open(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        await until(lambda: bench.seen(ContactorSeen)[-1].closed, within_s=1)
        bench.hardware.open_contactor(1, grant=2)
        await until(lambda: not bench.seen(ContactorSeen)[-1].closed, within_s=1)
        assert bench.board.offered_a == 0

    bench.play(scenario)


def test_power_of_an_old_grant_does_nothing(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        bench.hardware.withdraw(1, grant=5)
        bench.hardware.offer(1, 16, grant=4)
        bench.hardware.close_contactor(1, grant=4)
        await asyncio.sleep(20)
        assert bench.board.offered_a == 0

    bench.play(scenario)


def test_an_offer_that_is_queued_when_it_is_withdrawn_is_never_sent(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        sent_before = len(bench.board.written)
        bench.hardware.offer(1, 16, grant=1)
        bench.hardware.withdraw(1, grant=2)
        await asyncio.sleep(10)
        assert bench.board.offered_a == 0
        assert all(16 not in values for _, _, values in bench.board.written[sent_before:])

    bench.play(scenario)


def test_lower_lowers_and_never_raises_or_starts(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        bench.hardware.lower(1, 10, grant=1)
        await asyncio.sleep(1)
        assert bench.board.offered_a == 0
        await _charging(bench)
        bench.hardware.lower(1, 20, grant=1)
        await asyncio.sleep(1)
        assert bench.board.offered_a == 16
        bench.hardware.lower(1, 10, grant=1)
        await until(lambda: bench.board.offered_a == 10, within_s=1)
        bench.hardware.lower(1, 3, grant=2)
        await until(lambda: bench.board.offered_a == 0, within_s=1)

    bench.play(scenario)


def test_never_more_than_allowed_and_never_less_than_the_minimum(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        most = bench.hardware.capabilities[1].maximum_current_a
        bench.hardware.offer(1, 999, grant=1)
        await until(lambda: bench.board.offered_a == most, within_s=1)
        bench.hardware.withdraw(1, grant=2)
        bench.hardware.offer(1, 5.9, grant=2)
        await asyncio.sleep(1)
        assert bench.board.offered_a == 0
        assert [one.what for one in bench.seen(ActuationFailed)] == ["offer"]

    bench.play(scenario)


def test_a_withdraw_that_is_lost_is_told_once_and_sent_until_it_works(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        bench.board.silent = True
        bench.hardware.withdraw(1, grant=2)
        await asyncio.sleep(8)
        assert [one.what for one in bench.seen(ActuationFailed)].count("withdraw") == 1
        bench.board.silent = False
        await until(lambda: bench.board.offered_a == 0, within_s=2)

    bench.play(scenario)


def test_a_silent_board_is_one_fault_and_one_recovery(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        bench.board.silent = True
        silent_s = await until(lambda: _offline(bench) == [True], within_s=6)
        assert silent_s >= 2.5
        await asyncio.sleep(60)
        bench.board.silent = False
        await until(lambda: _offline(bench) == [True, False], within_s=15)

    bench.play(scenario)


def test_a_board_that_forgot_is_offered_anew_but_only_while_granted(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        for table in (bench.board.coils, bench.board.holding):
            table.update({address: 0 for address in (1, 5, 6, 20000, 22000) if address in table})
        bench.board.follow()
        await until(lambda: bench.board.offered_a == 16, within_s=11)

    bench.play(scenario)


def test_an_unknown_state_is_a_pilot_fault_and_never_state_a(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _charging(bench)
        await until(lambda: bench.seen(PilotSeen)[-1].state is PilotState.C, within_s=1)
        before = len(bench.seen(PilotSeen))
        for address in (0, 11, 24000):
            for table in (bench.board.holding, bench.board.inputs):
                if address in table and not (address == 0 and 11 in table):
                    table[address] = 99
        await until(lambda: Fault.PILOT in [one.fault for one in bench.seen(FaultSeen)], within_s=1)
        assert len(bench.seen(PilotSeen)) == before

    bench.play(scenario)


def test_a_fault_bit_comes_and_goes_once(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        bench.board.fail(True)
        await until(lambda: bench.seen(FaultSeen), within_s=1)
        bench.board.fail(False)
        await until(lambda: bench.seen(FaultSeen)[-1].active is False, within_s=4)
        told = bench.seen(FaultSeen)
        assert {one.fault for one in told if one.active} == {one.fault for one in told if not one.active}
        assert len(told) == 2 * len({one.fault for one in told})

    bench.play(scenario)


def test_the_lock_is_confirmed_even_where_it_was_already(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        for locked in (True, True, False, False):
            before = len(bench.seen(LockSeen))
            bench.hardware.drive_lock(1, locked)
            await until(lambda before=before: len(bench.seen(LockSeen)) > before, within_s=3)  # type: ignore[misc]
            assert bench.seen(LockSeen)[-1].locked is locked
        assert not bench.seen(FaultSeen)

    bench.play(scenario)


def test_a_jammed_lock_is_a_fault_after_its_tries(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        bench.board.break_lock()
        bench.hardware.drive_lock(1, True)
        await until(lambda: Fault.LOCK in [one.fault for one in bench.seen(FaultSeen)], within_s=8)
        assert not any(one.locked for one in bench.seen(LockSeen))

    bench.play(scenario)


def test_a_fresh_meter_reading_answers_its_token(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await until(lambda: bench.seen(MeterSeen), within_s=2)
        asked_s = now_s()
        bench.hardware.read_meter(1, request=77)
        await until(lambda: [one for one in bench.seen(MeterSeen) if one.request == 77], within_s=2)
        assert now_s() - asked_s < 2
        assert bench.seen(MeterSeen)[-1].energy_wh == 1_234_567

    bench.play(scenario)


def test_a_dead_meter_delays_no_stop(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        bench.meter.silent = True
        await _charging(bench)
        await until(lambda: Fault.METER_OFFLINE in [one.fault for one in bench.seen(FaultSeen)], within_s=40)
        bench.hardware.withdraw(1, grant=2)
        await until(lambda: bench.board.offered_a == 0, within_s=0.5)

    bench.play(scenario)


def test_the_light_is_shown_where_there_is_one(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        for pattern in LightPattern:
            bench.hardware.show(1, pattern)
        await asyncio.sleep(1)
        assert not bench.seen(ActuationFailed)

    bench.play(scenario)


def test_cable_ratings_stay_while_plugged(bench: Bench) -> None:
    async def scenario(_: Bench) -> None:
        await _off(bench)
        bench.board.plug(20)
        await until(lambda: bench.seen(CableSeen)[-1].rating_a == 20, within_s=1)
        await until(lambda: bench.seen(PilotSeen)[-1].state is PilotState.B, within_s=1)
        bench.board.plug(32)
        await asyncio.sleep(2)
        assert bench.seen(CableSeen)[-1].rating_a == 20
        bench.board.unplug()
        await until(lambda: bench.seen(CableSeen)[-1].rating_a is None, within_s=1)

    if bench.hardware.capabilities[1].cable_rating:
        bench.play(scenario)
    else:
        assert bench.board.unit == 7


def test_a_captive_cable_has_neither_lock_nor_rating() -> None:
    for board in BOARDS:
        bench = Bench(board, captive=True)
        capabilities = bench.hardware.capabilities[1]
        assert (capabilities.lock, capabilities.cable_rating) == (None, False)


def test_switch_off_frames_are_left_for_the_day_the_agent_dies(tmp_path: Path) -> None:
    for board in BOARDS:
        bench = Bench(board, safe_off_folder=str(tmp_path / board))
        assert (tmp_path / board / "connector-1.json").is_file(), bench


def _offline(bench: Bench) -> list[bool]:
    return [one.active for one in bench.seen(FaultSeen) if one.fault is Fault.CONTROLLER_OFFLINE]
