"""What a reader of registers learns from refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hal.bus import Bus
from hal.bus_queue import Outcome, Result
from hal.profile import Limits, Register
from hal.register_reader import RegisterReader
from hal.registers import ValueType
from hal.serial_port import SerialSettings
from tests.hal.bench import Bench, PhoenixUnit
from tests.hal.fake_line import FakeLine, FakeUnit
from tests.rig.virtual_time import cancelled, run_virtual, until


def word(name: str, address: int, functions: tuple[int, ...] = (3,), optional: bool = False) -> Register:
    return Register(name, functions, address, ValueType.UINT16, 1, optional=optional)


def play(unit: FakeUnit, scenario: Callable[[RegisterReader, FakeLine], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        line = FakeLine(unit)
        bus = Bus("test", "fake", SerialSettings(19200), line.open, lambda _: None)
        task = asyncio.create_task(bus.run())
        try:
            await scenario(RegisterReader(bus, 1, Limits(largest_hole=4)), line)
        finally:
            await cancelled(task)

    run_virtual(whole())


def test_a_hole_that_is_refused_is_gone_round_from_then_on() -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        registers = [word("a", 0), word("b", 1), word("c", 3)]
        for _ in range(2):
            assert await reader.read(registers) == {"a": 5, "b": 6, "c": 8}
        assert [one[3:17] for one in line.sent()] == [
            "03 00 00 00 04",
            "03 00 00 00 02",
            "03 00 03 00 01",
            "03 00 00 00 02",
            "03 00 03 00 01",
        ]

    play(FakeUnit(1, holding={0: 5, 1: 6, 3: 8}), scenario)


def test_an_optional_register_that_is_refused_is_not_asked_for_again() -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        registers = [word("a", 0), word("b", 1, optional=True)]
        for _ in range(3):
            assert await reader.read(registers) == {"a": 5}
        assert len(line.sent()) == 1 + 2 + 1 + 1  # both, each alone, then the first only, twice

    play(FakeUnit(1, holding={0: 5}), scenario)


def test_a_device_that_is_busy_teaches_nothing() -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        registers = [word("a", 0, (3, 4)), word("b", 1, (3, 4), optional=True)]
        for _ in range(5):
            refused = await reader.read(registers)
            assert isinstance(refused, Outcome)
            assert (refused.result, refused.code) == (Result.REFUSED, 6)
        assert await reader.read(registers) == {"a": 5, "b": 6}
        assert len(line.sent()) == 6

    play(FakeUnit(1, holding={0: 5, 1: 6}, busy_for=5), scenario)


def test_a_hole_that_the_profile_knows_is_read_over_when_others_are_refused() -> None:
    known = (word("a", 0), word("between", 1), word("b", 2), word("c", 4))

    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        knowing = RegisterReader(reader._bus, 1, reader._limits, known)
        wanted = (known[0], known[2], known[3])
        for _ in range(2):
            assert await knowing.read(wanted) == {"a": 5, "b": 7, "c": 9}
        assert [one[3:17] for one in line.sent()] == [
            "03 00 00 00 05",
            "03 00 00 00 03",
            "03 00 04 00 01",
            "03 00 00 00 03",
            "03 00 04 00 01",
        ]

    play(FakeUnit(1, holding={0: 5, 1: 6, 2: 7, 4: 9}), scenario)


def test_what_changed_is_decoded_and_what_did_not_is_the_same() -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        wanted = (word("a", 0), word("b", 1))
        first, second = await reader.read(wanted), await reader.read(wanted)
        assert first == second == {"a": 5, "b": 6}
        line.units[0].holding[1] = 7
        assert await reader.read(wanted) == {"a": 5, "b": 7}
        assert await reader.read((wanted[1],)) == {"b": 7}

    play(FakeUnit(1, holding={0: 5, 1: 6}), scenario)


def test_sets_that_are_never_asked_for_again_are_not_kept() -> None:
    async def scenario(reader: RegisterReader, _: FakeLine) -> None:
        for _ in range(100):
            assert await reader.read([word("a", 0)]) == {"a": 5}
        assert len(reader._plans) <= 16

    play(FakeUnit(1, holding={0: 5}), scenario)


def test_a_register_that_must_be_there_and_is_refused_is_a_failure() -> None:
    async def scenario(reader: RegisterReader, _: FakeLine) -> None:
        outcome = await reader.read([word("a", 0), word("b", 9)])
        assert isinstance(outcome, Outcome)
        assert outcome.result is Result.REFUSED

    play(FakeUnit(1, holding={0: 5}), scenario)


@pytest.mark.parametrize("present", [3, 4])
def test_the_function_that_works_is_kept(present: int) -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        for _ in range(3):
            assert await reader.read([word("a", 0, (4, 3))]) == {"a": 5}
        used = [int(one[3:5]) for one in line.sent()]
        assert used == ([4, 4, 4] if present == 4 else [4, 3, 3, 3])

    unit = FakeUnit(1, holding={0: 5}) if present == 3 else FakeUnit(1, inputs={0: 5})
    play(unit, scenario)


def test_silence_is_a_failure_that_teaches_nothing() -> None:
    async def scenario(reader: RegisterReader, line: FakeLine) -> None:
        line.units[0].silent = True
        assert isinstance(await reader.read([word("a", 0), word("b", 2)]), Outcome)
        line.units[0].silent = False
        assert await reader.read([word("a", 0), word("b", 2)]) == {"a": 5, "b": 7}
        assert line.sent()[-1].startswith("01 03 00 00 00 03")

    play(FakeUnit(1, holding={0: 5, 1: 6, 2: 7}), scenario)


@pytest.mark.parametrize("high", [3, 4])
def test_a_phoenix_of_either_kind_is_read(high: int) -> None:
    bench = Bench("phoenix_ev_cc_basic")
    bench.board = PhoenixUnit(high=high)
    bench.board_line.units = [bench.board]

    async def scenario(_: Bench) -> None:
        await until(lambda: bench.readings, within_s=3)
        bench.board.plug()
        await until(lambda: [one for one in bench.readings if getattr(one, "rating_a", None) == 32], within_s=2)

    bench.play(scenario)
