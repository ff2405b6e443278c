"""A serial line as an awaitable pair of byte streams; the only file that imports pyserial.

`open_tty` is the real one. Tests and the in-process plant bring their own `PortFactory` and never touch a tty. A port
that is gone (adapter pulled, far end of a pseudo-terminal closed) reads `b""` once and for ever; who reads it closes it
and opens it anew with a backoff of his own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import serial


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How bytes look on the wire. `parity` is `N`, `E` or `O`."""

    baud: int
    parity: str = "N"
    stop_bits: int = 1
    data_bits: int = 8

    @property
    def character_s(self) -> float:
        """Time of one character on the wire, start, parity and stop bits included, in seconds."""
        return (1 + self.data_bits + (self.parity != "N") + self.stop_bits) / self.baud

    @property
    def silence_s(self) -> float:
        """Least silence between two frames (Modbus over serial line 2.5.1.1: 3.5 characters, fixed above 19200)."""
        return 0.00175 if self.baud > 19200 else 3.5 * self.character_s


class SerialPort(Protocol):
    """One open line. Used by exactly one task. Every method may raise `OSError` when the line is gone."""

    async def read(self) -> bytes:
        """Wait for at least one byte and return what is there; `b""`: the line is gone and stays so."""

    async def write(self, data: bytes) -> None:
        """Hand all bytes to the line; returns when they are queued, not when they are on the wire."""

    async def flush(self) -> None:
        """Forget everything that was received and not yet read."""

    async def close(self) -> None:
        """Give the line back; a second call does nothing."""


PortFactory = Callable[[str, SerialSettings], Awaitable[SerialPort]]
"""Opens the line at an address; raises `OSError` with a text for people when it cannot."""


class TtyPort:
    """A tty with a non-blocking file descriptor, watched by the running event loop."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._fd: int = line.fileno()
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._readable = asyncio.Event()
        self._gone = False
        self._closed = False
        self._loop.add_reader(self._fd, self._on_readable)

    async def read(self) -> bytes:
        """See `SerialPort.read`."""
        await self._readable.wait()
        data = bytes(self._received)
        self._received.clear()
        if not self._gone:
            self._readable.clear()
        return data

    async def write(self, data: bytes) -> None:
        """See `SerialPort.write`."""
        if self._gone:
            raise OSError("the serial line is gone")
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                await self._writable()

    async def flush(self) -> None:
        """See `SerialPort.flush`."""
        if self._gone:
            return
        self._received.clear()
        self._readable.clear()
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
        except termios.error as error:  # not an OSError, though it carries an errno
            raise OSError(*error.args) from error

    async def close(self) -> None:
        """See `SerialPort.close`."""
        if self._closed:
            return
        self._closed = True
        self._mark_gone()
        with contextlib.suppress(OSError, termios.error):
            self._line.close()

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received += data
            self._readable.set()
        else:  # a closed far end stays readable for ever: stop watching, else the loop spins
            self._mark_gone()

    def _mark_gone(self) -> None:
        if not self._gone:
            self._gone = True
            self._loop.remove_reader(self._fd)
            self._readable.set()

    async def _writable(self) -> None:
        ready = asyncio.Event()
        self._loop.add_writer(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_writer(self._fd)


def is_pseudo_terminal(address: str) -> bool:
    """A pseudo-terminal has no wire: asking it for a parity bit fails with EINVAL when nothing else changes."""
    return os.path.realpath(address).startswith("/dev/pts/")


async def open_tty(address: str, settings: SerialSettings) -> SerialPort:
    """Open a tty exclusively. Raises `OSError` (pyserial's error is one) when it is missing, busy or forbidden."""
    parity = "N" if is_pseudo_terminal(address) else settings.parity
    try:
        line = serial.Serial(
            port=address,
            baudrate=settings.baud,
            parity=parity,
            stopbits=settings.stop_bits,
            bytesize=settings.data_bits,
            timeout=0,
            exclusive=True,
        )
    except (ValueError, termios.error) as error:  # pyserial: a baud rate or parity that the device cannot do
        raise OSError(f"{address}: {error}") from error
    return TtyPort(line)
