"""Card readers on virtual time, against a fake chip on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hal.api import CardSeen, Fault, FaultSeen, ReaderPlan, Reading
from hal.drivers.card_reader import CardReader, Presentations
from hal.profile_reader import find_reader
from tests.rig.virtual_time import cancelled, run_virtual, until

ACKNOWLEDGE = bytes.fromhex("0000ff00ff00")


def framed(text: str) -> bytes:
    body = bytes.fromhex("d5" + text)
    return bytes((0, 0, 255, len(body), (256 - len(body)) % 256)) + body + bytes(((256 - sum(body)) % 256, 0))


class FakeChip:
    """A PN532 on a line: takes commands, lists whatever card lies on it. Also a plain line (`put`)."""

    def __init__(self) -> None:
        self.card: str | None = None
        self.deaf = False
        self.there = True
        self.garbage = b""
        self.commands: list[str] = []
        self._buffer = bytearray()
        self._ready = asyncio.Event()
        self._listing = False

    async def open(self, address: str, settings: Any) -> FakeChip:
        if not self.there:
            raise OSError(f"{address}: no such line")
        self._ready.clear()
        return self

    async def read(self) -> bytes:
        await self._ready.wait()
        self._ready.clear()
        data, self._buffer = bytes(self._buffer), bytearray()
        return data if self.there else b""

    async def write(self, data: bytes) -> None:
        if self.deaf:
            return
        body = data[data.index(b"\x00\xff") + 4 : -2]
        self.commands.append(body.hex())
        self.put(self.garbage + ACKNOWLEDGE)
        self._listing = body[1] == 0x4A
        if body[1] == 0x14:
            self.put(framed("15"))
        elif body[1] == 0x02:
            self.put(framed("03 32 01 06 07"))
        elif self.card:
            self.lay(self.card)

    def lay(self, uid: str | None) -> None:
        self.card = uid
        if uid and self._listing:
            self._listing = False
            self.put(self.garbage + framed(f"4b 01 01 0004 08 {len(uid) // 2:02x} {uid}"))

    async def flush(self) -> None: ...

    async def close(self) -> None: ...

    def put(self, data: bytes) -> None:
        self._buffer += data
        self._ready.set()

    def cut(self) -> None:
        self.there = False
        self._ready.set()


class Desk:
    def __init__(self, profile: str) -> None:
        self.chip = FakeChip()
        self.readings: list[Reading] = []
        self.log: list[str] = []
        plan = ReaderPlan("door", profile, "fake", (1, 2))
        found = find_reader(profile)
        self.reader = CardReader(plan, found, self.chip.open, self.readings.append, self.log.append)

    @property
    def cards(self) -> list[str]:
        return [one.uid for one in self.readings if isinstance(one, CardSeen)]

    @property
    def offline(self) -> list[tuple[int | None, bool]]:
        faults = [one for one in self.readings if isinstance(one, FaultSeen) and one.fault is Fault.READER_OFFLINE]
        return [(one.connector, one.active) for one in faults]

    def play(self, scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            task = asyncio.create_task(self.reader.run())
            try:
                await scenario(self)
                assert not task.done()
            finally:
                await cancelled(task)

        run_virtual(whole())


def test_a_card_is_one_presentation_while_it_lies_there() -> None:
    async def scenario(desk: Desk) -> None:
        await asyncio.sleep(1)
        desk.chip.lay("a1b2c3d4")
        await asyncio.sleep(10)
        assert desk.cards == ["A1B2C3D4"]
        desk.chip.lay(None)
        await asyncio.sleep(6)
        desk.chip.lay("a1b2c3d4")
        await asyncio.sleep(1)
        assert desk.cards == ["A1B2C3D4"] * 2

    Desk("pn532_uart").play(scenario)


def test_uids_of_seven_and_ten_bytes_and_through_garbage() -> None:
    async def scenario(desk: Desk) -> None:
        desk.chip.garbage = bytes.fromhex("00ff10ff0000ff0300")
        await asyncio.sleep(1)
        for uid in ("04a1b2c3d4e5f6", "01020304050607080910"):
            desk.chip.lay(uid)
            await asyncio.sleep(1)
        assert desk.cards == ["04A1B2C3D4E5F6", "01020304050607080910"]

    Desk("pn532_uart").play(scenario)


def test_a_random_number_is_refused_with_a_line_in_the_log_that_does_not_name_it() -> None:
    async def scenario(desk: Desk) -> None:
        await asyncio.sleep(1)
        desk.chip.lay("08deadbe")
        await asyncio.sleep(1)
        assert desk.cards == []
        assert len(desk.log) == 1
        assert "random" in desk.log[0]
        assert "dead" not in desk.log[0].lower()

    Desk("pn532_uart").play(scenario)


def test_a_deaf_reader_is_offline_once_and_recovers_once() -> None:
    async def scenario(desk: Desk) -> None:
        await asyncio.sleep(1)
        desk.chip.deaf = True
        await asyncio.sleep(60)
        assert desk.offline == [(1, True), (2, True)]
        desk.chip.deaf = False
        await until(lambda: len(desk.offline) == 4, within_s=30)
        desk.chip.lay("a1b2c3d4")
        await asyncio.sleep(1)
        assert desk.cards == ["A1B2C3D4"]

    Desk("pn532_uart").play(scenario)


@pytest.mark.parametrize("profile", ["pn532_uart", "rdm6300"])
def test_a_line_that_goes_and_comes(profile: str) -> None:
    async def scenario(desk: Desk) -> None:
        await asyncio.sleep(1)
        desk.chip.cut()
        await until(lambda: len(desk.offline) == 2, within_s=2)
        await asyncio.sleep(30)
        desk.chip.there = True
        await until(lambda: len(desk.offline) == 4, within_s=30)

    Desk(profile).play(scenario)


def test_an_rdm6300_repeats_and_is_told_once() -> None:
    async def scenario(desk: Desk) -> None:
        await asyncio.sleep(0.1)
        for _ in range(50):
            desk.chip.put(b"\x020A00AB12CD7E\x03")
            await asyncio.sleep(0.1)
        assert desk.cards == ["0A00AB12CD"]

    Desk("rdm6300").play(scenario)


def test_presentations_slide() -> None:
    seen = Presentations(3)
    assert [seen.is_new(b"a", at) for at in (0, 2, 4, 6.9, 10)] == [True, False, False, False, True]
    assert seen.is_new(b"b", 10)
