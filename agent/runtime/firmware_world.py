"""What the updater needs of the agent, and the one file in which it remembers its job."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from agent.credentials.firmware import CheckSigner
from agent.credentials.requests import Answer, Refused, Request
from agent.host.connections import Cut
from agent.host.download import download
from agent.host.download_order import DownloadOrder
from agent.host.update import Installer
from agent.runtime.firmware_job import Job, parse, render
from agent.settings.files.storage import move_file, read_file, write_file
from agent.settings.problems import SettingsError
from agent.settings.transfers import Allowance
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input

FOLDER: Final = "firmware"
JOB: Final = "job.json"
_REMEDY: Final = "the update is given up; ask for it again"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """What the updater needs of the agent."""

    post: Callable[[Input], None]
    tell: Callable[..., None]
    """The log."""
    state: Path
    """The state folder."""
    wall_ms: Callable[[], int | None]
    times_ms: Callable[[], tuple[int, int | None]]
    """Earliest and latest time that it can be, for certificates."""
    new_id: Callable[[], str]
    installer: Installer
    ask: Callable[[Request], Answer]
    """Ask the child process; takes its time. Raises ChildFailed."""
    roots: Callable[[], tuple[str, ...]]
    """Files of the roots of the manufacturer."""
    allowed: frozenset[Allowance]
    context: Callable[[UpstreamId], ssl.SSLContext]
    """TLS with the roots of an upstream; raises ValueError or OSError."""
    accepted: Callable[[], frozenset[UpstreamId]]
    """The upstreams that are connected and have accepted the station."""
    upstreams: frozenset[UpstreamId]
    """All that are configured."""
    safe_mode: bool = False
    bring: Callable[[DownloadOrder, Cut], None] = download

    @property
    def folder(self) -> Path:
        """Where the file of a job is."""
        return self.state / FOLDER / "download"

    def why_not_signer(self, pem: str) -> str:
        """Why firmware that this certificate signs is not taken; empty: it is. Takes its time. Raises ChildFailed."""
        answer = self.ask(CheckSigner(pem, self.roots(), *self.times_ms()))
        return answer.reason if isinstance(answer, Refused) else ""


class JobFile:
    """The job on the disk. All of it may take as long as the disk does."""

    def __init__(self, state: Path) -> None:
        self._file = state / FOLDER / JOB

    def load(self) -> tuple[Job | None, str]:
        """The job, and what was wrong with it: a bad file is set aside."""
        try:
            return parse(read_file(self._file, _REMEDY)), ""
        except FileNotFoundError:
            return None, ""
        except SettingsError as error:
            problem = str(error)
        except ValueError as error:
            problem = f"{self._file}: {error}; {_REMEDY}"
        try:
            move_file(self._file, self._file.with_suffix(".json.bad"))
        except OSError as error:
            problem += f" (and it could not be set aside: {error.strerror})"
        return None, problem

    def save(self, job: Job) -> None:
        """Make this the job. Raises OSError."""
        write_file(self._file, render(job))


class Hand:
    """One thread for all that takes long, so that no two things are ever done to the files of a job at once."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def do(self, work: Callable[[], T]) -> T:
        """Wait for it beside the event loop. Being cancelled does not end the work."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, "firmware")
        done = asyncio.get_running_loop().run_in_executor(self._threads, work)
        done.add_done_callback(_looked_at)
        return await asyncio.shield(done)

    def end(self) -> None:
        """Begin nothing more."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _looked_at(done: asyncio.Future[T]) -> None:
    """What comes of work that nobody waits for any more is of no interest."""
    if not done.cancelled():
        done.exception()
