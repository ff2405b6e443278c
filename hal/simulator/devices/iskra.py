"""Iskra WM3M4C: decade floats, energy with an exponent of its own, and signed sessions in OCMF.

A command shows in the state of the session after `STATE_S` and is done after `busy_s`. When the supply fails, a session
that runs goes on as "after power failure": the clock is lost, and so is who charges; both must be written again before
the session can be ended. What it signed last stays readable until the next session is ended.

Nothing here is a real signature: it is a hash in the form of one, with the superfluous zeros that the real meter puts
before its numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import printable

from hal.simulator.physics.mains import POWER_FACTOR
from hal.simulator.physics.outlet import Outlet
from hal.simulator.wire.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_HOLDING,
    ModbusError,
    ModbusUnit,
)

IDLE, ACTIVE, AFTER_POWER_FAILURE = 0, 1, 2
STATUS_IDLE, STATUS_BUSY, STATUS_OK = 1, 2, 15
BAD_TIME, BAD_COMMAND, BAD_STATE, BAD_FORMAT = 128, 130, 131, 250
BEGIN, END = 0x4200, 0x7200
STATE_AT, COMMAND_AT, STATUS_AT, ZONE_AT, TIME_AT, INPUT_LENGTH_AT = 7000, 7051, 7052, 7053, 7054, 7056
OUTPUT_LENGTH_AT, SIGNATURE_LENGTH_AT, CLOCK_AT = 7057, 7058, 7071
INPUT, OUTPUT, KEY, SIGNATURE = range(7100, 7200), range(7612, 7862), range(8124, 8156), range(8188, 8224)
READABLE = (range(1, 13), range(105, 150), range(414, 422))
WRITABLE = (range(COMMAND_AT, COMMAND_AT + 21), INPUT)
STATE_S = 0.05
LONGEST_PACKET = 47
ODD_CHARACTERS = "".join(one for one in printable if one.isprintable() and one != "|") + "ä€"
EXPONENT = -1
"""The register counts tenths of a watt-hour."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the meter put out at the end of one session."""

    dataset: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Command:
    """A command under way, since `at_s`; `refusal` 0: it will be done."""

    code: int
    at_s: float
    refusal: int


class IskraMeter(ModbusUnit):
    """One meter. `signed` is all that it ever signed; `refuse` and `busy_s` make it difficult."""

    max_read = LONGEST_PACKET
    latency_s = 0.005

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        outlet.meter = self
        self.signed: list[Signed] = []
        self.begun = 0
        """How many sessions were begun."""
        self.refuse: deque[int] = deque()
        """Statuses with which the next commands are refused."""
        self.busy_s = 0.2
        self.state = IDLE
        self._status = STATUS_IDLE
        self._command: _Command | None = None
        self._begin_reading: dict[str, object] = {}
        self._who = b""
        self._clock_s: float | None = None
        """UNIX time at plant time 0, as it was told."""
        self._key = hashlib.sha512(f"key of {outlet.id}".encode()).digest()
        self._words: dict[int, int] = dict.fromkeys(
            [at for area in (*WRITABLE, OUTPUT, KEY, SIGNATURE) for at in area], 0
        )
        self._put(KEY, self._key)

    def restart(self, now_s: float) -> None:
        """See `Meter`."""
        self._settle()
        self._command, self._status, self._clock_s, self._who = None, STATUS_IDLE, None, b""
        self._words.update(dict.fromkeys(INPUT, 0))
        self.state = AFTER_POWER_FAILURE if self.state != IDLE else IDLE

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        """See `ModbusUnit`."""
        self._settle()
        values = self._held() if function == READ_HOLDING else self._measured()
        wanted = range(address, address + count)
        if any(at not in values for at in wanted):
            raise ModbusError(ILLEGAL_ADDRESS)
        return [values[at] for at in wanted]

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        """See `ModbusUnit`."""
        self._settle()
        if len(words) > LONGEST_PACKET:
            raise ModbusError(ILLEGAL_VALUE)
        for at, word in enumerate(words, address):
            if not any(at in area for area in WRITABLE) or at in (STATUS_AT, OUTPUT_LENGTH_AT, SIGNATURE_LENGTH_AT):
                raise ModbusError(ILLEGAL_ADDRESS)
            self._words[at] = word
            if at == COMMAND_AT:
                self._begin_command(word)
            elif at == CLOCK_AT:
                told_s = self._words[TIME_AT] << 16 | self._words[TIME_AT + 1]
                self._clock_s = told_s - self._outlet.now_s if word == 2 else None

    # ------------------------------------------------------------------------------------------------- commands

    def _begin_command(self, code: int) -> None:
        refusal = self.refuse.popleft() if self.refuse else self._against(code)
        self._command = _Command(code, self._outlet.now_s, refusal)

    def _against(self, code: int) -> int:
        if code not in (BEGIN, END):
            return BAD_COMMAND
        if (code == BEGIN) is not (self.state == IDLE):
            return BAD_STATE
        if self._clock_s is None:
            return BAD_TIME
        who = self._take(INPUT, self._words[INPUT_LENGTH_AT])
        if code == BEGIN or self.state == AFTER_POWER_FAILURE:
            self._who = who
        return 0 if _is_object(self._who) else BAD_FORMAT

    def _settle(self) -> None:
        """What the command under way has come to by now."""
        command = self._command
        if command is None:
            return
        passed_s = self._outlet.now_s - command.at_s
        if passed_s < STATE_S:
            return
        self._status = STATUS_BUSY
        wanted = ACTIVE if command.code == BEGIN else IDLE
        if not command.refusal and self.state != wanted:
            self._change_to(wanted)
        if passed_s >= self.busy_s:
            self._status, self._command = command.refusal or STATUS_OK, None

    def _change_to(self, state: int) -> None:
        if state == ACTIVE:
            self.begun += 1
            self._begin_reading = self._reading("B")
        else:
            self._sign()
        self.state = state

    def _sign(self) -> None:
        fields = json.loads(self._who)
        fields |= {"PG": f"T{len(self.signed) + 1}", "MS": f"S{self._outlet.id}", "XX": ODD_CHARACTERS}
        fields["RD"] = [self._begin_reading, self._reading("E")]
        dataset = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
        numbers = [hashlib.sha256(dataset + part).digest() for part in (b"r", b"s")]
        body = b"".join(b"\x02\x21\x00" + number for number in numbers)
        signature = b"\x30" + bytes((len(body),)) + body
        assert len(dataset) <= 2 * len(OUTPUT)
        self.signed.append(Signed(dataset, signature))
        self._put(OUTPUT, dataset)
        self._put(SIGNATURE, signature)
        self._words[OUTPUT_LENGTH_AT], self._words[SIGNATURE_LENGTH_AT] = len(dataset), len(signature)

    def _reading(self, kind: str) -> dict[str, object]:
        zone = timedelta(minutes=int.from_bytes(self._words[ZONE_AT].to_bytes(2, "big"), "big", signed=True))
        at = datetime.fromtimestamp((self._clock_s or 0) + self._outlet.now_s, UTC) + zone
        energy_kwh = round(self._outlet.register.energy_wh / 1000, 4)
        return {
            "TM": f"{at:%Y-%m-%dT%H:%M:%S},000+0000 S",
            "TX": kind,
            "RV": energy_kwh,
            "RI": "1-b:1.8.0",
            "RU": "kWh",
        }

    # ------------------------------------------------------------------------------------------------ registers

    def _held(self) -> dict[int, int]:
        clock = 2 if self._clock_s is not None else 0
        return self._words | {STATE_AT: self.state, STATUS_AT: self._status, CLOCK_AT: clock}

    def _measured(self) -> dict[int, int]:
        outlet = self._outlet
        watts = outlet.powers_w()
        values = dict.fromkeys([at for area in READABLE for at in area], 0)
        values |= _text(1, 8, "WM3M4C") | _text(9, 4, f"{43_000_000 + outlet.id}")
        values |= _decade(105, outlet.mains.frequency_hz(outlet.now_s), -3)
        for phase in range(3):
            values |= _decade(107 + 2 * phase, outlet.volts()[phase], -3)
            values |= _decade(126 + 2 * phase, outlet.currents_a()[phase], -4)
            values |= _decade(142 + 2 * phase, watts[phase], -2)
        values |= _decade(140, sum(watts), -2)
        values |= _decade(148, sum(watts) * (1 - POWER_FACTOR**2) ** 0.5, -2)
        values |= {414: EXPONENT & 0xFFFF, 415: EXPONENT & 0xFFFF}
        return values | _two_words(418, round(outlet.register.energy_wh * 10**-EXPONENT))

    def _put(self, area: range, data: bytes) -> None:
        padded = data.ljust(2 * len(area), b"\0")
        for number, at in enumerate(area):
            self._words[at] = int.from_bytes(padded[2 * number : 2 * number + 2], "big")

    def _take(self, area: range, length: int) -> bytes:
        return b"".join(self._words[at].to_bytes(2, "big") for at in area)[:length]


def _is_object(text: bytes) -> bool:
    try:
        return b"|" not in text and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _text(address: int, words: int, text: str) -> dict[int, int]:
    data = text.encode().ljust(2 * words, b"\0")
    return {address + at: int.from_bytes(data[2 * at : 2 * at + 2], "big") for at in range(words)}


def _decade(address: int, value: float, exponent: int) -> dict[int, int]:
    mantissa = round(value * 10**-exponent) & 0xFFFFFF
    return _two_words(address, (exponent & 0xFF) << 24 | mantissa)


def _two_words(address: int, raw: int) -> dict[int, int]:
    return {address: raw >> 16 & 0xFFFF, address + 1: raw & 0xFFFF}
