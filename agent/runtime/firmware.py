"""The updater: one update of the firmware at a time, from the request to the new version, over any number of restarts.

Theory of operation
-------------------
Requests are worked off one by one: who signed is judged before the answer (security extension of OCPP 1.6, L01), then
the job is on the disk, then it is answered, then it begins. A newer request of the same upstream takes the place of
its job until that is being installed; whose turn it is has been decided by the station.

A job is a task that takes one phase after the other (`firmware_job`, `firmware_steps`). Whatever it comes to is on the
disk before it is told, with the id of the message, until the upstream has heard it: so the end of an update is told
after a reboot, and told once. `InstallationFailed` and `Installed` follow from what runs after the boot, not from what
was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from agent.control.views import FirmwareView
from agent.credentials.child import ChildFailed
from agent.host.destination import Refused, read_destination
from agent.host.download_file import clear
from agent.host.download_order import WHOLE_NAME
from agent.runtime.engine import ForUpdates
from agent.runtime.firmware_job import NO_WAY_BACK, Job, Outcome, Phase, new_job, resumed
from agent.runtime.firmware_steps import Steps
from agent.runtime.firmware_world import Hand, JobFile, World
from agent.vocabulary.commands import Result, ResultStatus, SignedUpdateFirmware
from agent.vocabulary.firmware import FirmwareStatus
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.inputs import FirmwareAnswered, FirmwareProgressed, SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind

_S = FirmwareStatus
WORDS: Final[Mapping[FirmwareStatus, str]] = {
    _S.IDLE: "nothing is under way",
    _S.DOWNLOAD_SCHEDULED: "the download waits for its date",
    _S.DOWNLOADING: "the file is being downloaded",
    _S.DOWNLOAD_PAUSED: "the download broke off and is continued later",
    _S.DOWNLOADED: "the file is here",
    _S.DOWNLOAD_FAILED: "the file could not be downloaded; nothing was changed",
    _S.SIGNATURE_VERIFIED: "the signature of the file is good",
    _S.INVALID_SIGNATURE: "the file is not what was signed; nothing was changed",
    _S.INSTALL_SCHEDULED: "the installation waits for its date, or for the end of what charges",
    _S.INSTALLING: "it is being installed; nothing charges meanwhile",
    _S.INSTALL_REBOOTING: "it is installed, and the system reboots to run it",
    _S.INSTALLED: "the new version runs",
    _S.INSTALLATION_FAILED: "it could not be installed; the version before runs",
    _S.INSTALL_VERIFICATION_FAILED: "the image is not for this station or not the manufacturer's; nothing was changed",
}
"""Every state for people."""


class Updater:
    """The one job. Called by the engine; returns at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._file = JobFile(world.state)
        self._hand = Hand()
        self._steps = Steps(world, self._hand, self._keep)
        self._queue: asyncio.Queue[HandleFirmware | NoteFirmwareTold] = asyncio.Queue()
        self._saving = asyncio.Lock()
        self._job: Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._unheard: set[str] = set()
        """Messages of this life that nobody has heard yet."""

    def __call__(self, effect: ForUpdates) -> None:
        """Take an effect. A request is answered by `FirmwareAnswered`, never within this call."""
        if isinstance(effect, PermitInstall):
            self._steps.permit()
        else:
            self._queue.put_nowait(effect)

    def view(self) -> FirmwareView:
        """The firmware, for people. Reads files: for a thread."""
        job, pending = self._job, self._world.installer.pending()
        verb = "runs on trial" if pending is not None and pending.running else "is tried at the next boot"
        trial = "" if pending is None else f"{pending.slot.version} in slot {pending.slot.name} {verb}"
        update = "" if job is None else f"asked for by {job.upstream}: {WORDS[job.status]}"
        return FirmwareView(self._world.installer.running_version(), trial, update)

    async def run(self) -> None:
        """Recall the job of a former life and go on with it; then serve until cancelled."""
        self._steps.ending = False
        try:
            await self._recall()
            while True:
                effect = await self._queue.get()
                if isinstance(effect, HandleFirmware):
                    await self._serve(effect)
                else:
                    await self._heard(effect.message_id)
        finally:
            self._steps.ending = True
            await self._stop()
            self._hand.end()

    # ------------------------------------------------------------------------------------------------- requests

    async def _serve(self, effect: HandleFirmware) -> None:
        try:
            refusal = await self._judged(effect)
            result = refusal or await self._take(new_job(effect.upstream, effect.command))
        except (OSError, ChildFailed) as error:
            result = Result(ResultStatus.REJECTED, f"it cannot be judged now ({error})")
        except Exception as mistake:  # ours; the upstream is answered all the same
            result = Result(ResultStatus.REJECTED, f"a mistake of ours: {type(mistake).__name__}")
        if result.reason:
            self._world.tell("firmware.refused", upstream=effect.upstream, reason=result.reason)
        self._world.post(FirmwareAnswered(effect.upstream, effect.call, result))
        if not result.reason:
            self._begin(anew=True)

    async def _judged(self, effect: HandleFirmware) -> Result | None:
        """Why a request is refused; None: it is not. A place that an unsigned update may not come from is not here,
        since the answer to it has no word for that: its download fails. Raises OSError, ChildFailed."""
        command = effect.command
        if not isinstance(command, SignedUpdateFirmware):
            return None
        try:
            read_destination(command.wish.location.reveal(), self._world.allowed)
        except Refused as refused:
            return Result(ResultStatus.REJECTED, str(refused))
        why = await asyncio.to_thread(self._world.why_not_signer, command.signing_certificate)
        if not why:
            return None
        kind = SecurityEventKind.INVALID_FIRMWARE_SIGNING_CERTIFICATE
        self._world.post(SecurityEventSeen(kind, why, effect.upstream))
        return Result(ResultStatus.INVALID_CERTIFICATE, why)

    async def _take(self, job: Job) -> Result:
        """In the place of the present job, if that can still go. Raises OSError, with nothing changed."""
        async with self._saving:
            present = self._job
            goes = present is not None and present.phase is not Phase.ENDED
            if present is not None and (present.phase in NO_WAY_BACK or self._steps.permitted):
                return Result(ResultStatus.REJECTED, "an update is being installed")
            await asyncio.to_thread(self._file.save, job)
            self._job = job
        await self._stop()
        self._steps.release()
        self._unheard.clear()
        return Result(ResultStatus.ACCEPTED_CANCELED if goes else ResultStatus.ACCEPTED)

    async def _heard(self, message_id: str) -> None:
        self._unheard.discard(message_id)
        if not self._unheard:
            self._steps.heard.set()
        if self._job is not None and message_id == self._job.message_id:
            await self._keep(Job.heard)

    # ------------------------------------------------------------------------------------------------- the job

    async def _recall(self) -> None:
        """What a former life was at. The station learns of it; what was not heard is told again."""
        job, problem = await asyncio.to_thread(self._file.load)
        if problem:
            self._world.tell("firmware.problem", problem=problem)
        if job is not None and job.upstream not in self._world.upstreams and job.phase not in NO_WAY_BACK:
            job = None
        if job is None:
            await self._clear()
            await self._prove_what_runs()
            return
        installer = self._world.installer
        pending = await self._hand.do(installer.pending)
        running = await self._hand.do(installer.running_version)
        there = (self._world.folder / WHOLE_NAME).exists()
        self._job = resumed(job, pending.slot.version if pending else None, running, there)
        if self._job.status is not FirmwareStatus.IDLE:
            self._post(self._job)
        if self._job.phase is Phase.ENDED:
            await self._clear()
        self._begin()

    async def _prove_what_runs(self) -> None:
        """A version on trial whose job was lost."""
        pending = await self._hand.do(self._world.installer.pending)
        if pending is not None and pending.running:
            self._task = asyncio.create_task(self._prove(), name="firmware on trial")

    async def _prove(self) -> None:
        if not await self._steps.prove((MANAGEMENT,)):
            await self._steps.give_back()

    def _begin(self, anew: bool = False) -> None:
        if self._job is not None and self._job.phase is not Phase.ENDED:
            self._task = asyncio.create_task(self._work(anew), name="firmware")

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _work(self, anew: bool) -> None:
        """One phase after the other, to the end, whatever happens. `anew`: what lies there is of another job."""
        if anew:
            await self._clear()
        while (job := self._job) is not None and job.phase is not Phase.ENDED:
            try:
                outcome = await self._steps.do(job)
                self._warn(outcome)
                await self._keep(partial(Job.after, outcome=outcome, message_id=self._world.new_id()))
            except Exception as error:
                self._steps.why = f"{type(error).__name__}: {error}"
                if job.phase in NO_WAY_BACK:
                    with suppress(Exception):
                        await self._hand.do(self._world.installer.rollback)
                await self._keep(partial(Job.given_up, message_id=self._world.new_id()))
        if self._steps.why:
            self._world.tell("firmware.failed", reason=self._steps.why)
            self._steps.why = ""
        self._steps.release()
        await self._clear()

    async def _clear(self) -> None:
        """Behind whatever the thread is still at. What stays is in nobody's way: the next attempt begins anew."""
        with suppress(OSError):
            await self._hand.do(partial(clear, self._world.folder))

    def _warn(self, outcome: Outcome) -> None:
        """Security events. Before the end is written down: rather twice than never."""
        kinds, job = SecurityEventKind, self._job
        if job is None:
            return
        if outcome is Outcome.NEW_RUNS:
            self._world.post(SecurityEventSeen(kinds.FIRMWARE_UPDATED, job.version))
        elif outcome in (Outcome.NOT_GENUINE, Outcome.NOT_TAKEN):
            self._world.post(SecurityEventSeen(kinds.INVALID_FIRMWARE_SIGNATURE, self._steps.why, job.upstream))

    async def _keep(self, change: Callable[[Job], Job]) -> Job:
        """Change the job: onto the disk, in force, told. A disk that refuses ends it, while it can still be ended."""
        async with self._saving:
            before = self._job
            assert before is not None
            job = change(before)
            if job == before:
                return job
            try:
                await asyncio.to_thread(self._file.save, job)
            except OSError as error:
                self._world.tell("firmware.problem", problem=f"the job cannot be written down ({error.strerror})")
                if job.phase not in (Phase.ENDED, Phase.REBOOTING) and before.phase is not Phase.ENDED:
                    job = before.given_up(self._world.new_id())
            self._job = job
            if job.status is not before.status:
                self._world.tell("firmware.state", upstream=job.upstream, text=WORDS[job.status])
            if job.status is not before.status or job.message_id != before.message_id:
                self._post(job)
        return job

    def _post(self, job: Job) -> None:
        """Tell the station, and by it the upstream if that has not heard it yet."""
        if job.message_id:
            self._unheard.add(job.message_id)
            self._steps.heard.clear()
        self._world.post(FirmwareProgressed(job.upstream, job.what, job.state, job.message_id))
