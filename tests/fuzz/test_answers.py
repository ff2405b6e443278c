"""Answers to the station's own calls, as wrong as they come: nothing breaks, nobody charges, the station goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.hostile import answers
from tests.fuzz.live import LiveStation, examples, live_station
from tests.fuzz.strategies import Frame
from tests.rig.ledger import Frame as Heard
from tests.rig.script import Silent
from tests.rig.station_rig import StationRig

SEED = 17
HEARTBEAT_S = 20
TAKEN_S = 45.0
"""A call whose answer is none has timed out by then."""
COUNTS = [
    pytest.param(5, SEED, 60.0, id="5"),
    pytest.param(40, SEED, 200.0, id="40", marks=pytest.mark.sweep),
    pytest.param(2000, None, 1000.0, id="2000", marks=pytest.mark.nightly),
]
TRANSACTION = ("StartTransaction", "MeterValues", "StopTransaction")
SESSIONS = [
    pytest.param(2, SEED, 60.0, id="2"),
    pytest.param(12, SEED, 200.0, id="12", marks=pytest.mark.sweep),
    pytest.param(200, None, 1000.0, id="200", marks=pytest.mark.nightly),
]


async def a_remote_start(rig: StationRig) -> None:
    """Makes the station ask for a card; the car came just now."""
    rig.unplug()
    await rig.until(lambda: rig.primary.ledger.status(1) == "Available", within_s=10 * TAKEN_S, what="Available")
    rig.plug()
    await rig.until(lambda: rig.primary.ledger.status(1) == "Preparing", within_s=10 * TAKEN_S, what="Preparing")
    assert await rig.primary.remote_start("04A1B2C3D4E5F6", 1) == "Accepted"


async def another_availability(rig: StationRig) -> None:
    """Makes the station tell a status."""
    kind = "Operative" if rig.primary.ledger.status(1) == "Unavailable" else "Inoperative"
    assert await rig.primary.change_availability(1, kind) == "Accepted"


async def silence(rig: StationRig) -> None:
    """Makes the station send a heartbeat in the end."""


async def another_boot(rig: StationRig) -> None:
    """Makes the station say who it is."""
    await rig.stop()
    rig.start(new_boot=False)


PROVOKED: dict[str, Callable[[StationRig], Awaitable[None]]] = {
    "Authorize": a_remote_start,
    "StatusNotification": another_availability,
    "Heartbeat": silence,
    "BootNotification": another_boot,
}
"""How the station is brought to make a call."""


async def answered_so(rig: StationRig, action: str, answer: Frame) -> None:
    """The next call of this action gets this for an answer, once."""
    came: list[Heard] = []
    rig.primary.script.next_time(action, Silent())
    rig.primary.on_frame = lambda frame: came.append(frame) if frame.action == action else None
    await PROVOKED[action](rig)
    await rig.until(lambda: came, within_s=3 * TAKEN_S, what=action)
    await rig.primary.send_text(answer.answering(came[0].message_id))


async def goes_on(rig: StationRig) -> None:
    """The primary is served again as if nothing had been."""

    registered = "upstream.registered: primary-1: registration Accepted"
    rig.primary.script.moods.clear()
    await rig.until(lambda: registered in rig.agent.log, within_s=10 * TAKEN_S, what="registered")
    await rig.until(lambda: rig.primary.connected.is_set(), within_s=60, what="connected")
    assert await rig.primary.remote_stop(-77) == "Rejected"
    if rig.primary.ledger.status(1) == "Unavailable":
        assert await rig.primary.change_availability(1, "Operative") == "Accepted"
        await rig.until(lambda: rig.primary.ledger.status(1) != "Unavailable", within_s=10 * TAKEN_S, what="in service")


async def one(rig: StationRig, action: str, answer: Frame) -> None:
    """One example."""
    await answered_so(rig, action, answer)
    await goes_on(rig)


def shoot(live: LiveStation, action: str, count: int, chance: int) -> None:
    """So many answers, one after the other."""

    @examples(count, chance)
    @given(answers(action, never=("Accepted",) if action == "Authorize" else ()))
    def example(answer: Frame) -> None:
        live.run(one(live.rig, action, answer))
        live.check_alive()

    example()


@pytest.mark.parametrize("action", PROVOKED)
@pytest.mark.parametrize(("count", "chance", "real_limit_s"), COUNTS)
def test_no_answer_does_harm(tmp_path: Path, action: str, count: int, chance: int | None, real_limit_s: float) -> None:
    chance = random.SystemRandom().getrandbits(32) if chance is None else chance
    print(f"seed {chance}")
    with live_station(tmp_path, real_limit_s) as live:
        live.run(live.rig.primary.change_configuration("HeartbeatInterval", str(HEARTBEAT_S)))
        shoot(live, action, count, chance)
        live.check_idle()


async def a_session(rig: StationRig, spoilt: dict[str, Frame]) -> None:
    """A car, a card, a while, the card again; the first call of each kind gets a strange answer."""
    left = dict(spoilt)
    sent: list[asyncio.Future[None]] = []

    def heard(frame: Heard) -> None:
        if frame.action in left:
            sent.append(
                asyncio.ensure_future(rig.primary.send_text(left.pop(frame.action).answering(frame.message_id)))
            )

    rig.unplug()
    rig.primary.script.moods.clear()
    await rig.until(lambda: rig.management.ledger.status(1) == "Available", within_s=10 * TAKEN_S, what="Available")
    rig.management.ledger.frames.clear()
    for action in spoilt:
        rig.primary.script.next_time(action, Silent())
    rig.primary.on_frame = heard
    rig.plug()
    rig.card()
    await rig.until(lambda: rig.management.ledger.starts(), within_s=TAKEN_S, what="a start")
    await asyncio.sleep(TAKEN_S)
    rig.card()
    await asyncio.sleep(TAKEN_S / 3)
    rig.unplug()
    rig.primary.script.moods.clear()
    left.clear()
    await asyncio.gather(*sent)
    await rig.until_settled(within_s=100 * TAKEN_S)


def spoilt_answers() -> st.SearchStrategy[dict[str, Frame]]:
    """One strange answer for each message of a transaction, or for some."""
    return st.fixed_dictionaries({}, optional={action: answers(action) for action in TRANSACTION})


@pytest.mark.rule("ocpp16.X24")
@pytest.mark.parametrize(("count", "chance", "real_limit_s"), SESSIONS)
def test_sessions_end_and_are_delivered_whatever_their_messages_are_answered_with(
    tmp_path: Path, count: int, chance: int | None, real_limit_s: float
) -> None:
    chance = random.SystemRandom().getrandbits(32) if chance is None else chance
    print(f"seed {chance}")
    with live_station(tmp_path, real_limit_s, cards="Accepted") as live:

        @examples(count, chance)
        @given(spoilt_answers())
        def example(spoilt: dict[str, Frame]) -> None:
            live.run(a_session(live.rig, spoilt))
            live.check_alive()
            assert not live.rig.closed()
            told = live.rig.management.ledger
            assert len(told.starts()) == len(told.stops())
            assert all(stop.answered for stop in told.stops())

        example()
        live.check_other()
