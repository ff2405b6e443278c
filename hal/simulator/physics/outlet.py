"""Everything physical at one connector: car, contactor, lock, mains, register, and the controller that watches over it.

Theory of operation
-------------------
Between two instants of interest everything is constant, so energy is exact for any step: `advance(now)` first counts
what flowed since the last instant, then lets each part react to the others as they are now. `next_due_s` says when the
next part moves by itself; the plant never steps over it. Delays inside the parts make a chain (unplug, seen, opened)
take the time it takes on a wall, and every change goes into the history at its own instant.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from hal.simulator.history import History, PlantEvent, Value
from hal.simulator.physics.car import Car, CarOptions, Letter
from hal.simulator.physics.contactor import Contactor
from hal.simulator.physics.key_switch import KeySwitch
from hal.simulator.physics.lock import LockMotor
from hal.simulator.physics.mains import (
    OVER_VOLTAGE_FACTOR,
    POWER_FACTOR,
    UNDER_VOLTAGE_FACTOR,
    EnergyRegister,
    Mains,
    Phases,
)
from hal.simulator.physics.timer import earliest

NO_CURRENT: Phases = (0.0, 0.0, 0.0)
MOST_ROUNDS = 8
COARSEST_S = 5.0
"""Longest step while current flows: the voltage wanders."""


class Condition(StrEnum):
    """What can be made wrong at a connector from outside."""

    UNDER_VOLTAGE = "under_voltage"
    OVER_VOLTAGE = "over_voltage"
    OVER_TEMPERATURE = "over_temperature"
    RESIDUAL_CURRENT = "residual_current"
    DIODE = "diode"
    GROUND = "ground"
    CONTACTOR_WELDED = "contactor_welded"
    CONTACTOR_STUCK = "contactor_stuck"
    LOCK_JAM = "lock_jam"
    READER = "reader"
    TAMPER = "tamper"
    EMERGENCY_STOP = "emergency_stop"


class Conflict(Exception):
    """The request makes no sense now: what is wrong, and what to do instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Board(Protocol):
    """The controller of a connector, as the physics see it."""

    @property
    def duty_percent(self) -> float:
        """What it puts on the pilot: 100 is steady +12 V, 0 is steady -12 V."""

    @property
    def offered_a(self) -> float:
        """What it offers by PWM; 0 while PWM is off."""

    @property
    def letter(self) -> Letter:
        """The state that it sees, or F while it is not available."""

    @property
    def light(self) -> str | None:
        """What its status light shows; None: it has none or shows nothing."""

    def update(self, now_s: float) -> None:
        """React to the parts of the connector as they are now."""

    def next_due_s(self) -> float | None:
        """When it will do something by itself."""

    def restart(self, now_s: float) -> None:
        """Supply came back: volatile settings are lost."""


class Meter(Protocol):
    """A meter that keeps something besides its register."""

    def restart(self, now_s: float) -> None:
        """Supply came back: volatile settings are lost."""


class Outlet:
    """One connector. `board` is set once by whoever builds it; `now_s` is plant time."""

    board: Board

    def __init__(
        self, connector: int, history: History, *, captive_cable: bool = False, start_wh: float = 1_234_567.0
    ) -> None:
        self.id = connector
        self.captive_cable = captive_cable
        self.now_s = 0.0
        self.car: Car | None = None
        self.cable_a: int | None = None
        """Rating of the cable in the socket; None: nothing in it."""
        self.contactor = Contactor()
        self.lock = None if captive_cable else LockMotor()
        self.mains = Mains()
        self.register = EnergyRegister(start_wh)
        self.meter: Meter | None = None
        """Set by a meter that wants to know of the supply."""
        self.conditions: set[Condition] = set()
        self.powered = True
        self._history = history
        self._noted: dict[str, Value] = {}
        self.key = KeySwitch(self._record)

    # ------------------------------------------------------------------------------------------- what is done to it

    def plug_in(self, options: CarOptions) -> None:
        """A car arrives. Raises Conflict if one is there."""
        if self.car is not None:
            raise Conflict(f"a car is plugged at connector {self.id}", "plug_out first")
        if self.cable_a is not None and not self.captive_cable:
            raise Conflict(f"a cable is still locked in connector {self.id}", "unlock it first")
        self.car = Car(options, self.now_s)
        self.cable_a = options.cable_a
        self._note()

    def plug_out(self) -> None:
        """The car goes; nothing to do without one. From a locked socket it is pulled at the car, the cable stays."""
        self.car = None
        self._release_cable()
        self._note()

    def pause(self, paused: bool) -> None:
        """The car stops asking for energy, or asks again. Raises Conflict without a car."""
        if self.car is None:
            raise Conflict(f"no car is plugged at connector {self.id}", "plug_in first")
        self.car.paused = paused

    def set_condition(self, condition: Condition, active: bool) -> None:
        """Break something, or mend it."""
        self.conditions.add(condition) if active else self.conditions.discard(condition)
        self.mains.factor = self._mains_factor()
        self.contactor.welded = Condition.CONTACTOR_WELDED in self.conditions
        self.contactor.stuck = Condition.CONTACTOR_STUCK in self.conditions
        self.contactor.coil_supply = self.powered and Condition.EMERGENCY_STOP not in self.conditions
        if self.lock is not None:
            self.lock.jammed = Condition.LOCK_JAM in self.conditions
        if condition is Condition.DIODE and self.car is not None and not active:
            self.car.diode_ok = True
        self._record("fault", f"{condition.value} {'on' if active else 'off'}")
        self._note()

    def set_register(self, energy_wh: float) -> None:
        """Set the register of the meter."""
        self.register.energy_wh = energy_wh
        self._record("energy_wh", energy_wh)

    def set_power(self, powered: bool) -> None:
        """Cut the supply of the whole station, or bring it back."""
        returns = powered and not self.powered
        self.powered = powered
        self.contactor.coil_supply = powered and Condition.EMERGENCY_STOP not in self.conditions
        self.mains.factor = self._mains_factor()
        if returns:
            self.board.restart(self.now_s)
            if self.meter is not None:
                self.meter.restart(self.now_s)
        self._note()

    # ------------------------------------------------------------------------------------------------ what it is like

    @property
    def presented(self) -> Letter:
        """What the far end of the pilot wire looks like."""
        return self.car.letter if self.car is not None else Letter.A

    @property
    def diode_ok(self) -> bool:
        """False: the negative half of the pilot is missing while PWM runs."""
        return self.car is None or (self.car.diode_ok and Condition.DIODE not in self.conditions)

    @property
    def live(self) -> bool:
        """True while the car's supply has voltage."""
        return self.powered and self.contactor.closed

    def currents_a(self) -> Phases:
        """Current on L1, L2, L3."""
        return self.car.currents_a() if self.car is not None and self.live else NO_CURRENT

    def volts(self) -> Phases:
        """Voltage of L1, L2, L3 in front of the contactor."""
        return self.mains.volts(self.now_s, self.currents_a())

    def powers_w(self) -> Phases:
        """Active power on L1, L2, L3."""
        currents_a = self.currents_a()
        l1, l2, l3 = (volts * amps * POWER_FACTOR for volts, amps in zip(self.volts(), currents_a, strict=True))
        return l1, l2, l3

    # --------------------------------------------------------------------------------------------------- time passes

    def advance(self, now_s: float) -> None:
        """Move to an instant that is not beyond `next_due_s`."""
        passed_wh = self.register.count(self.powers_w(), now_s - self.now_s)
        self.now_s = now_s
        if self.car is not None:
            self.car.charge(passed_wh)
        self.react()

    def react(self) -> None:
        """Let the parts see each other as they are now, until none moves at once because of another."""
        for _ in range(MOST_ROUNDS):
            if not self._react_once(self.now_s):
                return

    def _react_once(self, now_s: float) -> bool:
        if self.car is not None:
            self.car.update(now_s, self.board.duty_percent if self.powered else 0.0, self.live)
        if self.powered:
            self.board.update(now_s)
            if self.lock is not None:
                self.lock.update(now_s)
        self.contactor.update(now_s)
        self._release_cable()
        return self._note()

    def next_due_s(self) -> float | None:
        """The next instant at which something moves by itself."""
        return earliest(
            self.car.next_due_s() if self.car is not None else None,
            self.contactor.next_due_s(),
            self.lock.next_due_s() if self.lock is not None and self.powered else None,
            self.board.next_due_s() if self.powered else None,
            self.now_s + COARSEST_S if any(self.currents_a()) else None,
        )

    def _release_cable(self) -> None:
        if self.car is None and not (self.lock is not None and self.lock.locked):
            self.cable_a = None

    def _mains_factor(self) -> float:
        if not self.powered:
            return 0.0
        if Condition.UNDER_VOLTAGE in self.conditions:
            return UNDER_VOLTAGE_FACTOR
        return OVER_VOLTAGE_FACTOR if Condition.OVER_VOLTAGE in self.conditions else 1.0

    def _note(self) -> bool:
        """Write down what changed since the last time; True if anything did."""
        offered_a = self.board.offered_a if self.powered else 0.0
        digit = "" if self.board.letter in (Letter.E, Letter.F) else "2" if offered_a > 0 else "1"
        present: dict[str, Value] = {
            "plugged": self.car is not None,
            "car": self.presented.value,
            "pilot": f"{self.board.letter.value}{digit}" if self.powered else Letter.E.value,
            "offered_a": offered_a,
            "lock": self.lock is not None and self.lock.locked,
            "contactor": self.contactor.closed,
            "current_a": max(self.currents_a()),
            "light": self.board.light or "",
        }
        if present == self._noted:
            return False
        for kind, value in present.items():
            if kind not in self._noted or self._noted[kind] != value:
                self._record(kind, value)
                if kind == "contactor":
                    self._record("energy_wh", self.register.energy_wh)
        self._noted = present
        return True

    def _record(self, kind: str, value: Value) -> None:
        self._history.add(PlantEvent(self.now_s, self.id, kind, value))
