"""Lines of the plant as pseudo-terminals, for masters in other processes.

The plant keeps its own descriptor of the slave side open, so that a master that comes and goes is not an end of file.
Stable names are symbolic links; a link that is in the way is replaced, anything else is left alone and refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from dataclasses import replace
from pathlib import Path

from hal.simulator.wire.line import SerialEnd

MOST = 4096
RATES = {getattr(termios, f"B{baud}"): baud for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)}


class PseudoTerminal:
    """One line, its device path and its links. Made and closed inside the event loop."""

    def __init__(self, line: SerialEnd) -> None:
        self.line = line
        self._plant_fd, self._device_fd = os.openpty()
        tty.setraw(self._device_fd)
        os.set_blocking(self._plant_fd, False)
        self.path = os.ttyname(self._device_fd)
        self._before = self._rate()
        self._links: list[Path] = []
        self._deliver = self._write
        line.attach(self._deliver)
        asyncio.get_running_loop().add_reader(self._plant_fd, self._on_readable)

    def link(self, path: Path) -> None:
        """Make a stable name for the device. Raises OSError where that is not possible."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.symlink_to(self.path)
        self._links.append(path)

    def close(self) -> None:
        """Take the links away and hang up."""
        asyncio.get_running_loop().remove_reader(self._plant_fd)
        self.line.detach(self._deliver)
        for path in self._links:
            if path.is_symlink() and os.readlink(path) == self.path:
                path.unlink()
        os.close(self._plant_fd)
        os.close(self._device_fd)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._plant_fd, MOST)
        except OSError:  # no data after all, or a hang-up between two masters
            return
        rate = self._rate()
        if rate != self._before and rate in RATES:
            self._before = rate
            self.line.format = replace(self.line.format, baud=RATES[rate])
        self.line.receive(data)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: a real line would lose it as well
            os.write(self._plant_fd, data)

    def _rate(self) -> int:
        rate = termios.tcgetattr(self._plant_fd)[5]
        return rate if isinstance(rate, int) else 0
