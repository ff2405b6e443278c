"""One device on the bench: probe, read, and the few things a board can be asked to do. Used by `hal.bringup`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from hal.api import LightPattern, LockSeen, Reading
from hal.bus import Bus
from hal.bus_queue import Outcome, Priority
from hal.changes import Changes, FaultKeeper
from hal.device import Device, Reports
from hal.drivers.lock import LockDriver
from hal.profile import Access, BoardProfile, Probe, Profile, Register, Write
from hal.registers import Value

Print = Callable[[str], None]
LOCK_WAIT_S = 15.0


class BenchDevice:
    """`tell` prints a line. Methods return whether the device did as asked."""

    def __init__(self, profile: Profile, bus: Bus, unit: int, tell: Print) -> None:
        self._profile = profile
        self._tell = tell
        self._device = Device.on(bus, unit, profile)

    async def probe(self) -> bool:
        """Does the right device answer? Prints what it said."""
        probe = self._profile.probe
        if probe is None:
            return True
        values = await self._read([self._profile.registers[probe.register]])
        if values is None:
            return False
        right = matches(probe, values.get(probe.register))
        self._tell(f"probe: {probe.register} = {values.get(probe.register)!r}: {'as expected' if right else 'NOT as'}")
        if not right:
            self._tell(f"       expected {_expectation(probe)}; is it this device, and is the word order right?")
        return right

    async def show_all(self) -> bool:
        """Every readable register, one line each; what cannot be read says why."""
        well = True
        for register in self._profile.registers.values():
            if register.access is Access.WRITE:
                continue
            values = await self._device.reader.read([register])
            if isinstance(values, Outcome):
                self._tell(f"  {register.name:28} -- {values.detail}")
                well = False
            else:
                self._tell(_line(register, values.get(register.name)))
        return well

    async def offer(self, current_a: float, hold_s: float) -> bool:
        """Arm what falls back by itself, offer, show the pilot every second, withdraw in any case."""
        board = self._board
        if not board.offer.minimum_a <= current_a <= board.offer.maximum_a:
            self._tell(f"offer: give {board.offer.minimum_a:g} to {board.offer.maximum_a:g} ampere")
            return False
        try:
            well = await self._write("setup", board.setup)
            well = well and await self._write("dead-man", board.dead_man.arm if board.dead_man else ())
            well = well and await self._write("offer", board.offer.grant, current_a)
            for _ in range(max(int(hold_s), 1)):
                await asyncio.sleep(1)
                values = await self._read(self._pilot_registers())
                well = well and values is not None
                self._tell("  " + ", ".join(f"{name} = {value}" for name, value in (values or {}).items()))
        finally:
            off = await self.off()
        return well and off

    async def off(self) -> bool:
        """Withdraw the offer, and open where the contactor is commanded."""
        return await self._write("off", (*self._board.contactor.open, *self._board.offer.withdraw))

    async def lock(self, locked: bool) -> bool:
        """Drive the lock as the agent would: pulse, tries, confirmation."""
        part = self._board.lock
        if part is None:
            self._tell("this board has no lock")
            return False
        seen: list[Reading] = []
        ended = asyncio.Event()

        def observe(reading: Reading) -> None:
            seen.append(reading)
            ended.set()

        faults = FaultKeeper(1, observe, self._tell)
        reports = Reports(1, Changes(observe), faults, lambda what, detail: self._tell(f"{what}: {detail}"))
        driver = LockDriver(part, self._device, reports)
        await self._write("setup", self._board.setup)
        driver.drive(locked)
        task = asyncio.create_task(driver.run())
        try:
            async with asyncio.timeout(LOCK_WAIT_S):
                await ended.wait()
        except TimeoutError:
            self._tell("the lock did not come to an end")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        well = bool(seen) and isinstance(seen[-1], LockSeen)
        self._tell(f"{'locked' if locked else 'unlocked'}, confirmed by {part.confirmation}" if well else "failed")
        return well

    async def light(self, name: str) -> bool:
        """Show a pattern by its name."""
        part = self._board.light
        known = ", ".join(one.value for one in LightPattern)
        if part is None or name not in {one.value for one in LightPattern}:
            self._tell("this board has no light" if part is None else f"light: give one of {known}")
            return False
        colors = zip((part.red, part.green, part.blue), part.patterns[LightPattern(name)], strict=True)
        return await self._write("light", (*(Write(register, value) for register, value in colors), *part.enable))

    @property
    def _board(self) -> BoardProfile:
        if not isinstance(self._profile, BoardProfile):
            raise TypeError(f"{self._profile.id} is not a board")
        return self._profile

    def _pilot_registers(self) -> list[Register]:
        names = (self._board.pilot.register, self._board.pilot.advertised, self._board.contactor.register)
        return [self._board.registers[name] for name in dict.fromkeys(names) if name]

    async def _write(self, what: str, writes: Sequence[Write], current_a: float = 0) -> bool:
        if not writes:
            return True
        outcome = await self._device.write(writes, Priority.ACTUATE, current_a)
        self._tell(f"{what}: {'written' if outcome.done else outcome.detail}")
        return outcome.done

    async def _read(self, registers: Sequence[Register]) -> Mapping[str, Value] | None:
        values = await self._device.reader.read(registers, Priority.ACTUATE)
        if isinstance(values, Outcome):
            self._tell(values.detail)
            return None
        return values


def matches(probe: Probe, value: Value) -> bool:
    """Whether a probed value is that of the right device."""
    if probe.pattern is not None:
        return isinstance(value, str) and re.fullmatch(probe.pattern, value) is not None
    if not isinstance(value, (int, float)):
        return False
    low = probe.minimum is None or value >= probe.minimum
    return low and (probe.maximum is None or value <= probe.maximum)


def _expectation(probe: Probe) -> str:
    return f"{probe.pattern}" if probe.pattern is not None else f"{probe.minimum} to {probe.maximum}"


def _line(register: Register, value: Value) -> str:
    shown = "no value" if value is None else str(round(value, 3)) if isinstance(value, float) else str(value)
    return f"  {register.name:28} {shown:>14} {register.unit:5} {register.note}".rstrip()
