from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from agent.runtime.supervision import Failure, Pace, Supervisor, describe, pause_s


class Time:
    """Time that passes only in pauses and when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def pace(self) -> Pace:
        return Pace(lambda: 0.5, lambda: self.now, self.sleep)


def supervised(check: Callable[[Supervisor, Time, list[str]], Awaitable[None]]) -> None:
    async def main() -> None:
        time = Time()
        told: list[str] = []
        await check(Supervisor(time.pace(), lambda event, **fields: told.append(event)), time, told)

    asyncio.run(asyncio.wait_for(main(), 5))


async def forever() -> None:
    await asyncio.Event().wait()


def fails_after(count: int, then: Callable[[], None]) -> Callable[[], Coroutine[Any, Any, None]]:
    left = [count]

    async def work() -> None:
        left[0] -= 1
        if left[0] < 0:
            then()
            await forever()
        raise RuntimeError("broken")

    return work


def test_pauses_double_and_stay_bounded() -> None:
    assert [pause_s(failures, 0.0) for failures in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert pause_s(1_000, 0.999) <= 60.0


def test_a_kept_task_is_started_again_and_counted() -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        supervisor.keep("upstream", fails_after(3, supervisor.stop))
        assert await supervisor.run() is None
        assert supervisor.restarts == {"upstream": 3}
        assert time.pauses == [0.75, 1.5, 3.0]
        assert told == ["agent.task_restarted"] * 3

    supervised(check)


def test_a_task_that_ran_long_enough_starts_with_short_pauses_again() -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        runs = [0]

        async def work() -> None:
            runs[0] += 1
            if runs[0] == 6:
                supervisor.stop()
                await forever()
            time.now += 100.0 if runs[0] == 4 else 0.0
            raise RuntimeError("broken")

        supervisor.keep("upstream", work)
        await supervisor.run()
        assert time.pauses == [0.75, 1.5, 3.0, 0.75, 1.5]

    supervised(check)


def test_a_kept_task_that_ends_or_cancels_itself_is_started_again() -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        runs = [0]

        async def work() -> None:
            runs[0] += 1
            if runs[0] == 1:
                return
            if runs[0] == 2:
                raise asyncio.CancelledError
            supervisor.stop()
            await forever()

        supervisor.keep("upstream", work)
        assert await supervisor.run() is None
        assert runs == [3]

    supervised(check)


@pytest.mark.parametrize("ends", ["raises", "returns", "cancels"])
def test_a_vital_task_that_ends_ends_the_run_and_the_others(ends: str) -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        cancelled = []

        async def other() -> None:
            try:
                await forever()
            finally:
                cancelled.append("other")

        async def engine() -> None:
            await asyncio.sleep(0)
            if ends == "raises":
                raise KeyError("x")
            if ends == "cancels":
                raise asyncio.CancelledError

        supervisor.keep("upstream", other)
        supervisor.require("bus", other)
        supervisor.require("engine", engine)
        failure = await supervisor.run()
        assert isinstance(failure, Failure)
        assert failure.task == "engine"
        assert cancelled == ["other", "other"]
        assert told == ["agent.failed"]

    supervised(check)


def test_one_task_that_keeps_failing_does_not_disturb_another() -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        rounds = []

        async def steady() -> None:
            for number in range(20):
                rounds.append(number)
                await asyncio.sleep(0)
            supervisor.stop()
            await forever()

        supervisor.keep("primary", fails_after(1_000, lambda: None))
        supervisor.keep("management", steady)
        assert await supervisor.run() is None
        assert len(rounds) == 20
        assert "management" not in supervisor.restarts

    supervised(check)


def test_a_name_is_used_once() -> None:
    async def check(supervisor: Supervisor, time: Time, told: list[str]) -> None:
        supervisor.require("engine", forever)
        with pytest.raises(ValueError, match="engine"):
            supervisor.require("engine", forever)
        supervisor.stop()
        await supervisor.run()

    supervised(check)


def test_an_error_is_described_with_its_place() -> None:
    with pytest.raises(ValueError, match="no") as caught:
        raise ValueError("no")
    assert describe(caught.value).startswith("ValueError: no at test_an_error_is_described")
    assert describe(None) == "it ended by itself"
