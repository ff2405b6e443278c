"""Effects: everything the station can want, each with its class in one table.

Theory of operation
-------------------
The order is *safer, record, power, talk*. The engine performs SAFER effects at once, hands RECORD effects to the
writer, and holds POWER and TALK effects of an input that made a barrier record until that record is synced. POWER
effects carry the connector's grant number; a SAFER effect raises it, and what was held or queued below it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.commands import CredentialCommand, Result, TriggerKind, UploadCommand
from agent.vocabulary.events import ConditionChanged, TransactionSampled
from agent.vocabulary.firmware import FirmwareState
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall, TellFirmware
from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.operators import HandleOperators
from agent.vocabulary.records import Entry
from agent.vocabulary.uploads import UploadState
from hal.api import LightPattern, SigningOrder


class EffectClass(StrEnum):
    SAFER = "safer"
    RECORD = "record"
    POWER = "power"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """PWM off. Raises the grant number to `grant`."""

    connector: ConnectorId
    grant: int


@dataclass(frozen=True, slots=True)
class OpenContactor:
    """Open now, under load if need be. Raises the grant number to `grant`."""

    connector: ConnectorId
    grant: int


@dataclass(frozen=True, slots=True)
class Lower:
    """Lower a running offer."""

    connector: ConnectorId
    current_a: float
    grant: int


@dataclass(frozen=True, slots=True)
class DriveLock:
    """Locking precedes every grant; unlocking is only asked for after the contactor was seen open."""

    connector: ConnectorId
    locked: bool


@dataclass(frozen=True, slots=True)
class ReadMeter:
    connector: ConnectorId
    request: int


@dataclass(frozen=True, slots=True)
class SwitchAllOff:
    """At start: every output off and read back."""


@dataclass(frozen=True, slots=True)
class SetPace:
    connector: ConnectorId
    in_session: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Entries committed together. A barrier is synced before power and talk of the same input go out."""

    entries: tuple[Entry, ...]
    barrier: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """Offer a current to the car."""

    connector: ConnectorId
    current_a: float
    grant: int


@dataclass(frozen=True, slots=True)
class CloseContactor:
    connector: ConnectorId
    grant: int


@dataclass(frozen=True, slots=True)
class Sign:
    """Begin or end the signed session of a meter. Like power it waits for every record: it belongs to one."""

    connector: ConnectorId
    order: SigningOrder


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask one upstream about a card; never queued; answered by `AuthorizeAnswered` within `deadline_s`."""

    ask: int
    upstream: UpstreamId
    token: IdToken
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer to a `CommandReceived`."""

    upstream: UpstreamId
    call: int
    result: Result


@dataclass(frozen=True, slots=True)
class HandleCredentials:
    """A permitted command about credentials, for their keeper; answered by `CredentialsAnswered`."""

    upstream: UpstreamId
    call: int | None
    """None: the station itself wants it (a certificate that is about to expire)."""
    command: CredentialCommand


@dataclass(frozen=True, slots=True)
class HandleUpload:
    """A permitted command to upload a file; answered by `UploadAnswered`, then told of by `UploadProgressed`."""

    upstream: UpstreamId
    call: int
    command: UploadCommand


@dataclass(frozen=True, slots=True)
class TellUpload:
    """How far an upload is, for the upstream that asked for it; the newest waits for a link (OCPP 1.6 4.4)."""

    upstream: UpstreamId
    what: TriggerKind
    state: UploadState


@dataclass(frozen=True, slots=True)
class RequestCertificate:
    """Ask this upstream to sign a certificate request; dropped if it is not connected (A02)."""

    upstream: UpstreamId
    csr_pem: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """End the link in order once what was said before has left, and dial anew: new credentials are in force."""

    upstream: UpstreamId
    why: str


@dataclass(frozen=True, slots=True)
class SendNow:
    """A message that this upstream has asked for, behind the answer; dropped if it is not connected (OCPP 1.6 5.17)."""

    upstream: UpstreamId
    what: TriggerKind
    connector: ConnectorId | None = None
    """For a status: whose."""
    values: TransactionSampled | None = None
    """Meter values for an upstream that gets no rows of its outbox yet."""
    foreign_id: str | None = None
    """The upstream's id of the transaction that they belong to."""
    upload: UploadState | None = None
    """For the status of an upload: how far it is."""
    firmware: FirmwareState | None = None
    """For the status of an update: how far it is."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A live event for one upstream."""

    upstream: UpstreamId
    event: ConditionChanged


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """Options of this upstream changed (intervals, plans): its task reads them anew."""

    upstream: UpstreamId


@dataclass(frozen=True, slots=True)
class Show:
    connector: ConnectorId
    pattern: LightPattern


@dataclass(frozen=True, slots=True)
class Restart:
    """End this process in order (1001 to the backends), or reboot the system."""

    reboot_system: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the log and the page: a refusal with its reason, a change of state worth telling."""

    event: str
    """Id in the closed list of log events."""
    text: str
    connector: ConnectorId | None = None
    upstream: UpstreamId | None = None


Effect = (
    Withdraw
    | OpenContactor
    | Lower
    | DriveLock
    | ReadMeter
    | SwitchAllOff
    | SetPace
    | Record
    | Offer
    | CloseContactor
    | Sign
    | Ask
    | Answer
    | HandleCredentials
    | HandleUpload
    | HandleOperators
    | TellUpload
    | HandleFirmware
    | TellFirmware
    | PermitInstall
    | NoteFirmwareTold
    | RequestCertificate
    | Reconnect
    | SendNow
    | Publish
    | OptionsChanged
    | Show
    | Restart
    | Note
)

EFFECT_CLASSES: Mapping[type[Effect], EffectClass] = {
    Withdraw: EffectClass.SAFER,
    OpenContactor: EffectClass.SAFER,
    Lower: EffectClass.SAFER,
    DriveLock: EffectClass.SAFER,
    ReadMeter: EffectClass.SAFER,
    SwitchAllOff: EffectClass.SAFER,
    SetPace: EffectClass.SAFER,
    Record: EffectClass.RECORD,
    Offer: EffectClass.POWER,
    CloseContactor: EffectClass.POWER,
    Sign: EffectClass.POWER,
    Ask: EffectClass.TALK,
    Answer: EffectClass.TALK,
    HandleCredentials: EffectClass.TALK,
    HandleUpload: EffectClass.TALK,
    HandleOperators: EffectClass.TALK,
    TellUpload: EffectClass.TALK,
    HandleFirmware: EffectClass.TALK,
    TellFirmware: EffectClass.TALK,
    PermitInstall: EffectClass.TALK,
    NoteFirmwareTold: EffectClass.TALK,
    RequestCertificate: EffectClass.TALK,
    Reconnect: EffectClass.TALK,
    SendNow: EffectClass.TALK,
    Publish: EffectClass.TALK,
    OptionsChanged: EffectClass.TALK,
    Show: EffectClass.TALK,
    Restart: EffectClass.TALK,
    Note: EffectClass.SAFER,
}
"""Every effect has exactly one class. `Note` never waits: a log line is not a promise."""
