"""Commands: what an upstream may ask of the station, and the results it gets, in words of no particular version.

`CommandKind` is the row label of the permission table; every command class names its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.options import OptionValue


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


class ResultStatus(StrEnum):
    """Closed list of answers; a dialect maps each to the status of its message."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    REBOOT_REQUIRED = "reboot_required"
    NOT_SUPPORTED = "not_supported"
    UNLOCKED = "unlocked"
    UNLOCK_FAILED = "unlock_failed"


@dataclass(frozen=True, slots=True)
class RemoteStart:
    kind: ClassVar[CommandKind] = CommandKind.REMOTE_START
    token: IdToken
    connector: ConnectorId | None = None
    remote_start_id: int | None = None


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


Command = RemoteStart | RemoteStop | ChangeAvailability | Unlock | Reset | GetOptions | SetOption | ClearCache


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
