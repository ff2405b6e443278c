"""How a meter signs the energy of a session, as frozen values: the part `[signing]` of its profile.

Theory of operation
-------------------
A signed session is begun and ended by a command. Before each begin the meter is given the time, the time zone and a
text with who charges; after its supply failed it needs them again before the end. A command is under way until the
state of the session and the status of the command say how it went. What was signed then lies in areas of registers
that are longer than one request: a dataset, a signature, and the public key that goes with it. Which register plays
which part, and what their values mean, is all here; only the *form* of texts is code (`hal.drivers.ocmf`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SigningForm(StrEnum):
    """In which form a meter takes who charges and gives what it signed."""

    OCMF = "ocmf"  # Open Charge Metering Format: OCMF|{dataset}|{signature}


@dataclass(frozen=True, slots=True)
class Area:
    """Neighbouring registers that hold bytes, two in each; read and written in packets."""

    function: int
    address: int
    words: int

    @property
    def octets(self) -> int:
        """How many bytes it holds."""
        return 2 * self.words


@dataclass(frozen=True, slots=True)
class CommandWords:
    """The register of commands, its two commands, and what the registers of status and state say of them."""

    register: str
    begin: int
    end: int
    status: str
    done: int
    under_way: tuple[int, ...]
    refusals: Mapping[int, str]
    """What the other values of the status mean, for people."""
    state: str
    idle: tuple[int, ...]
    active: tuple[int, ...]
    interrupted: tuple[int, ...]
    """Those of `active` that say that the supply failed meanwhile."""
    settle_ms: int
    """A command shows in state and status after this time at the latest; before it they may be of the one before."""
    longest_ms: int
    poll_ms: int


@dataclass(frozen=True, slots=True)
class ClockWords:
    """Registers of the meter's clock: UNIX seconds in two words, the zone in minutes east of UTC."""

    high: str
    low: str
    zone: str
    status: str
    lost: int
    """Value of `status` by which the meter says that it does not know the time."""
    told: int
    """What is written to `status` once the time is."""


@dataclass(frozen=True, slots=True)
class SigningPart:
    """The whole part."""

    form: SigningForm
    command: CommandWords
    clock: ClockWords
    identification: Area
    """Who charges goes here, with its length in `identification_length`."""
    identification_length: str
    settings: Mapping[str, int]
    """Registers that are written before each begin, with their values."""
    dataset: Area
    dataset_length: str
    signature: Area
    signature_length: str
    public_key: Area
    public_key_prefix: str = ""
    """Hexadecimal: what makes a standard key of the meter's bytes."""
