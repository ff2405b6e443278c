"""What an option is made of: scope, origin, kind and bounds. `options` has the table, and gives all of this on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hal.api import Measurand, Phase


class Scope(StrEnum):
    CONNECTION = "connection"
    AUTHORITY = "authority"
    WIRING = "wiring"
    SHARED = "shared"
    INSTALLATION = "installation"
    CONSTANT = "constant"


OF_BILLING = frozenset({Scope.AUTHORITY, Scope.WIRING})
"""Each upstream keeps its own; that of Billing counts."""
OF_STATION = frozenset({Scope.SHARED, Scope.INSTALLATION})
"""One value for the station."""


class Origin(StrEnum):
    """Where a value comes from, in rising precedence."""

    DEFAULT = "default"
    FACTORY = "factory"
    INSTALLER = "installer"
    OCPP = "ocpp"


class Kind(StrEnum):
    """How a value is checked."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    MEASURANDS = "measurands"
    PHASE_ROTATION = "phase_rotation"
    TEXT = "text"
    """Printable; the bounds are those of its length."""
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Selection:
    """One configured measurand; `phase` None means the total and every phase the meter gives."""

    measurand: Measurand
    phase: Phase | None = None


OptionValue = bool | int | str | tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One row: name of the attribute, scope, kind, bounds in the unit that the name carries."""

    name: str
    scope: Scope
    kind: Kind
    minimum: int = 0
    maximum: int = 2**31 - 1
    writable: bool = True
