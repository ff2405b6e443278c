"""Phoenix Contact EV Charge Control Basic: an autonomous controller that never misses its master.

Coils 20000 (enable), 20001 (available), 20002 (lock), 20003 (RCM test) are volatile; the configuration at 4000 and up
is kept. There is no communication time-out: with the master silent it goes on with what it was told last. The status
registers from 24000 on answer to function 3, function 4 or both, since the sources differ. A fresh board takes its
enable from input EN, which is not played here, so that it does nothing until it has been configured; a key switch at EN
is shown in bit 0 of 24004. The safety chain
(emergency stop, thermal switch) is in the pilot's path: open, the board is in state F.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from hal.simulator.devices.controller import BoardFault, Controller
from hal.simulator.physics.car import POWER_LETTERS, Letter
from hal.simulator.physics.outlet import Outlet
from hal.simulator.wire.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_COILS,
    READ_HOLDING,
    READ_INPUT_REGISTERS,
    ModbusError,
    ModbusUnit,
)

ENABLE, AVAILABLE, LOCK, RCM_TEST, RESTART = 20000, 20001, 20002, 20003, 21000
MAX_CURRENT = 22000
LIGHTS = range(23000, 23004)
LIGHT_NAMES = ("OUT", "ERR", "CHG", "CON")
STATUS = range(24000, 24032)
ENABLE_SOURCE, AVAILABLE_SOURCE, LOCK_SOURCE = 4000, 4001, 4002
MONITOR, MONITOR_DELAY_MS, REJECT_13A, CASE, ALLOW_D, RCM_MODE, CCR_MODE = 4006, 4007, 4008, 4009, 4010, 4011, 4012
CONFIGURATION = range(4000, 4013)
READ_ONLY = frozenset({REJECT_13A, CASE})
NAMES = range(1000, 1040)

ERROR_BITS = {
    BoardFault.OVER_TEMPERATURE: 5,
    BoardFault.EMERGENCY_STOP: 5,
    BoardFault.LOCKING: 6,
    BoardFault.UNLOCKING: 7,
    BoardFault.VENTILATION: 11,
    BoardFault.WELDED: 12,
    BoardFault.STUCK: 12,
    BoardFault.DIODE: 13,
    BoardFault.RESIDUAL_CURRENT: 15,
    BoardFault.GROUND: 16,
}
CABLE_REJECTED_BIT, INVALID_CABLE_BIT = 2, 3
SAFETY_CHAIN = frozenset({BoardFault.OVER_TEMPERATURE, BoardFault.EMERGENCY_STOP})


class StatusFunction(StrEnum):
    """How registers 24000 and up can be read."""

    HOLDING = "holding"
    INPUT = "input"
    BOTH = "both"


STATUS_FUNCTIONS = {
    StatusFunction.HOLDING: (READ_HOLDING,),
    StatusFunction.INPUT: (READ_INPUT_REGISTERS,),
    StatusFunction.BOTH: (READ_HOLDING, READ_INPUT_REGISTERS),
}


class PhoenixBasic(Controller, ModbusUnit):
    """One board."""

    max_read = 20

    def __init__(
        self, outlet: Outlet, *, status_function: StatusFunction = StatusFunction.BOTH, dip_max_a: int = 32
    ) -> None:
        super().__init__(outlet)
        self._status_functions = STATUS_FUNCTIONS[status_function]
        self._dip_max_a = dip_max_a
        self._configuration = dict.fromkeys(CONFIGURATION, 0)
        self._configuration |= {ENABLE_SOURCE: 1, MONITOR_DELAY_MS: 200, CASE: int(outlet.captive_cable)}
        self._coils: dict[int, bool] = {}
        self._lights = [0, 0, 0, 0]
        self._max_current_a = dip_max_a
        self._reset()

    # ----------------------------------------------------------------------------------- the board

    def permitted_a(self) -> float:
        """See `Controller`: a switch at EN is seen, but a source of 1 or 2 is not played and permits nothing."""
        source = self._configuration[ENABLE_SOURCE]
        enabled = source == 0 or (source == 3 and self._coils[ENABLE])
        return float(min(self._max_current_a, self._dip_max_a, self._cable_limit_a())) if enabled else 0.0

    def available(self) -> bool:
        """See `Controller`."""
        withdrawn = self._configuration[AVAILABLE_SOURCE] == 2 and not self._coils[AVAILABLE]
        return not withdrawn and not self.faults & SAFETY_CHAIN

    def locks_by_itself(self) -> bool | None:
        """See `Controller`: locks from B on when it is left to the board."""
        if self._configuration[LOCK_SOURCE] != 0:
            return None
        return self.seen in (Letter.B, Letter.C, Letter.D) or self.outlet.contactor.commanded

    def monitors_contactor(self) -> bool:
        """See `Controller`."""
        self.monitor_delay_s = self._configuration[MONITOR_DELAY_MS] / 1000
        self.allows_ventilation = bool(self._configuration[ALLOW_D])
        return self._configuration[MONITOR] == 1 and self._configuration[CCR_MODE] == 0

    @property
    def light(self) -> str | None:
        """See `Board`."""
        shown = [f"{name}:{('off', 'on', 'flash')[mode]}" for name, mode in zip(LIGHT_NAMES, self._lights, strict=True)]
        return " ".join(shown) if any(self._lights) else None

    def restart(self, now_s: float) -> None:
        """See `Board`."""
        super().restart(now_s)
        self._reset()

    # ------------------------------------------------------------------------------------ the wire

    def read_bits(self, function: int, address: int, count: int) -> Sequence[bool]:
        """See `ModbusUnit`."""
        if function != READ_COILS or any(at not in self._coils for at in range(address, address + count)):
            raise ModbusError(ILLEGAL_ADDRESS)
        return [self._coils[at] for at in range(address, address + count)]

    def write_bits(self, address: int, bits: Sequence[bool]) -> None:
        """See `ModbusUnit`."""
        if address == RESTART:
            self.restart(self.outlet.now_s)
            return
        if any(at not in self._coils for at in range(address, address + len(bits))):
            raise ModbusError(ILLEGAL_ADDRESS)
        for at, bit in enumerate(bits, address):
            self._coils[at] = bit
            if at == LOCK and self._configuration[LOCK_SOURCE] == 3:
                self.drive_lock(bit)

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        """See `ModbusUnit`."""
        return [self._read(function, at) for at in range(address, address + count)]

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        """See `ModbusUnit`."""
        for at, word in enumerate(words, address):
            self._write(at, word)

    def _read(self, function: int, address: int) -> int:
        if address in STATUS and function in self._status_functions:
            return self._status(address)
        if function == READ_HOLDING and address == MAX_CURRENT:
            return self._max_current_a
        if function == READ_HOLDING and address in LIGHTS:
            return self._lights[address - LIGHTS.start]
        if function == READ_HOLDING and address in CONFIGURATION:
            return self._configuration[address]
        if function == READ_INPUT_REGISTERS and address in NAMES:
            return _name_word(address)
        raise ModbusError(ILLEGAL_ADDRESS)

    def _write(self, address: int, word: int) -> None:
        if address == MAX_CURRENT:
            if not 6 <= word <= 63:
                raise ModbusError(ILLEGAL_VALUE)
            self._max_current_a = word
        elif address in LIGHTS:
            if word > 2:
                raise ModbusError(ILLEGAL_VALUE)
            self._lights[address - LIGHTS.start] = word
        elif address in CONFIGURATION and address not in READ_ONLY:
            self._configuration[address] = word
        else:
            raise ModbusError(ILLEGAL_ADDRESS)

    def _status(self, address: int) -> int:
        errors = self._error_bits()
        words = {
            24000: int.from_bytes(self._state_text().encode(), "big"),
            24001: self._cable_a(),
            24002: round(self.duty_percent) if self.offered_a else 0,
            24003: round(self.offered_a),
            24004: self._digital_in(),
            24005: self._digital_out(),
            24025: errors & 0xFFFF,
            24026: errors >> 16,
            24027: self._dip_max_a,
        }
        return words.get(address, 0)

    def _state_text(self) -> str:
        if self.letter in (Letter.E, Letter.F):
            return f"{self.letter.value}\0"
        return f"{self.letter.value}{2 if self.offered_a > 0 else 1}"

    def _digital_in(self) -> int:
        """EN, XR (safety chain closed), ML, CCR (normally closed contact: high while the contactor is open), IN."""
        chain_closed = not self.faults & SAFETY_CHAIN
        tampered = BoardFault.TAMPER in self.faults
        return self.outlet.key.on | chain_closed << 1 | (not self.outlet.contactor.closed) << 3 | tampered << 4

    def _digital_out(self) -> int:
        charging = self.seen in POWER_LETTERS and self.offered_a > 0
        error = bool(self.faults)
        return error << 1 | charging << 2 | self.outlet.contactor.commanded << 3

    def _error_bits(self) -> int:
        bits = {ERROR_BITS[fault] for fault in self.faults if fault in ERROR_BITS}
        bits |= set() if self.available() else {5}
        return sum(1 << bit for bit in bits)

    def _cable_a(self) -> int:
        return self._dip_max_a if self.outlet.captive_cable else self.outlet.cable_a or 0

    def _cable_limit_a(self) -> int:
        return self._cable_a()

    def _reset(self) -> None:
        self._coils = {ENABLE: False, AVAILABLE: True, LOCK: False, RCM_TEST: False}
        self._lights = [0, 0, 0, 0]
        self._max_current_a = self._dip_max_a


def _name_word(address: int) -> int:
    """Order designation, serial number and firmware version."""
    texts = {1000: "EV-CC-AC1-M3-CBC-SER".ljust(32, "\0"), 1021: "PLANT0000001"}
    for start, text in texts.items():
        at = 2 * (address - start)
        if 0 <= at < len(text):
            return int.from_bytes(text[at : at + 2].encode(), "big")
    return {1031: 1, 1032: 2, 1033: 7}.get(address, 0)
