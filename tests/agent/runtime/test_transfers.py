"""Jobs of the transfers: one per upstream, tried as often as was asked, told as they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.host.connections import Cut
from agent.host.upload_order import Order, UploadFailed
from agent.runtime.transfers import ATTEMPT_S, RETRIES, Transfers, World
from agent.settings.transfers import Allowance
from agent.vocabulary.commands import GetDiagnostics, GetLog, ResultStatus, TriggerKind, UploadWish
from agent.vocabulary.effects import HandleUpload
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.inputs import Input, UploadAnswered, UploadProgressed
from agent.vocabulary.uploads import LogKind, UploadStatus
from tests.rig.file_server import FileServer
from tests.rig.virtual_time import run_virtual

PRIMARY = UpstreamId("primary-1")
PLACE = "https://station:hunter2@h.example/up"
S = UploadStatus


class House:
    """Transfers with contents that are nobody's business here."""

    def __init__(self, bring: Callable[[Order, Cut], None], **world: Any) -> None:
        self.posted: list[Input] = []
        self.told: list[str] = []
        self.gathered = asyncio.Event()
        self.gathered.set()
        allowed = world.pop("allowed", frozenset[Allowance]())
        self.transfers = Transfers(World(self.posted.append, self._tell, self, allowed, lambda upstream: None, bring))  # type: ignore[arg-type, return-value]

    def _tell(self, event: str, **fields: Any) -> None:
        self.told.append(f"{event} {fields}")

    def file_name(self, command: Any) -> str:
        return "name.zip"

    async def gather(self, upstream: UpstreamId, command: Any) -> Callable[[], bytes]:
        await self.gathered.wait()
        return lambda: f"for {upstream}".encode()

    def ask(self, command: GetDiagnostics | GetLog, upstream: UpstreamId = MANAGEMENT) -> None:
        self.transfers(HandleUpload(upstream, 1, command))

    def answers(self) -> list[ResultStatus]:
        return [given.result.status for given in self.posted if isinstance(given, UploadAnswered)]

    def states(self, upstream: UpstreamId = MANAGEMENT) -> list[UploadStatus]:
        news = [given for given in self.posted if isinstance(given, UploadProgressed)]
        return [given.state.status for given in news if given.upstream == upstream]


def diagnostics(location: str = PLACE, **wish: Any) -> GetDiagnostics:
    return GetDiagnostics(UploadWish(Secret(location), **wish))


def log(request_id: int = 7, location: str = PLACE, **wish: Any) -> GetLog:
    return GetLog(LogKind.SECURITY, request_id, UploadWish(Secret(location), **wish))


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    run_virtual(main())


@pytest.mark.rule("ocpp16.F09")
@pytest.mark.rule("security.ATK-13")
@pytest.mark.parametrize(
    ("command", "place"),
    [
        (diagnostics(), "https://h.example/up/name.zip"),
        (diagnostics("https://h.example/up/?sig=1"), "https://h.example/up/name.zip?sig=1"),
        (log(), "https://h.example/up"),
        (log(location="https://h.example/up/"), "https://h.example/up/name.zip"),
        (log(location="https://h.example"), "https://h.example/name.zip"),
    ],
)
def test_a_file_is_brought_to_its_place(command: GetDiagnostics | GetLog, place: str) -> None:
    server = FileServer()

    async def story() -> None:
        house = House(server)
        house.ask(command)
        assert house.posted == [], "nothing is posted while the engine is at work"
        await asyncio.sleep(1)
        assert house.answers() == [ResultStatus.ACCEPTED]
        assert house.states() == [S.UPLOADING, S.UPLOADED]
        assert server.files == {place: b"for management"}
        assert "hunter2" not in "".join(house.told)

    run(story)


@pytest.mark.parametrize(("asked", "attempts"), [(None, 1 + RETRIES), (0, 1), (2, 3), (10_000, 21)])
def test_it_is_tried_as_often_as_was_asked(asked: int | None, attempts: int) -> None:
    server = FileServer()
    server.fails = 100 * [S.PERMISSION_DENIED]

    async def story() -> None:
        house = House(server)
        house.ask(log(retries=asked, retry_interval_s=100_000))
        await asyncio.sleep(3600 * attempts)
        assert house.states() == [S.UPLOADING, S.PERMISSION_DENIED]
        assert server.attempts == attempts

    run(story)


def test_the_interval_is_the_one_that_was_asked_for() -> None:
    server = FileServer()
    server.fails = [S.FAILED]

    async def story() -> None:
        house = House(server)
        house.ask(diagnostics(retries=1, retry_interval_s=30))
        await asyncio.sleep(29)
        assert server.attempts == 1
        await asyncio.sleep(2)
        assert house.states() == [S.UPLOADING, S.UPLOADED]

    run(story)


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize("location", ["http://h.example/", "https://station:hunter2@127.0.0.1/", "nonsense"])
def test_a_place_that_is_not_allowed_is_rejected_and_noted(location: str) -> None:
    server = FileServer()

    async def story() -> None:
        house = House(server)
        house.ask(log(location=location))
        await asyncio.sleep(1)
        assert house.answers() == [ResultStatus.REJECTED]
        assert house.states() == []
        assert "transfer.refused" in house.told[0]
        assert "hunter2" not in house.told[0]

    run(story)
    assert server.attempts == 0


def test_a_place_that_turns_out_not_to_be_allowed_is_not_tried_again() -> None:
    attempts = []

    def refuse(order: Order, cut: Cut) -> None:
        attempts.append(order)
        raise UploadFailed(S.FAILED, "a private address", lasting=True)

    async def story() -> None:
        house = House(refuse)
        house.ask(log(retries=5, retry_interval_s=1))
        await asyncio.sleep(60)
        assert house.states() == [S.UPLOADING, S.FAILED]

    run(story)
    assert len(attempts) == 1


def test_a_new_request_ends_the_own_job_and_not_that_of_another() -> None:
    async def story() -> None:
        server = FileServer()
        house = House(server)
        house.gathered.clear()
        house.ask(log(1))
        house.ask(log(2), PRIMARY)
        await asyncio.sleep(1)
        house.ask(log(3))
        await asyncio.sleep(1)
        house.gathered.set()
        await asyncio.sleep(1)
        assert house.answers() == [ResultStatus.ACCEPTED, ResultStatus.ACCEPTED, ResultStatus.ACCEPTED_CANCELED]
        news = [given for given in house.posted if isinstance(given, UploadProgressed)]
        mine = [(given.state.request_id, given.state.status) for given in news if given.upstream == MANAGEMENT]
        assert mine == [(1, S.UPLOADING), (1, S.IDLE), (3, S.UPLOADING), (3, S.UPLOADED)]
        assert house.states(PRIMARY) == [S.UPLOADING, S.UPLOADED]

    run(story)


def test_a_request_of_the_other_kind_ends_the_job_as_failed() -> None:
    async def story() -> None:
        house = House(FileServer())
        house.gathered.clear()
        house.ask(log())
        await asyncio.sleep(1)
        house.ask(diagnostics())
        house.gathered.set()
        await asyncio.sleep(1)
        assert house.answers() == [ResultStatus.ACCEPTED, ResultStatus.ACCEPTED]
        news = [given for given in house.posted if isinstance(given, UploadProgressed)]
        assert [(given.what, given.state.status) for given in news] == [
            (TriggerKind.LOG_STATUS, S.UPLOADING),
            (TriggerKind.LOG_STATUS, S.FAILED),
            (TriggerKind.DIAGNOSTICS_STATUS, S.UPLOADING),
            (TriggerKind.DIAGNOSTICS_STATUS, S.UPLOADED),
        ]

    run(story)


def test_a_mistake_of_ours_costs_one_job() -> None:
    def broken(order: Order, cut: Cut) -> None:
        raise RuntimeError("hunter2")

    async def story() -> None:
        house = House(broken)
        house.ask(log())
        await asyncio.sleep(1)
        assert house.states() == [S.UPLOADING, S.FAILED]
        assert "hunter2" not in "".join(house.told)

    run(story)


def test_the_end_of_the_agent_ends_the_jobs() -> None:
    async def story() -> None:
        house = House(FileServer())
        house.gathered.clear()
        house.ask(log())
        keeper = asyncio.create_task(house.transfers.run())
        await asyncio.sleep(1)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        assert [task for task in asyncio.all_tasks() if "upload" in task.get_name()] == []

    run(story)


@pytest.mark.rung3
def test_an_attempt_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time: the thread waits for its connections to be cut."""
    import threading

    ended = threading.Event()

    class Waiting(Cut):
        def cut(self) -> None:
            ended.set()

    def stall(order: Order, cut: Cut) -> None:
        assert ended.wait(10)
        raise UploadFailed(S.FAILED, "cut")

    assert ATTEMPT_S > 60
    monkeypatch.setattr("agent.runtime.transfers.ATTEMPT_S", 0.1)
    monkeypatch.setattr("agent.runtime.transfers.Cut", Waiting)

    async def story() -> None:
        house = House(stall)
        keeper = asyncio.create_task(house.transfers.run())
        house.ask(log(retries=0))
        (job,) = [task for task in asyncio.all_tasks() if "upload" in task.get_name()]
        await asyncio.wait_for(job, 5)
        assert house.states() == [S.UPLOADING, S.FAILED]
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)

    asyncio.run(story())
    assert ended.is_set()
