"""One update of the firmware from the request to its end: its phases, what each leads to, and where it goes on after a
restart. Pure.

Theory of operation
-------------------
    phase         what is done in it                              told when it is entered
    SCHEDULED     wait until the file may be fetched              DownloadScheduled, if there is something to wait for
    DOWNLOADING   fetch it, again and again                       Downloading (and DownloadPaused between attempts)
    DOWNLOADED    verify its signature                            Downloaded
    VERIFIED      wait until it may be installed                  SignatureVerified
    WAITING       get the station for itself, verify once more    InstallScheduled, if something still charges
    INSTALLING    write it into the free slot                     Installing
    REBOOTING     reboot, and see what runs then                  InstallRebooting
    ENDED         -                                               what became of it

A job is on the disk before what it has come to is told. An agent that starts anew goes on with the phase of its job:
a download where it broke off, an installation from its beginning, and never without verifying the file again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from agent.vocabulary.commands import FirmwareCommand, SignedUpdateFirmware, TriggerKind
from agent.vocabulary.firmware import FirmwareState, FirmwareStatus
from agent.vocabulary.ids import Secret, UpstreamId

RETRIES: Final = 3
MOST_RETRIES: Final = 20
RETRY_INTERVAL_S: Final = 60
LONGEST_INTERVAL_S: Final = 3_600


class Phase(StrEnum):
    """Where a job is."""

    SCHEDULED = "scheduled"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    VERIFIED = "verified"
    WAITING = "waiting"
    INSTALLING = "installing"
    REBOOTING = "rebooting"
    ENDED = "ended"


class Outcome(StrEnum):
    """What a phase comes to."""

    DATE_CAME = "date_came"
    FETCHED = "fetched"
    NOT_FETCHED = "not_fetched"
    GENUINE = "genuine"
    NOT_GENUINE = "not_genuine"
    FREE = "free"
    WRITTEN = "written"
    NOT_TAKEN = "not_taken"
    """The installer refuses the image."""
    NOT_WRITTEN = "not_written"
    NEW_RUNS = "new_runs"
    OLD_RUNS = "old_runs"


_P, _O, _S = Phase, Outcome, FirmwareStatus
NEXT: Final[Mapping[tuple[Phase, Outcome], tuple[Phase, FirmwareStatus | None]]] = {
    (_P.SCHEDULED, _O.DATE_CAME): (_P.DOWNLOADING, _S.DOWNLOADING),
    (_P.DOWNLOADING, _O.FETCHED): (_P.DOWNLOADED, _S.DOWNLOADED),
    (_P.DOWNLOADING, _O.NOT_FETCHED): (_P.ENDED, _S.DOWNLOAD_FAILED),
    (_P.DOWNLOADED, _O.GENUINE): (_P.VERIFIED, _S.SIGNATURE_VERIFIED),
    (_P.DOWNLOADED, _O.NOT_GENUINE): (_P.ENDED, _S.INVALID_SIGNATURE),
    (_P.VERIFIED, _O.DATE_CAME): (_P.WAITING, None),
    (_P.WAITING, _O.FREE): (_P.INSTALLING, _S.INSTALLING),
    (_P.WAITING, _O.NOT_GENUINE): (_P.ENDED, _S.INVALID_SIGNATURE),
    (_P.INSTALLING, _O.WRITTEN): (_P.REBOOTING, _S.INSTALL_REBOOTING),
    (_P.INSTALLING, _O.NOT_TAKEN): (_P.ENDED, _S.INSTALL_VERIFICATION_FAILED),
    (_P.INSTALLING, _O.NOT_WRITTEN): (_P.ENDED, _S.INSTALLATION_FAILED),
    (_P.REBOOTING, _O.NEW_RUNS): (_P.ENDED, _S.INSTALLED),
    (_P.REBOOTING, _O.OLD_RUNS): (_P.ENDED, _S.INSTALLATION_FAILED),
}
"""The phase that follows, and what is told on entering it; None: nothing."""
GIVEN_UP: Final[Mapping[Phase, FirmwareStatus]] = {
    phase: _S.DOWNLOAD_FAILED if phase in (_P.SCHEDULED, _P.DOWNLOADING) else _S.INSTALLATION_FAILED
    for phase in Phase
    if phase is not Phase.ENDED
}
"""How a job ends that cannot go on for a reason of our own: a disk that refuses, a mistake."""
NO_WAY_BACK: Final = frozenset({Phase.INSTALLING, Phase.REBOOTING})


@dataclass(frozen=True, slots=True)
class Job:
    """One update. It prints no secret."""

    upstream: UpstreamId
    location: Secret
    retrieve_wall_ms: int
    install_wall_ms: int | None
    retries_left: int
    retry_interval_s: int
    request_id: int | None = None
    """What the asking upstream calls it; None: it asked without a signature, and gave no number."""
    signing_certificate: str = ""
    signature: str = ""
    phase: Phase = Phase.SCHEDULED
    status: FirmwareStatus = FirmwareStatus.IDLE
    """What was told last."""
    message_id: str = ""
    """The id of the message that tells it; empty once it was heard."""
    version_before: str = ""
    version: str = ""
    """What was written into the slot; empty before."""
    reboots: int = 0
    """How often the system was asked to reboot for it."""
    witnesses: tuple[str, ...] = ()
    """The upstreams that had accepted the version before when this one was written."""
    rolled_back: bool = False
    """The new version has not proved itself: the next boot runs the one before."""

    @property
    def signed(self) -> bool:
        """It came with a signature of the file."""
        return self.request_id is not None

    @property
    def what(self) -> TriggerKind:
        """The message that tells of it."""
        return TriggerKind.SIGNED_FIRMWARE_STATUS if self.signed else TriggerKind.FIRMWARE_STATUS

    @property
    def state(self) -> FirmwareState:
        """What was told last, as the upstream knows it."""
        return FirmwareState(self.status, self.request_id)

    def after(self, outcome: Outcome, message_id: str) -> Job:
        """The job in its next phase. Of a signature that did not come nothing is told.

        Raises KeyError for what no phase can come to.
        """
        phase, status = NEXT[self.phase, outcome]
        if status is FirmwareStatus.SIGNATURE_VERIFIED and not self.signed:
            status = None
        moved = replace(self, phase=phase)
        return (moved if status is None else moved.telling(status, message_id)).without_secrets()

    def given_up(self, message_id: str) -> Job:
        """The job at its end, for a reason of our own."""
        status = GIVEN_UP[self.phase]
        return replace(self, phase=Phase.ENDED).telling(status, message_id).without_secrets()

    def telling(self, status: FirmwareStatus, message_id: str) -> Job:
        """A further state; the same one again is no news."""
        return self if status is self.status else replace(self, status=status, message_id=message_id)

    def heard(self) -> Job:
        """The upstream knows how far it is."""
        return replace(self, message_id="")

    def without_secrets(self) -> Job:
        """Once it has ended nobody needs to know where the file came from."""
        if self.phase is not Phase.ENDED:
            return self
        return replace(self, location=Secret(""), signing_certificate="", signature="")


def new_job(upstream: UpstreamId, command: FirmwareCommand) -> Job:
    """The job of a command."""
    wish = command.wish
    asked = RETRIES if wish.retries is None else min(wish.retries, MOST_RETRIES)
    interval = RETRY_INTERVAL_S if wish.retry_interval_s is None else wish.retry_interval_s
    job = Job(
        upstream,
        wish.location,
        wish.retrieve_wall_ms,
        wish.install_wall_ms,
        asked,
        min(interval, LONGEST_INTERVAL_S),
    )
    if isinstance(command, SignedUpdateFirmware):
        return replace(
            job,
            request_id=command.request_id,
            signing_certificate=command.signing_certificate,
            signature=command.signature,
        )
    return job


def resumed(job: Job, pending: str | None, running: str, file_is_there: bool) -> Job:
    """Where a job goes on after a restart. `pending`: the version that was activated and is not confirmed yet."""
    if job.phase is Phase.INSTALLING:
        activated = bool(job.version) and (pending == job.version or job.version == running != job.version_before)
        job = replace(job, phase=Phase.REBOOTING if activated else Phase.WAITING)
    if job.phase in (Phase.DOWNLOADED, Phase.VERIFIED, Phase.WAITING) and not file_is_there:
        return replace(job, phase=Phase.DOWNLOADING)
    return job


def render(job: Job) -> str:
    """As it is kept. The location may have a password in it: the file is for our own eyes."""
    held = {field.name: getattr(job, field.name) for field in fields(job)}
    return json.dumps(held | {"location": job.location.reveal()}) + "\n"


def parse(text: str) -> Job:
    """Raises ValueError for what is no job."""
    try:
        values: dict[str, Any] = json.loads(text)
        job = Job(
            **{
                **values,
                "upstream": UpstreamId(values["upstream"]),
                "location": Secret(values["location"]),
                "phase": Phase(values["phase"]),
                "status": FirmwareStatus(values["status"]),
                "witnesses": tuple(values["witnesses"]),
            }
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"it is no job ({type(wrong).__name__})") from None
    for name in ("retrieve_wall_ms", "retries_left", "retry_interval_s", "reboots"):
        if type(getattr(job, name)) is not int:
            raise ValueError(f"{name} is no number")
    return job
