"""A meter that signs: begins and ends its sessions, and brings what it signed, to the byte.

Theory of operation
-------------------
Orders are carried out one after another. What a step needs of the line is tried again while the meter is silent, until
`PATIENCE_S` after the order is over or a newer order waits. A try begins with the state of the meter's session, so a
command that was taken is not sent again. A session that runs although nobody here began it is ended first; what it
signed belongs to no session of ours and is dropped. Before each begin, and before an end after the supply failed, the
meter is told the time and who charges; without the time it is not tried. What is fetched of a session that was over
before must be in the name of who charged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from hal.api import Observer, SigningAnswered, SigningOrder, SigningStep
from hal.blocks import area_bytes, area_reads, area_writes
from hal.bus_queue import Outcome, Priority, Result
from hal.device import Device
from hal.drivers import ocmf
from hal.modbus import Request
from hal.profile import Write
from hal.signing_part import Area, SigningPart

PATIENCE_S = 60.0
AGAIN_S = 1.0


class _Silence(Exception):
    """The meter, or its line, did not answer: worth another try."""


class _Refusal(Exception):
    """It cannot be done; trying again would not help."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(slots=True)
class _Task:
    """An order, when it came, whether its command went out, answered or not, and what the meter had signed before."""

    order: SigningOrder
    since: float
    commanded: bool = False
    before: bytes = b""


class SigningDriver:
    """The signing of one meter. `order` takes orders; answers go to the observer."""

    def __init__(
        self, connector: int, part: SigningPart, device: Device, observer: Observer, log: Callable[[str], None]
    ) -> None:
        self._connector = connector
        self._part = part
        self._command = part.command
        self._device = device
        self._observer = observer
        self._log = log
        self._orders: asyncio.Queue[_Task] = asyncio.Queue()
        self._public_key = ""

    def order(self, order: SigningOrder) -> None:
        """Queue an order. The time that it names is that of now."""
        self._orders.put_nowait(_Task(order, self._now()))

    async def run(self) -> None:
        """Carry out orders until cancelled."""
        while True:
            self._observer(await self._answered(await self._orders.get()))

    async def _answered(self, task: _Task) -> SigningAnswered:
        order = task.order
        try:
            data = await self._patiently(task)
        except _Refusal as error:
            told = (self._connector, order.request, order.step, False)
            return SigningAnswered(*told, status=error.status, detail=str(error)[:120])
        told = (self._connector, order.request, order.step, True)
        return SigningAnswered(*told, data=data, encoding=ocmf.NAME, public_key=self._public_key)

    async def _patiently(self, task: _Task) -> str:
        while True:
            try:
                return await (self._begin(task) if task.order.step is SigningStep.BEGIN else self._end(task))
            except _Silence as error:
                if self._now() - task.since >= PATIENCE_S or not self._orders.empty():
                    raise _Refusal(str(error)) from None
            await asyncio.sleep(AGAIN_S)

    async def _begin(self, task: _Task) -> str:
        state = await self._number(self._command.state)
        if state in self._command.active and not task.commanded:
            self._log(f"meter of connector {self._connector}: a signed session that nobody here began is ended")
            nobody = _Task(replace(task.order, identification=""), task.since)
            await self._end_session(nobody, state)
            state = await self._number(self._command.state)
        if state not in self._command.active:
            await self._tell(task)
            await self._once(task, self._command.begin, self._command.active)
        await self._learn_key()
        return ""

    async def _end(self, task: _Task) -> str:
        state = await self._number(self._command.state)
        was_over = state not in self._command.active
        if not was_over:
            await self._end_session(task, state)
        elif task.commanded or task.order.again:
            await self._signed()
        else:
            raise _Refusal("the meter has no session to end")
        await self._learn_key()
        dataset = await self._sized(self._part.dataset, self._part.dataset_length)
        signature = await self._sized(self._part.signature, self._part.signature_length)
        if not dataset or not signature:
            raise _Refusal("the meter holds no signed dataset")
        if signature == task.before:
            raise _Refusal("the meter has signed nothing new")
        if was_over and not ocmf.names(dataset, task.order.identification):
            raise _Refusal("what the meter holds was signed for somebody else")
        return ocmf.record(dataset, signature)

    async def _end_session(self, task: _Task, state: int) -> None:
        clock, part = self._part.clock, self._part
        if not task.commanded:
            octets = await self._number(part.signature_length)
            task.before = await self._bytes(part.signature, max(0, min(octets, part.signature.octets)))
        if state in self._command.interrupted or await self._number(clock.status) == clock.lost:
            await self._tell(task)
        await self._once(task, self._command.end, self._command.idle)

    async def _signed(self) -> None:
        """Wait while the meter still works on an end that was commanded before."""
        words, began = self._command, self._now()
        while await self._number(words.status) in words.under_way:
            if self._now() - began >= words.longest_ms / 1000:
                raise _Refusal(f"the meter has not signed within {words.longest_ms / 1000:g} s")
            await asyncio.sleep(words.poll_ms / 1000)

    async def _tell(self, task: _Task) -> None:
        """Time, zone, who charges, and the settings of the profile."""
        if task.order.wall_ms is None:
            raise _Refusal("the time is not known, and the meter must be told it")
        clock, part = self._part.clock, self._part
        text = ocmf.identification(task.order.identification)
        if len(text) > part.identification.octets:
            raise _Refusal(f"who charges takes {len(text)} bytes, and the meter takes {part.identification.octets}")
        await self._send(area_writes(part.identification, text, self._device.unit, self._device.profile.limits))
        now_s = task.order.wall_ms // 1000 + round(self._now() - task.since)
        zone_min = time.localtime(now_s).tm_gmtoff // 60
        words = {part.identification_length: len(text), **part.settings, clock.zone: zone_min}
        words |= {clock.high: now_s >> 16, clock.low: now_s & 0xFFFF, clock.status: clock.told}
        await self._write(*(Write(name, value) for name, value in words.items()))

    async def _once(self, task: _Task, command: int, wanted: tuple[int, ...]) -> None:
        """Command it; the line repeats what was not answered, and then the meter refuses what it has done by then."""
        try:
            await self._commanded(task, command, wanted)
        except _Refusal as refused:
            if refused.status is None or await self._number(self._command.state) not in wanted:
                raise
            await self._signed()

    async def _commanded(self, task: _Task, command: int, wanted: tuple[int, ...]) -> None:
        """Send a command and wait until the meter says how it went."""
        words, began = self._command, self._now()
        task.commanded = True
        await self._send(self._device.requests((Write(words.register, command),)), once=True)
        while self._now() - began < words.longest_ms / 1000:
            state, status = await self._number(words.state), await self._number(words.status)
            if state in wanted and status == words.done:
                return
            settled = self._now() - began >= words.settle_ms / 1000
            if settled and status not in (words.done, *words.under_way):
                if await self._number(self._part.clock.status) == self._part.clock.lost:
                    raise _Silence("the supply of the meter failed meanwhile")  # it was told the time before
                raise _Refusal(f"status {status}: {words.refusals.get(status, 'not explained')}", status)
            await asyncio.sleep(words.poll_ms / 1000)
        raise _Refusal(f"the command was not done within {words.longest_ms / 1000:g} s")

    async def _learn_key(self) -> None:
        if not self._public_key:
            area = self._part.public_key
            self._public_key = self._part.public_key_prefix + (await self._bytes(area, area.octets)).hex()

    # ------------------------------------------------------------------------------------------------- the line

    async def _number(self, name: str) -> int:
        values = await self._device.reader.read((self._device.registers[name],), Priority.METER)
        if isinstance(values, Outcome):
            raise _trouble(values)
        value = values.get(name)
        return int(value) if isinstance(value, int | float) else -1

    async def _sized(self, area: Area, length: str) -> bytes:
        octets = await self._number(length)
        if octets > area.octets:
            raise _Refusal(f"{length} = {octets}, and the area holds {area.octets} bytes")
        return await self._bytes(area, octets)

    async def _bytes(self, area: Area, octets: int) -> bytes:
        requests = area_reads(area, octets, self._device.unit, self._device.profile.limits)
        return area_bytes(await self._send(requests), octets)

    async def _write(self, *writes: Write) -> None:
        await self._send(self._device.requests(writes))

    async def _send(self, requests: tuple[Request, ...], *, once: bool = False) -> tuple[tuple[int, ...], ...]:
        device = self._device
        outcome = await device.bus.ask(device.unit, requests, Priority.METER, device.gap_s, once=once)
        if not outcome.done:
            raise _trouble(outcome)
        return outcome.replies

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _trouble(outcome: Outcome) -> Exception:
    """What the device itself refuses is final; what did not get through is not, nor that it is busy."""
    final = outcome.result is Result.REFUSED and not outcome.for_now
    return _Refusal(outcome.detail) if final else _Silence(outcome.detail)
