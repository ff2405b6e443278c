from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import pytest

from hal.simulator.wire.line import LineFormat, SerialEnd
from hal.simulator.wire.ptys import PseudoTerminal


class Heard(SerialEnd):
    """Remembers what arrived and answers."""

    def __init__(self) -> None:
        super().__init__("bus", LineFormat(9600, "E"))
        self.data = b""
        self.done = asyncio.Event()

    def arrived(self, data: bytes) -> None:
        self.data += data
        self.send(b"answer")
        self.done.set()


@pytest.mark.rung3
def test_masters_come_and_go_and_the_rate_follows_them(tmp_path: Path) -> None:
    async def story() -> None:
        line = Heard()
        terminal = PseudoTerminal(line)
        terminal.link(tmp_path / "tty")
        for rate, baud in ((termios.B19200, 19200), (termios.B115200, 115200)):
            master = os.open(tmp_path / "tty", os.O_RDWR | os.O_NOCTTY)
            attributes = termios.tcgetattr(master)
            attributes[4] = attributes[5] = rate
            termios.tcsetattr(master, termios.TCSANOW, attributes)
            line.done.clear()
            os.write(master, b"hello\n")
            await asyncio.wait_for(line.done.wait(), 5)
            assert line.format == LineFormat(baud, "E")
            os.close(master)
        assert line.data == b"hello\nhello\n"
        terminal.close()

    asyncio.run(story())
    assert not (tmp_path / "tty").exists()


@pytest.mark.rung3
def test_a_link_in_the_way_is_replaced(tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "tty").symlink_to("/dev/null")
        terminal = PseudoTerminal(Heard())
        terminal.link(tmp_path / "tty")
        assert os.readlink(tmp_path / "tty") == terminal.path
        terminal.close()

    asyncio.run(story())
