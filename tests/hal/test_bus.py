"""The bus on virtual time: priorities, grants, retry, backoff, gaps, a line that goes and comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hal.bus import ANSWER_S, Bus
from hal.bus_queue import Job, Outcome, Priority, Result
from hal.modbus import Read, WriteWords
from hal.serial_port import SerialSettings
from tests.hal.fake_line import FakeLine, FakeUnit
from tests.rig.virtual_time import cancelled, run_virtual, settle, until

SETTINGS = SerialSettings(baud=9600)
READ = Read(1, 3, 0, 2)


def unit(number: int = 1) -> FakeUnit:
    return FakeUnit(number, holding=dict.fromkeys(range(10), 0), coils=dict.fromkeys(range(10), 0))


class Desk:
    """A bus on a fake line, and the names of jobs in the order in which they ended."""

    def __init__(self, line: FakeLine) -> None:
        self.line = line
        self.log: list[str] = []
        self.ended: list[tuple[str, Result]] = []
        self.bus = Bus("test", "fake", SETTINGS, line.open, self.log.append)

    def submit(self, name: str, priority: Priority, *requests: Any, **more: Any) -> None:
        def done(outcome: Outcome) -> None:
            self.ended.append((name, outcome.result))

        job_unit = requests[0].unit
        self.bus.submit(Job(job_unit, requests, priority, done, **more))

    async def read(self, number: int = 1, priority: Priority = Priority.PILOT) -> Outcome:
        return await self.bus.ask(number, (Read(number, 3, 0, 2),), priority, 0.02)

    def play(self, scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            task = asyncio.create_task(self.bus.run())
            try:
                await scenario(self)
                assert not task.done()
            finally:
                await cancelled(task)

        run_virtual(whole())


def loop_s() -> float:
    return asyncio.get_running_loop().time()


def test_more_urgent_leaves_first() -> None:
    async def scenario(desk: Desk) -> None:
        for name, priority in (
            ("light", Priority.COSMETIC),
            ("meter", Priority.METER),
            ("pilot", Priority.PILOT),
            ("offer", Priority.ACTUATE),
            ("stop", Priority.STOP),
        ):
            desk.submit(name, priority, READ)
        await until(lambda: len(desk.ended) == 5, within_s=5)
        assert [name for name, _ in desk.ended] == ["stop", "offer", "pilot", "meter", "light"]

    Desk(FakeLine(unit())).play(scenario)


def test_a_stop_goes_between_the_requests_of_a_job_and_between_its_tries() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.units[0].deaf_for = 1
        desk.submit("meter", Priority.METER, READ, READ)
        await asyncio.sleep(0.1)
        desk.submit("stop", Priority.STOP, WriteWords(1, 5, 0, (0,)))
        await until(lambda: len(desk.ended) == 2, within_s=3)
        assert desk.ended == [("stop", Result.DONE), ("meter", Result.DONE)]
        assert [one[3:5] for one in desk.line.sent()] == ["03", "05", "03", "03"]

    Desk(FakeLine(unit())).play(scenario)


def test_one_request_in_flight_and_the_gap_is_kept() -> None:
    async def scenario(desk: Desk) -> None:
        for number in range(3):
            desk.submit(str(number), Priority.METER, READ, gap_s=0.1)
        await until(lambda: len(desk.ended) == 3, within_s=5)
        directions = [direction for _, direction, _ in desk.line.transcript]
        assert directions == [">>", "<<"] * 3
        answered = [at for at, direction, _ in desk.line.transcript if direction == "<<"]
        asked = [at for at, direction, _ in desk.line.transcript if direction == ">>"]
        assert all(start - end >= 0.1 - 1e-6 for end, start in zip(answered, asked[1:], strict=False))

    Desk(FakeLine(unit())).play(scenario)


def test_one_retry_then_silent() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.units[0].deaf_for = 1
        assert (await desk.read()).done
        desk.line.units[0].silent = True
        began = loop_s()
        outcome = await desk.read()
        assert outcome.result is Result.SILENT
        assert "unit 1 does not answer" in outcome.detail
        assert 2 * ANSWER_S < loop_s() - began < 2 * ANSWER_S + 0.5
        assert len(desk.line.sent()) == 4

    Desk(FakeLine(unit())).play(scenario)


def test_a_dead_unit_rests_and_its_neighbour_is_not_delayed() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.units[1].silent = True
        for _ in range(3):
            assert (await desk.read(2, Priority.METER)).result is Result.SILENT
        sent = len(desk.line.sent())
        began = loop_s()
        while loop_s() - began < 60:
            await desk.read(2, Priority.METER)
            before = loop_s()
            assert (await desk.read(1)).done
            assert loop_s() - before < 0.2  # settling after the vain try, the gap, the exchange
            await asyncio.sleep(1)
        to_dead = [one for one in desk.line.sent()[sent:] if one.startswith("02")]
        assert 5 <= len(to_dead) <= 12

    Desk(FakeLine(unit(1), unit(2))).play(scenario)


def test_a_resting_unit_is_still_actuated_and_is_back_at_its_first_answer() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.units[0].silent = True
        for _ in range(3):
            await desk.read()
        assert (await desk.read()).result is Result.SKIPPED
        desk.line.units[0].silent = False
        assert (await desk.read(1, Priority.STOP)).done
        assert (await desk.read()).done

    Desk(FakeLine(unit())).play(scenario)


def test_revoked_power_is_deleted_from_the_queue_and_dropped_when_late() -> None:
    async def scenario(desk: Desk) -> None:
        write = WriteWords(1, 16, 5, (1,))
        desk.submit("busy", Priority.STOP, READ)
        await settle()
        desk.submit("queued", Priority.ACTUATE, write, connector=1, grant=3)
        desk.submit("other", Priority.ACTUATE, WriteWords(1, 16, 6, (1,)), connector=2, grant=3)
        desk.submit("safe", Priority.ACTUATE, WriteWords(1, 16, 7, (1,)), connector=1)
        desk.bus.revoke(1, 4)
        desk.submit("late", Priority.ACTUATE, write, connector=1, grant=3)
        desk.submit("current", Priority.ACTUATE, WriteWords(1, 16, 8, (1,)), connector=1, grant=4)
        await until(lambda: len(desk.ended) == 6, within_s=3)
        assert dict(desk.ended) == {
            "busy": Result.DONE,
            "queued": Result.REVOKED,
            "other": Result.DONE,
            "safe": Result.DONE,
            "late": Result.REVOKED,
            "current": Result.DONE,
        }
        assert [address for _, address, _ in desk.line.units[0].written] == [6, 7, 8]

    Desk(FakeLine(unit())).play(scenario)


def test_power_that_is_revoked_half_way_sends_no_further_request() -> None:
    async def scenario(desk: Desk) -> None:
        writes = (WriteWords(1, 16, 5, (16,)), WriteWords(1, 5, 0, (1,)))
        desk.submit("offer", Priority.ACTUATE, *writes, connector=1, grant=1)
        await until(lambda: desk.line.units[0].written, within_s=1, poll_s=0.001)
        desk.bus.revoke(1, 2)
        await until(lambda: desk.ended, within_s=1)
        assert desk.ended == [("offer", Result.REVOKED)]
        assert desk.line.units[0].coils[0] == 0

    Desk(FakeLine(unit())).play(scenario)


def test_power_that_is_revoked_during_its_retry_is_not_sent_again() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.units[0].silent = True
        desk.submit("offer", Priority.ACTUATE, WriteWords(1, 16, 5, (16,)), connector=1, grant=1)
        await until(lambda: desk.line.sent(), within_s=1, poll_s=0.001)
        desk.bus.revoke(1, 2)
        await until(lambda: desk.ended, within_s=1)
        assert desk.ended == [("offer", Result.REVOKED)]
        assert len(desk.line.sent()) == 1

    Desk(FakeLine(unit())).play(scenario)


def test_a_newer_command_replaces_a_waiting_one_of_its_key() -> None:
    async def scenario(desk: Desk) -> None:
        desk.submit("busy", Priority.STOP, READ)
        await settle()
        desk.submit("ten", Priority.ACTUATE, WriteWords(1, 16, 5, (10,)), key="offer")
        desk.submit("sixteen", Priority.ACTUATE, WriteWords(1, 16, 5, (16,)), key="offer")
        await until(lambda: len(desk.ended) == 3, within_s=1)
        assert ("ten", Result.REPLACED) in desk.ended
        assert desk.line.units[0].written == [(16, 5, (16,))]

    Desk(FakeLine(unit())).play(scenario)


def test_a_half_sent_command_does_not_finish_over_a_newer_one_of_its_key() -> None:
    async def scenario(desk: Desk) -> None:
        writes = (WriteWords(1, 16, 5, (16,)), WriteWords(1, 5, 0, (1,)))
        desk.submit("offer", Priority.ACTUATE, *writes, key="offer")
        await until(lambda: desk.line.sent(), within_s=1, poll_s=0.001)
        desk.submit("off", Priority.STOP, WriteWords(1, 5, 0, (0,)), key="offer")
        await until(lambda: len(desk.ended) == 2, within_s=1)
        assert dict(desk.ended) == {"offer": Result.REPLACED, "off": Result.DONE}
        assert desk.line.units[0].coils[0] == 0

    Desk(FakeLine(unit())).play(scenario)


def test_a_refusal_is_an_answer_and_not_tried_again() -> None:
    async def scenario(desk: Desk) -> None:
        outcome = await desk.bus.ask(1, (Read(1, 3, 500, 1),), Priority.PILOT, 0.02)
        assert (outcome.result, outcome.code) == (Result.REFUSED, 2)
        assert "illegal address" in outcome.detail
        assert len(desk.line.sent()) == 1

    Desk(FakeLine(unit())).play(scenario)


def test_noise_echo_and_foreign_frames_are_survived() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.echo = True
        desk.line.before = bytes.fromhex("00ff 02030400010002") + bytes.fromhex("01830201")
        desk.line.units[0].holding[0] = 7
        for _ in range(3):
            assert (await desk.read()).replies == ((7, 0),)
        outcome = await desk.bus.ask(1, (WriteWords(1, 5, 3, (1,)),), Priority.ACTUATE, 0.02)
        assert outcome.done
        desk.line.before = b""
        desk.line.units[0].silent = True
        outcome = await desk.bus.ask(1, (WriteWords(1, 5, 3, (1,)),), Priority.ACTUATE, 0.02)
        assert outcome.result is Result.SILENT  # the echo of a coil write looks like its answer

    Desk(FakeLine(unit())).play(scenario)


def test_a_spoiled_answer_is_asked_for_again() -> None:
    async def scenario(desk: Desk) -> None:
        desk.line.spoil = 1
        assert (await desk.read()).done
        assert len(desk.line.sent()) == 2

    Desk(FakeLine(unit())).play(scenario)


def test_a_late_answer_is_not_taken_for_another() -> None:
    async def scenario(desk: Desk) -> None:
        slow = desk.line.units[0]
        slow.holding[0] = 99
        slow.latency_s = ANSWER_S + 0.03
        first = asyncio.create_task(desk.bus.ask(1, (Read(1, 3, 0, 1),), Priority.METER, 0.02))
        await asyncio.sleep(ANSWER_S + 0.01)
        slow.latency_s = 0.01
        outcome = await desk.bus.ask(1, (Read(1, 3, 5, 1),), Priority.STOP, 0.02)
        assert outcome.replies == ((0,),)
        assert (await first).replies == ((99,),)

    Desk(FakeLine(unit())).play(scenario)


def test_a_line_that_goes_and_comes_is_told_once_each() -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.read()).done
        desk.line.unplug()
        for _ in range(50):
            assert (await desk.read()).result is Result.NO_PORT
            await asyncio.sleep(0.2)
        desk.line.plugged = True
        assert (await desk.read(1, Priority.STOP)).done
        assert (await desk.read()).done
        assert len(desk.log) == 2, desk.log

    Desk(FakeLine(unit())).play(scenario)


def test_a_lost_line_is_opened_again_by_polls_alone() -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.read()).done
        desk.line.unplug()
        assert not (await desk.read()).done
        desk.line.plugged = True

        answered = []
        for _ in range(10):
            answered.append((await desk.read()).done)
            await asyncio.sleep(0.5)
        assert answered == sorted(answered)
        assert answered[-5:] == [True] * 5

    Desk(FakeLine(unit())).play(scenario)


def test_a_stop_does_not_wait_for_a_request_that_waits_for_its_gap() -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.read()).done
        desk.submit("meter", Priority.METER, READ, gap_s=0.5)
        await asyncio.sleep(0.1)
        desk.submit("stop", Priority.STOP, WriteWords(1, 5, 0, (0,)))
        await until(lambda: len(desk.ended) == 2, within_s=2)
        assert [name for name, _ in desk.ended] == ["stop", "meter"]

    Desk(FakeLine(unit())).play(scenario)
