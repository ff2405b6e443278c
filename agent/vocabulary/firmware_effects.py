"""Effects that are about firmware; `effects` has them in its closed list, with their class."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.commands import FirmwareCommand, TriggerKind
from agent.vocabulary.firmware import FirmwareState
from agent.vocabulary.ids import UpstreamId


@dataclass(frozen=True, slots=True)
class HandleFirmware:
    """A permitted command to update the firmware; answered by `FirmwareAnswered`, told of by `FirmwareProgressed`."""

    upstream: UpstreamId
    call: int
    command: FirmwareCommand


@dataclass(frozen=True, slots=True)
class TellFirmware:
    """How far an update is, for one upstream; the newest waits for a link. `what`: the message that tells it."""

    upstream: UpstreamId
    what: TriggerKind
    state: FirmwareState
    message_id: str = ""
    """The id of the message, also when it is sent again; it is told as `FirmwareTold`. Empty: any, and nobody waits."""


@dataclass(frozen=True, slots=True)
class PermitInstall:
    """Nothing charges and nothing begins to: the installer may go on."""


@dataclass(frozen=True, slots=True)
class NoteFirmwareTold:
    """The upstream has heard this message: it need not be told again."""

    message_id: str
