"""Offers, settings and the dead-man on the wire: golden transcripts of whole sequences."""

from __future__ import annotations

import asyncio

from hal.api import ActuationFailed, Fault, FaultSeen, LightPattern, OutputsOff, PilotSeen, PilotState
from tests.hal.bench import Bench, SharedLine
from tests.rig.virtual_time import until


def golden(bench: Bench, functions: tuple[str, ...]) -> list[str]:
    """What went out with these functions, without the checksum."""
    return [one[:-6] for one in bench.board_line.sent() if one[3:5] in functions]


async def _off(bench: Bench) -> None:
    bench.hardware.all_off()
    await until(lambda: bench.seen(OutputsOff), within_s=5)


def test_all_off_of_an_epc_arms_its_dead_man_before_it_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.holding[30] = 16
        await _off(bench)
        assert golden(bench, ("10",))[-3:] == [
            "65 10 00 1c 00 01 02 27 10",  # communication time-out 10 s
            "65 10 00 1e 00 01 02 00 00",  # fall back to 0 A
            "65 10 00 05 00 02 04 00 00 00 00",  # off, last
        ]
        assert (bench.board.holding[28], bench.board.holding[30]) == (10_000, 0)

    Bench("viridian_epc2plus").play(scenario)


def test_a_phoenix_is_set_up_once_and_its_memory_is_spared() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        setup = [one for one in golden(bench, ("10",)) if one.startswith("01 10 0f")]
        assert setup == [
            "01 10 0f a0 00 01 02 00 03",
            "01 10 0f a2 00 01 02 00 03",
            "01 10 0f a6 00 01 02 00 01",
        ]
        await asyncio.sleep(120)
        bench.hardware.all_off()
        await asyncio.sleep(5)
        assert len([one for one in golden(bench, ("10",)) if one.startswith("01 10 0f")]) == 3

    Bench("phoenix_ev_cc_basic").play(scenario)


def test_a_phoenix_that_would_close_in_state_d_is_told_not_to() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.holding[4010] = 1
        await _off(bench)
        assert bench.board.holding[4010] == 0

    Bench("phoenix_ev_cc_basic").play(scenario)


def test_a_phoenix_that_was_always_enabled_is_off_before_it_is_told_off() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.holding[4000], bench.board.holding[22000] = 0, 16
        bench.board.follow()
        assert bench.board.offered_a == 16
        await _off(bench)
        assert bench.board.offered_a == 0

    Bench("phoenix_ev_cc_basic").play(scenario)


def test_an_offer_and_its_end() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        before = len(golden(bench, ("05", "10")))
        bench.hardware.offer(1, 16.9, grant=1)
        await asyncio.sleep(0.5)
        bench.hardware.withdraw(1, grant=2)
        await asyncio.sleep(0.5)
        assert golden(bench, ("05", "10"))[before:] == [
            "01 10 55 f0 00 01 02 00 10",
            "01 05 4e 20 ff 00",
            "01 05 4e 20 00 00",
        ]

    Bench("phoenix_ev_cc_basic").play(scenario)


def test_a_running_offer_is_refreshed_and_a_withdrawn_one_never() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.hardware.offer(1, 16, grant=1)
        before = len(bench.board.written)
        await asyncio.sleep(30)
        refreshed = [one for one in bench.board.written[before:] if one == (16, 5, (1, 16))]
        assert 9 <= len(refreshed) <= 12
        bench.hardware.withdraw(1, grant=2)
        await asyncio.sleep(0.5)
        before = len(bench.board.written)
        await asyncio.sleep(60)
        assert bench.board.written[before:] == []

    Bench("viridian_epc2plus").play(scenario)


def test_a_dead_man_that_was_lost_is_armed_again() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.board.holding[28] = 0
        await until(lambda: bench.board.holding[28] == 10_000, within_s=12)

    Bench("viridian_epc2plus").play(scenario)


def test_a_dead_man_that_cannot_be_armed_is_a_fault_and_nothing_is_told_off() -> None:
    async def scenario(bench: Bench) -> None:
        del bench.board.holding[28]
        bench.hardware.all_off()
        await until(lambda: bench.seen(FaultSeen), within_s=5)
        assert bench.seen(FaultSeen)[0].fault is Fault.CONTROLLER_OTHER
        await asyncio.sleep(30)
        assert not bench.seen(OutputsOff)

    Bench("viridian_epc2plus").play(scenario)


def test_what_is_commanded_is_closed_after_the_offer_and_opened_first() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.hardware.offer(1, 16, grant=1)
        bench.hardware.close_contactor(1, grant=1)
        await until(lambda: bench.board.coils[0] == 1, within_s=1)
        before = len(golden(bench, ("05", "10")))
        bench.hardware.open_contactor(1, grant=2)
        await asyncio.sleep(0.5)
        assert golden(bench, ("05", "10"))[before:] == ["07 05 00 00 00 00", "07 10 00 01 00 01 02 00 00"]

    Bench("tiny_commanded").play(scenario)


def test_a_contactor_that_sticks_is_told() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.board.stuck = True
        bench.hardware.offer(1, 16, grant=1)
        bench.hardware.close_contactor(1, grant=1)
        await until(lambda: bench.seen(FaultSeen), within_s=3)
        assert bench.seen(FaultSeen)[0].fault is Fault.CONTACTOR_STUCK

    Bench("tiny_commanded").play(scenario)


def test_a_light_is_one_frame_and_the_newest_pattern_wins() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.hardware.show(1, LightPattern.FREE)
        bench.hardware.show(1, LightPattern.CHARGING)
        await asyncio.sleep(1)
        assert golden(bench, ("10",))[-1] == "65 10 00 00 00 04 08 00 00 00 00 00 ff 00 01"
        assert not bench.seen(ActuationFailed)

    Bench("viridian_epc2plus").play(scenario)


def test_a_board_that_was_away_shows_its_light_and_arms_again() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.hardware.show(1, LightPattern.FAULT)
        await asyncio.sleep(1)
        bench.board.silent = True
        await asyncio.sleep(20)
        bench.board.holding.update({0: 0, 28: 0})
        bench.board.silent = False
        await until(lambda: bench.board.holding[0] == 255 and bench.board.holding[28] == 10_000, within_s=15)

    Bench("viridian_epc2plus").play(scenario)


def test_a_board_that_takes_its_orders_and_does_not_follow_is_not_told_off() -> None:
    async def scenario(bench: Bench) -> None:
        bench.board.on_write = lambda unit: unit.holding.update({5: 1})
        bench.hardware.all_off()
        await asyncio.sleep(20)
        assert not bench.seen(OutputsOff)

    Bench("viridian_epc2plus").play(scenario)


def test_a_board_that_comes_back_with_an_offer_of_its_own_is_switched_off() -> None:
    async def scenario(bench: Bench) -> None:
        await _off(bench)
        bench.board.silent = True
        await asyncio.sleep(20)
        bench.board.holding.update({5: 1, 6: 16})
        bench.board.silent = False
        await until(lambda: bench.board.offered_a == 0, within_s=15)

    Bench("viridian_epc2plus").play(scenario)


def test_a_dead_board_that_must_be_switched_off_does_not_blind_its_neighbour() -> None:
    async def scenario(line: SharedLine) -> None:
        line.hardware.all_off()
        await asyncio.sleep(5)
        line.hardware.session_pace(2, True)
        line.boards[2].plug()
        line.hardware.offer(1, 16, grant=1)
        line.hardware.offer(2, 16, grant=1)
        await asyncio.sleep(2)
        line.boards[1].silent = True
        line.hardware.withdraw(1, grant=2)
        await asyncio.sleep(30)
        assert not line.seen(FaultSeen, 2)
        line.boards[2].unplug()
        took_s = await until(lambda: line.seen(PilotSeen, 2)[-1].state is PilotState.A, within_s=20)
        assert took_s <= 1.5

    SharedLine().play(scenario)


def test_a_board_that_was_never_there_does_not_keep_its_neighbour_from_starting() -> None:
    async def scenario(line: SharedLine) -> None:
        line.boards[1].silent = True
        line.hardware.all_off()
        await until(lambda: line.seen(OutputsOff, 2), within_s=5)
        await asyncio.sleep(30)
        assert not [one for one in line.seen(FaultSeen, 2) if one.active]

    SharedLine().play(scenario)
