"""Options of the station and of each upstream: named, typed, bounded, with units; configuration keys only map to them.

Theory of operation
-------------------
`OPTIONS` is the closed table. Each row belongs to one *scope* that says whose value it is and who may write it:

* `CONNECTION`: each upstream has its own value and may write it.
* `AUTHORITY`: only the Billing upstream's value counts and only it may write; others see it read-only. Every upstream
  keeps its own (parked) set, so that a change of authority brings back what that upstream had set.
* `WIRING`: as `AUTHORITY`, but it describes the installation, so that management and people on the spot write it too:
  there is still one value that counts, that of Billing.
* `SHARED`: one value for the station; any upstream may write, the last writer wins.
* `INSTALLATION`: one value for the station that describes how it is set up; management and people on the spot write it,
  or change it by messages and commands of its own (who the operators are), and then it is read-only as a key.
* `CONSTANT`: derived from hardware or release; nobody writes.

A value has an *origin*; precedence is default < factory < installer < OCPP. Dialects map keys to rows; the station
reads typed attributes of `UpstreamOptions` and `StationOptions`, which a table test holds equal to the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from agent.vocabulary.feeds import FeedOptions, GridOptions
from agent.vocabulary.firmware import DEFAULT_POLICY, FirmwarePolicy
from agent.vocabulary.ids import ConnectorId, IdToken, Secret
from agent.vocabulary.option_kinds import OF_BILLING as OF_BILLING
from agent.vocabulary.option_kinds import OF_STATION as OF_STATION
from agent.vocabulary.option_kinds import Kind as Kind
from agent.vocabulary.option_kinds import Option as Option
from agent.vocabulary.option_kinds import OptionValue as OptionValue
from agent.vocabulary.option_kinds import Origin as Origin
from agent.vocabulary.option_kinds import Scope as Scope
from agent.vocabulary.option_kinds import Selection as Selection
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.roles import UpstreamKind
from agent.vocabulary.services import CardServices
from agent.vocabulary.signing import SignedMetering
from hal.api import Capabilities, Measurand

RESERVATION_SERVICE: Final = "reservation_service"
"""Stands among the options that an upstream sees if it is the one whose reservations count."""

_C, _A, _S, _I = Scope.CONNECTION, Scope.AUTHORITY, Scope.SHARED, Scope.INSTALLATION
_BOOL, _INT, _MEAS = Kind.BOOLEAN, Kind.INTEGER, Kind.MEASURANDS

OPTIONS: tuple[Option, ...] = (
    Option("heartbeat_interval_s", _C, _INT, 1, 86_400),
    Option("ping_interval_s", _C, _INT, 0, 86_400),
    Option("message_timeout_s", _C, _INT, 5, 300),
    Option("transaction_attempts", _C, _INT, 1, 1_000),
    Option("transaction_retry_interval_s", _C, _INT, 0, 86_400),
    Option("sample_interval_s", _C, _INT, 0, 86_400),
    Option("aligned_interval_s", _C, _INT, 0, 86_400),
    Option("sampled_measurands", _C, _MEAS),
    Option("aligned_measurands", _C, _MEAS),
    Option("stop_sampled_measurands", _C, _MEAS),
    Option("stop_aligned_measurands", _C, _MEAS),
    Option("minimum_status_duration_s", _C, _INT, 0, 86_400),
    Option("boot_on_reconnect", _C, _BOOL),
    Option("authorization_key", _C, Kind.SECRET),
    Option("security_profile", _C, _INT, 0, 3),
    Option("cpo_name", _C, Kind.TEXT, 0, 64),
    Option("disable_security_events", _C, _BOOL),
    Option("park_whole_session", _C, _BOOL),
    Option("own_url", _C, Kind.TEXT, 0, 512),
    Option("billing_upstream", _I, Kind.TEXT, 0, 500, writable=False),
    Option("primary_backoffice", _I, Kind.TEXT, 0, 500, writable=False),
    Option("further_operators", _I, Kind.TEXT, 0, 500, writable=False),
    Option("pending_change", _I, Kind.TEXT, 0, 500, writable=False),
    Option("limit_lease_s", _C, _INT, 0, 86_400),
    Option("failsafe_limit_a", _C, _INT, 0, 1_000),
    Option("allow_offline_unknown", _A, _BOOL),
    Option("authorization_cache_enabled", _A, _BOOL),
    Option("authorize_remote_starts", _A, _BOOL),
    Option("connection_timeout_s", _A, _INT, 0, 3_600),
    Option("local_authorize_offline", _A, _BOOL),
    Option("local_list_enabled", _A, _BOOL),
    Option("local_pre_authorize", _A, _BOOL),
    Option("maximum_energy_on_invalid_wh", _A, _INT, 0, 1_000_000),
    Option("free_vend_energy_wh", _A, _INT, 0, 1_000_000),
    Option("stop_on_ev_disconnect", _A, _BOOL),
    Option("stop_on_invalid", _A, _BOOL),
    Option("unlock_on_ev_disconnect", _A, _BOOL),
    Option("connector_phase_rotation", Scope.WIRING, Kind.PHASE_ROTATION),
    Option("reset_retries", _S, _INT, 0, 100),
)
OPTION_BY_NAME: Mapping[str, Option] = {row.name: row for row in OPTIONS}

_ENERGY = (Selection(Measurand.ENERGY_ACTIVE_IMPORT),)
_DEFAULT_SAMPLED = (
    Selection(Measurand.ENERGY_ACTIVE_IMPORT),
    Selection(Measurand.POWER_ACTIVE_IMPORT),
    Selection(Measurand.CURRENT_IMPORT),
    Selection(Measurand.VOLTAGE),
)


class _Options:
    """Shared behaviour of the option sets below."""

    __slots__ = ()

    def with_value(self, name: str, value: OptionValue, origin: Origin) -> Self:
        """A copy with one value replaced. Raises KeyError for an option that this set does not have."""
        if name not in {f.name for f in fields(self)}:  # type: ignore[arg-type]
            raise KeyError(name)
        origins: dict[str, Origin] = dict(self.origins)  # type: ignore[attr-defined]
        origins[name] = origin
        changes: dict[str, Any] = {name: value, "origins": origins}
        return replace(self, **changes)  # type: ignore[type-var]

    def origin(self, name: str) -> Origin:
        """Where the present value comes from."""
        found: Origin = self.origins.get(name, Origin.DEFAULT)  # type: ignore[attr-defined]
        return found


@dataclass(frozen=True, slots=True)
class UpstreamOptions(_Options):
    """The CONNECTION, AUTHORITY and WIRING options of one upstream."""

    heartbeat_interval_s: int = 300
    ping_interval_s: int = 60
    message_timeout_s: int = 30
    transaction_attempts: int = 3
    transaction_retry_interval_s: int = 60
    sample_interval_s: int = 60
    aligned_interval_s: int = 0
    sampled_measurands: tuple[Selection, ...] = _DEFAULT_SAMPLED
    aligned_measurands: tuple[Selection, ...] = _ENERGY
    stop_sampled_measurands: tuple[Selection, ...] = ()
    stop_aligned_measurands: tuple[Selection, ...] = ()
    minimum_status_duration_s: int = 0
    boot_on_reconnect: bool = False
    authorization_key: str = ""
    """Never set here: the key lives in the credentials; the row exists so that keys and permissions know it."""
    security_profile: int = 0
    """The profile in force; raised by a command of its own, never written as an option."""
    cpo_name: str = ""
    """Organisation in certificate requests (security extension of OCPP 1.6 "CpoName")."""
    disable_security_events: bool = False
    park_whole_session: bool = False
    """When the start of a transaction is given up, park all of it, instead of sending the rest with the id -1."""
    own_url: str = ""
    """Where it is dialled; changed by a command of its own, never written as an option."""
    limit_lease_s: int = 0
    """Its limits are good for so long after its last message; then its failsafe counts as well. 0: for ever."""
    failsafe_limit_a: int = 6
    """What the station may take on each phase while this upstream is silent for longer than its lease."""
    allow_offline_unknown: bool = False
    authorization_cache_enabled: bool = True
    authorize_remote_starts: bool = True
    connection_timeout_s: int = 120
    local_authorize_offline: bool = True
    local_list_enabled: bool = True
    local_pre_authorize: bool = False
    maximum_energy_on_invalid_wh: int = 0
    free_vend_energy_wh: int = 0
    """What a card that nobody knows is given while nobody can be asked; 0: no cap."""
    stop_on_ev_disconnect: bool = True
    stop_on_invalid: bool = True
    unlock_on_ev_disconnect: bool = True
    connector_phase_rotation: str = ""
    """Empty: RST on every connector."""
    origins: Mapping[str, Origin] = field(default_factory=dict)


class AfterPowerLoss(StrEnum):
    STOP = "stop"
    RESUME = "resume"


class AuthorisePolicy(StrEnum):
    """How a connector is authorised: by cards, by anybody who plugs in, or by a key switch at the station."""

    CARD = "card"
    FREE = "free"
    KEY_INPUT = "key-input"


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """What the factory file says of one connector, with what its hardware can do."""

    id: ConnectorId
    capabilities: Capabilities
    phases: int = 3
    captive_cable: bool = False
    authorise: AuthorisePolicy = AuthorisePolicy.CARD
    free_token: IdToken | None = None
    """The tag that a free connector, or one with a key switch, reports."""
    signed: SignedMetering = SignedMetering.IF_POSSIBLE


@dataclass(frozen=True, slots=True)
class StationOptions(_Options):
    """Options of the station as a whole: hardware, policy and the SHARED and INSTALLATION rows."""

    connectors: tuple[ConnectorOptions, ...]
    readers: Mapping[str, tuple[ConnectorId, ...]]
    """Reader name to the connectors it serves."""
    maximum_current_a: float | None = None
    """What the station may take on each phase in all; None: as much as its connectors together."""
    feeds: tuple[FeedOptions, ...] = ()
    grid: GridOptions | None = None
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""
    after_power_loss: AfterPowerLoss = AfterPowerLoss.STOP
    resume_gap_s: int = 600
    hard_reset_during_transaction: bool = False
    opening_grace_s: float = 6.0
    continue_on_storage_fault: bool = True
    """A running transaction goes on while the disk refuses writes; no new one starts."""
    stop_on_meter_fault: bool = False
    """A running transaction ends when its meter stays silent past the stale limit; default: it goes on for
    `meter_fault_grace_s`, then ends with the last sample."""
    meter_fault_grace_s: float = 60.0
    charging_refused: str = ""
    """Why this station must not charge at all (safe mode, unusable settings), in plain words; empty: it may."""
    free_before_accepted: bool = True
    """Free connectors charge although the Billing upstream has never accepted the station."""
    additional_root_check: bool = False
    """A new root of an upstream must be signed by its present one ("AdditionalRootCertificateCheck")."""
    file_transfers: tuple[str, ...] = ("FTPS", "HTTPS")
    """How files are brought to places that upstreams name ("SupportedFileTransferProtocols")."""
    cards: CardServices = field(default_factory=CardServices)
    """Whom cards belong to, which are stored here, and who keeps connectors."""
    firmware: FirmwarePolicy = DEFAULT_POLICY
    """Who may update the station, and how."""
    privacy: Mapping[UpstreamKind, IdTagPolicy] = field(default_factory=lambda: DEFAULT_PRIVACY)
    """What stands for cards where an upstream is told of transactions that are not its own."""
    pseudonym_key: Secret | None = None
    """Behind the pseudonyms of cards; None: there are none."""
    billing_upstream: str = ""
    """Who is Billing, by id."""
    primary_backoffice: str = ""
    """Name and URL of the primary; empty: there is none."""
    further_operators: str = ""
    """Ids and names of the others."""
    pending_change: str = ""
    """What the next boot of the system applies; empty: nothing is staged."""
    reset_retries: int = 1
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def signed_metering_required(self) -> bool:
        """Energy is billed by signed readings: nobody whom no upstream and no list knows is given any."""
        return any(connector.signed is SignedMetering.REQUIRED for connector in self.connectors)
