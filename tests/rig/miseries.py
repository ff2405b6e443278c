"""What one upstream can do to a station that must cost the others nothing: each is a block in which it does it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tests.rig.backend import ScriptedBackend
from tests.rig.link_cutter import Mode
from tests.rig.script import Delayed, Mood, Silent
from tests.rig.station_rig import StationRig

ACTIONS = ("BootNotification", "StatusNotification", "Heartbeat", "StartTransaction", "MeterValues", "StopTransaction")
Misery = Callable[[StationRig, ScriptedBackend], AbstractAsyncContextManager[None]]
Act = Callable[[StationRig, ScriptedBackend], Awaitable[None]]


@asynccontextmanager
async def well(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
    """Nothing."""
    yield


@asynccontextmanager
async def never_answers_the_handshake(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
    """TCP is accepted, and then nothing comes."""
    cutter = rig.cutters[backend.name]
    cutter.set(Mode.BLACK_HOLE)
    cutter.cut()
    accepted = cutter.accepted
    yield
    assert cutter.accepted > accepted, "it was dialled and TCP was accepted"
    cutter.set(Mode.REFUSE)  # what was accepted lost bytes
    cutter.cut()
    cutter.set(Mode.PASS)


@asynccontextmanager
async def a_byte_a_second(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
    """Everything passes, one byte a second each way."""
    cutter = rig.cutters[backend.name]
    cutter.set(Mode.DRIP)
    yield
    cutter.set(Mode.PASS)


def in_the_mood(mood: Mood) -> Misery:
    """It answers so."""

    @asynccontextmanager
    async def misery(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
        backend.script.always.update(dict.fromkeys(ACTIONS, mood))
        yield
        backend.script.always.clear()

    return misery


answers_after_25_s = in_the_mood(Delayed(25))
answers_nothing = in_the_mood(Silent())


@asynccontextmanager
async def never_accepts_the_boot(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
    """It has forgotten the station, and lets it wait."""
    backend.script.interval_s = 1
    backend.script.boot.extend(["Pending", "Rejected"] * 100)
    await backend.trigger("BootNotification")
    backend.drop()
    yield
    backend.script.boot.clear()


def busy_with(act: Act) -> Misery:
    """It does that for the whole time."""

    @asynccontextmanager
    async def misery(rig: StationRig, backend: ScriptedBackend) -> AsyncIterator[None]:
        doing = asyncio.ensure_future(act(rig, backend))
        yield
        if doing.done():
            doing.result()
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)

    misery.__name__ = getattr(act, "__name__", "misery")
    return misery


@busy_with
async def closes_at_once_after_the_upgrade(rig: StationRig, backend: ScriptedBackend) -> None:
    """As a server that serves another station of that identity."""
    while True:
        await backend.connected.wait()
        backend.drop()
        await rig.until(lambda: not backend.connected.is_set(), within_s=5)


@busy_with
async def flaps(rig: StationRig, backend: ScriptedBackend) -> None:
    """The network comes and goes, once a second."""
    while True:
        rig.cutters[backend.name].cut()
        await asyncio.sleep(1)


async def _sent(rig: StationRig, backend: ScriptedBackend, frames: Callable[[int], list[str]]) -> None:
    """As fast as it is taken, a batch every second; not kept in the ledger, which is for what counts."""
    number = 0
    while True:
        await backend.connected.wait()
        link = backend.line()._link
        try:
            for text in frames(number):
                await link.send(text)
        except ConnectionClosed:
            pass
        number += 1
        await asyncio.sleep(1)


@busy_with
async def floods_with_calls(rig: StationRig, backend: ScriptedBackend) -> None:
    """A hundred calls a second that nobody waits for."""
    ask = '"GetConfiguration",{"key":["HeartbeatInterval"]}'
    await _sent(rig, backend, lambda number: [f'[2,"flood-{number}-{n}",{ask}]' for n in range(100)])


@busy_with
async def a_thousand_unsolicited_answers_a_second(rig: StationRig, backend: ScriptedBackend) -> None:
    """Answers to nothing."""
    await _sent(rig, backend, lambda number: ['[3,"nobody-asked",{}]'] * 1_000)


@busy_with
async def ten_thousand_charging_profiles(rig: StationRig, backend: ScriptedBackend) -> None:
    """Each replaces the one before."""

    def batch(number: int) -> list[str]:
        calls = []
        for n in range(500):
            schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16 - n % 2}]}
            profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}
            profile |= {"chargingProfileKind": "Relative", "chargingSchedule": schedule}
            payload = {"connectorId": 1, "csChargingProfiles": profile}
            calls.append(json.dumps([2, f"p-{number}-{n}", "SetChargingProfile", payload]))
        return calls

    await _sent(rig, backend, batch)


@busy_with
async def floods_with_pings(rig: StationRig, backend: ScriptedBackend) -> None:
    """Twenty thousand empty pings at a time, so that tens of thousands fit into one read."""
    pings = Frame(Opcode.PING, b"").serialize(mask=False) * 20_000
    while True:
        await backend.connected.wait()
        with suppress(RuntimeError):  # it is about to close
            backend.line()._link.transport.write(pings)
        await asyncio.sleep(1)


MISERIES: dict[str, Misery] = {
    "never answers the handshake": never_answers_the_handshake,
    "a byte a second": a_byte_a_second,
    "answers after 25 s": answers_after_25_s,
    "answers nothing": answers_nothing,
    "never accepts the boot": never_accepts_the_boot,
    "closes at once after the upgrade": closes_at_once_after_the_upgrade,
    "flaps": flaps,
    "floods with calls": floods_with_calls,
    "a thousand unsolicited answers a second": a_thousand_unsolicited_answers_a_second,
    "ten thousand charging profiles": ten_thousand_charging_profiles,
    "floods with pings": floods_with_pings,
}
"""By what a test is called."""
