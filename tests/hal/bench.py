"""Boards and meters as the tests know them: fake units per profile, and hardware built on them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hal.api import BusPlan, ConnectorPlan, HardwarePlan, Reading
from hal.boards import StationHardware, build
from tests.hal.fake_line import FakeLine, FakeUnit
from tests.rig.virtual_time import cancelled, run_virtual

T = TypeVar("T")
Kind = TypeVar("Kind")
PROFILES = str(Path(__file__).parent / "profiles")


def words_of(value: float) -> tuple[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low


class EpcUnit(FakeUnit):
    """Viridian EPC 2.0 Plus: registers 0 to 16 but 10, 28, 30, 44."""

    def __init__(self, unit: int = 101) -> None:
        super().__init__(unit, functions={3, 16})
        self.holding = dict.fromkeys([*range(10), *range(11, 17), 28, 30, 44], 0)
        self.on_write = EpcUnit.follow

    def plug(self, cable_a: int = 32) -> None:
        self.holding[11], self.holding[15] = 1, cable_a
        self.follow()

    def ask_power(self) -> None:
        self.holding[11] = 2

    def unplug(self) -> None:
        self.holding[11], self.holding[15] = 0, 0

    def break_lock(self) -> None:
        def follow(unit: FakeUnit) -> None:
            unit.holding[4] = 0

        self.on_write = follow

    def follow(self, *_: Any) -> None:
        self.holding[16] = self.holding[6] if self.holding[5] else 0

    def fail(self, on: bool) -> None:
        self.holding[14] = 0b001 if on else 0

    @property
    def offered_a(self) -> float:
        return self.holding[6] if self.holding[5] else 0


class PhoenixUnit(FakeUnit):
    """Phoenix EV-CC Basic; `high` is the function of the registers 24000 and up."""

    def __init__(self, unit: int = 1, high: int = 4) -> None:
        super().__init__(unit, functions={1, 3, 4, 5, 16})
        self.coils = dict.fromkeys(range(20000, 20004), 0)
        settings = dict.fromkeys([4000, 4001, 4002, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 22000], 0)
        state = dict.fromkeys([*range(24000, 24006), *range(24017, 24021), 24025, 24027], 0)
        self.holding = settings | (state if high == 3 else {})
        self.inputs = state if high == 4 else {}
        self.state = self.inputs if high == 4 else self.holding
        self.letter = "A"
        self.lock_fault = 0
        self.on_write = PhoenixUnit.follow
        self.follow()

    def plug(self, cable_a: int = 32) -> None:
        self.letter, self.state[24001] = "B", cable_a
        self.follow()

    def ask_power(self) -> None:
        self.letter = "C"
        self.follow()

    def unplug(self) -> None:
        self.letter, self.state[24001] = "A", 0
        self.follow()

    def break_lock(self) -> None:
        self.lock_fault = 1 << 6
        self.follow()

    def follow(self, *_: Any) -> None:
        enabled = self.coils[20000] == 1 if self.holding[4000] == 3 else self.holding[4000] == 0
        self.state[24000] = int.from_bytes(f"{self.letter}{2 if enabled else 1}".encode(), "big")
        self.state[24003] = self.holding[22000] if enabled else 0
        closed = enabled and self.letter == "C"
        self.state[24005] = 0b1000 if closed else 0
        self.state[24025] = self.state[24025] & ~(1 << 6) | (self.lock_fault if self.coils[20002] else 0)

    def fail(self, on: bool) -> None:
        self.state[24025] = 1 << 13 if on else 0

    @property
    def offered_a(self) -> float:
        enabled = self.coils[20000] == 1 if self.holding[4000] == 3 else self.holding[4000] == 0
        return self.holding[22000] if enabled else 0


class CommandedUnit(FakeUnit):
    """The tiny board of `profiles/tiny_commanded.toml`: we close its contactor, its lock has a position."""

    def __init__(self, unit: int = 7) -> None:
        super().__init__(unit, functions={1, 3, 5, 16})
        self.coils = dict.fromkeys(range(4), 0)
        self.holding = dict.fromkeys(range(6), 0) | {6: 0xFFFF}
        self.jammed = False
        self.stuck = False
        self.on_write = CommandedUnit.follow
        self.follow()

    def plug(self, cable_a: int = 32) -> None:
        self.holding[0] = 1

    def ask_power(self) -> None:
        self.holding[0] = 2

    def unplug(self) -> None:
        self.holding[0] = 0

    def break_lock(self) -> None:
        self.jammed = True

    def follow(self, *_: Any) -> None:
        if not self.stuck:
            self.holding[2] = 1 - self.coils[0]  # a normally closed auxiliary contact
        if not self.jammed and self.holding[5]:
            self.holding[3] = int(self.holding[5] == 1)

    def fail(self, on: bool) -> None:
        self.holding[4] = 0x80 if on else 0

    @property
    def offered_a(self) -> float:
        return self.holding[1] / 10


class MeterUnit(FakeUnit):
    """Any Eastron: 32-bit floats in input registers 0 to 79."""

    def __init__(self, unit: int = 1, top: int = 80) -> None:
        super().__init__(unit, functions={3, 4})
        self.inputs = dict.fromkeys(range(top), 0)
        for address in (0, 2, 4):
            self.set(address, 230.0)
        self.set(70, 50.0)
        self.set(72, 1234.567)

    def set(self, address: int, value: float) -> None:
        self.inputs[address], self.inputs[address + 1] = words_of(value)


BOARD_UNITS: dict[str, Callable[[], Any]] = {
    "viridian_epc2plus": EpcUnit,
    "phoenix_ev_cc_basic": PhoenixUnit,
    "tiny_commanded": CommandedUnit,
}


class SharedLine:
    """Two EPC boards (units 101 and 102) on one line, their meters on another."""

    def __init__(self) -> None:
        self.boards = {1: EpcUnit(101), 2: EpcUnit(102)}
        self.board_line = FakeLine(*self.boards.values())
        self.meter_line = FakeLine(MeterUnit(1), MeterUnit(2))
        self.readings: list[Reading] = []
        plan = HardwarePlan(
            buses=(BusPlan("board", "fake:board"), BusPlan("meter", "fake:meter")),
            connectors=tuple(
                ConnectorPlan(one, "viridian_epc2plus", "board", 100 + one, "eastron_sdm72dm_v2", "meter", one, 32.0)
                for one in self.boards
            ),
        )
        self.hardware: StationHardware = build(plan, self.readings.append, self._open, lambda _: None)

    async def _open(self, address: str, settings: Any) -> Any:
        return await (self.board_line if address == "fake:board" else self.meter_line).open(address, settings)

    def seen(self, kind: type[Kind], connector: int) -> list[Kind]:
        return [one for one in self.readings if isinstance(one, kind) and getattr(one, "connector", 0) == connector]

    def play(self, scenario: Callable[[SharedLine], Coroutine[Any, Any, T]]) -> T:
        """Run a scenario on virtual time while the hardware runs."""
        return run_virtual(_while_running(self.hardware, scenario(self)))


async def _while_running(hardware: StationHardware, scenario: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(hardware.run())
    try:
        result = await scenario
        assert not task.done(), task
        return result
    finally:
        await cancelled(task)


class CrowdedLine:
    """So many EPC boards (units 101 ...) and their meters (units 1 ...), all on one line."""

    def __init__(self, connectors: int, baud: int = 19200) -> None:
        self.numbers = range(1, connectors + 1)
        self.boards = {one: EpcUnit(100 + one) for one in self.numbers}
        self.meters = {one: MeterUnit(one) for one in self.numbers}
        self.line = FakeLine(*self.boards.values(), *self.meters.values())
        self.readings: list[Reading] = []
        self.log: list[str] = []
        plan = HardwarePlan(
            buses=(BusPlan("only", "fake:only", baud, "E"),),
            connectors=tuple(
                ConnectorPlan(one, "viridian_epc2plus", "only", 100 + one, "eastron_sdm72dm_v2", "only", one, 32.0)
                for one in self.numbers
            ),
        )
        self.hardware: StationHardware = build(plan, self.readings.append, self.line.open, self.log.append)

    def asked_at(self, unit: int) -> list[float]:
        """When each request to a unit was sent."""
        return [at for at, way, octets in self.line.transcript if way == ">>" and octets.startswith(f"{unit:02x} ")]

    def seen(self, kind: type[Kind], connector: int) -> list[Kind]:
        return [one for one in self.readings if isinstance(one, kind) and getattr(one, "connector", 0) == connector]

    def play(self, scenario: Callable[[CrowdedLine], Coroutine[Any, Any, T]]) -> T:
        """Run a scenario on virtual time while the hardware runs."""
        return run_virtual(_while_running(self.hardware, scenario(self)))


class Bench:
    """One connector on two lines."""

    def __init__(
        self, board: str = "viridian_epc2plus", captive: bool = False, safe_off_folder: str = "", **meter: Any
    ) -> None:
        self.board = BOARD_UNITS[board]()
        self.meter = MeterUnit(**meter)
        self.board_line = FakeLine(self.board)
        self.meter_line = FakeLine(self.meter)
        self.readings: list[Reading] = []
        self.log: list[str] = []
        plan = HardwarePlan(
            buses=(BusPlan("board", "fake:board"), BusPlan("meter", "fake:meter")),
            connectors=(ConnectorPlan(1, board, "board", None, "eastron_sdm72dm_v2", "meter", None, 32.0, 3, captive),),
            safe_off_folder=safe_off_folder,
            profile_folders=(PROFILES,),
        )
        self.hardware: StationHardware = build(plan, self.readings.append, self._open, self.log.append)

    async def _open(self, address: str, settings: Any) -> Any:
        return await (self.board_line if address == "fake:board" else self.meter_line).open(address, settings)

    def seen(self, kind: type[Kind]) -> list[Kind]:
        return [one for one in self.readings if isinstance(one, kind)]

    def play(self, scenario: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
        """Run a scenario on virtual time while the hardware runs."""
        return run_virtual(_while_running(self.hardware, scenario(self)))
