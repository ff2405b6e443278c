"""The connector lock: drive, pulse, confirm, try again; and notice when it moves by itself.

`run` is the only one that drives. `drive` says what is wanted and returns; the newest wish counts. Every drive ends in
`LockSeen` (told even when nothing changed: it is the answer) or, after the profile's tries, in `FaultSeen(LOCK)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hal.api import Fault, LockConfirmation, LockSeen
from hal.bus_queue import Outcome, Priority
from hal.device import Device, Reports
from hal.profile import LockPart, Write
from hal.registers import Value, bit

LOOK_AGAIN_S = 0.1
MOVED_DEBOUNCE_S = 0.2
BETWEEN_TRIES_S = 0.5


class LockDriver:
    """One lock."""

    def __init__(self, part: LockPart, device: Device, reports: Reports) -> None:
        self._part = part
        self._device = device
        self._reports = reports
        self._wish: bool | None = None
        self._wake = asyncio.Event()
        self._driving = False
        self._locked: bool | None = None
        self._moved_since: float | None = None
        self._seen_by = part.position or part.register

    @property
    def watched(self) -> tuple[str, ...]:
        """Registers that a poll of the board must contain for `take`."""
        return tuple(name for name in (self._seen_by, self._part.fault_register) if name)

    def drive(self, locked: bool) -> None:
        """Ask for a position; always driven, whatever was seen last."""
        self._wish = locked
        self._wake.set()

    async def run(self) -> None:
        """Drive until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            wish, self._wish = self._wish, None
            if wish is not None:
                self._driving = True
                try:
                    await self._drive(wish)
                finally:
                    self._driving = False

    def take(self, values: Mapping[str, Value], now: float) -> None:
        """One sample of the board: tells a first position, and one that changed by itself and stayed so."""
        if self._driving:
            return
        locked = self._position(values)
        if locked is None:
            return
        if self._locked is None:
            self._tell(locked)
        elif locked is self._locked:
            self._moved_since = None
        elif self._moved_since is None:
            self._moved_since = now
        elif now - self._moved_since >= MOVED_DEBOUNCE_S:
            self._moved_since = None
            self._reports.faults.set(Fault.LOCK, "moved", not locked, now, "opened by itself")
            self._tell(locked)

    async def _drive(self, wish: bool) -> None:
        for _ in range(self._part.tries):
            outcome = await self._push(wish)
            if outcome.failed:
                self._reports.failed("lock" if wish else "unlock", outcome.detail)
            elif await self._confirmed(wish):
                self._settle(wish)
                return
            if self._wish is not None:
                return  # a newer wish
            await asyncio.sleep(BETWEEN_TRIES_S)
        detail = "did not lock" if wish else "did not unlock"
        self._reports.faults.set(Fault.LOCK, "drive", True, self._now(), detail)

    def _settle(self, locked: bool) -> None:
        self._reports.faults.set(Fault.LOCK, "drive", False, self._now())
        self._reports.faults.set(Fault.LOCK, "moved", False, self._now())
        self._moved_since = None
        self._tell(locked)

    def _tell(self, locked: bool) -> None:
        self._locked = locked
        self._reports.changes.tell_always(LockSeen(self._reports.connector, locked))

    async def _push(self, wish: bool) -> Outcome:
        outcome = await self._write(self._part.locked if wish else self._part.unlocked)
        if outcome.done and self._part.pulse_ms:
            await asyncio.sleep(self._part.pulse_ms / 1000)
            outcome = await self._write(self._part.rest)
        return outcome

    async def _write(self, value: int) -> Outcome:
        return await self._device.write((Write(self._part.register, value),), Priority.ACTUATE)

    async def _confirmed(self, wish: bool) -> bool:
        """Look until the position is as wanted; without a position, wait and look for the fault bits once."""
        patience_s = self._part.confirm_ms / 1000
        if self._part.confirmation is LockConfirmation.NO_FAULT_AFTER_MS:
            await asyncio.sleep(patience_s)
            values = await self._look()
            return values is not None and not self._fault_bits(values)
        deadline = self._now() + patience_s
        while True:
            values = await self._look()
            if values is not None and self._position(values) is wish:
                return True
            if self._now() >= deadline:
                return False
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _look(self) -> Mapping[str, Value] | None:
        registers = [self._device.registers[name] for name in self.watched]
        values = await self._device.reader.read(registers, Priority.ACTUATE)
        return None if isinstance(values, Outcome) else values

    def _fault_bits(self, values: Mapping[str, Value]) -> bool:
        raw = values.get(self._part.fault_register) if self._part.fault_register else None
        return any(bit(raw, position) for position in self._part.fault_bits)

    def _position(self, values: Mapping[str, Value]) -> bool | None:
        raw = values.get(self._seen_by)
        if not isinstance(raw, (int, float)):
            return None
        if self._part.position is None:
            return int(raw) == self._part.locked and not self._fault_bits(values)
        on = bool(raw) if self._part.position_bit is None else bit(raw, self._part.position_bit)
        return on is not self._part.position_inverted

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
