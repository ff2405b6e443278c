"""Inputs: everything that can happen to the station. `Station.handle` is total over this closed union."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.commands import Command, Result, TriggerKind
from agent.vocabulary.events import StopReason
from agent.vocabulary.firmware import FirmwareState
from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.records import Verdict
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.uploads import UploadState
from hal.api import Reading


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline named by `Station.next_deadline()` has come (or the engine woke for another reason)."""


class Registration(StrEnum):
    """Registration of one upstream (OCPP 1.6 "RegistrationStatus" and what comes before it)."""

    UNKNOWN = "Unknown"
    PENDING = "Pending"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"


@dataclass(frozen=True, slots=True)
class UpstreamChanged:
    """Link or registration of an upstream changed."""

    upstream: UpstreamId
    connected: bool
    registration: Registration


@dataclass(frozen=True, slots=True)
class UpstreamHeard:
    """A message of an upstream came, and it has a lease for its limits; told once a second at most."""

    upstream: UpstreamId


@dataclass(frozen=True, slots=True)
class AuthorizeAnswered:
    """Answer to an `Ask`; `verdict` None: no answer (offline, CALLERROR, deadline)."""

    ask: int
    upstream: UpstreamId
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """An upstream asks for something; answered by exactly one `Answer` effect with the same `call`."""

    upstream: UpstreamId
    call: int
    command: Command


@dataclass(frozen=True, slots=True)
class CredentialsAnswered:
    """The keeper of the credentials has done a `HandleCredentials`."""

    upstream: UpstreamId
    call: int | None
    result: Result
    csr_pem: str = ""
    """A certificate request that the upstream is to sign; empty: none."""
    reconnect: str = ""
    """Why the link is to be dialled anew; empty: it stays."""


@dataclass(frozen=True, slots=True)
class CredentialsInForce:
    """Profile and URL by which an upstream is dialled now: at the start, after an upgrade, a move or a fallback."""

    upstream: UpstreamId
    security_profile: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class UploadAnswered:
    """The transfers have decided on a `HandleUpload`."""

    upstream: UpstreamId
    call: int
    result: Result


@dataclass(frozen=True, slots=True)
class OperatorsAnswered:
    """What was asked about the operators has been done, or refused."""

    upstream: UpstreamId
    call: int
    result: Result


@dataclass(frozen=True, slots=True)
class SettingsStaged:
    """What is staged for the next boot has changed, by whomever; `text` tells it in short, empty: nothing is."""

    text: str


@dataclass(frozen=True, slots=True)
class UploadProgressed:
    """An upload that an upstream asked for has come further, or has ended. `what`: the message that tells it."""

    upstream: UpstreamId
    what: TriggerKind
    state: UploadState


@dataclass(frozen=True, slots=True)
class FirmwareAnswered:
    """The updater has decided on a `HandleFirmware`."""

    upstream: UpstreamId
    call: int
    result: Result


@dataclass(frozen=True, slots=True)
class FirmwareProgressed:
    """An update that an upstream asked for has come further, or has ended. `what`: the message that tells it."""

    upstream: UpstreamId
    what: TriggerKind
    state: FirmwareState
    message_id: str = ""
    """The id of the message that tells it; empty: it is known already, and nothing is told."""


@dataclass(frozen=True, slots=True)
class FirmwareTold:
    """An upstream has answered a message that tells how far an update is."""

    upstream: UpstreamId
    message_id: str


@dataclass(frozen=True, slots=True)
class InstallWanted:
    """An update wants the station for itself, or lets it go. Answered by `PermitInstall` once nothing charges."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class SecurityEventSeen:
    """Something happened that belongs in the security log. `upstream` None: it concerns the station as a whole."""

    kind: SecurityEventKind
    tech_info: str = ""
    upstream: UpstreamId | None = None


@dataclass(frozen=True, slots=True)
class NoticeAnswered:
    """An upstream answered the head of its queue of security events: done, whatever it said."""

    upstream: UpstreamId
    message_id: str


@dataclass(frozen=True, slots=True)
class MessageAcknowledged:
    """An upstream answered the head of its outbox. A start brings foreign id and verdict, a stop perhaps a verdict."""

    upstream: UpstreamId
    message_id: str
    transaction: TransactionId | None
    foreign_id: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class MessageFailed:
    """An upstream failed to process the head of its outbox; `attempts` counts this one, `given_up` after the last."""

    upstream: UpstreamId
    message_id: str
    transaction: TransactionId | None
    attempts: int
    given_up: bool
    why: str


@dataclass(frozen=True, slots=True)
class Synced:
    """All records up to `sequence` are on the disk, synced."""

    sequence: int


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """The writer could not commit `sequence`; it stays at the head and is tried again."""

    sequence: int
    why: str


@dataclass(frozen=True, slots=True)
class WallTimeFixed:
    """The clock of this boot became known; moments from now on carry wall time."""

    boot: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """A local command (page, stationctl, signal): end running transactions with `reason`, then restart."""

    reboot_system: bool
    reason: StopReason = StopReason.REBOOT
    wait_for_idle: bool = False


@dataclass(frozen=True, slots=True)
class ReofferRequested:
    """A local command: what was parked for this upstream goes back into its queue, oldest first."""

    upstream: UpstreamId
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutageModeRequested:
    """A local command: from now on this holds while nobody answers. `cap_wh`: energy cap of `free-vend`; None: kept."""

    mode: OutageMode
    who: str
    cap_wh: int | None = None


@dataclass(frozen=True, slots=True)
class LatchCleared:
    """Service cleared a latched fault on the spot."""

    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class HoldCleared:
    """Somebody on the spot ends what an upstream holds inoperative (0: all that it holds)."""

    upstream: UpstreamId
    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class LimitSet:
    """Somebody on the spot sets what a connector, or (0) the station, may take on each phase; None: no such limit."""

    connector: ConnectorId
    current_a: float | None


Input = (
    Tick
    | Reading
    | UpstreamChanged
    | UpstreamHeard
    | AuthorizeAnswered
    | CommandReceived
    | CredentialsAnswered
    | CredentialsInForce
    | UploadAnswered
    | UploadProgressed
    | OperatorsAnswered
    | SettingsStaged
    | FirmwareAnswered
    | FirmwareProgressed
    | FirmwareTold
    | InstallWanted
    | SecurityEventSeen
    | NoticeAnswered
    | MessageAcknowledged
    | MessageFailed
    | Synced
    | RecordFailed
    | WallTimeFixed
    | RestartRequested
    | ReofferRequested
    | LatchCleared
    | HoldCleared
    | LimitSet
    | OutageModeRequested
)
