"""What has come from a peer and was not looked at yet: shown to the WebSocket package piece by piece.

Theory of operation
-------------------
The event loop reads up to 256 KiB at a time, and in that many bytes there is room for a hundred thousand empty frames
or pings, which the package would take one after another while nothing else runs. So of what came one small piece is
looked at in each turn of the loop. While something is left over, and while `Allowance` says so, the socket is not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from agent.links.allowance import Allowance

PIECE_BYTES: Final = 1_024
"""At most 512 frames in one turn of the loop."""
LAST_BYTES: Final = 16_384
"""When the peer has ended, so much of what it sent before is still looked at."""


class Intake:
    """One connection's. `show` gives a piece to the package."""

    def __init__(self, allowance: Allowance, show: Callable[[bytes], None]) -> None:
        self._allowance = allowance
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._held = False
        """The package has enough messages that nobody has fetched yet."""
        self._next: asyncio.Handle | None = None

    @property
    def more_waits(self) -> bool:
        """Something has come that was not shown yet."""
        return bool(self._unread)

    def opened(self, transport: asyncio.Transport) -> None:
        """The connection is made."""
        self._transport = transport

    def take(self, data: bytes) -> None:
        """Bytes came."""
        self._unread += data
        if self._next is None:
            self._go_on()

    def hold(self) -> None:
        """No more until `release`."""
        self._held = True
        self._read(False)

    def release(self) -> None:
        """More is welcome."""
        self._held = False
        if self._next is None:
            self._next = self._loop.call_soon(self._go_on)

    def ended(self) -> None:
        """The peer sends no more: what it said last is looked at now."""
        rest, self._unread = bytes(self._unread[:LAST_BYTES]), bytearray()
        if rest:
            self._show(rest)

    def lost(self) -> None:
        """The connection is gone, and what is left over with it."""
        self._unread.clear()
        if self._next is not None:
            self._next.cancel()

    def _go_on(self) -> None:
        self._next = None
        wait_s = self._allowance.wait_s()
        if wait_s > 0:
            self._read(False)
            self._next = self._loop.call_later(wait_s, self._go_on)
            return
        if self._unread and not self._held:
            piece = bytes(self._unread[:PIECE_BYTES])
            del self._unread[:PIECE_BYTES]
            self._show(piece)
        self._read(not self._unread and not self._held)
        if self._unread and not self._held and self._next is None:
            self._next = self._loop.call_soon(self._go_on)

    def _read(self, wanted: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
