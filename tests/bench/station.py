"""The agent's process with no buses: `python -m tests.bench.station [--no-jitter] OPTIONS OF THE AGENT`.

Everything is the real composition but the hardware, which answers each order on the next turn of the loop, and the
store, whose disk can be told to stall. Driven by lines on standard input; `report` prints the stamps kept so far
(`what connector seconds`, monotonic clock) and an empty line.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import agent.__main__ as entry
from agent.store.database import Database
from agent.store.frames import Render
from agent.store.store import Store
from hal.api import (
    CableSeen,
    Capabilities,
    CardSeen,
    ContactorFeedback,
    ContactorKind,
    ContactorSeen,
    Fault,
    FaultSeen,
    Hardware,
    HardwarePlan,
    LightPattern,
    LockConfirmation,
    LockSeen,
    Measurand,
    MeterSeen,
    Observer,
    OutputsOff,
    PilotSeen,
    PilotState,
    Reading,
    SigningOrder,
)

READER = "reader1"
CAPABILITIES = Capabilities(
    contactor=ContactorKind.AUTONOMOUS,
    contactor_feedback=ContactorFeedback.STATE,
    lock=LockConfirmation.READBACK,
    cable_rating=True,
    dead_man=None,
    light=False,
    measurands=((Measurand.ENERGY_ACTIVE_IMPORT, None),),
    minimum_current_a=6.0,
    maximum_current_a=16.0,
    worst_opening_ms=100,
)


class PromptHardware:
    """Hardware that confirms at once. `stamps` holds when confirmations and faults were told and orders came."""

    def __init__(self, plan: HardwarePlan, observer: Observer) -> None:
        self.stamps: list[tuple[str, int, float]] = []
        self._ids = [connector.id for connector in plan.connectors]
        self._observer = observer
        self._energy_wh = 1_000
        self._plugged: set[int] = set()

    @property
    def capabilities(self) -> Mapping[int, Capabilities]:
        return dict.fromkeys(self._ids, CAPABILITIES)

    @property
    def progress(self) -> Mapping[str, int]:
        return {}

    def offer(self, connector: int, current_a: float, grant: int) -> None:
        """The car takes what it is offered."""
        self._soon(PilotSeen(connector, PilotState.C, True, current_a), ContactorSeen(connector, True))

    def close_contactor(self, connector: int, grant: int) -> None:
        """The board does it by itself."""

    def lower(self, connector: int, current_a: float, grant: int) -> None:
        """The car follows."""

    def withdraw(self, connector: int, grant: int) -> None:
        """PWM off; the car lets go."""
        self._off(connector)

    def open_contactor(self, connector: int, grant: int) -> None:
        """As above, stamped."""
        self._stamp("opened", connector)
        self._off(connector)

    def drive_lock(self, connector: int, locked: bool) -> None:
        """It moves at once."""
        self._soon(LockSeen(connector, locked), what="confirmed")

    def read_meter(self, connector: int, request: int) -> None:
        """Answered at once, with a little more each time."""
        self._energy_wh += 1
        self._soon(MeterSeen(connector, self._energy_wh, request=request), what="confirmed")

    def sign(self, connector: int, order: SigningOrder) -> None:
        """Its meters do not sign."""

    def show(self, connector: int, pattern: LightPattern) -> None:
        """There is no light."""

    def all_off(self) -> None:
        """All is off, and nobody is there."""
        for connector in self._ids:
            self._soon(
                PilotSeen(connector, PilotState.A, False),
                ContactorSeen(connector, False),
                LockSeen(connector, False),
                CableSeen(connector, None),
                MeterSeen(connector, self._energy_wh),
                OutputsOff(connector),
            )

    def session_pace(self, connector: int, in_session: bool) -> None:
        """Nothing is polled."""

    async def run(self) -> None:
        """Nothing to do."""
        await asyncio.Event().wait()

    def plug(self, connector: int) -> None:
        """A car arrives."""
        self._plugged.add(connector)
        self._soon(CableSeen(connector, 32), PilotSeen(connector, PilotState.B, False))

    def unplug(self, connector: int) -> None:
        """It goes."""
        self._plugged.discard(connector)
        self._soon(
            ContactorSeen(connector, False), PilotSeen(connector, PilotState.A, False), CableSeen(connector, None)
        )

    def card(self, number: int) -> None:
        """A card is held to the reader."""
        self._soon(CardSeen(READER, f"04A1B2C3D4{number:04X}"))

    def fault(self, connector: int) -> None:
        """Residual current."""
        self._soon(FaultSeen(connector, Fault.RESIDUAL_CURRENT, True), what="fault")

    def _off(self, connector: int) -> None:
        state = PilotState.B if connector in self._plugged else PilotState.A
        self._soon(PilotSeen(connector, state, False), ContactorSeen(connector, False))

    def _soon(self, *readings: Reading, what: str = "") -> None:
        asyncio.get_running_loop().call_soon(self._observe, readings, what)

    def _observe(self, readings: tuple[Reading, ...], what: str) -> None:
        for reading in readings:
            if what:
                self._stamp(what, getattr(reading, "connector", 0))
            self._observer(reading)

    def _stamp(self, what: str, connector: int) -> None:
        self.stamps.append((what, connector, time.monotonic()))


class Desk:
    """Takes lines and does what they say."""

    def __init__(self) -> None:
        self.hardware: PromptHardware | None = None
        self._stall_s = 0.0
        self._unread = b""

    def build(self, plan: HardwarePlan, observer: Observer, note: Callable[[str], None]) -> Hardware:
        """The hardware seam."""
        self.hardware = PromptHardware(plan, observer)
        asyncio.get_running_loop().add_reader(sys.stdin, self._read)
        return self.hardware

    def make_store(self, path: Path, render: Render, report: Callable[[str], None]) -> Store:
        """The store seam: the real one, whose syncs can be made slow."""
        return Store(Database(path, on_sync=self._synced), render, report)

    def _synced(self) -> None:
        stall_s, self._stall_s = self._stall_s, 0.0
        time.sleep(stall_s)  # on the writer's thread, as a disk that does not answer

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._do(*line.decode().split())

    def _do(self, verb: str, number: str = "0") -> None:
        assert self.hardware is not None
        if verb == "report":
            self._report(self.hardware)
        elif verb == "stall":
            self._stall_s = float(number)
        else:
            getattr(self.hardware, verb)(int(number))

    def _report(self, hardware: PromptHardware) -> None:
        stamps, hardware.stamps = hardware.stamps, []
        print("".join(f"{what} {connector} {at_s:.6f}\n" for what, connector, at_s in stamps), flush=True)


def main(arguments: list[str]) -> int:
    """Run it; the exit status of the agent."""
    desk = Desk()
    changes: dict[str, Any] = {"build_hardware": desk.build, "make_store": desk.make_store}
    if "--no-jitter" in arguments:
        arguments.remove("--no-jitter")
        changes["chance"] = lambda: 0.0
    entry.REAL = replace(entry.REAL, **changes)  # type: ignore[attr-defined]
    return entry.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
