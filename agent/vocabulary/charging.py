"""Charging profiles in words of no particular version (OCPP 1.6 3.13): who may take how much, when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId

MAXIMUM_STACK_LEVEL: Final = 99
MAXIMUM_PERIODS: Final = 1000
"""Of one schedule."""
MAXIMUM_PROFILES: Final = 100
"""Of one upstream."""


class Purpose(StrEnum):
    """What a profile is for (OCPP 1.6 "ChargingProfilePurposeType")."""

    STATION_MAXIMUM = "ChargePointMaxProfile"
    TRANSACTION_DEFAULT = "TxDefaultProfile"
    TRANSACTION = "TxProfile"


class ProfileKind(StrEnum):
    """From when its schedule counts (OCPP 1.6 "ChargingProfileKindType")."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """OCPP 1.6 "RecurrencyKindType"."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class RateUnit(StrEnum):
    """Amperes per phase, or watts over all phases (OCPP 1.6 "ChargingRateUnitType")."""

    AMPERE = "A"
    WATT = "W"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start_s` of its schedule on, at most `limit` in the unit of the schedule."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periods in rising order, the first at 0. `duration_s` None: the last one lasts for ever."""

    unit: RateUnit
    periods: tuple[Period, ...]
    duration_s: int | None = None
    start_wall_ms: int | None = None
    """For absolute and recurring ones."""
    minimum_rate: float | None = None


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """One profile as an upstream sent it; its id means nothing to any other upstream."""

    id: int
    stack_level: int
    purpose: Purpose
    kind: ProfileKind
    schedule: Schedule
    recurrency: Recurrency | None = None
    valid_from_wall_ms: int | None = None
    valid_to_wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class InstalledProfile:
    """A profile where it counts: at a connector (0: all, or the station) and, for its purpose, a transaction."""

    upstream: UpstreamId
    connector: ConnectorId
    profile: ChargingProfile
    transaction: TransactionId | None = None


@dataclass(frozen=True, slots=True)
class ProfileFilter:
    """Which profiles to clear: an id alone, else all that agree with every value that is given."""

    id: int | None = None
    connector: ConnectorId | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True)
class CompositeSchedule:
    """What will be offered from `begin_wall_ms` on; the periods are in the unit that was asked for."""

    connector: ConnectorId
    begin_wall_ms: int
    duration_s: int
    unit: RateUnit
    periods: tuple[Period, ...]
