"""NXP PN532 on a high speed UART.

A frame is `00 00 FF LEN LCS TFI data DCS 00`. Each command is answered by an ACK and then by its response. After
power-up the chip sleeps until it sees a wake-up character (55) and has to be told its mode (SAMConfiguration) before it
looks for cards. InListPassiveTarget waits until a card comes, for ever unless RFConfiguration limits its retries; any
new frame ends the wait.
"""

from __future__ import annotations

import asyncio

from hal.simulator.devices.reader import CardReader, UnknownToken, hex_bytes
from hal.simulator.wire.line import LineFormat

START = b"\x00\x00\xff"
ACK = b"\x00\x00\xff\x00\xff\x00"
NACK = b"\x00\x00\xff\xff\x00\x00"
ERROR = b"\x00\x00\xff\x01\xff\x7f\x81\x00"
FROM_HOST, TO_HOST = 0xD4, 0xD5
WAKE_UP = 0x55
DIAGNOSE, FIRMWARE, SAM, RF, DESELECT, LIST_TARGET, RELEASE = 0x00, 0x02, 0x14, 0x32, 0x44, 0x4A, 0x52
FOR_EVER = 0xFF
RETRY_S = 0.01
HIGH_SPEED = LineFormat(115200)
ACK_S, RESPONSE_S = 0.001, 0.003
KINDS = {4: (b"\x00\x04", 0x08), 7: (b"\x00\x44", 0x00), 10: (b"\x00\x84", 0x00)}
"""SENS_RES and SEL_RES by length of the UID."""


def frame(data: bytes, direction: int = TO_HOST) -> bytes:
    """A normal information frame."""
    body = bytes((direction,)) + data
    return START + bytes((len(body), -len(body) & 0xFF)) + body + bytes((-sum(body) & 0xFF, 0x00))


class Pn532(CardReader):
    """One chip with its antenna."""

    def __init__(self, name: str, line_format: LineFormat = HIGH_SPEED) -> None:
        super().__init__(name, line_format)
        self.restarted()

    def parse(self, id_token: str) -> bytes:
        """See `CardReader`."""
        uid = hex_bytes(id_token)
        if len(uid) not in KINDS:
            raise UnknownToken("a card of this reader has a UID of 4, 7 or 10 bytes: 8, 14 or 20 hex digits")
        return uid

    def restarted(self) -> None:
        """See `CardReader`: asleep, in no mode."""
        self._awake = False
        self._configured = False
        self._retries = FOR_EVER
        self._buffer = bytearray()
        self._last = b""
        self._listening = False
        self._give_up: asyncio.TimerHandle | None = None

    def card_entered(self) -> None:
        """See `CardReader`."""
        if self._listening and self.online and self.powered:
            self._tell_target()

    def arrived(self, data: bytes) -> None:
        """See `SerialEnd`."""
        if not self.online:
            return
        self._awake = self._awake or WAKE_UP in data
        if not self._awake:
            return
        self._buffer += data
        while self._take():
            pass

    def _take(self) -> bool:
        """Take one frame out of the buffer, if there is a whole one."""
        at = self._buffer.find(START)
        if at < 0:
            del self._buffer[: max(0, len(self._buffer) - 2)]
            return False
        del self._buffer[:at]
        head = bytes(self._buffer[:6])
        if len(head) < 6:
            return False
        if head in (ACK, NACK):
            del self._buffer[:6]
            self._stop_listening()
            if head == NACK:
                self.send(self._last, RESPONSE_S)
            return True
        length = head[3]
        if (length + head[4]) & 0xFF:
            del self._buffer[:3]
            return True
        if len(self._buffer) < 7 + length:
            return False
        body, check = bytes(self._buffer[5 : 5 + length]), self._buffer[5 + length]
        del self._buffer[: 7 + length]
        if length >= 2 and body[0] == FROM_HOST and not (sum(body) + check) & 0xFF:
            self._stop_listening()
            self.send(ACK, ACK_S)
            self._perform(body[1], body[2:])
        return True

    def _perform(self, command: int, data: bytes) -> None:
        if command == SAM and data:
            self._configured = True
            self._respond(command)
        elif command == FIRMWARE:
            self._respond(command, b"\x32\x01\x06\x07")
        elif command == DIAGNOSE and data[:1] == b"\x00":
            self._respond(command, data)
        elif command == RF and self._configured:
            if data[:1] == b"\x05" and len(data) == 4:
                self._retries = data[3]
            self._respond(command)
        elif command in (RELEASE, DESELECT) and self._configured:
            self._respond(command, b"\x00")
        elif command == LIST_TARGET and self._configured and data[1:2] == b"\x00":
            self._list_target()
        else:
            self._send_response(ERROR)

    def _list_target(self) -> None:
        if self.card is not None:
            self._tell_target()
            return
        self._listening = True
        if self._retries != FOR_EVER:
            wait_s = (self._retries + 1) * RETRY_S
            self._give_up = asyncio.get_running_loop().call_later(wait_s, self._tell_no_target)

    def _tell_target(self) -> None:
        assert self.card is not None
        self._stop_listening()
        sens, sel = KINDS[len(self.card)]
        self._respond(LIST_TARGET, b"\x01\x01" + sens + bytes((sel, len(self.card))) + self.card)
        self.noticed()

    def _tell_no_target(self) -> None:
        self._stop_listening()
        self._respond(LIST_TARGET, b"\x00")

    def _stop_listening(self) -> None:
        self._listening = False
        if self._give_up is not None:
            self._give_up.cancel()
            self._give_up = None

    def _respond(self, command: int, data: bytes = b"") -> None:
        self._send_response(frame(bytes((command + 1,)) + data))

    def _send_response(self, response: bytes) -> None:
        self._last = response
        self.send(response, RESPONSE_S)
