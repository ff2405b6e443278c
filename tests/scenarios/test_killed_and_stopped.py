"""The real agent, killed at random instants and stopped in its tracks: nothing is lost, and the outputs go off."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tests.rig.ledger import Ledger
from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed
from tests.scenarios.acts import EPC, PHOENIX
from tests.scenarios.real_house import RealHouse

pytestmark = [pytest.mark.rung3]

MILESTONES = ("started",) * 2 + ("ready",) * 2 + ("charging",) * 6
"""In each of three houses (both, one and no backend connected) the agent is killed a little after each of these."""
LONGEST_S = 1.5
LOST_WH = 10.0
"""What a death can hide at most; next to nothing, since what is read after it belongs to the session."""
DEAD_MAN_S = 10.0
"""Communication time-out that the EPC is armed with."""
CAR_S = 1.5
"""A car that loses its offer has left C, and its contactor is open."""
PATIENT_S, WATCHDOG_S = 60.0, 3.0
CARDS = tuple(f"04A1B2C3D4E5{number:02X}" for number in range(4))
"""Each is tried again after the time in which it would still be the same presentation."""
MESSAGES = ("StartTransaction", "MeterValues", "StopTransaction")
IN_FLIGHT_S = 0.3
"""Backends take their time, so that a death often finds a message on its way."""
EVERY_SECOND = {"MeterValueSampleInterval": 1}
OFFLINE_TOO = {"AllowOfflineTxForUnknownId": True}
RELAXED = Limits(margin_s=3.0, unlock_s=40.0, fault_s=1.0)
"""The processes share two cores with everything else; the lock waits while the agent dies again and again."""


def options(board: str = EPC) -> RigOptions:
    """A station that says much."""
    return RigOptions(board=board, management_keys=EVERY_SECOND, primary_keys=EVERY_SECOND | OFFLINE_TOO)


async def comes_true(house: RealHouse, condition: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Wait for something that may not come, since the agent dies now and then."""
    try:
        await house.until(condition, within_s, "")
    except AssertionError:
        return False
    return True


async def told_the_end(house: RealHouse) -> bool:
    """A session was played, and all of it is delivered."""
    return bool(house.primary.ledger.stops()) and await house.delivered()


async def unlocked(house: RealHouse) -> bool:
    """The cable can be taken out."""
    return not (await house.connector())["lock"]["locked"]


async def use(house: RealHouse) -> None:
    """One card after the other is tried until one works; every second car leaves after its session."""
    sessions = 0
    for card in itertools.cycle(CARDS):
        if not (await house.connector())["car"]["plugged"] and await unlocked(house):
            await house.plug()
        await house.card(card)
        if await comes_true(house, house.closed, 1.0):
            sessions += 1
            await comes_true(house, house.open, 3.0)  # the agent died, or the driver has enough
            if sessions % 2:
                await house.unplug()
                await comes_true(house, lambda: unlocked(house), 4.0)


async def passes(house: RealHouse, milestone: str) -> None:
    """The life of the agent comes so far, or is slow about it."""
    if milestone == "ready":
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                await house.runner.wait_ready()
    if milestone == "charging":
        await comes_true(house, house.closed, 15)


async def kill_again_and_again(house: RealHouse, chance: random.Random) -> None:
    """Kill each life of the agent at a random instant."""
    loop = asyncio.get_running_loop()
    for death, milestone in enumerate(chance.sample(MILESTONES, len(MILESTONES)), 1):
        await house.until(lambda: house.runner.pid is not None, 10, "a living agent")
        await passes(house, milestone)
        until_s = loop.time() + chance.uniform(0, LONGEST_S)
        await house.until(lambda until_s=until_s: loop.time() >= until_s, 10, "its time has come")
        house.runner.kill(signal.SIGKILL)
        await house.until(lambda death=death: len(house.runner.deaths) >= death, 20, "dead and switched off")


async def a_first_session(house: RealHouse) -> None:
    """Played in peace: the card is known from now on."""
    await house.ready()
    await house.plug()
    await house.card()
    await house.until(house.closed, 15, "charging")
    await house.unplug()
    await house.until(lambda: told_the_end(house), 15, "first session delivered")
    await house.until(lambda: unlocked(house), 15, "unlocked")


def crowded_lives(ledger: Ledger) -> dict[int, int]:
    """Connections on which more than one message came that had come before, with how many."""
    seen: set[tuple[str, str]] = set()
    again: Counter[int] = Counter()
    for frame in ledger.calls():
        again[frame.connection] += (frame.message_id, frame.text) in seen
        seen.add((frame.message_id, frame.text))
    return {connection: count for connection, count in again.items() if count > 1}


async def survive(away: list[str], seed: int) -> None:
    """One house whose agent is killed with some backends away; the rest of it is judged."""
    async with RealHouse(options(), watchdog_s=PATIENT_S) as house:
        await a_first_session(house)
        for backend in house.backends:
            backend.script.always.update(dict.fromkeys(MESSAGES, Delayed(IN_FLIGHT_S)))
        absent = [backend for backend in house.backends if backend.name in away]
        for backend in absent:
            await backend.stop()
        using = asyncio.ensure_future(use(house))
        await kill_again_and_again(house, random.Random(seed))
        using.cancel()
        with suppress(asyncio.CancelledError):
            await using
        for backend in absent:
            await backend.start()
        await house.unplug()
        await house.until(lambda: len(house.connected) == 2, 60, "both backends connected")
        await house.until(house.delivered, 30, "everything delivered")
        await house.until(lambda: unlocked(house), 15, "unlocked")
        assert "Reboot" in {stop.reason for stop in house.primary.ledger.stops()}, "it was killed in a session"
        assert [death.code for death in house.runner.deaths] == [-signal.SIGKILL] * len(MILESTONES)
        assert {death.safe_off for death in house.runner.deaths} <= {0}
        for backend in house.backends:
            assert crowded_lives(backend.ledger) == {}, "at most the one message in flight comes again"
            assert backend.ledger.contradictions() == []
        await house.check(
            RELAXED, lost_energy_wh=LOST_WH * len(MILESTONES), offline_cards=frozenset(map(str.casefold, CARDS))
        )


@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
@pytest.mark.rule("INV-3")
@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-11")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("ocpp16.X24")
@pytest.mark.rule("ocpp16.X77")
def test_killed_at_random_instants_it_loses_nothing_and_sends_one_message_again_at_most() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as houses:
            houses.create_task(survive([], seed=1), name="both backends connected")
            houses.create_task(survive(["management"], seed=2), name="one backend connected")
            houses.create_task(survive(["management", "primary"], seed=3), name="no backend connected")

    asyncio.run(main())


async def stop_in_its_tracks(house: RealHouse) -> float:
    """A session runs, and the agent does nothing more; the plant time of that."""
    await house.ready()
    await house.plug()
    await house.card()
    await house.until(house.closed, 15, "charging")
    await house.until(lambda: house.primary.ledger.meter_values(), 15, "meter values")
    house.runner.kill(signal.SIGSTOP)
    return float((await house.plant.state())["time_s"])


async def start_again(house: RealHouse) -> None:
    """After its death the agent ends the session as one that a restart has ended, and the car leaves."""
    await house.until(lambda: told_the_end(house), 40, "session delivered")
    assert [stop.reason for stop in house.primary.ledger.stops()] == ["Reboot"]
    await house.until(lambda: unlocked(house), 15, "unlocked")
    await house.unplug()
    await house.check(RELAXED, lost_energy_wh=LOST_WH)


@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-11")
def test_stopped_in_its_tracks_a_board_with_a_dead_man_is_safe_before_anybody_acts() -> None:
    async def main() -> None:
        async with RealHouse(options(EPC), watchdog_s=PATIENT_S) as house:
            stopped_s = await stop_in_its_tracks(house)
            await house.until(house.open, DEAD_MAN_S + CAR_S + 5, "open by the dead-man")
            assert house.runner.deaths == []
            opened_s = (await house.history("contactor", False))[-1]
            assert opened_s - stopped_s <= DEAD_MAN_S + CAR_S
            house.runner.kill(signal.SIGKILL)
            await start_again(house)

    asyncio.run(main())


@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-11")
def test_stopped_in_its_tracks_a_board_without_one_is_switched_off_by_the_supervisor() -> None:
    async def main() -> None:
        async with RealHouse(options(PHOENIX), watchdog_s=WATCHDOG_S) as house:
            stopped_s = await stop_in_its_tracks(house)
            await house.until(lambda: house.runner.deaths, WATCHDOG_S + 15, "killed by the watchdog")
            (death,) = house.runner.deaths
            assert death.by_watchdog
            assert death.safe_off == 0
            await house.until(house.open, CAR_S + 5, "open after the switch-off")
            withdrawn_s = (await house.history("offered_a", 0.0))[-1]
            assert WATCHDOG_S / 2 < withdrawn_s - stopped_s < WATCHDOG_S + 6
            await start_again(house)

    asyncio.run(main())
