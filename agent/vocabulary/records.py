"""Records: what the store must remember. The station makes them, the writer commits them, nobody else writes.

Theory of operation
-------------------
`Entry` is the closed list. Each entry is one row operation. A `Record` effect carries several
entries that are committed together or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.vocabulary.charging import InstalledProfile
from agent.vocabulary.events import StopReason, TransactionEvent, Trigger
from agent.vocabulary.ids import ConnectorId, EvseAddress, IdToken, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import OptionValue
from agent.vocabulary.security import SecurityEvent
from agent.vocabulary.signing import SignedValue, SigningState
from hal.api import Fault, Measured


class AuthorizationStatus(StrEnum):
    """A backend's verdict on a card (OCPP 1.6 "AuthorizationStatus")."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class Verdict:
    """idTagInfo of a confirmation, version-neutral."""

    status: AuthorizationStatus
    parent: IdToken | None = None
    expires_wall_ms: int | None = None

    @property
    def accepted(self) -> bool:
        return self.status is AuthorizationStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """The journal row of a transaction: all that recovery needs. `authority` is pinned at the start."""

    id: TransactionId
    where: EvseAddress
    token: IdToken
    authority: UpstreamId
    started_at: Moment
    meter_start_wh: int
    trigger: Trigger
    offline: bool = False
    parent: IdToken | None = None
    remote_start_id: int | None = None
    last_at: Moment | None = None
    last_energy_wh: int | None = None
    stopped_at: Moment | None = None
    meter_stop_wh: int | None = None
    stop_reason: StopReason | None = None
    stop_token: IdToken | None = None
    invalidated: bool = False
    """The authority's verdict on the start was not Accepted."""
    told: tuple[UpstreamId, ...] = ()
    """Who has a start of it, and so gets samples and a stop: an upstream that came later sees none of it."""
    energy_cap_wh: int | None = None
    """Given to somebody whom nobody knew: so much energy at the most, until the authority accepts the start."""
    signing: SigningState = SigningState.NONE
    signed: SignedValue | None = None


@dataclass(frozen=True, slots=True)
class SaveTransaction:
    """Insert or replace the journal row."""

    transaction: TransactionRecord


@dataclass(frozen=True, slots=True)
class SaveReading:
    """One row per meter reading that any upstream's plan asked for; the journal's last energy follows it."""

    transaction: TransactionId | None
    connector: ConnectorId
    at: Moment
    energy_wh: int
    values: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """A new row in the outbox of one upstream. `message_id` is the UUIDv4 that the row keeps for ever."""

    upstream: UpstreamId
    event: TransactionEvent
    message_id: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The upstream answered a row: row done, foreign id and verdict kept, in one record."""

    upstream: UpstreamId
    message_id: str
    transaction: TransactionId | None = None
    foreign_id: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class CountAttempt:
    """The upstream failed to process a row (CALLERROR, or time-out on a live link); `attempts` is the new count."""

    upstream: UpstreamId
    message_id: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Park:
    """The row is given up after its attempts: kept, shown, re-offered on demand. A parked start makes the id -1."""

    upstream: UpstreamId
    message_id: str
    why: str
    whole_session: bool = False
    """Of a start: what follows it is parked as well, now and later, instead of being sent with the id -1."""


@dataclass(frozen=True, slots=True)
class Unpark:
    """A parked row goes back into its queue on demand; a start that was parked with its session brings all of it."""

    upstream: UpstreamId
    message_id: str


@dataclass(frozen=True, slots=True)
class SaveOption:
    """An option written over OCPP. `upstream` None: a SHARED one."""

    upstream: UpstreamId | None
    name: str
    value: OptionValue


@dataclass(frozen=True, slots=True)
class SaveHold:
    """This upstream holds the connector inoperative (or releases it)."""

    upstream: UpstreamId
    connector: ConnectorId
    held: bool
    since_wall_ms: int | None = None
    """When it began; None: not known, or it ended."""


@dataclass(frozen=True, slots=True)
class SaveInstallerLimit:
    """What a connector, or (0) the station, may take on each phase, set on the spot; None: nothing is set."""

    connector: ConnectorId
    current_a: float | None


@dataclass(frozen=True, slots=True)
class SaveLatch:
    """A fault that survives a reboot until somebody clears it (a welded contactor)."""

    connector: ConnectorId
    fault: Fault
    latched: bool


@dataclass(frozen=True, slots=True)
class SaveKeptCable:
    """The cable of this connector is held after its session until this card (or one of its parent) comes back.

    `token` None: it is held no longer.
    """

    connector: ConnectorId
    token: IdToken | None
    parent: IdToken | None = None
    why: str = ""
    authority: UpstreamId | None = None
    """Whose word the parent is; None in a row of an earlier release."""


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """Authorisation cache of one upstream."""

    upstream: UpstreamId
    token: IdToken
    verdict: Verdict
    at: Moment


@dataclass(frozen=True, slots=True)
class DropVerdict:
    """One verdict made room for a newer one."""

    upstream: UpstreamId
    token: IdToken


@dataclass(frozen=True, slots=True)
class WipeCache:
    upstream: UpstreamId


@dataclass(frozen=True, slots=True)
class FixWallTime:
    """Wall time minus monotonic time of a boot, fixed once; frames that waited for it are rendered in this commit."""

    boot: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class LogSecurityEvent:
    """Append to the hash-chained security log."""

    event: SecurityEvent


@dataclass(frozen=True, slots=True)
class EnqueueNotice:
    """Queue a security event for one upstream, beside its outbox; kept until it is answered."""

    upstream: UpstreamId
    event: SecurityEvent
    message_id: str


@dataclass(frozen=True, slots=True)
class DropNotice:
    """The upstream answered it."""

    upstream: UpstreamId
    message_id: str


@dataclass(frozen=True, slots=True)
class NoteAccepted:
    """This upstream has accepted the station once with its present settings (OCPP 1.6 4.2)."""

    upstream: UpstreamId


MAXIMUM_LIST_ENTRIES: Final = 10_000
"""Of a local list as a whole."""
MAXIMUM_LIST_SENT: Final = 500
"""Of one update of it; so many fit in the longest frame."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One card of a local list and what the list says of it; None in a differential update: the card leaves it."""

    token: IdToken
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class SaveReservation:
    """A reservation of one upstream (OCPP 1.6 5.13): a connector, or any (0), for a card or one of its parent."""

    upstream: UpstreamId
    id: int
    connector: ConnectorId
    token: IdToken
    expires_wall_ms: int
    parent: IdToken | None = None


@dataclass(frozen=True, slots=True)
class DropReservation:
    """It was used, cancelled or is over."""

    upstream: UpstreamId
    id: int


@dataclass(frozen=True, slots=True)
class SaveList:
    """A local list (OCPP 1.6 3.5.2): all of it, or changes to what is stored."""

    upstream: UpstreamId
    version: int
    full: bool
    entries: tuple[ListEntry, ...]


@dataclass(frozen=True, slots=True)
class SaveProfile:
    """Insert a charging profile."""

    installed: InstalledProfile


@dataclass(frozen=True, slots=True)
class DropProfile:
    """Forget one charging profile of an upstream."""

    upstream: UpstreamId
    profile: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One upstream that was asked, or that would have been and was out of reach (`latency_ms` None)."""

    upstream: UpstreamId
    answer: str
    """The status that it gave, or `no answer`, or `not reachable`."""
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One decision on a card for the history. `upstream` is the one whose word counted, if it was anybody's."""

    at: Moment
    connector: ConnectorId | None
    token_masked: str
    stage: str
    upstream: UpstreamId | None
    latency_ms: int | None
    answer: str
    rule: str
    asked: tuple[Asked, ...] = ()
    """Everybody who was asked, in the order in which they count."""
    way: str = ""
    """By which rule they were asked."""


Entry = (
    SaveTransaction
    | SaveReading
    | Enqueue
    | Acknowledge
    | CountAttempt
    | Park
    | Unpark
    | SaveOption
    | SaveHold
    | SaveInstallerLimit
    | SaveLatch
    | SaveKeptCable
    | CacheVerdict
    | DropVerdict
    | WipeCache
    | FixWallTime
    | LogSecurityEvent
    | EnqueueNotice
    | DropNotice
    | NoteAccepted
    | SaveReservation
    | DropReservation
    | SaveList
    | SaveProfile
    | DropProfile
    | LadderStep
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store hands to a starting station."""

    boot: int
    same_boot: bool
    """The agent was started again in the same boot of the system (crash or restart), not by a reboot."""
    open_transactions: tuple[TransactionRecord, ...] = ()
    options: tuple[SaveOption, ...] = ()
    holds: tuple[SaveHold, ...] = ()
    installer_limits: tuple[SaveInstallerLimit, ...] = ()
    latches: tuple[SaveLatch, ...] = ()
    kept_cables: tuple[SaveKeptCable, ...] = ()
    cache: tuple[CacheVerdict, ...] = ()
    foreign_ids: tuple[tuple[UpstreamId, TransactionId, str], ...] = ()
    """Known foreign ids of the open transactions."""
    profiles: tuple[InstalledProfile, ...] = ()
    reservations: tuple[SaveReservation, ...] = ()
    lists: tuple[SaveList, ...] = ()
    """Local lists, each whole."""
    accepted: tuple[UpstreamId, ...] = ()
    """Upstreams that have accepted the station once."""
    restart_reason: StopReason | None = None
    """What the last run of the agent wrote down before it ended on purpose (SOFT_RESET, HARD_RESET), else None."""
    failed_resets: int = 0
    """How often in a row the system was to reboot by a hard reset and did not: this is still the boot of before."""
    parked_records: int = 0
    """Rows that could not be read and were set aside."""
    last_wall_ms: int | None = None
    """The latest wall time the store has seen: no earlier time is believed."""
