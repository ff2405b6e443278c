"""The certification tool: it plays the backend and the driver, and holds the station to the script of a case.

Theory of operation
-------------------
A case is told in order: what the driver and the backend do, and what the station must send next. `expect` takes the
next request of the station and compares it; so whatever a case does not name must not come, but for what runs in the
background of every case (`BACKGROUND`), and even that counts when a case names it. `ask` is a request of the backend:
its answer must be one of those that are allowed, and what the station does because of it must come after the answer.

    await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
    await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))

The station is the whole agent on virtual time, with management alone. Every frame is checked by the schemas of the
`ocpp` package, and at the end of a case the oracle looks at plant and ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ocpp.exceptions import OCPPError

from tests.certification.messages import Message, authorize, boot, start, status
from tests.certification.parts import Part, Present, judge, set_up, tool_of, with_others
from tests.rig.driver import CARD
from tests.rig.ledger import RECEIVED, Frame
from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual

BACKGROUND = frozenset({"Heartbeat", "MeterValues", "SecurityEventNotification"})
"""What a station sends in the middle of anything."""
SOON_S = 15.0
"""Within this a station sends what is due now."""
QUIET_S = 10.0
"""So long nothing may come, to say that nothing comes."""
REAL_LIMIT_S = 50.0
FAMILY_CARD, OTHER_CARD = "04D1D2D3D4D5D6", "04FFEEDDCCBBAA"
GLOBALS = {"MinimumStatusDuration": "0"}
"""What every case is run with."""
SOCKET, CAPTIVE = False, True

Script = Callable[["Tool"], Awaitable[None]]


class Tool:
    """One examination of a station."""

    def __init__(self, rig: StationRig) -> None:
        self.rig = rig
        self.backend = tool_of(rig)
        self.captive = rig.options.captive_cable
        self._seen = 0
        """Frames of the ledger that were already taken."""
        self._answered = -1
        """Place of the last answer of the station in the ledger: its consequences come behind it."""

    @property
    def frames(self) -> list[Frame]:
        """Everything that crossed the wire."""
        return self.backend.ledger.frames

    # ------------------------------------------------------------------------------------------ what must be sent

    async def expect(self, wanted: Message, within_s: float = SOON_S) -> Frame:
        """The next request of the station must be this one."""
        return (await self.expect_in_any_order(wanted, within_s=within_s))[0]

    async def expect_in_any_order(self, *wanted: Message, within_s: float = SOON_S) -> list[Frame]:
        """The next requests must be these, in whatever order; they are returned in that of the arguments."""
        found: dict[int, Frame] = {}
        while len(found) < len(wanted):
            open_ = [message for place, message in enumerate(wanted) if place not in found]
            frame = await self._next(open_, within_s)
            fitting = [
                i for i, m in enumerate(wanted) if i not in found and not m.differences(frame.action, frame.payload)
            ]
            if not fitting:
                self._fail(f"expected {' and '.join(map(repr, open_))}, but {_why_not(open_, frame)}")
            found[fitting[0]] = frame
        return [found[place] for place in range(len(wanted))]

    async def expect_nothing(self, for_s: float = QUIET_S, besides: Iterable[str] = ()) -> None:
        """The station sends nothing for a while, but for the background and for these actions."""
        await self.wait(for_s)
        allowed = BACKGROUND | set(besides)
        for place in range(self._seen, len(self.frames)):
            frame = self.frames[place]
            if _is_request(frame) and frame.action not in allowed:
                self._fail(f"nothing was expected, but {frame.action} came")
        self._seen = len(self.frames)

    async def ask(self, question: Awaitable[Any], *allowed: Any, consequences_first: bool = False) -> Any:
        """A request of the backend; its answer must be one of `allowed`, and come before what it brings about.

        `consequences_first`: the answer tells the outcome, and so may come behind what leads to it.
        """
        asked = len(self.frames)
        answer = await question
        if answer not in allowed:
            self._fail(f"answered {answer!r}, allowed is {' or '.join(map(repr, allowed))}")
        if not consequences_first:
            answers = [i for i, f in enumerate(self.frames) if i >= asked and f.direction == RECEIVED and not f.is_call]
            self._answered = answers[-1]
        return answer

    async def until(self, condition: Callable[[], object], within_s: float = SOON_S, what: str = "") -> float:
        """Wait for something that is not a message."""
        return await self.rig.until(condition, within_s=within_s, what=what)

    async def wait(self, seconds: float) -> None:
        """Time passes; the station must survive it."""
        await asyncio.sleep(seconds)
        await self.until(lambda: True, within_s=0)

    def now_s(self) -> float:
        """Time of the ledger."""
        return self.backend.time_s()

    # --------------------------------------------------------------------------------------------- common passages

    async def boot(self, *statuses: str, within_s: float = 60.0) -> None:
        """A boot that is accepted, and the status of every connector in any order (all the same, or by `statuses`)."""
        await self.expect(boot(), within_s)
        await self.expect_in_any_order(*self.all_statuses(*statuses))

    def all_statuses(self, *statuses: str) -> list[Message]:
        """A status of connector 0 and of each other one: any of `statuses`; connector 0 `Available` if it can be."""
        allowed = statuses or ("Available",)
        station = [s for s in allowed if s in ("Available", "Unavailable", "Faulted")] or ["Available"]
        return [status(0, *station), *(status(c, *allowed) for c in range(1, self.rig.options.connectors + 1))]

    async def configure(self, keys: Mapping[str, str]) -> None:
        """Set what a case is run with; each key must be accepted."""
        for key, value in keys.items():
            await self.ask(self.backend.change_configuration(key, value), "Accepted")

    async def charge(self, card: str = CARD, **car: Any) -> int:
        """Charging as the tool brings it about: the cable, then a remote start. Returns the id of the transaction."""
        self.rig.plug(1, **car)
        await self.expect(status(1, "Preparing"))
        await self.ask(self.backend.remote_start(card, 1), "Accepted")
        await self.expect(authorize(card))
        return await self.expect_charging(card)

    async def expect_charging(self, card: str = CARD, within_s: float = SOON_S, **started_with: Any) -> int:
        """The transaction is told, and the energy; `started_with` as in `start`. Returns the id of the backend."""
        begun = start(card, **started_with)
        started, _ = await self.expect_in_any_order(begun, status(1, "Charging"), within_s=within_s)
        assert self.rig.closed()
        return self.transaction(started)

    def transaction(self, started: Frame) -> int:
        """The id that the backend gave to a start."""
        return self.backend.ledger.foreign_ids(started.message_id)[-1]

    async def leave(self) -> None:
        """The cable is released and taken; the connector is free."""
        await self.until(lambda: not locked(self), within_s=5, what="the cable is released")
        self.rig.unplug()
        await self.expect(status(1, "Available"))

    async def lose_connection(self) -> None:
        """The backend is gone until `restore_connection`."""
        await self.backend.stop()
        await self.wait(2)
        self._seen = len(self.frames)

    async def restore_connection(self) -> None:
        """The backend is there again."""
        await self.backend.start()
        await self.until(self.backend.connected.is_set, within_s=300, what="the connection is back")

    def finish(self, *, stays_locked: bool = False, **oracle: Any) -> None:
        """The end of a case: every frame was regular, and what happened fits what was told.

        `stays_locked`: the cable may be held long after the end; `oracle` as in `World`.
        """
        if stays_locked and not self.captive:
            oracle["limits"] = Limits(unlock_s=float("inf"), sockets=frozenset({1}))
        if self.backend.ledger.errors() or self.backend.complaints:
            self._fail(f"CALLERRORs or broken frames: {self.backend.complaints or 'see below'}")
        running = any("transaction" in what for what in self.rig.agent.unfinished())
        if Present.part is Part.PRIMARY:
            oracle["undelivered"] = frozenset({"management"})
        self.rig.check(running=running, **oracle)

    # ------------------------------------------------------------------------------------------------------ inside

    async def _next(self, open_: list[Message], within_s: float) -> Frame:
        named = {message.action for message in open_}

        def place() -> int | None:
            for place in range(self._seen, len(self.frames)):
                frame = self.frames[place]
                if _is_request(frame) and (frame.action not in BACKGROUND or frame.action in named):
                    return place
            return None

        await self.until(lambda: place() is not None, within_s, f"expected {' and '.join(map(repr, open_))}")
        found = place()
        assert found is not None
        if found < self._answered:
            self._fail(f"{self.frames[found].action} came before the answer of the station that it follows from")
        self._seen = found + 1
        return self.frames[found]

    def _fail(self, why: str) -> None:
        raise AssertionError(f"{why}\n{self.rig.story()}")


def examine(
    folder: Path,
    script: Script,
    *,
    captive: bool = SOCKET,
    keys: Mapping[str, str] | None = None,
    options: RigOptions | None = None,
    defects: Mapping[str, Any] | None = None,
    **oracle: Any,
) -> None:
    """Run a case on a station that has booted, is idle and has the keys of the case; `oracle` as of `Tool.finish`.

    `defects` as of `StationRig`: what stands in for a part of the world.
    """
    booted = _booted(script, {**GLOBALS, **(keys or {})})
    examine_from_boot(folder, booted, options or station(captive), defects=defects, **oracle)


def examine_from_boot(
    folder: Path,
    script: Script,
    options: RigOptions,
    prepare: Callable[[StationRig], None] = lambda rig: None,
    defects: Mapping[str, Any] | None = None,
    **oracle: Any,
) -> None:
    """Run a case on a station that is switched on when it begins; `prepare` sets the backend up before."""

    async def main() -> None:
        rig = StationRig(folder, with_others(options), defects=defects, direct=True)
        prepare(rig)
        set_up(rig)
        async with rig:
            tool = Tool(rig)
            failure: BaseException | None = None
            try:
                await script(tool)
                tool.finish(**oracle)
            except (AssertionError, OCPPError, LookupError) as error:
                failure = error
            judge(tool, failure)

    run_virtual(main(), real_limit_s=REAL_LIMIT_S)


def station(captive: bool = SOCKET, **options: Any) -> RigOptions:
    """A station with management alone, and no keys but the defaults."""
    return RigOptions(primary=False, captive_cable=captive, **{"management_keys": {}, **options})


def _booted(script: Script, keys: Mapping[str, str]) -> Script:
    async def booted(tool: Tool) -> None:
        await tool.boot()
        await tool.configure(keys)
        await script(tool)

    return booted


def _is_request(frame: Frame) -> bool:
    return frame.direction == RECEIVED and frame.is_call


def _why_not(wanted: list[Message], frame: Frame) -> str:
    same = [message for message in wanted if message.action == frame.action]
    return f"{frame.action} came" + "".join(
        f"; {why}" for m in same for why in m.differences(frame.action, frame.payload)
    )


def locked(tool: Tool) -> bool:
    """The cable is held."""
    lock = tool.rig.plant.connector(1).lock
    return lock is not None and lock.locked
