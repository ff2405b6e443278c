"""A station that anything may happen to: the acts of the model-based test, on the whole agent and on virtual time.

Theory of operation
-------------------
Every method is one act of somebody outside: people before the station, the people behind a backend, the network, the
disk's supply. None of them waits for the station; `pass_time` does. What is right is not known here: `look` asks the
oracle for what must hold at any instant, and `finish` heals everything, lets it be delivered, and asks for all of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from ocpp.exceptions import OCPPError
from ocpp.v16 import call

from tests.rig.backend import ScriptedBackend
from tests.rig.canaries import leaks
from tests.rig.oracle import Finding, findings
from tests.rig.oracle_limits import LIMITING, limit_findings
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Fails, HangsUp, Mood, Silent
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import VirtualTimeLoop

CARDS = ("04A1B2C3D4E5F6", "04FFEEDDCCBBAA")
BLOCKED = "04000000000BAD"
CONNECTORS = (1, 2)
KEYS: Mapping[str, tuple[str, ...]] = {
    "MeterValueSampleInterval": ("0", "2", "15"),
    "HeartbeatInterval": ("10", "300"),
    "MinimumStatusDuration": ("0", "3"),
    "ConnectionTimeOut": ("10", "120"),
    "LocalPreAuthorize": ("true", "false"),
    "LocalAuthorizeOffline": ("true", "false"),
    "AuthorizationCacheEnabled": ("true", "false"),
    "AuthorizeRemoteTxRequests": ("true", "false"),
    "StopTransactionOnInvalidId": ("true", "false"),
    "TransactionMessageRetryInterval": ("1", "5"),
    "WebSocketPingInterval": ("0", "20"),
}
"""Keys that are turned while things run, and to what."""
MOODS: Mapping[str, Mood] = {
    "silent": Silent(),
    "late": Delayed(7.0),
    "very late": Delayed(45.0),
    "fails": Fails(),
    "hangs up": HangsUp(),
}
MOODY = ("Authorize", "StartTransaction", "StopTransaction", "MeterValues", "StatusNotification", "BootNotification")
FAULTS = ("residual_current", "over_temperature", "emergency_stop", "ground", "over_voltage", "diode")
PATIENCE_S = 25.0
"""How long an act of a backend is waited for in the background."""

T = TypeVar("T")


class Scene:
    """One station and everything around it, driven step by step from outside its loop."""

    def __init__(self, folder: Path, *, seed: int, defects: Mapping[str, Any] | None = None) -> None:
        self._runner = asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(limit_s=1e7, real_limit_s=3600))
        options = RigOptions(
            connectors=len(CONNECTORS),
            operators=1,
            management_keys={"MeterValueSampleInterval": 15, "TransactionMessageRetryInterval": 2},
            primary_keys={"MeterValueSampleInterval": 5, "TransactionMessageRetryInterval": 2},
            operator_keys={"MeterValueSampleInterval": 30, "TransactionMessageRetryInterval": 2},
        )
        self._chance = random.Random(seed)
        self._asked: set[asyncio.Future[Any]] = set()
        self._away: set[str] = set()
        self._broken: set[tuple[int, str]] = set()

        async def begin() -> StationRig:
            rig = StationRig(folder, options, seed=seed, defects=defects, direct=True)
            for backend in rig.backends:
                backend.script.cards[BLOCKED] = "Blocked"
            await rig.__aenter__()
            return rig

        self.rig = self._run(begin())
        self._run(self.rig.ready())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        for asked in self._asked:
            asked.cancel()
        with suppress(Exception):
            self._run(self.rig.__aexit__(None, None, None))
        self._runner.close()

    @property
    def backends(self) -> tuple[ScriptedBackend, ...]:
        """Management, the primary and an operator."""
        return self.rig.backends

    def _now(self, act: Callable[[], Any]) -> None:
        """Inside the loop, as everything that the plant does."""

        async def acting() -> None:
            act()

        self._run(acting())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)


class People(Scene):
    """Those before the station."""

    def plug(self, connector: int) -> None:
        """A car comes, if there is room."""
        outlet = self.rig.plant.connector(connector)
        if outlet.car is None and outlet.cable_a is None:
            self._now(lambda: self.rig.plug(connector))

    def unplug(self, connector: int) -> None:
        """The car goes; a cable that is locked stays."""
        if self._plugged(connector):
            self._now(lambda: self.rig.unplug(connector))

    def card(self, token: str) -> None:
        """A card is shown."""
        self._now(lambda: self.rig.card(token))

    def pause(self, connector: int, paused: bool) -> None:
        """The car wants no power, or wants it again."""
        if self._plugged(connector):
            self._now(lambda: self.rig.pause(paused, connector))

    def fault(self, connector: int, name: str) -> None:
        """Something breaks, or what is broken is mended."""
        if self._broken:
            connector, name = next(iter(self._broken))
        broken = (connector, name) not in self._broken
        (self._broken.add if broken else self._broken.discard)((connector, name))
        self._now(lambda: self.rig.fault(name, broken, connector))

    def _plugged(self, connector: int) -> bool:
        return self.rig.plant.connector(connector).car is not None


class Operators(Scene):
    """Those behind a backend."""

    def ask(self, who: int, what: Callable[[ScriptedBackend], Awaitable[Any]]) -> None:
        """A backend asks for something, if it is connected."""
        backend = self.backends[who]
        if backend.connected.is_set():
            self._begin(what(backend))

    def stop_transaction(self, who: int, whose: int) -> None:
        """By the last id that a backend gave, perhaps another one than asks."""
        starts = self.backends[whose].ledger.starts()
        last = next((one.foreign_id for one in reversed(starts) if one.foreign_id is not None), 1)
        self.ask(who, lambda backend: backend.remote_stop(last))

    def limit(self, who: int, purpose: str, connector: int, limit_a: int) -> None:
        """A charging profile of one step."""
        schedule = {"charging_rate_unit": "A", "charging_schedule_period": [{"start_period": 0, "limit": limit_a}]}
        profile = {"charging_profile_id": LIMITING[purpose] + connector, "stack_level": 0}
        profile |= {"charging_profile_purpose": purpose, "charging_profile_kind": "Absolute"}
        profile |= {"charging_schedule": {**schedule, "start_schedule": "2026-01-01T00:00:00Z"}}
        connector = 0 if purpose == "ChargePointMaxProfile" else connector
        payload = call.SetChargingProfile(connector_id=connector, cs_charging_profiles=profile)
        self.ask(who, lambda backend: backend.status_of(payload))

    def unlimit(self, who: int) -> None:
        """All profiles of that backend go."""
        self.ask(who, lambda backend: backend.status_of(call.ClearChargingProfile()))

    def whisper(self, who: int, number: int) -> None:
        """Something that is nobody else's business: a private message, a password, a list."""
        text = f"canary{number:05d}{self.backends[who].name}".encode().hex()[:40]
        list_of_cards = [{"id_tag": f"{number:05d}CANARY{who}", "id_tag_info": {"status": "Accepted"}}]
        payload = (
            call.DataTransfer(vendor_id="rig", message_id="private", data=text),
            call.SendLocalList(list_version=number + 1, update_type="Full", local_authorization_list=list_of_cards),
            call.GetLog(
                log={"remote_location": f"http://{text[:20]}:x@files.example/"},
                log_type="SecurityLog",
                request_id=number,
            ),
        )[number % 3]
        self.ask(who, lambda backend: backend.call(payload))

    def mood(self, who: int, action: str, mood: str) -> None:
        """The next answers to an action are so."""
        self.backends[who].script.next_time(action, MOODS[mood], MOODS[mood])

    def _begin(self, asking: Awaitable[Any]) -> None:
        async def asked() -> None:
            with suppress(TimeoutError, ConnectionError, OCPPError, KeyError):
                async with asyncio.timeout(PATIENCE_S):
                    await asking

        async def begun() -> None:
            task = asyncio.ensure_future(asked())
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

        self._run(begun())


class Surroundings(Scene):
    """Network, supply and disk."""

    def drop(self, who: int) -> None:
        """The connection is reset."""
        self._now(self.backends[who].drop)

    def away(self, who: int) -> None:
        """A backend goes away, or one that is away comes back."""
        backend = next((one for one in self.backends if one.name in self._away), self.backends[who])
        if backend.name in self._away:
            self._away.discard(backend.name)
            self._run(backend.start())
        else:
            self._away.add(backend.name)
            self._run(backend.stop())

    def kill(self, system: bool) -> None:
        """The process dies, or the whole system."""
        self._run(self.rig.kill(system=system))

    def slow_disk(self, stall_s: float) -> None:
        """From now on a sync takes so long."""
        self.rig.agent.disk.stall_s = stall_s

    def cut_power(self, torn: bool) -> None:
        """The supply fails, and the disk keeps what was synced, or besides a random part of what came after it."""
        self._run(self.rig.power_cut(self._chance if torn else None, off_s=3.0))


class Machine(People, Operators, Surroundings):
    """Everything that may happen, time, and judgement."""

    def pass_time(self, seconds: float) -> None:
        """Time passes; an agent that was asked to restart is started again."""

        async def passing() -> None:
            await asyncio.sleep(seconds)
            if self.rig.agent.status is not None:
                await self.rig.restarted()

        self._run(passing())

    def look(self) -> None:
        """What must hold at any instant. Raises AssertionError with what does not."""
        everybody = frozenset(backend.name for backend in self.backends)
        self._judge(findings(self.rig.world(running=True, undelivered=everybody)))

    def finish(self) -> None:
        """Everything is mended, ended and delivered; then the oracle judges the whole. Raises AssertionError."""
        for who, backend in enumerate(self.backends):
            backend.script.moods.clear()
            if backend.name in self._away:
                self.away(who)
        while self._broken:
            self.fault(*next(iter(self._broken)))
        self.slow_disk(0.0)
        self.pass_time(PATIENCE_S + 5)
        for connector in CONNECTORS:
            self.unplug(connector)
        self._run(self.rig.until_settled(within_s=4 * 3600))
        self.pass_time(10)
        self._judge(findings(self.rig.world()))

    def _judge(self, found: list[Finding]) -> None:
        found += limit_findings(self.rig.world())
        found += [Finding("INV-8", leak) for leak in leaks(self.rig)]
        assert not found, "the oracle found:\n" + "\n".join(f"  {finding}" for finding in found)
