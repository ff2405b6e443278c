"""Viridian / OBO EPC 2.0 Plus: an autonomous controller with a communication time-out.

Holding registers 0 to 44, functions 3, 6 and 16. Registers without a name read 0 and cannot be written. Everything that
the master sets is volatile. When `comm_timeout_ms` is set and no valid request came for so long, `set_current` becomes
`fallback_amps`; 0 there means no offer. What the vendor's excerpt leaves open is decided here: after power-up charging
is disabled (register 5 is 0); `lock_control` reads back what the latch really did; the positions of the error bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hal.simulator.devices.controller import BoardFault, Controller
from hal.simulator.physics.car import Letter
from hal.simulator.physics.outlet import Outlet
from hal.simulator.physics.timer import SLACK_S, earliest
from hal.simulator.wire.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    ModbusError,
    ModbusUnit,
)

LED_R, LED_G, LED_B, LED_CONTROL, LOCK_CONTROL, CHARGE_DISABLE, SET_CURRENT = range(7)
VOLTAGE, CURRENT, POWER, ACTIVE_STATE = 7, 8, 9, 11
LOCK_ON_POWER_LOSS, CHARGE_DISABLE_ON_POWER_LOSS, ERROR_CODE, CABLE_AMPS, ADVERTISED_AMPS = 12, 13, 14, 15, 16
BAUD, PARITY, UNIT_ID, COMM_TIMEOUT_MS, FALLBACK_AMPS, MAX_AMPS = 21, 22, 23, 28, 30, 44
LAST = MAX_AMPS

LATCH_BY_BOARD, LATCH_ON, LATCH_OFF = 0, 1, 2
DISABLED, AUTO_START, ONE_CHARGE = 0, 1, 2
LARGEST_A = 32

STATE_NUMBERS = {Letter.A: 0, Letter.B: 1, Letter.C: 2, Letter.D: 3, Letter.E: 4, Letter.F: 4}
ERROR_BITS = {
    BoardFault.DIODE: 0,
    BoardFault.RESIDUAL_CURRENT: 1,
    BoardFault.GROUND: 2,  # the self test of the RCM fails without protective earth
    BoardFault.WELDED: 3,
    BoardFault.STUCK: 4,
    BoardFault.OVER_TEMPERATURE: 5,
    BoardFault.LOCKING: 6,
    BoardFault.UNLOCKING: 7,
    BoardFault.VENTILATION: 8,
    BoardFault.TAMPER: 9,
    BoardFault.EMERGENCY_STOP: 10,
}

Accepts = Callable[[int], bool]
WRITABLE: Mapping[int, Accepts] = {
    LED_R: lambda word: word <= 255,
    LED_G: lambda word: word <= 255,
    LED_B: lambda word: word <= 255,
    LED_CONTROL: lambda word: word <= 1,
    LOCK_CONTROL: lambda word: word <= LATCH_OFF,
    CHARGE_DISABLE: lambda word: word <= ONE_CHARGE,
    SET_CURRENT: lambda word: word == 0 or 6 <= word <= LARGEST_A,
    LOCK_ON_POWER_LOSS: lambda word: word <= 1,
    CHARGE_DISABLE_ON_POWER_LOSS: lambda word: word <= 1,
    BAUD: lambda word: True,
    PARITY: lambda word: word <= 2,
    UNIT_ID: lambda word: 1 <= word <= 247,
    COMM_TIMEOUT_MS: lambda word: word == 0 or 1000 <= word <= 60000,
    FALLBACK_AMPS: lambda word: word == 0 or 6 <= word <= LARGEST_A,
    MAX_AMPS: lambda word: word == 0 or 6 <= word <= LARGEST_A,
}
"""What the master may write, and which values."""


class Epc2Plus(Controller, ModbusUnit):
    """One board."""

    def __init__(self, outlet: Outlet, *, unit_id: int = 101, time_scale: float = 1.0) -> None:
        super().__init__(outlet)
        self._unit_id = unit_id
        self._time_scale = time_scale
        self._words: dict[int, int] = {}
        self._heard_s = 0.0
        self._fell_back = False
        self._charged = False
        self._reset()

    # ----------------------------------------------------------------------------------- the board

    def permitted_a(self) -> float:
        """See `Controller`."""
        if self._words[CHARGE_DISABLE] == DISABLED or self._words[SET_CURRENT] == 0:
            return 0.0
        return float(min(self._words[SET_CURRENT], self._words[MAX_AMPS], self._cable_a()))

    def locks_by_itself(self) -> bool | None:
        """See `Controller`: only while `lock_control` leaves it to the board."""
        if self._words[LOCK_CONTROL] != LATCH_BY_BOARD:
            return None
        return self.offered_a > 0 or self.outlet.contactor.commanded

    @property
    def light(self) -> str | None:
        """See `Board`."""
        if not self._words[LED_CONTROL]:
            return "auto"
        return "#{:02X}{:02X}{:02X}".format(*(self._words[led] for led in (LED_R, LED_G, LED_B)))

    def update(self, now_s: float) -> None:
        """See `Board`; the communication time-out, and the end of a single charge."""
        due_s = self._silent_at_s()
        if due_s is not None and now_s + SLACK_S >= due_s:
            self._fell_back = True
            self._words[SET_CURRENT] = self._words[FALLBACK_AMPS]
        super().update(now_s)
        if self.outlet.contactor.closed:
            self._charged = True
        elif self.seen is Letter.A and self._charged:
            self._charged = False
            if self._words[CHARGE_DISABLE] == ONE_CHARGE:
                self._words[CHARGE_DISABLE] = DISABLED

    def next_due_s(self) -> float | None:
        """See `Board`."""
        return earliest(super().next_due_s(), self._silent_at_s())

    def restart(self, now_s: float) -> None:
        """See `Board`."""
        super().restart(now_s)
        if self.outlet.lock is not None and not self._words[LOCK_ON_POWER_LOSS]:
            self.drive_lock(False)
        self._reset()

    # ------------------------------------------------------------------------------------ the wire

    def heard(self) -> None:
        """See `ModbusUnit`: any valid request feeds the time-out."""
        self._heard_s = self.outlet.now_s
        self._fell_back = False

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        """See `ModbusUnit`."""
        if function != READ_HOLDING:
            raise ModbusError(ILLEGAL_FUNCTION)
        if address + count > LAST + 1:
            raise ModbusError(ILLEGAL_ADDRESS)
        words = self._words | self._measured()
        return [words.get(at, 0) for at in range(address, address + count)]

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        """See `ModbusUnit`: all or nothing."""
        for at, word in enumerate(words, address):
            if at not in WRITABLE:
                raise ModbusError(ILLEGAL_ADDRESS)
            if not WRITABLE[at](word):
                raise ModbusError(ILLEGAL_VALUE)
        for at, word in enumerate(words, address):
            self._words[at] = word
            if at == LOCK_CONTROL and word != LATCH_BY_BOARD:
                self.drive_lock(word == LATCH_ON)
        self._set_pilot()

    def _measured(self) -> dict[int, int]:
        return {
            VOLTAGE: round(self.outlet.volts()[0] * 10),
            CURRENT: round(max(self.outlet.currents_a()) * 10),
            POWER: min(round(sum(self.outlet.powers_w())), 0xFFFF),
            ACTIVE_STATE: STATE_NUMBERS[self.letter],
            ERROR_CODE: sum(1 << ERROR_BITS[fault] for fault in self.faults),
            CABLE_AMPS: self._cable_a(),
            ADVERTISED_AMPS: round(self.offered_a),
            LOCK_CONTROL: self._latch(),
        }

    def _latch(self) -> int:
        wanted = self._words[LOCK_CONTROL]
        if wanted == LATCH_BY_BOARD or self.outlet.lock is None:
            return wanted
        return LATCH_ON if self.outlet.lock.locked else LATCH_OFF

    def _cable_a(self) -> int:
        return LARGEST_A if self.outlet.captive_cable else self.outlet.cable_a or 0

    def _silent_at_s(self) -> float | None:
        timeout_ms = self._words[COMM_TIMEOUT_MS]
        if not timeout_ms or self._fell_back:
            return None
        return self._heard_s + timeout_ms / 1000 * self._time_scale

    def _reset(self) -> None:
        kept = {at: self._words.get(at, 0) for at in (LOCK_ON_POWER_LOSS, CHARGE_DISABLE_ON_POWER_LOSS)}
        self._words = dict.fromkeys(WRITABLE, 0) | kept
        self._words |= {BAUD: 19200, PARITY: 1, UNIT_ID: self._unit_id, MAX_AMPS: LARGEST_A}
        self._fell_back = False
        self._charged = False
