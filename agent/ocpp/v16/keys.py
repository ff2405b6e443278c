"""Configuration keys of OCPP 1.6: each row names an option, or a constant of the station.

Theory of operation
-------------------
`KEYS` is the closed table, in the order in which GetConfiguration lists it. A row with an `option` reads and writes
that row of `agent.vocabulary.options.OPTIONS`, whose kind and bounds decide what a value may be. A row with a
`constant` is computed from the hardware and read-only. Names are compared without case and answered in the spelling of
the table ("OCPP 1.6 4.4", errata 3.81). Which upstream may write what is not decided here: the station says so in
`OptionSeen.readonly`, and an option that it does not show to an upstream is a key that this upstream does not have.

The text of a value: booleans `true` and `false`, integers in decimal, lists separated by commas. A secret is never
answered; it appears without a value when it is asked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Final

from agent.ocpp.v16.measurands import read_selections, reportable, selections_text
from agent.vocabulary.certificates import MAXIMUM_CHAIN_CHARACTERS, MAXIMUM_ROOTS
from agent.vocabulary.charging import MAXIMUM_PERIODS, MAXIMUM_PROFILES, MAXIMUM_STACK_LEVEL
from agent.vocabulary.firmware import FIRMWARE_FEATURE
from agent.vocabulary.options import (
    OPTION_BY_NAME,
    RESERVATION_SERVICE,
    Kind,
    Option,
    OptionValue,
    Selection,
    StationOptions,
)
from agent.vocabulary.records import MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT
from hal.api import Measurand, Phase

GET_CONFIGURATION_MAXIMUM_KEYS: Final = 100
STOP_TRANSACTION_MAXIMUM_VALUES: Final = 100
MAXIMUM_VALUE_CHARACTERS: Final = 500
FEATURE_PROFILES: Final = (
    ("Core", ""),
    ("FirmwareManagement", FIRMWARE_FEATURE),
    ("LocalAuthListManagement", "local_list_enabled"),
    ("Reservation", RESERVATION_SERVICE),
    ("SmartCharging", ""),
    ("RemoteTrigger", ""),
)
FEATURES: Final = (FIRMWARE_FEATURE, RESERVATION_SERVICE)
"""Shown among the options to who has them, and no keys."""
"""Each feature, and an option that only those upstreams have which have the feature."""

NOT_SET_AS_OPTIONS: Final = frozenset({"authorization_key", "security_profile", "own_url"})
"""Options that have a key, and a command of their own that changes them: they live with the credentials."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_ROTATION = re.compile(r"(?P<connector>[0-9]{1,4})\.(NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)")


@dataclass(frozen=True, slots=True)
class StationFacts:
    """What the constants are computed from."""

    connectors: int
    measurands: frozenset[Measurand]
    captive: bool
    """No connector has a lock to open: the cable is fixed everywhere."""
    phases: frozenset[tuple[Measurand, Phase]] = frozenset()
    """What is measured per phase, on any connector."""
    additional_root_check: bool = False
    """A new root must be signed by the present one."""
    transfers: tuple[str, ...] = ()
    """Schemes that files are brought by."""

    @classmethod
    def of(cls, station: StationOptions) -> StationFacts:
        """The facts of a station."""
        given = reportable(pair for connector in station.connectors for pair in connector.capabilities.measurands)
        return cls(
            len(station.connectors),
            frozenset(measurand for measurand, _ in given),
            all(connector.captive_cable for connector in station.connectors),
            frozenset((measurand, phase) for measurand, phase in given if phase is not None),
            station.additional_root_check,
            station.file_transfers,
        )


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key: exactly one of `option` and `constant` is set."""

    name: str
    option: str | None = None
    constant: Callable[[StationFacts], str] | None = None
    fixed_when_captive: str | None = None
    """Value of the key, then read-only, where every cable is fixed."""
    beside: str | None = None
    """The key is only there for upstreams that have this option too."""


def _measurands(facts: StationFacts) -> str:
    return str(len(facts.measurands) + len(facts.phases))


KEYS: Final[tuple[Key, ...]] = (
    Key("AdditionalRootCertificateCheck", constant=lambda facts: "true" if facts.additional_root_check else "false"),
    Key("AllowOfflineTxForUnknownId", "allow_offline_unknown"),
    Key("AuthorizationCacheEnabled", "authorization_cache_enabled"),
    Key("AuthorizationKey", "authorization_key"),
    Key("AuthorizeRemoteTxRequests", "authorize_remote_starts"),
    Key("CertificateSignedMaxChainSize", constant=lambda facts: str(MAXIMUM_CHAIN_CHARACTERS)),
    Key("CertificateStoreMaxLength", constant=lambda facts: str(MAXIMUM_ROOTS)),
    Key("ChargeProfileMaxStackLevel", constant=lambda facts: str(MAXIMUM_STACK_LEVEL)),
    Key("ChargingScheduleAllowedChargingRateUnit", constant=lambda facts: "Current,Power"),
    Key("ChargingScheduleMaxPeriods", constant=lambda facts: str(MAXIMUM_PERIODS)),
    Key("ClockAlignedDataInterval", "aligned_interval_s"),
    Key("ConnectionTimeOut", "connection_timeout_s"),
    Key("ConnectorPhaseRotation", "connector_phase_rotation"),
    Key("ConnectorPhaseRotationMaxLength", constant=lambda facts: str(facts.connectors + 1)),
    Key("CpoName", "cpo_name"),
    Key("DisableSecurityEventNotifications", "disable_security_events"),
    Key("GetConfigurationMaxKeys", constant=lambda facts: str(GET_CONFIGURATION_MAXIMUM_KEYS)),
    Key("HeartbeatInterval", "heartbeat_interval_s"),
    Key("LocalAuthListEnabled", "local_list_enabled"),
    Key("LocalAuthListMaxLength", constant=lambda facts: str(MAXIMUM_LIST_ENTRIES), beside="local_list_enabled"),
    Key("LocalAuthorizeOffline", "local_authorize_offline"),
    Key("LocalPreAuthorize", "local_pre_authorize"),
    Key("MaxEnergyOnInvalidId", "maximum_energy_on_invalid_wh"),
    Key("MaxChargingProfilesInstalled", constant=lambda facts: str(MAXIMUM_PROFILES)),
    Key("MessageTimeout", "message_timeout_s"),
    Key("MeterValueSampleInterval", "sample_interval_s"),
    Key("MeterValuesAlignedData", "aligned_measurands"),
    Key("MeterValuesAlignedDataMaxLength", constant=_measurands),
    Key("MeterValuesSampledData", "sampled_measurands"),
    Key("MeterValuesSampledDataMaxLength", constant=_measurands),
    Key("MinimumStatusDuration", "minimum_status_duration_s"),
    Key("NumberOfConnectors", constant=lambda facts: str(facts.connectors)),
    Key("ReserveConnectorZeroSupported", constant=lambda facts: "true", beside=RESERVATION_SERVICE),
    Key("ResetRetries", "reset_retries"),
    Key("SecurityProfile", "security_profile"),
    Key("SendLocalListMaxLength", constant=lambda facts: str(MAXIMUM_LIST_SENT), beside="local_list_enabled"),
    Key("StopTransactionMaxMeterValues", constant=lambda facts: str(STOP_TRANSACTION_MAXIMUM_VALUES)),
    Key("StopTransactionOnEVSideDisconnect", "stop_on_ev_disconnect"),
    Key("StopTransactionOnInvalidId", "stop_on_invalid"),
    Key("StopTxnAlignedData", "stop_aligned_measurands"),
    Key("StopTxnAlignedDataMaxLength", constant=_measurands),
    Key("StopTxnSampledData", "stop_sampled_measurands"),
    Key("StopTxnSampledDataMaxLength", constant=_measurands),
    Key("SupportedFeatureProfiles", constant=lambda facts: feature_profiles({*OPTION_BY_NAME, *FEATURES})),
    Key("SupportedFileTransferProtocols", constant=lambda facts: ",".join(facts.transfers)),
    Key("TransactionMessageAttempts", "transaction_attempts"),
    Key("TransactionMessageRetryInterval", "transaction_retry_interval_s"),
    Key("UnlockConnectorOnEVSideDisconnect", "unlock_on_ev_disconnect", fixed_when_captive="false"),
    Key("WebSocketPingInterval", "ping_interval_s"),
    Key("stationd.BillingUpstream", "billing_upstream"),
    Key("stationd.BootOnReconnect", "boot_on_reconnect"),
    Key("stationd.FailsafeLimit", "failsafe_limit_a"),
    Key("stationd.FreeVendEnergy", "free_vend_energy_wh"),
    Key("stationd.FurtherOperators", "further_operators"),
    Key("stationd.LimitLeaseSeconds", "limit_lease_s"),
    Key("stationd.OwnUrl", "own_url"),
    Key("stationd.ParkWholeSession", "park_whole_session"),
    Key("stationd.PendingChange", "pending_change"),
    Key("stationd.Primary", "primary_backoffice"),
)
_BY_NAME: Final[Mapping[str, Key]] = {key.name.casefold(): key for key in KEYS}


def feature_profiles(options: Container[str]) -> str:
    """SupportedFeatureProfiles of an upstream that has these options."""
    return ",".join(name for name, option in FEATURE_PROFILES if not option or option in options)


def find(name: str) -> Key | None:
    """The key of that name, in any case; None if there is none."""
    return _BY_NAME.get(name.strip().casefold())


def constant_text(key: Key, facts: StationFacts) -> str | None:
    """The value of a key that the hardware fixes; None where an option decides."""
    if key.constant is not None:
        return key.constant(facts)
    return key.fixed_when_captive if facts.captive else None


def value_text(key: Key, value: OptionValue, facts: StationFacts) -> str | None:
    """The value of an option as text; None for a secret."""
    if key.option is not None and OPTION_BY_NAME[key.option].kind is Kind.SECRET:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return selections_text(value)[:MAXIMUM_VALUE_CHARACTERS]
    if key.option == "connector_phase_rotation" and not value:
        return ",".join(f"{connector}.RST" for connector in range(facts.connectors + 1))[:MAXIMUM_VALUE_CHARACTERS]
    return str(value)[:MAXIMUM_VALUE_CHARACTERS]


def read_value(option: Option, text: str, facts: StationFacts) -> OptionValue:
    """The value that a text means for an option. Raises ValueError, saying what is wrong, for what it may not be."""
    match option.kind:
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.INTEGER:
            return _bounded(text, option)
        case Kind.MEASURANDS:
            return _selections(text, facts)
        case Kind.SECRET:
            raise ValueError("a secret is not an option")
        case Kind.PHASE_ROTATION:
            return _rotation(text, facts)
        case Kind.TEXT:
            return _text(text, option)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return word == "true"


def _bounded(text: str, option: Option) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not an integer")
    value = int(text)
    if not option.minimum <= value <= option.maximum:
        raise ValueError(f"{value} is not within {option.minimum} to {option.maximum}")
    return value


def _text(text: str, option: Option) -> str:
    trimmed = text.strip()
    if not trimmed.isprintable() or not option.minimum <= len(trimmed) <= option.maximum:
        raise ValueError(f"{text!r} is no text of {option.minimum} to {option.maximum} printable characters")
    return trimmed


def _selections(text: str, facts: StationFacts) -> tuple[Selection, ...]:
    found = read_selections(text, facts.measurands)
    for selection in found:
        if selection.phase is not None and (selection.measurand, selection.phase) not in facts.phases:
            raise ValueError(f"{selections_text([selection])} is not measured here")
    return found


def _rotation(text: str, facts: StationFacts) -> str:
    """ConnectorPhaseRotation: `<connector>.<rotation>` items, each connector at most once (OCPP 1.6 9.1.7)."""
    items = [item.strip() for item in text.split(",")] if text.strip() else []
    seen: set[int] = set()
    for item in items:
        found = _ROTATION.fullmatch(item)
        connector = int(found["connector"]) if found else -1
        if not 0 <= connector <= facts.connectors or connector in seen:
            raise ValueError(f"{item!r} is not a phase rotation of a connector of this station")
        seen.add(connector)
    return ",".join(items)
