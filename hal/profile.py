"""What a device is, as frozen values: the shape of a profile. `profile_reader` makes them from TOML.

Theory of operation
-------------------
A profile describes one device model: how its serial line is set, which registers it has, and which of them play which
part (pilot, cable, offer, contactor, lock, light, faults, dead-man). The drivers know only these parts, so that a new
board is one file. What the sources of a profile leave open is a *named assumption*; what follows from what the device
lacks is a *limitation*; both are printed at start and by bring-up.

A list of `Write`s is one actuation. Neighbouring holding registers in such a list go out as one frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hal.api import ContactorFeedback, ContactorKind, DeadMan, Fault, LightPattern, LockConfirmation, Measurand, Phase
from hal.registers import ValueType, WordOrder
from hal.serial_port import SerialSettings
from hal.signing_part import SigningPart


class Access(StrEnum):
    """What may be done with a register."""

    READ = "r"
    WRITE = "w"
    BOTH = "rw"


class CardProtocol(StrEnum):
    """Protocols of card readers that `hal.drivers` speaks."""

    PN532 = "pn532"
    RDM6300 = "rdm6300"


@dataclass(frozen=True, slots=True)
class Register:
    """One register (or coil). `functions` are tried in order until one works; `address` is the 0-based wire address."""

    name: str
    functions: tuple[int, ...]
    address: int
    type: ValueType
    count: int
    scale: float = 1
    unit: str = ""
    access: Access = Access.READ
    order: WordOrder = WordOrder.BIG
    absent: int | None = None
    """Raw value by which the device says that it has none."""
    optional: bool = False
    """The device may refuse the address: then the register has no value, and that is no fault."""
    slow: bool = False
    """Read in every tenth round only."""
    exponent: str | None = None
    """The register that holds the power of ten by which this one is multiplied."""
    single_write: bool = False
    """It is written by function 6, alone; else by function 16, with its neighbours."""
    measurand: Measurand | None = None
    phase: Phase | None = None
    note: str = ""

    @property
    def is_bit(self) -> bool:
        """True for coils and discrete inputs."""
        return self.functions[0] in (1, 2)


@dataclass(frozen=True, slots=True)
class Write:
    """One register to write; `value` None stands for the current offered, in amperes."""

    register: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may be: registers in it, silence before it, how large a hole between wanted registers."""

    max_read: int = 125
    max_write: int = 123
    gap_ms: int = 20
    even_starts: bool = False
    largest_hole: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """What shows that the right device answers: a number between bounds, or a text that matches wholly."""

    register: str
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class PilotPart:
    """`letters` maps numbers to pilot letters; None: the register is a text such as `B2`."""

    register: str
    letters: Mapping[int, str] | None
    advertised: str | None
    ventilation: bool = False
    """State D is allowed: the installation is ventilated (IEC 61851-1 A.3)."""


@dataclass(frozen=True, slots=True)
class CablePart:
    """Cable rating by the proximity resistor: valid ratings, raw values for `no plug` and for `short`."""

    register: str
    ratings: tuple[int, ...]
    open: tuple[int, ...]
    short: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OfferPart:
    """How a current is offered and withdrawn. `refresh_s`: how often a running offer is written again."""

    minimum_a: float
    maximum_a: float
    grant: tuple[Write, ...]
    withdraw: tuple[Write, ...]
    refresh_s: float


@dataclass(frozen=True, slots=True)
class ContactorPart:
    """Who closes the contactor, how, and how one sees it. `bit` is of `register`; None: any value but zero."""

    kind: ContactorKind
    feedback: ContactorFeedback
    close: tuple[Write, ...] = ()
    open: tuple[Write, ...] = ()
    register: str | None = None
    bit: int | None = None
    inverted: bool = False
    feedback_wait_ms: int = 1000


@dataclass(frozen=True, slots=True)
class LockPart:
    """The lock: which values drive it, how long a pulse lasts (0: no pulse), how a position is confirmed."""

    confirmation: LockConfirmation
    register: str
    locked: int
    unlocked: int
    confirm_ms: int
    tries: int
    pulse_ms: int = 0
    rest: int = 0
    """What is written after a pulse."""
    position: str | None = None
    position_bit: int | None = None
    position_inverted: bool = False
    fault_register: str | None = None
    fault_bits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LightPart:
    """Three colour registers and what must be written with them."""

    red: str
    green: str
    blue: str
    enable: tuple[Write, ...]
    patterns: Mapping[LightPattern, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class FaultWord:
    """A register whose bits are faults. `other`: any value but zero is also told as `CONTROLLER_OTHER`."""

    register: str
    bits: Mapping[int, Fault]
    other: bool = False


@dataclass(frozen=True, slots=True)
class KeyPart:
    """The input that a key switch is wired to. `bit` is of `register`; None: any value but zero is on."""

    register: str
    bit: int | None = None
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class StateOfChargePart:
    """The register, in percent, in which the board shows the state of charge of the car."""

    register: str


@dataclass(frozen=True, slots=True)
class DeadManPart:
    """The board's own fall-back, and the writes that arm it; they are read back."""

    dead_man: DeadMan
    arm: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What all profiles have in common. `unit` is the factory setting of the Modbus address."""

    id: str
    title: str
    serial: SerialSettings
    unit: int
    sources: tuple[str, ...] = ()
    assumptions: Mapping[str, str] = field(default_factory=dict)
    limitations: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    probe: Probe | None = None
    registers: Mapping[str, Register] = field(default_factory=dict)

    @property
    def printed_assumptions(self) -> tuple[str, ...]:
        """The assumptions, each with its name, for people."""
        return tuple(f"{name}: {text}" for name, text in self.assumptions.items())


@dataclass(frozen=True, slots=True)
class BoardProfile(Profile):
    """An EVSE board. Parts that it lacks are None or empty."""

    pilot: PilotPart = field(kw_only=True)
    offer: OfferPart = field(kw_only=True)
    contactor: ContactorPart = field(kw_only=True)
    cable: CablePart | None = None
    lock: LockPart | None = None
    light: LightPart | None = None
    key: KeyPart | None = None
    state_of_charge: StateOfChargePart | None = None
    faults: tuple[FaultWord, ...] = ()
    dead_man: DeadManPart | None = None
    setup: tuple[Write, ...] = ()
    """Settings that the board keeps; each is written only where it differs."""


@dataclass(frozen=True, slots=True)
class MeterProfile(Profile):
    """A meter: every register with a measurand is read; one is the active import energy without a phase."""

    rating_a: float = field(kw_only=True)
    """The largest current that the meter can measure; more by a fifth is not believed."""
    signing: SigningPart | None = None
    """How it signs the energy of a session; None: it cannot."""

    @property
    def longest_exchange(self) -> int:
        """The longest request and answer on its line, as words of a read: a write is longer by two of them."""
        most = self.limits.max_read
        if self.signing is not None:
            most = max(most, min(self.limits.max_write, self.signing.identification.words) + 2)
        return most

    def with_powers(self, registers: Iterable[Register]) -> tuple[Register, ...]:
        """Registers, and those that hold their powers of ten."""
        names = (name for one in registers for name in (one.name, one.exponent) if name is not None)
        return tuple(self.registers[name] for name in dict.fromkeys(names))

    @property
    def energy(self) -> Register:
        """The register that sessions are billed by."""
        wanted = (Measurand.ENERGY_ACTIVE_IMPORT, None)
        return next(one for one in self.registers.values() if (one.measurand, one.phase) == wanted)


@dataclass(frozen=True, slots=True)
class ReaderProfile(Profile):
    """A card reader on its own line. `answer_ms` and `listen_ms` bound the answers to commands."""

    protocol: CardProtocol = field(kw_only=True)
    answer_ms: int = 100
    listen_ms: int = 5000
    same_card_s: float = 3.0
    tries: int = 3
