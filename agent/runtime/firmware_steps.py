"""What is done in each phase of an update, and what it comes to.

Theory of operation
-------------------
Each phase of a job (`firmware_job`) is a method that returns its `Outcome`. What a phase must remember while it lasts
goes onto the disk by `keep`, which also tells what is new. Files, child process and installer are worked in one thread;
nothing here keeps the station from charging but `InstallWanted`.

A new version has proved itself once it runs and has been accepted by management, if the version before was, else by
another upstream that had accepted that one. If this does not come about within `PATIENCE_S`, or the agent is in safe
mode, the version before is taken back, so that no update can strand a station.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from agent.credentials.firmware import VerifyFile
from agent.credentials.requests import Refused as NotGood
from agent.host.connections import Cut
from agent.host.destination import Refused, read_destination
from agent.host.download_order import MARK_NAME, WHOLE_NAME, DownloadFailed, DownloadOrder
from agent.host.update import InstallFailed
from agent.runtime.firmware_job import Job, Outcome, Phase
from agent.runtime.firmware_world import Hand, World
from agent.vocabulary.firmware import FirmwareStatus
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.inputs import InstallWanted, RestartRequested

LOOK_S: Final = 10.0
"""How often the clock is looked at while it is not known, or while something is to come about."""
LONGEST_LOOK_S: Final = 60.0
"""The clock may step while a date is waited for."""
TOLD_S: Final = 5.0
"""That the system is about to reboot has so long to be heard."""
PATIENCE_S: Final = 3_600.0
MOST_REBOOTS: Final = 3

Keep = Callable[[Callable[[Job], Job]], Awaitable[Job]]
"""Change the job: onto the disk, in force, told."""


class Steps:
    """The work of one job at a time."""

    def __init__(self, world: World, hand: Hand, keep: Keep) -> None:
        self._world = world
        self._hand = hand
        self._keep = keep
        self._permit = asyncio.Event()
        self._wanted = False
        self.ending = False
        """The agent ends: an installation that is being written breaks off."""
        self.heard = asyncio.Event()
        self.heard.set()
        """Set while nothing waits to be heard."""
        self.why = ""
        """Why the last phase came to no good, for log and security log."""
        self._deeds: Mapping[Phase, Callable[[Job], Awaitable[Outcome]]] = {
            Phase.SCHEDULED: self._scheduled,
            Phase.DOWNLOADING: self._downloading,
            Phase.DOWNLOADED: self._downloaded,
            Phase.VERIFIED: self._verified,
            Phase.WAITING: self._waiting,
            Phase.INSTALLING: self._installing,
            Phase.REBOOTING: self._rebooting,
        }

    async def do(self, job: Job) -> Outcome:
        """The phase that the job is in. Raises OSError, ChildFailed."""
        return await self._deeds[job.phase](job)

    def permit(self) -> None:
        """Nothing charges, and nothing begins to. It may come late, for who no longer wants it."""
        if self._wanted:
            self._permit.set()

    def release(self) -> None:
        """The station is no longer wanted for an installation."""
        if self._wanted:
            self._wanted = False
            self._permit.clear()
            self._world.post(InstallWanted(False))

    @property
    def permitted(self) -> bool:
        """The station was given for an installation."""
        return self._permit.is_set()

    async def prove(self, witnesses: tuple[str, ...]) -> bool:
        """The version that runs unconfirmed: True once it is confirmed, False if it was given up.

        `witnesses`: the upstreams that had accepted the version before.
        """
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + PATIENCE_S
        while not self._world.safe_mode and now_s() < until_s:
            if self._works(witnesses):
                try:
                    await self._hand.do(self._world.installer.confirm)
                except InstallFailed as failed:
                    self._world.tell("firmware.problem", problem=failed)
                else:
                    return True
            await asyncio.sleep(LOOK_S)
        return False

    def _works(self, witnesses: tuple[str, ...]) -> bool:
        accepted = self._world.accepted()
        if MANAGEMENT in witnesses:
            return MANAGEMENT in accepted
        return not witnesses or not accepted.isdisjoint(witnesses)

    async def give_back(self) -> None:
        """The version before is to run again: reboot once nothing charges."""
        await self._hand.do(self._world.installer.rollback)
        self._world.tell("firmware.given_back")
        self._world.post(RestartRequested(reboot_system=True, wait_for_idle=True))

    # ------------------------------------------------------------------------------------------------ the phases

    async def _scheduled(self, job: Job) -> Outcome:
        await self._until(job.retrieve_wall_ms, FirmwareStatus.DOWNLOAD_SCHEDULED)
        return Outcome.DATE_CAME

    async def _downloading(self, job: Job) -> Outcome:
        try:
            destination = read_destination(job.location.reveal(), self._world.allowed)
        except Refused as refused:
            return self._no_good(Outcome.NOT_FETCHED, refused)
        context = partial(self._world.context, job.upstream)
        order = DownloadOrder(destination, self._world.folder, self._world.allowed, context)
        while True:
            job = await self._tell(FirmwareStatus.DOWNLOADING)
            try:
                await self._fetch(order)
            except DownloadFailed as failed:
                self._world.tell("firmware.download_failed", reason=failed, tries_left=job.retries_left)
                if failed.lasting or not job.retries_left:
                    return self._no_good(Outcome.NOT_FETCHED, failed)
            else:
                return Outcome.FETCHED
            await self._keep(lambda now: replace(now, retries_left=now.retries_left - 1))
            if (self._world.folder / MARK_NAME).exists():
                await self._tell(FirmwareStatus.DOWNLOAD_PAUSED)
            await asyncio.sleep(job.retry_interval_s)

    async def _fetch(self, order: DownloadOrder) -> None:
        cut = Cut()
        try:
            await self._hand.do(partial(self._world.bring, order, cut))
        finally:
            cut.cut()

    async def _downloaded(self, job: Job) -> Outcome:
        return Outcome.GENUINE if await self._is_genuine(job) else Outcome.NOT_GENUINE

    async def _verified(self, job: Job) -> Outcome:
        if job.install_wall_ms is not None:
            await self._until(job.install_wall_ms, FirmwareStatus.INSTALL_SCHEDULED)
        return Outcome.DATE_CAME

    async def _waiting(self, job: Job) -> Outcome:
        """What was verified when it came is verified once more: it may have lain here for days."""
        await self._have_the_station(FirmwareStatus.INSTALL_SCHEDULED)
        return Outcome.FREE if await self._is_genuine(job) else Outcome.NOT_GENUINE

    async def _installing(self, job: Job) -> Outcome:
        installer = self._world.installer
        try:
            before = await self._hand.do(installer.running_version)
            slot = await self._hand.do(partial(installer.install, self._world.folder / WHOLE_NAME, self._go_on))
            witnesses = tuple(sorted(self._world.accepted()))
            await self._keep(lambda now: replace(now, version=slot.version, version_before=before, witnesses=witnesses))
            await self._hand.do(partial(installer.activate, slot))
        except InstallFailed as failed:
            return self._no_good(Outcome.NOT_TAKEN if failed.verification else Outcome.NOT_WRITTEN, failed)
        return Outcome.WRITTEN

    async def _rebooting(self, job: Job) -> Outcome:
        installer = self._world.installer
        pending = await self._hand.do(installer.pending)
        new_runs = await self._hand.do(installer.running_version) == job.version
        if job.rolled_back and new_runs and job.version != job.version_before:
            self._world.post(RestartRequested(reboot_system=True, wait_for_idle=True))
            return await _the_end()
        if pending is None or job.rolled_back:
            return Outcome.NEW_RUNS if new_runs and not job.rolled_back else self._old_runs()
        if not pending.running:
            return await self._reboot(job)
        if await self.prove(job.witnesses):
            return Outcome.NEW_RUNS
        await self._keep(lambda now: replace(now, rolled_back=True))
        await self.give_back()
        return await _the_end()

    async def _reboot(self, job: Job) -> Outcome:
        """Ask for the boot that tries the new version, as often as is sensible."""
        if job.reboots >= MOST_REBOOTS:
            await self._hand.do(self._world.installer.rollback)
            return self._no_good(Outcome.OLD_RUNS, "the system did not reboot")
        await self._have_the_station(None)
        try:
            async with asyncio.timeout(TOLD_S):
                await self.heard.wait()
        except TimeoutError:
            """It is told after the boot, if it is still news then."""
        await self._keep(lambda now: replace(now, reboots=now.reboots + 1))
        self._world.post(RestartRequested(reboot_system=True))
        return await _the_end()

    # ------------------------------------------------------------------------------------------------ their parts

    async def _have_the_station(self, meanwhile: FirmwareStatus | None) -> None:
        """Nothing charges from here on, and nothing begins to, until `release`."""
        if not self._wanted:
            self._wanted = True
            self._world.post(InstallWanted(True))
        if meanwhile is not None and not self._permit.is_set():
            await self._tell(meanwhile)
        await self._permit.wait()

    async def _is_genuine(self, job: Job) -> bool:
        """The file is what the manufacturer has signed. Without a signature of the file, the installer alone judges."""
        if not job.signed:
            return True
        self.why = await self._hand.do(partial(self._why_not_genuine, job))
        return not self.why

    def _why_not_genuine(self, job: Job) -> str:
        """Empty: it is. Raises ChildFailed."""
        world = self._world
        why = world.why_not_signer(job.signing_certificate)
        if why:
            return why
        answer = world.ask(VerifyFile(str(world.folder / WHOLE_NAME), job.signing_certificate, job.signature))
        return answer.reason if isinstance(answer, NotGood) else ""

    async def _until(self, wall_ms: int, meanwhile: FirmwareStatus) -> None:
        """A date of the wall clock, which may be unknown, and may step."""
        while (now_ms := self._world.wall_ms()) is None or now_ms < wall_ms:
            if now_ms is not None:
                await self._tell(meanwhile)
            left_s = LOOK_S if now_ms is None else (wall_ms - now_ms) / 1000
            await asyncio.sleep(min(left_s, LONGEST_LOOK_S))

    async def _tell(self, status: FirmwareStatus) -> Job:
        return await self._keep(lambda job: job.telling(status, self._world.new_id()))

    def _go_on(self, written: int, whole: int) -> None:
        """Called in the thread of the installation."""
        if self.ending:
            raise InstallFailed("the agent ends")

    def _old_runs(self) -> Outcome:
        return self._no_good(Outcome.OLD_RUNS, "the version before runs again")

    def _no_good(self, outcome: Outcome, why: object) -> Outcome:
        self.why = str(why)
        return outcome


async def _the_end() -> Outcome:
    """Wait for the end of this agent."""
    never: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    return await never
