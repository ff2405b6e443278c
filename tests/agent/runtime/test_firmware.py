"""The updater by itself, with real threads: what is under way gives way, ends or fails, and everybody is answered."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.credentials.requests import Answer, Found, Request
from agent.host.connections import Cut
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder
from agent.host.update import Installer, InstallFailed, Pending, Slot
from agent.runtime.firmware import Updater
from agent.runtime.firmware_world import FOLDER, World
from agent.vocabulary.commands import FirmwareCommand, ResultStatus, SignedUpdateFirmware, UpdateFirmware
from agent.vocabulary.firmware import FirmwareWish
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.inputs import FirmwareAnswered, FirmwareProgressed, Input, InstallWanted

WISH = FirmwareWish(Secret("https://h.example/firmware"), 0)
PLAIN, SIGNED = UpdateFirmware(WISH), SignedUpdateFirmware(7, WISH, "PEM", "c2ln")
PATIENCE_S = 10.0
PRIMARY = UpstreamId("primary-1")


class NoInstaller:
    """Installs nothing."""

    problem = ""

    def install(self, image: Path, progress: Callable[[int, int], None]) -> Slot:
        raise InstallFailed("there is no room")

    def activate(self, slot: Slot) -> None:
        raise InstallFailed("there is nothing")

    def running_version(self) -> str:
        return "1"

    def pending(self) -> Pending | None:
        return None

    def confirm(self) -> None:
        raise InstallFailed("there is nothing")

    def rollback(self) -> None:
        """Nothing to take back."""


@dataclass
class Bench:
    """An updater whose downloads last until they are cut or let go."""

    state: Path
    posted: list[Input] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)
    mistake: bool = False
    now_ms: int | None = 1_000
    accepted: frozenset[UpstreamId] = frozenset()
    installer: Installer = field(default_factory=lambda: NoInstaller())

    def __post_init__(self) -> None:
        self.loop, self.changed = asyncio.get_running_loop(), asyncio.Event()
        self.updater = Updater(
            World(
                post=self._post,
                tell=self._tell,
                state=self.state,
                wall_ms=lambda: self.now_ms,
                times_ms=lambda: (0, 1_000),
                new_id=iter(f"id-{number}" for number in range(1_000)).__next__,
                installer=self.installer,
                ask=self._ask,
                roots=lambda: (),
                allowed=frozenset(),
                context=lambda upstream: ssl.create_default_context(),
                accepted=lambda: self.accepted,
                upstreams=frozenset({MANAGEMENT, PRIMARY}),
                bring=self._bring,
            )
        )

    def _tell(self, event: str, **more: object) -> None:
        self.log.append(f"{event} {more}")
        self.changed.set()

    def _post(self, given: Input) -> None:
        self.posted.append(given)
        self.changed.set()
        if given == InstallWanted(True):
            self.updater(PermitInstall())

    def _ask(self, request: Request) -> Answer:
        if self.mistake and type(request).__name__ == "VerifyFile":
            raise ZeroDivisionError
        return Found("", 0, 0, "")

    def _bring(self, order: DownloadOrder, cut: Cut) -> None:
        self.under_way += 1
        self.loop.call_soon_threadsafe(self.changed.set)
        self.most = max(self.most, self.under_way)
        try:
            while not self.may_end.wait(0.002):
                if cut.is_cut:
                    raise DownloadFailed(DownloadCause.CUT, "given up")
            order.folder.mkdir(parents=True, exist_ok=True)
            order.file.write_bytes(b"firmware")
        finally:
            self.under_way -= 1
            self.loop.call_soon_threadsafe(self.changed.set)

    def ask(self, command: FirmwareCommand, call: int = 1, who: UpstreamId = MANAGEMENT) -> None:
        self.updater(HandleFirmware(who, call, command))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @property
    def answers(self) -> list[ResultStatus]:
        return [given.result.status for given in self.posted if isinstance(given, FirmwareAnswered)]

    @property
    def told(self) -> list[str]:
        return [g.state.status.value for g in self.posted if isinstance(g, FirmwareProgressed) and g.message_id]


class SlotInstaller(NoInstaller):
    """Installs into a slot, and says what was done with it."""

    def __init__(self, *, on_install: Callable[[], object] = lambda: None) -> None:
        self.on_install = on_install
        self.done: list[str] = []
        self.on_trial: Pending | None = None

    def pending(self) -> Pending | None:
        return self.on_trial

    def confirm(self) -> None:
        self.done.append("confirm")
        self.on_install()

    def install(self, image: Path, progress: Callable[[int, int], None]) -> Slot:
        self.on_install()
        return Slot("a", "2")

    def activate(self, slot: Slot) -> None:
        self.done.append("activate")

    def rollback(self) -> None:
        self.done.append("rollback")


@contextlib.asynccontextmanager
async def running(state: Path, **more: Any) -> AsyncIterator[Bench]:
    bench = Bench(state, **more)
    task = asyncio.create_task(bench.updater.run())
    try:
        yield bench
    finally:
        bench_ended = bench.may_end.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bench.until(lambda: bench_ended or not bench.under_way)


@pytest.mark.rule("ocpp16.F06")
def test_a_newer_request_cuts_a_download_off_and_begins_when_that_has_ended(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.ask(PLAIN)
            await bench.until(lambda: bench.under_way)
            bench.ask(SIGNED, 2)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers == [ResultStatus.ACCEPTED, ResultStatus.ACCEPTED_CANCELED]
            await bench.until(lambda: bench.told[1:] == ["downloading"] and bench.under_way)
            assert bench.most == 1
            bench.may_end.set()
            await bench.until(lambda: bench.told[-1] == "installation_failed")
            assert bench.told[1:] == [
                "downloading", "downloaded", "signature_verified", "installing", "installation_failed",
            ]  # fmt: skip
            await bench.until(lambda: bench.posted[-1] == InstallWanted(False))

    asyncio.run(story())


def test_the_end_of_the_agent_cuts_a_download_off_and_the_next_life_goes_on_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.ask(SIGNED)
            await bench.until(lambda: bench.under_way)
        async with running(tmp_path) as bench:
            await bench.until(lambda: bench.under_way)
            assert bench.told == ["downloading"], "nobody has heard it yet"

    asyncio.run(story())


def test_a_disk_that_takes_no_job_refuses_the_request(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder should be")

    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.ask(SIGNED)
            await bench.until(lambda: bench.answers)
            assert bench.answers == [ResultStatus.REJECTED]
            assert bench.told == []

    asyncio.run(story())


def test_a_mistake_of_ours_ends_the_job_and_not_the_updater(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.mistake = True
            bench.may_end.set()
            bench.ask(SIGNED)
            await bench.until(lambda: bench.told[-1:] == ["installation_failed"])
            assert any("ZeroDivisionError" in line for line in bench.log)
            bench.mistake = False
            bench.ask(SIGNED, 2)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers == 2 * [ResultStatus.ACCEPTED]

    asyncio.run(story())


def test_a_permit_that_comes_late_is_of_no_account(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.updater(PermitInstall())
            bench.ask(SIGNED)
            await bench.until(lambda: bench.under_way)
            bench.ask(SIGNED, 2)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers[1] is ResultStatus.ACCEPTED_CANCELED

    asyncio.run(story())


@pytest.mark.parametrize("command", [PLAIN, SIGNED])
def test_a_place_that_is_not_allowed(tmp_path: Path, command: Any) -> None:
    place = FirmwareWish(Secret("http://user:hunter2@127.0.0.1/"), 0)
    wrong = UpdateFirmware(place) if command is PLAIN else SignedUpdateFirmware(7, place, "PEM", "c2ln")

    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.ask(wrong)
            await bench.until(lambda: bench.answers)
            if command is PLAIN:
                await bench.until(lambda: bench.told[-1:] == ["download_failed"])
            else:
                assert bench.answers == [ResultStatus.REJECTED]
            assert bench.most == 0
            assert "hunter2" not in "".join(bench.log)

    asyncio.run(story())


@pytest.mark.rule("ocpp16.F06")
def test_a_job_that_waits_for_the_time_to_be_known_is_not_cancelled_by_another(tmp_path: Path) -> None:
    """Nothing is told of it yet, so the station cannot know that somebody's turn it is."""

    async def story() -> None:
        async with running(tmp_path, now_ms=None) as bench:
            bench.ask(SIGNED)
            bench.ask(SIGNED, 2, PRIMARY)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers == [ResultStatus.ACCEPTED, ResultStatus.REJECTED]
            assert bench.told == []
        async with running(tmp_path, now_ms=None) as bench:
            bench.ask(SIGNED, 3, PRIMARY)
            bench.ask(SIGNED, 4)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers == [ResultStatus.REJECTED, ResultStatus.ACCEPTED_CANCELED]

    asyncio.run(story())


def test_a_disk_that_fills_up_during_the_installation_activates_nothing_and_lets_the_station_go(tmp_path: Path) -> None:
    job = tmp_path / FOLDER / "job.json"

    def fill() -> None:
        job.unlink()
        job.mkdir()

    installer = SlotInstaller(on_install=fill)

    async def story() -> None:
        async with running(tmp_path, installer=installer) as bench:
            bench.may_end.set()
            bench.ask(SIGNED)
            await bench.until(lambda: InstallWanted(False) in bench.posted)
            assert bench.told[-1] == "installation_failed"
            assert "activate" not in installer.done
            job.rmdir()
            bench.ask(SIGNED, 2)
            await bench.until(lambda: len(bench.answers) == 2)
            assert bench.answers == 2 * [ResultStatus.ACCEPTED]

    asyncio.run(story())


def test_a_disk_that_does_not_note_what_was_heard_does_not_end_the_job(tmp_path: Path) -> None:
    job = tmp_path / FOLDER / "job.json"

    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.ask(SIGNED)
            await bench.until(lambda: bench.under_way)
            job.unlink()
            job.mkdir()
            (heard,) = (given.message_id for given in bench.posted if isinstance(given, FirmwareProgressed))
            bench.updater(NoteFirmwareTold(heard))
            await bench.until(lambda: any("cannot be written" in line for line in bench.log))
            job.rmdir()
            bench.may_end.set()
            await bench.until(lambda: "downloaded" in bench.told)

    asyncio.run(story())


def test_a_version_that_runs_on_trial_beside_a_job_that_has_ended_is_proved(tmp_path: Path) -> None:
    """The job has failed after the version was activated, and it could not be taken back."""
    installer = SlotInstaller()

    async def story() -> None:
        async with running(tmp_path) as bench:
            bench.may_end.set()
            bench.ask(SIGNED)
            await bench.until(lambda: bench.told[-1:] == ["installation_failed"])
        installer.on_trial = Pending(Slot("a", "2"), True, 2)
        async with running(tmp_path, installer=installer) as bench:
            bench.ask(SIGNED, 2)
            await bench.until(lambda: bench.answers)
            assert bench.answers == [ResultStatus.REJECTED], "nothing can be installed over it"
        async with running(tmp_path, installer=installer, accepted=frozenset({MANAGEMENT})) as bench:
            installer.on_install = lambda: bench.loop.call_soon_threadsafe(bench.changed.set)
            await bench.until(lambda: "confirm" in installer.done)

    asyncio.run(story())
