"""What hardware is: the closed vocabulary between the drivers in `hal/` and whoever runs the station.

Theory of operation
-------------------
Everything the hardware tells is a *reading*: a frozen fact, pushed through one `Observer` callback, only when it
changed (meter readings: each poll). Everything the hardware is asked is a method of `Hardware` that returns at once;
whether it happened is a later reading, never a return value ("command and confirm").

Every grant of power carries the connector's *grant number*. `withdraw`, `open_contactor` and `revoke` raise that number
below which queued or late power writes of the connector are dropped by the bus.

This module is pure: no I/O, no clock, no third-party import. Units are part of every name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class PilotState(StrEnum):
    """Control pilot state of IEC 61851-1 Annex A (letter only; the digit is `PilotSeen.pwm`)."""

    A = "A"  # no vehicle
    B = "B"  # vehicle connected, not asking for power
    C = "C"  # asks for power
    D = "D"  # asks for power with ventilation: treated as a fault unless the board allows it
    E = "E"  # pilot short, or controller without supply
    F = "F"  # EVSE not available


class Fault(StrEnum):
    """Closed list of what can be wrong with hardware. A driver maps device bits to these and to nothing else."""

    UNDER_VOLTAGE = "under_voltage"
    OVER_VOLTAGE = "over_voltage"
    OVER_CURRENT = "over_current"
    OVER_TEMPERATURE = "over_temperature"
    RESIDUAL_CURRENT = "residual_current"
    GROUND = "ground"
    DIODE = "diode"
    PILOT = "pilot"  # pilot out of range, state E, state D rejected, an unknown state number
    CABLE = "cable"  # proximity resistor invalid or cable rating rejected
    CONTACTOR_WELDED = "contactor_welded"
    CONTACTOR_STUCK = "contactor_stuck"  # commanded to close, did not
    LOCK = "lock"  # did not lock, did not unlock, or opened unexpectedly
    TAMPER = "tamper"
    EMERGENCY_STOP = "emergency_stop"
    METER_OFFLINE = "meter_offline"
    METER_IMPLAUSIBLE = "meter_implausible"
    METER_SUSPECT = "meter_suspect"  # its register counts what cannot be explained, or nothing at all
    CONTROLLER_OFFLINE = "controller_offline"  # the EVSE board does not answer
    READER_OFFLINE = "reader_offline"
    RESET = "reset"  # the system did not restart though it was told to; only the agent finds that
    CONTROLLER_OTHER = "controller_other"  # a bit the board's sources do not explain; `FaultSeen.detail` has it


class Measurand(StrEnum):
    """What a meter can measure. The unit of each is in `UNITS`; values keep that unit everywhere."""

    ENERGY_ACTIVE_IMPORT = "energy_active_import"
    ENERGY_ACTIVE_EXPORT = "energy_active_export"
    ENERGY_REACTIVE_IMPORT = "energy_reactive_import"
    ENERGY_REACTIVE_EXPORT = "energy_reactive_export"
    POWER_ACTIVE_IMPORT = "power_active_import"
    POWER_ACTIVE_EXPORT = "power_active_export"
    POWER_REACTIVE_IMPORT = "power_reactive_import"
    POWER_REACTIVE_EXPORT = "power_reactive_export"
    POWER_FACTOR = "power_factor"
    POWER_OFFERED = "power_offered"
    ENERGY_ACTIVE_IMPORT_INTERVAL = "energy_active_import_interval"  # the intervals are computed, never measured
    ENERGY_ACTIVE_EXPORT_INTERVAL = "energy_active_export_interval"
    ENERGY_REACTIVE_IMPORT_INTERVAL = "energy_reactive_import_interval"
    ENERGY_REACTIVE_EXPORT_INTERVAL = "energy_reactive_export_interval"
    CURRENT_IMPORT = "current_import"
    CURRENT_EXPORT = "current_export"
    CURRENT_OFFERED = "current_offered"
    VOLTAGE = "voltage"
    FREQUENCY = "frequency"
    TEMPERATURE = "temperature"
    STATE_OF_CHARGE = "state_of_charge"


UNITS: Mapping[Measurand, str] = {
    Measurand.ENERGY_ACTIVE_IMPORT: "Wh",
    Measurand.ENERGY_ACTIVE_EXPORT: "Wh",
    Measurand.ENERGY_REACTIVE_IMPORT: "varh",
    Measurand.ENERGY_REACTIVE_EXPORT: "varh",
    Measurand.POWER_ACTIVE_IMPORT: "W",
    Measurand.POWER_ACTIVE_EXPORT: "W",
    Measurand.POWER_REACTIVE_IMPORT: "var",
    Measurand.POWER_REACTIVE_EXPORT: "var",
    Measurand.POWER_FACTOR: "",
    Measurand.POWER_OFFERED: "W",
    Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL: "Wh",
    Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL: "Wh",
    Measurand.ENERGY_REACTIVE_IMPORT_INTERVAL: "varh",
    Measurand.ENERGY_REACTIVE_EXPORT_INTERVAL: "varh",
    Measurand.CURRENT_IMPORT: "A",
    Measurand.CURRENT_EXPORT: "A",
    Measurand.CURRENT_OFFERED: "A",
    Measurand.VOLTAGE: "V",
    Measurand.FREQUENCY: "Hz",
    Measurand.TEMPERATURE: "Celsius",
    Measurand.STATE_OF_CHARGE: "Percent",
}
INTERVAL_OF: Mapping[Measurand, Measurand] = {
    Measurand.ENERGY_ACTIVE_IMPORT: Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL,
    Measurand.ENERGY_ACTIVE_EXPORT: Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL,
    Measurand.ENERGY_REACTIVE_IMPORT: Measurand.ENERGY_REACTIVE_IMPORT_INTERVAL,
    Measurand.ENERGY_REACTIVE_EXPORT: Measurand.ENERGY_REACTIVE_EXPORT_INTERVAL,
}
"""Registers, and what they count between two samples."""


class Phase(StrEnum):
    """Conductor a value belongs to; a value without phase is the total (or the single) one."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    N = "N"


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one instant, in the unit of `UNITS[measurand]`."""

    measurand: Measurand
    value: float
    phase: Phase | None = None


# ------------------------------------------------------------------------------------------------------ readings


@dataclass(frozen=True, slots=True)
class PilotSeen:
    """The control pilot, already debounced by the board or the poller (200 ms towards plugged)."""

    connector: int
    state: PilotState
    pwm: bool
    """True while the board offers current (x2 states)."""
    advertised_a: float = 0.0


@dataclass(frozen=True, slots=True)
class CableSeen:
    """Rating of the plugged cable by its proximity resistor; None: no plug. Latched by the driver until unplugged."""

    connector: int
    rating_a: int | None


@dataclass(frozen=True, slots=True)
class ContactorSeen:
    """Feedback of the main contactor, by whatever kind of feedback the board has."""

    connector: int
    closed: bool


@dataclass(frozen=True, slots=True)
class LockSeen:
    """Confirmed position of the connector lock (by `position`, `no_fault_after_ms` or `readback`)."""

    connector: int
    locked: bool


@dataclass(frozen=True, slots=True)
class MeterSeen:
    """One consistent reading of the meter of a connector; `values` hold what else the profile can give."""

    connector: int
    energy_wh: int
    """Active import register in Wh, rounded half to even from the device's value, never re-based."""
    values: tuple[Measured, ...] = ()
    request: int = 0
    """The token of the `read_meter` call that this reading answers; 0 for a periodic poll."""

    def value(self, measurand: Measurand, phase: Phase | None = None) -> float | None:
        """The value of a measurand (and phase), or None where the meter does not give it."""
        return next((m.value for m in self.values if m.measurand is measurand and m.phase is phase), None)


@dataclass(frozen=True, slots=True)
class GridSeen:
    """One reading of the grid meter, which belongs to no connector."""

    currents_a: tuple[float, float, float]
    """Through the main fuse on L1, L2, L3; what is fed in is below 0, where the meter can tell."""


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card was shown to a reader: one presentation, debounced by the driver. `uid` is upper-case hex."""

    reader: str
    uid: str

    def __repr__(self) -> str:
        return f"CardSeen(reader={self.reader!r}, uid='{self.uid[:2]}***')"


@dataclass(frozen=True, slots=True)
class KeySeen:
    """The key switch of a connector, debounced by the driver: on authorises, off ends the session."""

    connector: int
    on: bool


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault appeared or cleared. `connector` is None for the whole station."""

    connector: int | None
    fault: Fault
    active: bool
    detail: str = ""
    """At most 50 characters for people and for a vendor error code; never a card or a secret."""


@dataclass(frozen=True, slots=True)
class ActuationFailed:
    """A write did not get through after its retry. A power write that timed out counts as done until read back."""

    connector: int
    what: str
    """`offer`, `withdraw`, `close_contactor`, `open_contactor`, `lock`, `unlock`, `light` or `read_meter`."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OutputsOff:
    """Answer to `all_off`: every output of the connector was written off and read back."""

    connector: int


class SigningStep(StrEnum):
    """What a meter that signs is asked for."""

    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, slots=True)
class SigningAnswered:
    """The answer to `Hardware.sign`: the session of the meter was begun, or ended with what it signed; or why not."""

    connector: int
    request: int
    step: SigningStep
    done: bool
    data: str = field(default="", repr=False)
    """What the meter signed, to the byte. It names who charged."""
    encoding: str = ""
    """`OCMF`, or another name by which verifiers know the form."""
    public_key: str = ""
    """Hexadecimal."""
    status: int | None = None
    """Of a command that the meter refused: its own number."""
    detail: str = ""
    """Why it was not done, in plain words."""


Reading = (
    PilotSeen
    | CableSeen
    | ContactorSeen
    | LockSeen
    | MeterSeen
    | GridSeen
    | CardSeen
    | KeySeen
    | FaultSeen
    | ActuationFailed
    | OutputsOff
    | SigningAnswered
)
Observer = Callable[[Reading], None]


# -------------------------------------------------------------------------------------------------- capabilities


class ContactorKind(StrEnum):
    AUTONOMOUS = "autonomous"  # the board closes by itself on PWM and state C
    COMMANDED = "commanded"  # we close and open it


class ContactorFeedback(StrEnum):
    AUX = "aux"  # forced-guided auxiliary contact
    STATE = "state"  # the board's own report
    METER = "meter"  # current by the meter
    NONE = "none"


class LockConfirmation(StrEnum):
    POSITION = "position"
    NO_FAULT_AFTER_MS = "no_fault_after_ms"
    READBACK = "readback"


@dataclass(frozen=True, slots=True)
class DeadMan:
    """The board falls back by itself when nobody talks to it for `timeout_s`."""

    timeout_s: float
    fallback_a: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the hardware of one connector can do. What it lacks is absent (None, empty), never a dummy that says yes."""

    contactor: ContactorKind
    contactor_feedback: ContactorFeedback
    lock: LockConfirmation | None
    """None: captive cable or no lock."""
    cable_rating: bool
    dead_man: DeadMan | None
    light: bool
    measurands: tuple[tuple[Measurand, Phase | None], ...]
    minimum_current_a: float
    maximum_current_a: float
    worst_opening_ms: int
    """Computed from baud rate, gaps, retries and poll periods: input that must open until the board has the frame."""
    key_input: bool = False
    """It has an input for a key switch (`KeySeen`)."""
    signs: bool = False
    """Its meter signs the energy of a session (`Hardware.sign`)."""
    assumptions: tuple[str, ...] = ()
    """What the sources of the profile leave open and what it assumes; printed by bring-up and at start."""
    limitations: tuple[str, ...] = ()
    """What follows from the weaker kinds of feedback; printed like the assumptions."""


class LightPattern(StrEnum):
    """What the status light shows; a profile says how (colours, blinking)."""

    OFF = "off"
    FREE = "free"
    CARD_READ = "card_read"
    REFUSED = "refused"
    PREPARING = "preparing"
    CHARGING = "charging"
    PAUSED = "paused"
    FINISHED = "finished"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class SigningOrder:
    """What `Hardware.sign` is to do."""

    step: SigningStep
    request: int
    wall_ms: int | None
    """The present time, which the meter is told; None: it is not known."""
    identification: str = field(default="", repr=False)
    """Who charges."""
    again: bool = False
    """An end that a former life has ordered already: a session that is over has ended by that."""


class Hardware(Protocol):
    """All hardware of one station, as the agent sees it. Every method returns at once and never raises for a device."""

    @property
    def capabilities(self) -> Mapping[int, Capabilities]:
        """By connector id, 1 and up without gaps."""

    @property
    def progress(self) -> Mapping[str, int]:
        """How often the task of each bus has come round; each only ever counts up. For the watchdog."""

    def offer(self, connector: int, current_a: float, grant: int) -> None:
        """POWER. Offer a current by PWM (at least the minimum of the board). Dropped when `grant` is not current."""

    def close_contactor(self, connector: int, grant: int) -> None:
        """POWER. Only for `ContactorKind.COMMANDED`. Dropped when `grant` is no longer current."""

    def lower(self, connector: int, current_a: float, grant: int) -> None:
        """SAFER. Lower a running offer; never raises it, never starts one."""

    def withdraw(self, connector: int, grant: int) -> None:
        """SAFER. PWM off. Power writes with a number below `grant` are deleted from the queue and dropped if late."""

    def open_contactor(self, connector: int, grant: int) -> None:
        """SAFER. Open under load if need be (autonomous: PWM off and the board's strongest stop). Raises the number."""

    def drive_lock(self, connector: int, locked: bool) -> None:
        """Drive the lock; confirmed by `LockSeen`, failed by `FaultSeen(LOCK)` after the profile's tries."""

    def read_meter(self, connector: int, request: int) -> None:
        """Read the meter afresh; answered by `MeterSeen(request=...)`, or nothing within the station's own deadline."""

    def sign(self, connector: int, order: SigningOrder) -> None:
        """Begin or end a signed session of the meter; answered by `SigningAnswered`, late where the meter is silent."""

    def show(self, connector: int, pattern: LightPattern) -> None:
        """Show a pattern on the status light, if there is one."""

    def all_off(self) -> None:
        """At start: everything off, answered per connector by `OutputsOff` once read back."""

    def session_pace(self, connector: int, in_session: bool) -> None:
        """Poll faster while a session runs (pilot 200 ms, meter 1 s) than when idle (500 ms, 10 s)."""

    async def run(self) -> None:
        """Own the buses until cancelled. A bug in a bus task propagates; a device that fails does not."""


# ---------------------------------------------------------------------------------------------------------- plan


@dataclass(frozen=True, slots=True)
class BusPlan:
    """One serial line."""

    name: str
    port: str
    """Device path, or another address that the port factory understands."""
    baud: int | None = None
    """None: what the profiles on the bus say."""
    parity: str | None = None
    stop_bits: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectorPlan:
    """The hardware of one connector: which profile, on which bus, at which unit."""

    id: int
    board: str
    board_bus: str
    board_unit: int | None
    meter: str
    meter_bus: str
    meter_unit: int | None
    maximum_current_a: float
    phases: int = 3
    captive_cable: bool = False
    key_input: bool = False
    """Sessions start and stop by a key switch: the board must have an input for it."""
    signing_required: bool = False
    """Nothing is charged without a signed session: the meter must be one that signs."""


@dataclass(frozen=True, slots=True)
class ReaderPlan:
    """A card reader and the connectors it serves."""

    name: str
    profile: str
    port: str
    connectors: tuple[int, ...]
    baud: int | None = None


@dataclass(frozen=True, slots=True)
class GridPlan:
    """The meter behind the main fuse: which profile, on which bus, at which unit."""

    meter: str
    bus: str
    unit: int | None = None


@dataclass(frozen=True, slots=True)
class HardwarePlan:
    """Everything `hal.boards.build` needs; made by the agent's settings from the factory file."""

    buses: tuple[BusPlan, ...]
    connectors: tuple[ConnectorPlan, ...]
    readers: tuple[ReaderPlan, ...] = ()
    grid: GridPlan | None = None
    safe_off_folder: str = ""
    """Where ready-made switch-off frames for `hal.safe_off` are left (the agent's run directory); empty: nowhere."""
    profile_folders: tuple[str, ...] = field(default=())
    """Further folders that are searched for profiles before those shipped."""
