"""What all card readers of the plant share: a field in which one card at a time is held for a while."""

from __future__ import annotations

import asyncio
from collections import deque

from hal.simulator.wire.line import LineFormat, SerialEnd

HOLD_S = 1.0
"""A person holds a card at least so long."""
PATIENCE_S = 5.0
"""A person waits so long for the reader to notice, then gives up."""


class UnknownToken(ValueError):
    """A token that a card for this reader cannot carry."""


class CardReader(SerialEnd):
    """A reader with an antenna. Subclasses speak the protocol."""

    def __init__(self, name: str, line_format: LineFormat) -> None:
        super().__init__(name, line_format)
        self.online = True
        self.card: bytes | None = None
        """In the field now."""
        self._waiting: deque[bytes] = deque()
        self._noticed = False
        self._until_s = 0.0

    def parse(self, id_token: str) -> bytes:
        """The bytes of a card with this token. Raises UnknownToken."""
        raise NotImplementedError

    def present(self, uid: bytes) -> None:
        """Hold a card to the reader, behind those that wait. Needs a running event loop."""
        self._waiting.append(uid)
        if self.card is None:
            self._next_card()

    def set_online(self, online: bool) -> None:
        """Take the reader's supply away, or bring it back."""
        if online and not self.online:
            self.restarted()
        self.online = online

    def card_entered(self) -> None:
        """A card came into the field."""

    def restarted(self) -> None:
        """The supply came back."""

    def noticed(self) -> None:
        """The reader told its master about the card in the field."""
        self._noticed = True

    def _next_card(self) -> None:
        loop = asyncio.get_running_loop()
        self.card = self._waiting.popleft()
        self._noticed = False
        self._until_s = loop.time() + PATIENCE_S
        loop.call_later(HOLD_S, self._look_again)
        self.card_entered()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._noticed and loop.time() < self._until_s:
            loop.call_later(HOLD_S / 4, self._look_again)
            return
        self.card = None
        if self._waiting:
            self._next_card()


def hex_bytes(id_token: str) -> bytes:
    """Hex digits, blanks, colons and hyphens allowed between them. Raises UnknownToken."""
    digits = id_token.translate({ord(mark): None for mark in " :-"})
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise UnknownToken("write it in hex, two digits for each byte") from None
