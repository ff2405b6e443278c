"""Commands: what an upstream may ask of the station, and the results it gets, in words of no particular version.

Theory of operation
-------------------
`Command` is the closed list. `CommandKind` is the row label of the permission table; every command class names its
kind. A dialect makes a command from a call, the station answers it with one `Result`, and the dialect words that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from agent.vocabulary.certificates import CertificateHash, CertificateUse
from agent.vocabulary.charging import ChargingProfile, CompositeSchedule, ProfileFilter, RateUnit
from agent.vocabulary.firmware import FirmwareWish
from agent.vocabulary.ids import ConnectorId, IdToken, Secret
from agent.vocabulary.operators import OperatorRequest, Unreadable
from agent.vocabulary.options import OptionValue
from agent.vocabulary.records import ListEntry
from agent.vocabulary.uploads import LogKind


class CommandKind(StrEnum):
    REMOTE_START = "remote_start"
    REMOTE_STOP = "remote_stop"
    CHANGE_AVAILABILITY = "change_availability"
    UNLOCK = "unlock"
    RESET_SOFT = "reset_soft"
    RESET_HARD = "reset_hard"
    GET_OPTIONS = "get_options"
    SET_OPTION = "set_option"
    CLEAR_CACHE = "clear_cache"
    RESERVE = "reserve"
    CANCEL_RESERVATION = "cancel_reservation"
    SEND_LIST = "send_list"
    GET_LIST_VERSION = "get_list_version"
    SET_PROFILE = "set_profile"
    CLEAR_PROFILES = "clear_profiles"
    GET_COMPOSITE = "get_composite"
    SET_PASSWORD = "set_password"
    RAISE_SECURITY_PROFILE = "raise_security_profile"
    INSTALL_ROOT = "install_root"
    INSTALL_MANUFACTURER_ROOT = "install_manufacturer_root"
    LIST_ROOTS = "list_roots"
    LIST_MANUFACTURER_ROOTS = "list_manufacturer_roots"
    DELETE_CERTIFICATE = "delete_certificate"
    TAKE_CERTIFICATE = "take_certificate"
    RENEW_CERTIFICATE = "renew_certificate"
    TRIGGER = "trigger"
    GET_DIAGNOSTICS = "get_diagnostics"
    GET_LOG = "get_log"
    ASK_OPERATORS = "ask_operators"
    SET_OWN_URL = "set_own_url"
    UPDATE_FIRMWARE = "update_firmware"
    SIGNED_UPDATE_FIRMWARE = "signed_update_firmware"
    CLEAR_LATCH = "clear_latch"
    CLEAR_HOLD = "clear_hold"
    SET_LIMIT = "set_limit"
    SET_OUTAGE_MODE = "set_outage_mode"
    EDIT_SERVICES = "edit_services"
    REOFFER = "reoffer"
    DELETE_RECORDS = "delete_records"


AT_THE_STATION = frozenset(
    {
        CommandKind.CLEAR_LATCH,
        CommandKind.CLEAR_HOLD,
        CommandKind.SET_LIMIT,
        CommandKind.SET_OUTAGE_MODE,
        CommandKind.EDIT_SERVICES,
        CommandKind.REOFFER,
        CommandKind.DELETE_RECORDS,
    }
)
"""What only somebody at the station has a command for; no dialect makes these from a call."""


class TriggerKind(StrEnum):
    """Messages of the station that an upstream may ask for (OCPP 1.6 5.17)."""

    BOOT = "boot"
    DIAGNOSTICS_STATUS = "diagnostics_status"
    FIRMWARE_STATUS = "firmware_status"
    HEARTBEAT = "heartbeat"
    LOG_STATUS = "log_status"
    METER_VALUES = "meter_values"
    SIGNED_FIRMWARE_STATUS = "signed_firmware_status"
    STATUS = "status"


class ResultStatus(StrEnum):
    """Closed list of answers; a dialect maps each to the status of its message."""

    ACCEPTED = "accepted"
    ACCEPTED_CANCELED = "accepted_canceled"
    """Accepted, and what ran before for the same upstream is given up."""
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    REBOOT_REQUIRED = "reboot_required"
    NOT_SUPPORTED = "not_supported"
    UNLOCKED = "unlocked"
    UNLOCK_FAILED = "unlock_failed"
    FAILED = "failed"
    NOT_FOUND = "not_found"
    NOT_IMPLEMENTED = "not_implemented"
    VERSION_MISMATCH = "version_mismatch"
    OCCUPIED = "occupied"
    FAULTED = "faulted"
    UNAVAILABLE = "unavailable"
    UNKNOWN_VENDOR = "unknown_vendor"
    """Who asks may not know that there are such messages."""
    UNKNOWN_MESSAGE = "unknown_message"
    INVALID_CERTIFICATE = "invalid_certificate"
    REVOKED_CERTIFICATE = "revoked_certificate"


@dataclass(frozen=True, slots=True)
class RemoteStart:
    kind: ClassVar[CommandKind] = CommandKind.REMOTE_START
    token: IdToken
    connector: ConnectorId | None = None
    remote_start_id: int | None = None
    profile: ChargingProfile | None = None
    """For the transaction that comes of it."""


@dataclass(frozen=True, slots=True)
class RemoteStop:
    """`foreign_id` is the transaction id that the asking upstream gave; it means nothing to any other."""

    kind: ClassVar[CommandKind] = CommandKind.REMOTE_STOP
    foreign_id: str


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Connector 0: the station and all its connectors."""

    kind: ClassVar[CommandKind] = CommandKind.CHANGE_AVAILABILITY
    connector: ConnectorId
    operative: bool


@dataclass(frozen=True, slots=True)
class Unlock:
    kind: ClassVar[CommandKind] = CommandKind.UNLOCK
    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class Reset:
    """Soft: end transactions and restart the agent. Hard: the same, and reboot the system."""

    hard: bool

    @property
    def kind(self) -> CommandKind:
        """Soft and hard are rows of their own in the permission table."""
        return CommandKind.RESET_HARD if self.hard else CommandKind.RESET_SOFT


@dataclass(frozen=True, slots=True)
class GetOptions:
    """All options as this upstream sees them; the dialect picks the keys that were asked for."""

    kind: ClassVar[CommandKind] = CommandKind.GET_OPTIONS


@dataclass(frozen=True, slots=True)
class SetOption:
    """A value that the dialect has parsed and checked against its row."""

    kind: ClassVar[CommandKind] = CommandKind.SET_OPTION
    name: str
    value: OptionValue


@dataclass(frozen=True, slots=True)
class ClearCache:
    kind: ClassVar[CommandKind] = CommandKind.CLEAR_CACHE


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep a connector, or any one of the station (0), for a card or one of its parent (OCPP 1.6 5.13)."""

    kind: ClassVar[CommandKind] = CommandKind.RESERVE
    id: int
    connector: ConnectorId
    token: IdToken
    expires_wall_ms: int
    parent: IdToken | None = None


@dataclass(frozen=True, slots=True)
class CancelReservation:
    kind: ClassVar[CommandKind] = CommandKind.CANCEL_RESERVATION
    id: int


@dataclass(frozen=True, slots=True)
class SendList:
    """Replace the local list, or change it (OCPP 1.6 5.15)."""

    kind: ClassVar[CommandKind] = CommandKind.SEND_LIST
    version: int
    full: bool
    entries: tuple[ListEntry, ...]


@dataclass(frozen=True, slots=True)
class GetListVersion:
    kind: ClassVar[CommandKind] = CommandKind.GET_LIST_VERSION


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Install a charging profile in the asking upstream's own store. `foreign_id`: of the transaction it is for."""

    kind: ClassVar[CommandKind] = CommandKind.SET_PROFILE
    connector: ConnectorId
    profile: ChargingProfile
    foreign_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClearProfiles:
    """Drop profiles of the asking upstream."""

    kind: ClassVar[CommandKind] = CommandKind.CLEAR_PROFILES
    wanted: ProfileFilter


@dataclass(frozen=True, slots=True)
class GetComposite:
    """What the station expects to offer from now on, all limits of all upstreams counted. Connector 0: the grid."""

    kind: ClassVar[CommandKind] = CommandKind.GET_COMPOSITE
    connector: ConnectorId
    duration_s: int
    unit: RateUnit = RateUnit.AMPERE


@dataclass(frozen=True, slots=True)
class SetPassword:
    """A new HTTP Basic password of the asking upstream (OCPP 1.6 "AuthorizationKey"); in force at the next link."""

    kind: ClassVar[CommandKind] = CommandKind.SET_PASSWORD
    password: Secret


@dataclass(frozen=True, slots=True)
class RaiseSecurityProfile:
    """A higher security profile for the asking upstream (security extension of OCPP 1.6, A05)."""

    kind: ClassVar[CommandKind] = CommandKind.RAISE_SECURITY_PROFILE
    profile: int


@dataclass(frozen=True, slots=True)
class InstallRoot:
    """A root for the asking upstream's own trust, or the manufacturer's for firmware (M05)."""

    use: CertificateUse
    pem: str

    @property
    def kind(self) -> CommandKind:
        """Roots of the manufacturer are a row of their own in the permission table."""
        own = self.use is CertificateUse.CENTRAL_SYSTEM_ROOT
        return CommandKind.INSTALL_ROOT if own else CommandKind.INSTALL_MANUFACTURER_ROOT


@dataclass(frozen=True, slots=True)
class ListRoots:
    """The installed roots of one use (M03)."""

    use: CertificateUse

    @property
    def kind(self) -> CommandKind:
        """Roots of the manufacturer are a row of their own in the permission table."""
        own = self.use is CertificateUse.CENTRAL_SYSTEM_ROOT
        return CommandKind.LIST_ROOTS if own else CommandKind.LIST_MANUFACTURER_ROOTS


@dataclass(frozen=True, slots=True)
class DeleteCertificate:
    """Remove one root of the asking upstream's trust (M04)."""

    kind: ClassVar[CommandKind] = CommandKind.DELETE_CERTIFICATE
    named: CertificateHash


@dataclass(frozen=True, slots=True)
class TakeCertificate:
    """The signed client certificate, leaf first, for the pending key of the asking upstream (A02)."""

    kind: ClassVar[CommandKind] = CommandKind.TAKE_CERTIFICATE
    chain_pem: str


@dataclass(frozen=True, slots=True)
class RenewCertificate:
    """Make a new key pair and ask the upstream to sign it (A02)."""

    kind: ClassVar[CommandKind] = CommandKind.RENEW_CERTIFICATE


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """Send a message now, to the asking upstream alone. `connector` None: all that the message is about."""

    kind: ClassVar[CommandKind] = CommandKind.TRIGGER
    what: TriggerKind
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class UploadWish:
    """Where a file is to be brought, and what of the past it is to hold. The location may have a password in it."""

    location: Secret
    retries: int | None = None
    """Further attempts; None: as the station likes."""
    retry_interval_s: int | None = None
    since_wall_ms: int | None = None
    until_wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class GetDiagnostics:
    """Upload the diagnostics into a folder (OCPP 1.6 5.9)."""

    kind: ClassVar[CommandKind] = CommandKind.GET_DIAGNOSTICS
    wish: UploadWish


@dataclass(frozen=True, slots=True)
class GetLog:
    """Upload a log to a place (security extension of OCPP 1.6, N01)."""

    kind: ClassVar[CommandKind] = CommandKind.GET_LOG
    log: LogKind
    request_id: int
    wish: UploadWish


@dataclass(frozen=True, slots=True)
class AskOperators:
    """A message about the operators of the station; management's alone."""

    kind: ClassVar[CommandKind] = CommandKind.ASK_OPERATORS
    request: OperatorRequest | Unreadable


@dataclass(frozen=True, slots=True)
class SetOwnUrl:
    """The asking upstream moves: from the next boot on it is to be dialled there, and at the old URL if that fails."""

    kind: ClassVar[CommandKind] = CommandKind.SET_OWN_URL
    url: str


@dataclass(frozen=True, slots=True)
class UpdateFirmware:
    """Fetch and install an image; whether it is the manufacturer's, only the image says (OCPP 1.6 5.19)."""

    kind: ClassVar[CommandKind] = CommandKind.UPDATE_FIRMWARE
    wish: FirmwareWish


@dataclass(frozen=True, slots=True)
class SignedUpdateFirmware:
    """Fetch, verify and install a file that is signed (security extension of OCPP 1.6, L01)."""

    kind: ClassVar[CommandKind] = CommandKind.SIGNED_UPDATE_FIRMWARE
    request_id: int
    wish: FirmwareWish
    signing_certificate: str
    """In PEM."""
    signature: str
    """In base64, over the whole file."""


FirmwareCommand = UpdateFirmware | SignedUpdateFirmware
"""Commands that the updater performs, outside the station; the station only permits them."""

UploadCommand = GetDiagnostics | GetLog
"""Commands that the transfers perform, outside the station; the station only permits them."""

CredentialCommand = (
    SetPassword
    | RaiseSecurityProfile
    | InstallRoot
    | ListRoots
    | DeleteCertificate
    | TakeCertificate
    | RenewCertificate
    | SetOwnUrl
)
"""Commands that the keeper of the credentials performs, outside the station; the station only permits them."""

Command = (
    RemoteStart
    | RemoteStop
    | ChangeAvailability
    | Unlock
    | Reset
    | GetOptions
    | SetOption
    | ClearCache
    | Reserve
    | CancelReservation
    | SendList
    | GetListVersion
    | SetProfile
    | ClearProfiles
    | GetComposite
    | TriggerMessage
    | CredentialCommand
    | UploadCommand
    | AskOperators
    | FirmwareCommand
)


@dataclass(frozen=True, slots=True)
class OptionSeen:
    """One option as an upstream sees it."""

    name: str
    value: OptionValue
    readonly: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The station's answer. `reason` is for logs and the ladder, in plain words, with no card in it."""

    status: ResultStatus
    reason: str = ""
    options: tuple[OptionSeen, ...] = ()
    certificates: tuple[CertificateHash, ...] = ()
    composite: CompositeSchedule | None = None
    list_version: int = -1
    file_name: str = ""
    """Of what will be uploaded."""
    data: str = ""
    """The answer of a message of ours, as JSON."""
