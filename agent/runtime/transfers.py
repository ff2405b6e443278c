"""The transfers: perform what upstreams ask to have uploaded, one job per upstream, beside everything else.

Theory of operation
-------------------
A command is judged and answered at once (`UploadAnswered`); then its job is a task: gather the contents, make the file
and bring it there, as often as was asked. Making and bringing are done in threads, bounded in time, and ended by
cutting their connections. Each state is posted (`UploadProgressed`). A new command of the same upstream ends its job:
then a job of the same kind ends in silence, since the answer says so, and one of the other kind as failed.
A job does not outlive the agent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from agent.host.connections import Cut
from agent.host.destination import Destination, Refused, read_destination
from agent.host.upload import upload
from agent.host.upload_order import Order, UploadFailed
from agent.runtime.diagnostics import Diagnostics
from agent.settings.transfers import Allowance
from agent.store.errors import StoreError
from agent.vocabulary.commands import GetDiagnostics, GetLog, Result, ResultStatus, TriggerKind, UploadCommand
from agent.vocabulary.effects import HandleUpload
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, UploadAnswered, UploadProgressed
from agent.vocabulary.uploads import UploadState, UploadStatus

ATTEMPT_S: Final = 600.0
RETRIES: Final = 2
MOST_RETRIES: Final = 20
RETRY_INTERVAL_S: Final = 60
LONGEST_INTERVAL_S: Final = 3_600
MOST_THREADS: Final = 4
T = TypeVar("T")
Bring = Callable[[Order, Cut], None]


@dataclass(frozen=True, slots=True)
class World:
    """What the transfers need of the agent."""

    post: Callable[[Input], None]
    tell: Callable[..., None]
    """The log."""
    diagnostics: Diagnostics
    allowed: frozenset[Allowance]
    context: Callable[[UpstreamId], ssl.SSLContext]
    """TLS with the roots of an upstream; raises ValueError or OSError."""
    bring: Bring = upload


@dataclass(slots=True)
class _Job:
    what: TriggerKind
    request_id: int | None
    task: asyncio.Task[None] | None = field(default=None)


class Transfers:
    """All jobs. Called by the engine; returns at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs: dict[UpstreamId, _Job] = {}
        self._threads: ThreadPoolExecutor | None = None

    def __call__(self, effect: HandleUpload) -> None:
        """Take a permitted command. Answers by `UploadAnswered`, never within this call."""
        command, upstream = effect.command, effect.upstream
        name = self._world.diagnostics.file_name(command)
        post = asyncio.get_running_loop().call_soon
        try:
            destination = _place(command, self._world.allowed, name)
        except Refused as refused:
            self._world.tell("transfer.refused", upstream=upstream, reason=refused)
            refusal = Result(ResultStatus.REJECTED, str(refused))
            post(self._world.post, UploadAnswered(upstream, effect.call, refusal))
            return
        new = _job(command)
        replaced = self._give_up(upstream, new.what)
        status = ResultStatus.ACCEPTED_CANCELED if replaced else ResultStatus.ACCEPTED
        post(self._world.post, UploadAnswered(upstream, effect.call, Result(status, file_name=name)))
        self._jobs[upstream] = new
        new.task = asyncio.create_task(self._run(upstream, new, command, destination), name=f"upload for {upstream}")

    async def run(self) -> None:
        """Keep the jobs until cancelled, then end them."""
        try:
            await asyncio.Event().wait()
        finally:
            tasks = [job.task for job in self._jobs.values() if job.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)
                self._threads = None

    def _give_up(self, upstream: UpstreamId, for_what: TriggerKind) -> bool:
        """End the present job of an upstream; True if it was of the same kind as the new one."""
        job = self._jobs.pop(upstream, None)
        if job is None or job.task is None or job.task.done():
            return False
        job.task.cancel()
        same = job.what is for_what
        status = UploadStatus.IDLE if same else UploadStatus.FAILED
        asyncio.get_running_loop().call_soon(self._progress, upstream, job, status)
        self._world.tell("transfer.given_up", upstream=upstream)
        return same

    async def _run(self, upstream: UpstreamId, job: _Job, command: UploadCommand, destination: Destination) -> None:
        """One job. Whatever happens, the upstream is told how it ended."""
        self._progress(upstream, job, UploadStatus.UPLOADING)
        try:
            make = await self._world.diagnostics.gather(upstream, command)
            content = await self._in_thread(make)
            order = Order(destination, content, self._world.allowed, partial(self._world.context, upstream))
            await self._bring(upstream, command, order)
        except UploadFailed as failed:
            self._progress(upstream, job, failed.status)
        except (StoreError, OSError) as error:
            self._world.tell("transfer.failed", upstream=upstream, reason=type(error).__name__)
            self._progress(upstream, job, UploadStatus.FAILED)
        except Exception as mistake:  # ours; it costs this job
            self._world.tell(
                "transfer.failed", upstream=upstream, reason=f"a mistake of ours: {type(mistake).__name__}"
            )
            self._progress(upstream, job, UploadStatus.FAILED)
        else:
            self._world.tell("transfer.done", upstream=upstream, size=len(content), place=destination.shown)
            self._progress(upstream, job, UploadStatus.UPLOADED)

    async def _bring(self, upstream: UpstreamId, command: UploadCommand, order: Order) -> None:
        """Try as often as was asked. Raises UploadFailed after the last."""
        wish = command.wish
        asked = RETRIES if wish.retries is None else min(wish.retries, MOST_RETRIES)
        interval = RETRY_INTERVAL_S if wish.retry_interval_s is None else wish.retry_interval_s
        for left in range(asked, -1, -1):
            try:
                await self._attempt(order)
            except UploadFailed as failed:
                self._world.tell("transfer.failed", upstream=upstream, reason=failed, tries_left=left)
                if not left or failed.lasting:
                    raise
            else:
                return
            await asyncio.sleep(min(interval, LONGEST_INTERVAL_S))

    async def _attempt(self, order: Order) -> None:
        cut = Cut()
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await self._in_thread(partial(self._world.bring, order, cut))
        except TimeoutError:
            raise UploadFailed(UploadStatus.FAILED, f"it took longer than {ATTEMPT_S:g} s") from None
        finally:
            cut.cut()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Beside the event loop, and beside the threads of the others: an upload may last long."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MOST_THREADS, "transfer")
        done = asyncio.get_running_loop().run_in_executor(self._threads, work)
        done.add_done_callback(_looked_at)
        return await asyncio.shield(done)

    def _progress(self, upstream: UpstreamId, job: _Job, status: UploadStatus) -> None:
        self._world.post(UploadProgressed(upstream, job.what, UploadState(status, job.request_id)))


def _job(command: UploadCommand) -> _Job:
    match command:
        case GetDiagnostics():
            return _Job(TriggerKind.DIAGNOSTICS_STATUS, None)
        case GetLog(_, request_id):
            return _Job(TriggerKind.LOG_STATUS, request_id)


def _place(command: UploadCommand, allowed: frozenset[Allowance], name: str) -> Destination:
    """Where the file goes: diagnostics into a folder, a log to the place itself unless it ends as a folder does.

    Raises Refused.
    """
    destination = read_destination(command.wish.location.reveal(), allowed)
    into = isinstance(command, GetDiagnostics) or destination.path.endswith("/")
    return destination.below(name) if into else destination


def _looked_at(done: asyncio.Future[T]) -> None:
    """What comes of work that nobody waits for any more is of no interest."""
    if not done.cancelled():
        done.exception()
