"""The real port over a real pseudo-terminal; the line's arithmetic."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from hal.api import BusPlan, ConnectorPlan, HardwarePlan, OutputsOff, Reading
from hal.boards import build
from hal.serial_port import SerialSettings, open_tty
from tests.hal.bench import EpcUnit, MeterUnit
from tests.hal.fake_line import FakeUnit, checksum

SETTINGS = SerialSettings(19200, "E")


def test_time_on_the_wire() -> None:
    assert SerialSettings(9600, "N").character_s == pytest.approx(10 / 9600)
    assert SerialSettings(19200, "E").character_s == pytest.approx(11 / 19200)
    assert SerialSettings(9600).silence_s == pytest.approx(0.00365, abs=1e-4)
    assert SerialSettings(115200).silence_s == 0.00175


class Far:
    """The far end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._slave = slave

    def hang_up(self) -> None:
        for descriptor in (self._slave, self.master):
            if descriptor >= 0:
                os.close(descriptor)
        self._slave = self.master = -1


def play(coroutine: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(coroutine, 20)

    asyncio.run(bounded())


@pytest.mark.rung3
def test_bytes_go_both_ways() -> None:
    async def scenario() -> None:
        far = Far()
        port = await open_tty(far.path, SETTINGS)
        await port.write(b"\x01\x02\x03")
        assert os.read(far.master, 16) == b"\x01\x02\x03"
        os.write(far.master, b"\x00\xff\x11\x13")
        assert await port.read() == b"\x00\xff\x11\x13"
        os.write(far.master, b"late")
        await asyncio.to_thread(lambda: None)
        await port.flush()
        os.write(far.master, b"new")
        assert await port.read() == b"new"
        await port.close()
        await port.close()
        far.hang_up()

    play(scenario())


@pytest.mark.rung3
def test_a_closed_far_end_is_gone_and_does_not_spin() -> None:
    async def scenario() -> None:
        far = Far()
        port = await open_tty(far.path, SETTINGS)
        far.hang_up()
        assert await port.read() == b""
        assert await port.read() == b""
        began = os.times()
        await asyncio.get_running_loop().run_in_executor(None, far.hang_up)
        ended = os.times()
        assert ended.user - began.user < 1
        assert not asyncio.get_running_loop()._selector.get_map().keys() & {port._fd}  # type: ignore[attr-defined]
        with pytest.raises(OSError, match="gone"):
            await port.write(b"x")
        await port.flush()
        await port.close()

    play(scenario())


@pytest.mark.rung3
def test_a_port_has_one_owner() -> None:
    async def scenario() -> None:
        far = Far()
        port = await open_tty(far.path, SETTINGS)
        with pytest.raises(OSError, match="lock"):
            await open_tty(far.path, SETTINGS)
        await port.close()
        await (await open_tty(far.path, SETTINGS)).close()
        far.hang_up()

    play(scenario())


@pytest.mark.rung3
def test_a_missing_port_is_an_os_error() -> None:
    async def scenario() -> None:
        with pytest.raises(OSError, match="not-there"):
            await open_tty("/dev/not-there", SETTINGS)

    play(scenario())


class PtyUnits:
    """Units served from the loop on one pseudo-terminal."""

    def __init__(self, *units: FakeUnit) -> None:
        self.far = Far()
        self.units = units
        self._buffer = b""
        asyncio.get_running_loop().add_reader(self.far.master, self._serve)

    def _serve(self) -> None:
        self._buffer += os.read(self.far.master, 256)
        if len(self._buffer) >= 8 and self._buffer[-2:] == checksum(self._buffer[:-2]):
            frame, self._buffer = self._buffer, b""
            for unit in self.units:
                if (answer := unit.answer(frame)) is not None:
                    os.write(self.far.master, answer)

    def end(self) -> None:
        asyncio.get_running_loop().remove_reader(self.far.master)
        self.far.hang_up()


@pytest.mark.rung3
def test_a_whole_connector_over_a_real_line(tmp_path: Path) -> None:
    async def scenario() -> None:
        epc = EpcUnit()
        line = PtyUnits(epc, MeterUnit())
        off = asyncio.Event()
        readings: list[Reading] = []

        def observe(reading: Reading) -> None:
            readings.append(reading)
            if isinstance(reading, OutputsOff):
                off.set()

        plan = HardwarePlan(
            buses=(BusPlan("one", line.far.path, 19200, "E", 1),),
            connectors=(ConnectorPlan(1, "viridian_epc2plus", "one", None, "eastron_sdm72dm_v2", "one", None, 32.0),),
            safe_off_folder=str(tmp_path),
        )
        hardware = build(plan, observe)
        task = asyncio.create_task(hardware.run())
        hardware.all_off()
        await off.wait()
        assert epc.holding[28] == 10_000
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        line.end()

    play(scenario())
