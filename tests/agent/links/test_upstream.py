"""The task of one upstream against real WebSocket servers, on virtual time."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from agent.links.address import Endpoint
from agent.links.dialler import Dialler
from agent.links.ports import LinkLost, LinkRefused
from agent.links.rivalry import LASTING_MS
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.effects import Answer, Ask, OptionsChanged, Publish, Reconnect
from agent.vocabulary.events import Condition, ConditionChanged
from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.inputs import (
    AuthorizeAnswered,
    CommandReceived,
    Input,
    MessageAcknowledged,
    MessageFailed,
    NoticeAnswered,
    Registration,
    UpstreamChanged,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import NoticeRow, RowKind
from tests.agent.links.conftest import row
from tests.agent.links.peers import Backend, World, running, task_of, upstream
from tests.rig.virtual_time import now_s, run_virtual, settle, until

PRIMARY = UpstreamId("primary")


def publish(connector: int, plugged: bool = False) -> Publish:
    return Publish(PRIMARY, ConditionChanged(Condition(ConnectorId(connector), Moment(1, 0), plugged=plugged)))


async def accepted(world: World, within_s: float = 30) -> None:
    await until(
        lambda: UpstreamChanged(PRIMARY, True, Registration.ACCEPTED) in world.posted(UpstreamChanged)[-1:],
        within_s=within_s,
        what="accepted",
    )


def test_it_boots_tells_its_statuses_and_delivers() -> None:
    async def story() -> None:
        async with upstream() as (task, world, backend):
            world.enqueue(row())
            for connector in (1, 0):
                task.tell(publish(connector))
            await until(lambda: world.posted(MessageAcknowledged), within_s=5)
            actions = [frame[2] for _, frame in backend.frames]
            assert actions == ["BootNotification", "StatusNotification", "StatusNotification", "StartTransaction"]
            assert world.times == [(1_780_000_000_000, False)]
            assert task.state.stage == "connected"

    run_virtual(story())


@pytest.mark.rule("ocpp16.J01")
@pytest.mark.rule("ocpp16.J02")
def test_the_identity_is_dialled_encoded_with_our_subprotocol_and_nothing_else() -> None:
    async def story() -> None:
        async with upstream(identity="RDAM 12/3") as (_, world, backend):
            await accepted(world)
            request = backend.connection.request
            assert request is not None
            assert request.path == "/ocpp/RDAM%2012%2F3"
            assert request.headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
            assert "Sec-WebSocket-Extensions" not in request.headers
            assert "Authorization" not in request.headers

    run_virtual(story())


@pytest.mark.rule("ocpp16.J14")
@pytest.mark.rule("ocpp16.J16")
def test_large_frames_are_taken_and_never_compressed_even_for_a_server_that_would() -> None:
    async def story() -> None:
        async with upstream(compression="deflate") as (_, world, backend):
            await accepted(world)
            assert backend.connection.protocol.extensions == []
            data = "x" * 64 * 1024
            await backend.connection.send(json.dumps([2, "big", "DataTransfer", {"vendorId": "x", "data": data}]))
            await until(lambda: backend.answer_to("big"), within_s=5)
            assert backend.answer_to("big") == [3, "big", {"status": "UnknownVendorId"}]
            await backend.connection.send(b'[2,"binary","DataTransfer",{"vendorId":"x"}]')
            await settle()
            assert backend.answer_to("binary") is None
            assert len(backend.connections) == 1

    run_virtual(story())


@pytest.mark.rule("ocpp16.J12")
def test_pings_of_the_server_are_answered() -> None:
    async def story() -> None:
        async with upstream() as (_, world, backend):
            await accepted(world)
            pong = await backend.connection.ping(b"are you there")
            async with asyncio.timeout(1):
                await pong

    run_virtual(story())


@pytest.mark.rule("ocpp16.J03")
@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refused_station_dials_for_ever_and_ever_less_often(status: int) -> None:
    dialled: list[float] = []

    def process(connection: ServerConnection, request: Any) -> Any:
        dialled.append(now_s())
        return connection.respond(HTTPStatus(status), "no")

    async def story() -> None:
        async with upstream(process_request=process) as (task, _, _):
            await asyncio.sleep(2 * 3_600)
            waits = [later - earlier for earlier, later in itertools.pairwise(dialled)]
            assert 2.4 < waits[0] < 2.6
            assert waits == pytest.approx(sorted(waits), abs=0.01)
            assert waits[-1] == pytest.approx(225, abs=1), "half of the longest wait is left to chance"
            assert now_s() - dialled[-1] < 301
            assert task.state.cause == f"http: the server answered HTTP {status}"

    run_virtual(story())


@pytest.mark.rule("ocpp16.J04")
def test_no_message_id_comes_twice_over_all_connections() -> None:
    async def story() -> None:
        async with upstream() as (task, world, backend):
            await accepted(world)
            for number in range(1, 6):
                task.tell(publish(1, plugged=number % 2 == 0))
                await until(lambda wanted=number: len(backend.calls("StatusNotification")) == wanted, within_s=20)  # type: ignore[misc]
                await settle()
                await backend.connection.close(1001)
                await until(lambda wanted=number + 1: len(backend.connections) == wanted, within_s=20)  # type: ignore[misc]
            ids = [frame[1] for _, frame in backend.frames if frame[0] == 2]
            assert len(ids) == len(set(ids)) == 6

    run_virtual(story())


@pytest.mark.rule("ocpp16.J13")
def test_a_closed_link_is_dialled_anew_with_growing_waits_that_an_answer_resets() -> None:
    async def close_at_once(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        if len(backend.connections) < 6:
            await connection.close(1011)
        else:
            await backend.confirm(connection, frame)

    async def story() -> None:
        async with upstream(Backend(close_at_once)) as (_, world, backend):
            await accepted(world, within_s=300)
            boots = backend.calls("BootNotification")
            waits = [round(later - earlier, 1) for earlier, later in itertools.pairwise(boots)]
            assert waits == [2.5, 7.5, 15.0, 30.0, 60.0]
            await asyncio.sleep(LASTING_MS / 1000)
            closed_s = now_s()
            await backend.connection.close(1011)
            await until(lambda: len(backend.connections) == 7, within_s=10)
            assert now_s() - closed_s < 3

    run_virtual(story())


@pytest.mark.rule("ocpp16.B07")
def test_after_a_reconnect_nothing_is_booted_and_only_changes_are_told() -> None:
    async def story() -> None:
        async with upstream() as (task, _, backend):
            for connector in (0, 1):
                task.tell(publish(connector))
            await until(lambda: len(backend.calls("StatusNotification")) == 2, within_s=5)
            await settle()
            await backend.connection.close(1001)
            await until(lambda: len(backend.connections) == 2, within_s=10)
            await asyncio.sleep(20)
            assert len(backend.calls("BootNotification")) == 1
            assert len(backend.calls("StatusNotification")) == 2
            task.tell(publish(1, plugged=True))
            await until(lambda: len(backend.calls("StatusNotification")) == 3, within_s=1)

    run_virtual(story())


@pytest.mark.rule("ocpp16.J12")
def test_pings_go_out_and_a_missing_pong_ends_the_link() -> None:
    async def story() -> None:
        world = World(options=UpstreamOptions(ping_interval_s=30))
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            await asyncio.sleep(100)
            assert task.state.stage == "connected"
            backend.connection.transport.pause_reading()
            lost_s = now_s()
            await until(lambda: world.posted(UpstreamChanged)[-1].connected is False, within_s=45)
            assert 10 <= now_s() - lost_s <= 41
            assert task.state.cause == "no pong within 10 s"

    run_virtual(story())


@pytest.mark.rule("ocpp16.K09")
def test_a_new_ping_interval_counts_at_once() -> None:
    async def story() -> None:
        world = World(options=UpstreamOptions(ping_interval_s=0))
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            backend.connection.transport.pause_reading()
            await asyncio.sleep(200)
            assert task.state.stage == "connected"
            world.options = UpstreamOptions(ping_interval_s=5)
            task.tell(OptionsChanged(PRIMARY))
            await until(lambda: task.state.stage != "connected", within_s=20)

    run_virtual(story())


@pytest.mark.rule("ocpp16.J20")
def test_the_answer_to_a_reset_leaves_before_the_farewell() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            await backend.connection.send('[2,"r1","Reset",{"type":"Soft"}]')
            await until(lambda: world.posted(CommandReceived), within_s=1)
            task.tell(Answer(PRIMARY, 1, Result(ResultStatus.ACCEPTED)))
        await until(lambda: backend.closes, within_s=5)
        assert backend.answer_to("r1") == [3, "r1", {"status": "Accepted"}]
        assert backend.closes[0][1] == 1001

    run_virtual(story())


def test_what_is_told_in_the_very_last_moment_still_leaves_and_then_the_link_is_closed_in_order() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            await backend.connection.send('[2,"r1","Reset",{"type":"Soft"}]')
            await until(lambda: world.posted(CommandReceived), within_s=1)
            next(other for other in asyncio.all_tasks() if other.get_name() == "upstream").cancel()
            task.tell(Answer(PRIMARY, 1, Result(ResultStatus.ACCEPTED)))
            await until(lambda: backend.closes, within_s=2)
            assert backend.answer_to("r1") == [3, "r1", {"status": "Accepted"}]
            assert backend.closes[0][1] == 1001
            assert world.posted(UpstreamChanged)[-1].connected is False

    run_virtual(story())


@pytest.mark.rule("ocpp16.J05")
def test_a_station_that_answers_inside_post_is_answered_for_once() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):

            def decide(given: Input) -> None:
                if isinstance(given, CommandReceived):
                    task.tell(Answer(PRIMARY, given.call, Result(ResultStatus.ACCEPTED)))

            world.on_post = decide
            await accepted(world)
            for number in range(5):
                await backend.connection.send(f'[2,"s{number}","RemoteStopTransaction",{{"transactionId":{number}}}]')
            await until(lambda: backend.answer_to("s4"), within_s=1)
            answers = [frame[1] for _, frame in backend.frames if frame[0] == 3]
            assert answers == [f"s{number}" for number in range(5)]

    run_virtual(story())


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("ocpp16.X22")
def test_a_mute_backend_costs_no_attempt_and_the_frame_is_sent_again_as_it_was() -> None:
    async def mute_for_transactions(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        if frame[2] != "StartTransaction" or len(backend.connections) > 1:
            await backend.confirm(connection, frame)

    async def story() -> None:
        async with upstream(Backend(mute_for_transactions)) as (_, world, backend):
            world.enqueue(row())
            await until(lambda: world.posted(MessageAcknowledged), within_s=60)
            starts = [frame for _, frame in backend.frames if frame[2] == "StartTransaction"]
            assert len(starts) == 2
            assert starts[0] == starts[1]
            assert world.posted(MessageFailed) == []

    run_virtual(story())


async def _answers_after_25_s(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
    await asyncio.sleep(25)
    await backend.confirm(connection, frame)


def test_a_backend_that_answers_after_25_s_gets_everything_and_decides_no_card() -> None:
    async def story() -> None:
        async with upstream(Backend(_answers_after_25_s)) as (task, world, _):
            world.enqueue(row())
            await accepted(world, 40)
            await until(lambda: world.posted(MessageAcknowledged), within_s=30)
            asked_s = now_s()
            task.tell(Ask(1, PRIMARY, IdToken("A"), 10))
            await until(lambda: world.posted(AuthorizeAnswered), within_s=11)
            assert now_s() - asked_s <= 10.1
            await asyncio.sleep(60)
            assert world.posted(AuthorizeAnswered) == [AuthorizeAnswered(1, PRIMARY, None)]
            assert len(world.posted(MessageAcknowledged)) == 1

    run_virtual(story())


@pytest.mark.parametrize(
    "kind", ["accepts TCP and is silent", "never answers a call", "answers late", "closes at once"]
)
def test_a_sick_primary_delays_nothing_at_management(kind: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "closes at once":
            writer.close()
        else:
            await reader.read()
            writer.close()

    async def answering(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        if kind == "answers late":
            await _answers_after_25_s(backend, connection, frame)

    async def manage() -> None:
        """Fifty questions and statuses at management, each answered at once."""
        async with upstream(world=World(), name="management") as (task, world, backend):
            await until(lambda: backend.calls("BootNotification"), within_s=1)
            await settle()
            for number in range(50):
                began_s = now_s()
                task.tell(Ask(number, UpstreamId("management"), IdToken("A"), 10))
                task.tell(publish(1, plugged=number % 2 == 0))
                await until(lambda wanted=number + 1: len(world.posted(AuthorizeAnswered)) == wanted, within_s=1)  # type: ignore[misc]
                assert now_s() - began_s < 0.2
                assert world.posted(AuthorizeAnswered)[-1].verdict.accepted
                await asyncio.sleep(5)
            assert len(backend.connections) == 1

    async def story() -> None:
        if kind in ("never answers a call", "answers late"):
            async with upstream(Backend(answering)):
                await manage()
            return
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            task = task_of(World(), Dialler(Endpoint(f"ws://127.0.0.1:{port}", "CP1"), "ocpp1.6"))
            async with running(task):
                await manage()
                assert task.state.cause.startswith(("timeout", "handshake", "connect")), task.state

    run_virtual(story())


@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_a_flood_of_calls_starves_nobody() -> None:
    async def story() -> None:
        async with (
            upstream(world=World(), name="management") as (other, other_world, _),
            upstream() as (_, world, backend),
        ):
            await accepted(world)
            await settle()
            flood = asyncio.create_task(_flood(backend.connection))
            for number in range(10):
                other.tell(Ask(number, UpstreamId("management"), IdToken("A"), 10))
                await until(lambda wanted=number + 1: len(other_world.posted(AuthorizeAnswered)) == wanted, within_s=1)  # type: ignore[misc]
            await flood
            took_s = await until(lambda: backend.answer_to("f1999"), within_s=60)
            assert took_s > 20  # it is read no faster than its allowance
            assert any(note.event == "link_paced" for note in world.notes)
            assert len(backend.connections) == 1

    run_virtual(story())


def test_a_link_that_always_has_a_frame_lets_others_run() -> None:
    class Torrent:
        """A link on which the next frame is always there already."""

        received = 0

        async def receive(self) -> str:
            self.received += 1
            if self.received > 5_000:
                raise LinkLost("enough")
            return '[3,"nobody",{}]'

        def charge(self, units: int) -> bool:
            return False

        async def send(self, text: str) -> None:
            pass

        async def ping(self, deadline_s: float) -> None:
            pass

        async def close(self, code: int, why: str) -> None:
            pass

    async def story() -> None:
        torrent = Torrent()

        async def connect() -> Torrent:
            return torrent

        async with running(task_of(World(), connect)):
            turns = 0
            while torrent.received <= 5_000:
                await asyncio.sleep(0)
                turns += 1
            assert turns > 1_000

    run_virtual(story())


async def _flood(connection: ServerConnection) -> None:
    for number in range(2_000):
        await connection.send(f'[2,"f{number}","DataTransfer",{{"vendorId":"x"}}]')


def test_a_mistake_of_ours_costs_this_upstream_a_boot_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):
            task.tell(publish(0))
            await accepted(world)
            conversation = task._conversation
            monkeypatch.setattr(conversation, "receive", lambda data, now_ms: 1 / 0)
            task.tell(Ask(1, PRIMARY, IdToken("A"), 10))
            await until(lambda: len(backend.calls("BootNotification")) == 2, within_s=10)
            await until(lambda: len(backend.calls("StatusNotification")) == 2, within_s=10)
            assert world.posted(AuthorizeAnswered) == [AuthorizeAnswered(1, PRIMARY, None)]
            assert [note.event for note in world.notes].count("upstream_bug") == 1

    run_virtual(story())


def test_a_mistake_while_the_engine_tells_something_never_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            monkeypatch.setattr(task._conversation, "tell", lambda effect, now_ms: 1 / 0)
            task.tell(Ask(1, PRIMARY, IdToken("A"), 10))
            assert world.posted(AuthorizeAnswered) == [AuthorizeAnswered(1, PRIMARY, None)]
            await until(lambda: len(backend.calls("BootNotification")) == 2, within_s=10)

    run_virtual(story())


def test_an_outbox_that_cannot_be_read_does_not_cost_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = World()
        broken = True

        async def head() -> Any:
            if broken:
                raise OSError("disk")
            return world.row

        monkeypatch.setattr(world, "head", head)
        world.row = row()
        async with upstream(world=world) as (_, _, backend):
            await accepted(world)
            await asyncio.sleep(20)
            broken = False
            await until(lambda: world.posted(MessageAcknowledged), within_s=6)
            assert len(backend.connections) == 1

    run_virtual(story())


@pytest.mark.rule("two-upstreams.clock")
def test_whether_a_time_is_believed_is_asked_of_the_present_link() -> None:
    async def story() -> None:
        world, tls = World(), [False]
        async with upstream(world=world) as (task, _, backend):
            task._ports = replace(task._ports, authenticated=lambda: tls[0])
            await accepted(world)
            tls[0] = True
            await until(lambda: backend.calls("Heartbeat"), within_s=400)
            await settle()
            assert [believed for _, believed in world.times] == [False, True]

    run_virtual(story())


def test_new_credentials_close_in_order_and_dial_at_once_without_a_boot() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            await backend.connection.send('[2,"r1","Reset",{"type":"Soft"}]')
            await until(lambda: world.posted(CommandReceived), within_s=1)
            changed_s = now_s()
            task.tell(Answer(PRIMARY, 1, Result(ResultStatus.ACCEPTED)))
            task.tell(Reconnect(PRIMARY, "a new password"))
            await until(lambda: len(backend.connections) == 2, within_s=2)
            assert now_s() - changed_s < 0.5
            assert backend.answer_to("r1") == [3, "r1", {"status": "Accepted"}]
            assert backend.closes[0][1] == 1001
            await asyncio.sleep(20)
            assert len(backend.calls("BootNotification")) == 1
            assert len(backend.connections) == 2

    run_virtual(story())


def test_new_credentials_end_a_long_wait_but_not_twice_in_a_minute() -> None:
    async def story() -> None:
        dialled: list[float] = []

        async def connect() -> Any:
            dialled.append(now_s())
            raise LinkRefused("http", "the server answered HTTP 401", 401)

        task = task_of(World(), connect)
        async with running(task):
            await asyncio.sleep(1_000)
            before = len(dialled)
            await until(lambda: now_s() - dialled[-1] > 5, within_s=300)
            task.tell(Reconnect(PRIMARY, "a new password"))
            changed_s = now_s()
            await until(lambda: len(dialled) > before + 1, within_s=5)
            first_s = next(at for at in dialled if at >= changed_s)
            assert first_s - changed_s < 0.1
            for _ in range(20):
                task.tell(Reconnect(PRIMARY, "a new password"))
                await asyncio.sleep(1)
            assert len([at for at in dialled if at > first_s + 0.1]) <= 4

    run_virtual(story())


def test_new_credentials_while_it_dials_with_the_old_ones_count_for_the_next_dial() -> None:
    async def story() -> None:
        closed: list[int] = []
        dials = 0

        class Mute:
            async def receive(self) -> str:
                return await asyncio.get_running_loop().create_future()

            def charge(self, units: int) -> bool:
                return False

            async def send(self, text: str) -> None:
                pass

            async def ping(self, deadline_s: float) -> None:
                pass

            async def close(self, code: int, why: str) -> None:
                closed.append(code)

        async def connect() -> Mute:
            nonlocal dials
            dials += 1
            await asyncio.sleep(5)
            return Mute()

        task = task_of(World(), connect)
        async with running(task):
            await asyncio.sleep(1)
            task.tell(Reconnect(PRIMARY, "a new password"))
            await asyncio.sleep(5)
            assert (closed, dials) == ([1001], 2)
            assert task.state.stage == "dialling"
            await asyncio.sleep(6)
            assert (dials, task.state.stage) == (2, "connected")

    run_virtual(story())


@pytest.mark.rule("ocpp16.Z20")
def test_security_events_are_sent_one_after_another_as_the_store_shows_them() -> None:
    async def story() -> None:
        world = World()
        rows = [NoticeRow(f"n{n}", json.dumps([2, f"n{n}", "SecurityEventNotification", {}])) for n in range(3)]

        def answered(given: Input) -> None:
            if isinstance(given, NoticeAnswered):
                world.notices.show(*[row for row in world.notices.rows if row.message_id != given.message_id])

        world.on_post = answered
        world.notices.show(rows[0], rows[1])
        async with upstream(world=world) as (_, _, backend):
            await until(lambda: len(backend.calls("SecurityEventNotification")) == 2, within_s=5)
            world.notices.show(rows[2])
            await until(lambda: len(world.posted(NoticeAnswered)) == 3, within_s=5)
            assert [given.message_id for given in world.posted(NoticeAnswered)] == ["n0", "n1", "n2"]
            assert len(backend.calls("SecurityEventNotification")) == 3

    run_virtual(story())


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", [1009, 1011])
def test_a_backend_that_closes_at_every_start_is_offered_it_as_often_as_configured(code: int) -> None:
    async def closing(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        if frame[2] == "StartTransaction":
            await connection.close(code)
        else:
            await backend.confirm(connection, frame)

    async def story() -> None:
        world = World(options=UpstreamOptions(transaction_attempts=2, transaction_retry_interval_s=10))
        async with upstream(Backend(closing), world=world) as (_, _, backend):
            world.enqueue(row())
            await until(lambda: any(f.given_up for f in world.posted(MessageFailed)), within_s=120)
            assert [f.attempts for f in world.posted(MessageFailed)] == [1, 2]
            assert len(backend.calls("StartTransaction")) == (2 if code == 1009 else 3)

    run_virtual(story())


@pytest.mark.rule("ocpp16.X28")
def test_a_queue_is_flushed_in_order_one_call_at_a_time() -> None:
    under_way = 0

    async def slow(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.2)
        under_way -= 1
        await backend.confirm(connection, frame)

    async def story() -> None:
        world, backend = World(), Backend(slow)
        rows = [row(f"m{n}", RowKind.SAMPLE) for n in range(20)]

        def settled(given: Input) -> None:
            if isinstance(given, MessageAcknowledged):
                rows.pop(0)
                world.enqueue(rows[0] if rows else None)

        world.on_post = settled
        world.enqueue(rows[0])
        async with upstream(backend, world=world):
            await until(lambda: not rows, within_s=20)
            sent = [frame[1] for _, frame in backend.frames if frame[2] == "StartTransaction"]
            assert sent == [f"m{n}" for n in range(20)]

    run_virtual(story())


def test_other_options_do_not_put_a_ping_off_for_ever() -> None:
    async def story() -> None:
        world = World(options=UpstreamOptions(ping_interval_s=30))
        async with upstream(world=world) as (task, _, backend):
            await accepted(world)
            backend.connection.transport.pause_reading()
            for _ in range(42):
                await asyncio.sleep(1)
                task.tell(OptionsChanged(PRIMARY))
            assert [note.text for note in world.notes if note.event == "link_down"] == ["no pong within 10 s"]

    run_virtual(story())


def test_a_refused_dial_is_told_in_plain_words() -> None:
    async def refuse() -> Any:
        raise LinkRefused("resolve", "the host name cannot be resolved")

    async def story() -> None:
        world = World()
        task = task_of(world, refuse)
        async with running(task):
            await asyncio.sleep(1)
            assert (task.state.stage, task.state.cause) == ("waiting", "resolve: the host name cannot be resolved")
            task.tell(Ask(1, PRIMARY, IdToken("A"), 10))
            assert world.posted(AuthorizeAnswered) == [AuthorizeAnswered(1, PRIMARY, None)]

    run_virtual(story())
