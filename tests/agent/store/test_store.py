"""The store as the station and the links see it: what is committed is there, in order, once, byte for byte."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.ladder import Ladder
from agent.store.receipts import Delivery
from agent.store.squeeze import expand, squeeze
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.events import StopReason, TransactionEvent, TransactionStarted, Trigger
from agent.vocabulary.ids import ConnectorId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import Selection
from agent.vocabulary.outbox import OutboxRow, RowKind
from agent.vocabulary.records import (
    Acknowledge,
    AuthorizationStatus,
    CacheVerdict,
    CountAttempt,
    DropVerdict,
    Enqueue,
    Entry,
    FixWallTime,
    LadderStep,
    Park,
    SaveHold,
    SaveInstallerLimit,
    SaveKeptCable,
    SaveLatch,
    SaveOption,
    Verdict,
    WipeCache,
)
from hal.api import Fault, Measurand
from tests.rig.crash_store import CrashStore
from tests.rig.sessions import ACCEPTED, TOKEN, WHERE, moment, render, session

M, P = UpstreamId("management"), UpstreamId("primary")
BOTH = (M, P)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Makes stores on one file, each opened; closes what is left open."""
    made: list[Store] = []

    def make(boot_id: str = "boot-1", renderer: Callable[..., str | None] = render) -> Store:
        store = Store(Database(tmp_path / "state.db"), renderer)
        made.append(store)
        store.open(boot_id)
        return store

    yield make
    for store in made:
        store.abandon()


def commit(store: Store, *entries: Entry, barrier: bool = True) -> frozenset[UpstreamId]:
    return store.commit([Record(entries, barrier)])


def drain(store: Store, upstream: UpstreamId, foreign_id: str = "70001") -> list[OutboxRow]:
    """Take and acknowledge rows until the queue is empty or its head waits."""
    taken: list[OutboxRow] = []
    while (row := store.head(upstream)) is not None and row.frame is not None:
        taken.append(row)
        given = foreign_id if row.kind is RowKind.START else None
        commit(store, Acknowledge(upstream, row.message_id, row.transaction, given, ACCEPTED))
    return taken


def started(name: str, at: Moment | None = None) -> TransactionStarted:
    return TransactionStarted(TransactionId(name), WHERE, TOKEN, at or moment(1, 1_000), 100, Trigger.AUTHORIZED)


def frames(rows: list[OutboxRow]) -> list[str | None]:
    return [row.frame for row in rows]


@pytest.mark.rule("ocpp16.X20")
@pytest.mark.rule("two-upstreams.TU01")
def test_a_session_reaches_both_in_order(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0, online=False)))
    for upstream, foreign_id in ((P, "81"), (M, "17")):
        rows = drain(store, upstream, foreign_id)
        assert [row.kind for row in rows] == [RowKind.START, *[RowKind.SAMPLE] * 10, RowKind.STOP]
        assert all(f'"transactionId": {foreign_id},' in (row.frame or "") for row in rows[1:])
        assert len({row.message_id for row in rows}) == 12
    assert store.head(M) is None
    assert (store.depth(M), store.depth(P)) == (0, 0)


@pytest.mark.rule("ocpp16.X23")
def test_frames_wait_for_the_foreign_id_and_for_nothing_else(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0, online=False)))
    start = store.head(M)
    assert start is not None
    assert start.frame is not None
    commit(store, Acknowledge(P, (store.head(P) or start).message_id, start.transaction, "5"))
    assert (store.head(P) or start).frame is not None, "the other upstream's answer is enough for it"
    commit(store, Acknowledge(M, start.message_id, start.transaction, "6"))
    assert '"transactionId": 6,' in ((store.head(M) or start).frame or "")


@pytest.mark.rule("ocpp16.X24")
def test_frames_are_the_same_bytes_after_a_restart(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0, samples=3, online=False)))
    head = store.head(M)
    assert head is not None
    commit(store, Acknowledge(M, head.message_id, head.transaction, "9"))
    store.close()

    def other_renderer(*_: object) -> str:
        return "something else"

    again = opened("boot-2", other_renderer)
    rows = drain(again, M, "9")
    assert len(rows) == 4
    assert all('"transactionId": 9,' in (row.frame or "") for row in rows)
    assert "StartTransaction" in ((again.head(P) or rows[0]).frame or "")


def test_a_written_frame_cannot_be_changed(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    commit(store, Enqueue(M, started("a"), "m1"))
    store.close()
    database = Database(tmp_path / "state.db")
    database.open()
    try:
        with pytest.raises(StoreError, match="never changes"), database.transaction(barrier=True):
            database.execute("UPDATE outbox SET frame = x'00'")
    finally:
        database.close()


def test_an_acknowledgement_counts_once(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, Enqueue(M, started("a"), "m1"), Enqueue(M, started("b"), "m2"))
    for _ in range(3):
        commit(store, Acknowledge(M, "m1", TransactionId("a"), "7"))
    commit(store, Acknowledge(M, "m1", TransactionId("a"), "8"), Acknowledge(M, "nobody's"), Acknowledge(P, "m2"))
    assert (store.head(M) or OutboxRow("", None, None, RowKind.STOP)).message_id == "m2"
    assert store.depth(M) == 1
    (receipt,) = store.archive.receipts(TransactionId("a"))
    assert (receipt.start, receipt.foreign_id) == (Delivery.ACKNOWLEDGED, "7")


def test_an_answer_out_of_turn_takes_its_own_row_only(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, *[Enqueue(M, started(name), f"m-{name}") for name in "abc"])
    commit(store, Acknowledge(M, "m-b", TransactionId("b"), "2"))
    assert [row.message_id for row in drain(store, M)] == ["m-a", "m-c"]


def test_attempts_are_counted_and_kept(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, Enqueue(M, started("a"), "m1"))
    commit(store, CountAttempt(M, "m1", 1))
    commit(store, CountAttempt(M, "m1", 2))
    store.close()
    again = opened("boot-2")
    assert (again.head(M) or OutboxRow("", None, None, RowKind.STOP)).attempts == 2
    assert again.archive.receipts(TransactionId("a"))[0].attempts == 2


@pytest.mark.rule("ocpp16.X23")
def test_a_parked_start_gives_its_followers_minus_one(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0, samples=2, online=False)))
    head = store.head(P)
    assert head is not None
    assert store.commit([Record((Park(P, head.message_id, "CALLERROR InternalError"),), True)]) == {P}
    rows = drain(store, P)
    assert [row.kind for row in rows] == [RowKind.SAMPLE, RowKind.SAMPLE, RowKind.STOP]
    assert all('"transactionId": -1,' in (row.frame or "") for row in rows)
    assert '"transactionId": 70001,' in (drain(store, M)[-1].frame or ""), "the other upstream is not touched"
    assert head.transaction is not None
    receipt = next(r for r in store.archive.receipts(head.transaction) if r.upstream == P)
    assert (receipt.start, receipt.stop, receipt.parked) == (Delivery.PARKED, Delivery.ACKNOWLEDGED, 1)
    assert receipt.why == "CALLERROR InternalError"


def test_what_is_queued_behind_a_parked_start_later_gets_minus_one_too(opened: Callable[..., Store]) -> None:
    store = opened()
    records = list(session((M,), 0, samples=1, online=False))
    store.commit(records[:1])
    commit(store, Park(M, (store.head(M) or OutboxRow("", None, None, RowKind.STOP)).message_id, "given up"))
    store.commit(records[1:])
    assert all('"transactionId": -1,' in (row.frame or "") for row in drain(store, M))


def test_a_late_answer_to_a_parked_start_is_kept(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, Enqueue(M, started("a"), "m1"))
    commit(store, Park(M, "m1", "time-out"))
    commit(store, Acknowledge(M, "m1", TransactionId("a"), "33"))
    (receipt,) = store.archive.receipts(TransactionId("a"))
    assert (receipt.start, receipt.foreign_id) == (Delivery.ACKNOWLEDGED, "33")


def test_a_record_is_written_whole_or_not_at_all(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, Enqueue(M, started("a"), "m1"))
    broken = Record((Enqueue(M, started("b"), "m2"), SaveOption(M, "x", object())), True)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.commit([Record((Enqueue(M, started("c"), "m3"),), False), broken])
    assert store.depth(M) == 1
    commit(store, Enqueue(M, started("d"), "m4"))
    assert [row.message_id for row in drain(store, M)] == ["m1", "m4"]


def test_a_renderer_that_trips_over_one_event_keeps_no_other_from_the_disk(opened: Callable[..., Store]) -> None:
    def picky(upstream: UpstreamId, event: TransactionEvent, *rest: object) -> str | None:
        if event.transaction == "bad":
            raise KeyError("no such measurand")
        return f"frame of {event.transaction}"

    store = opened(renderer=picky)
    commit(store, *[Enqueue(M, started(name), f"m-{name}") for name in ("bad", "good")])
    assert frames(drain(store, M)) == ["frame of good"]
    assert store.archive.receipts(TransactionId("bad"))[0].start is Delivery.PARKED
    store.close()
    again = Store(Database(Path(store._database.path)), picky)
    assert again.open("boot-2").parked_records == 1
    again.close()


def test_each_upstream_keeps_its_own_rows_when_it_comes_and_goes(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session((M, P), 0, samples=1, online=False)))
    drain(store, M)
    store.close()
    again = opened("boot-2")
    again.commit(list(session((M, UpstreamId("other")), 1, boot=2, samples=1, online=False)))
    assert again.depth(P) == 3, "nobody else takes over what was meant for it"
    assert again.depth(UpstreamId("other")) == 3
    assert len(drain(again, P)) == 3


# ---------------------------------------------------------------------------------------------------- wall time


def test_frames_wait_for_the_wall_time_of_their_boot(opened: Callable[..., Store]) -> None:
    def needs_time(
        upstream: UpstreamId, event: TransactionEvent, message: str, foreign_id: str | None, offset_ms: int | None
    ) -> str | None:
        assert isinstance(event, TransactionStarted)
        return None if event.at.wall_ms is None else f"{event.at.wall_ms} {offset_ms}"

    store = opened(renderer=needs_time)
    commit(store, Enqueue(M, started("a", Moment(1, 5_000)), "m1"))
    assert (store.head(M) or OutboxRow("", "x", None, RowKind.STOP)).frame is None
    assert commit(store, FixWallTime(1, 1_000_000)) == {M}
    assert (store.head(M) or OutboxRow("", None, None, RowKind.STOP)).frame == "1005000 1000000"
    commit(store, FixWallTime(1, 2_000_000), Enqueue(M, started("b", Moment(1, 6_000)), "m2"))
    assert frames(drain(store, M)) == ["1005000 1000000", "1006000 1000000"], "the offset of a boot is fixed once"


def test_a_boot_that_never_knew_the_time_gets_an_estimate(opened: Callable[..., Store]) -> None:
    def needs_time(upstream: UpstreamId, event: TransactionEvent, *rest: object) -> str | None:
        assert isinstance(event, TransactionStarted)
        return None if event.at.wall_ms is None else str(event.at.wall_ms)

    store = opened("boot-1", needs_time)
    commit(store, Enqueue(M, started("a", Moment(1, 5_000)), "m1"), Enqueue(M, started("b", Moment(1, 9_000)), "m2"))
    store.close()
    again = opened("boot-2", needs_time)
    commit(again, Enqueue(M, started("c", Moment(2, 3_000)), "m3"))
    commit(again, FixWallTime(2, 1_000_000))
    assert frames(drain(again, M)) == ["996000", "1000000", "1003000"]


def test_the_latest_time_is_remembered(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    store.mark_time(1_790_000_000_000)
    store.mark_time(1_790_000_300_000)
    store.close()
    again = Store(Database(tmp_path / "state.db"), render)
    assert again.open("boot-2").last_wall_ms == 1_790_000_300_000
    again.close()


# ---------------------------------------------------------------------------------------------------- snapshot


def test_boots_are_counted_by_their_id(tmp_path: Path) -> None:
    seen = []
    for boot_id in ("x", "x", "y", "y", "z"):
        store = Store(Database(tmp_path / "state.db"), render)
        snapshot = store.open(boot_id)
        seen.append((snapshot.boot, snapshot.same_boot))
        store.close()
    assert seen == [(1, False), (1, True), (2, False), (2, True), (3, False)]


def test_the_snapshot_holds_what_is_open(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    records = list(session(BOTH, 0, samples=3))
    store.commit(records[:-3])
    store.close()
    again = Store(Database(tmp_path / "state.db"), render)
    snapshot = again.open("boot-2")
    again.close()
    (running,) = snapshot.open_transactions
    assert (running.meter_start_wh, running.last_energy_wh) == (1_000_000, 1_000_549)
    assert running.last_at == moment(1, 180_000)
    assert snapshot.foreign_ids == ((M, running.id, "70000"), (P, running.id, "70000"))
    assert snapshot.cache == (CacheVerdict(M, TOKEN, ACCEPTED, moment(1, 0)),)


def test_a_stopped_transaction_is_not_open(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0)))
    store.close()
    again = opened("boot-2")
    assert again.sessions(10)[0].transaction.stop_reason is StopReason.LOCAL


def test_options_holds_latches_and_cache_survive(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    blocked = Verdict(AuthorizationStatus.BLOCKED)
    selection = (Selection(Measurand.VOLTAGE),)
    commit(
        store,
        SaveOption(M, "heartbeat_interval_s", 60),
        SaveOption(M, "heartbeat_interval_s", 90),
        SaveOption(P, "stop_on_invalid", False),
        SaveOption(P, "sampled_measurands", selection),
        SaveOption(None, "reset_retries", 3),
        SaveOption(P, "of_a_later_release", "kept"),
        SaveHold(M, ConnectorId(1), True),
        SaveHold(P, ConnectorId(1), True),
        SaveHold(P, ConnectorId(1), False),
        SaveLatch(ConnectorId(2), Fault.CONTACTOR_WELDED, True),
        CacheVerdict(M, IdToken("AA"), ACCEPTED, moment(1, 0)),
        CacheVerdict(M, IdToken("aa"), blocked, moment(1, 1)),
        CacheVerdict(M, IdToken("CC"), ACCEPTED, moment(1, 0)),
        DropVerdict(M, IdToken("cc")),
        CacheVerdict(P, IdToken("BB"), ACCEPTED, moment(1, 0)),
        WipeCache(P),
        SaveKeptCable(ConnectorId(1), IdToken("AA"), IdToken("FAMILY"), "DeAuthorized"),
        SaveKeptCable(ConnectorId(2), IdToken("BB")),
        SaveKeptCable(ConnectorId(2), None),
    )
    store.close()
    again = Store(Database(tmp_path / "state.db"), render)
    snapshot = again.open("boot-2")
    again.close()
    assert set(snapshot.options) == {
        SaveOption(None, "reset_retries", 3),
        SaveOption(M, "heartbeat_interval_s", 90),
        SaveOption(P, "of_a_later_release", "kept"),
        SaveOption(P, "sampled_measurands", selection),
        SaveOption(P, "stop_on_invalid", False),
    }
    assert snapshot.holds == (SaveHold(M, ConnectorId(1), True),)
    assert snapshot.latches == (SaveLatch(ConnectorId(2), Fault.CONTACTOR_WELDED, True),)
    assert snapshot.cache == (CacheVerdict(M, IdToken("aa"), blocked, moment(1, 1)),)
    kept = SaveKeptCable(ConnectorId(1), IdToken("AA"), IdToken("FAMILY"), "DeAuthorized")
    assert snapshot.kept_cables == (kept,)


@pytest.mark.rule("ocpp16.X72")
def test_hard_resets_that_do_not_come_about_are_counted_until_one_does(tmp_path: Path) -> None:
    counted = []
    for boot_id, then in (
        ("boot-1", StopReason.HARD_RESET),
        ("boot-1", StopReason.HARD_RESET),
        ("boot-1", StopReason.HARD_RESET),
        ("boot-2", StopReason.HARD_RESET),
        ("boot-2", StopReason.SOFT_RESET),
        ("boot-2", StopReason.HARD_RESET),
        ("boot-2", StopReason.HARD_RESET),
    ):
        store = Store(Database(tmp_path / "state.db"), render)
        counted.append(store.open(boot_id).failed_resets)
        store.note_restart(then)
        store.close()
    assert counted == [0, 1, 2, 0, 1, 0, 1]


def test_the_reason_of_a_restart_is_told_once(opened: Callable[..., Store], tmp_path: Path) -> None:
    store = opened()
    store.note_restart(StopReason.SOFT_RESET)
    store.close()
    told = []
    for _ in range(2):
        again = Store(Database(tmp_path / "state.db"), render)
        told.append(again.open("boot-1").restart_reason)
        again.close()
    assert told == [StopReason.SOFT_RESET, None]


def test_sessions_tell_what_became_of_them(opened: Callable[..., Store]) -> None:
    store = opened()
    store.commit(list(session(BOTH, 0)))
    store.commit(list(session(BOTH, 1, samples=2, online=False)))
    newest, oldest = store.sessions(10)
    assert [(r.start, r.stop, r.waiting) for r in oldest.receipts] == [(Delivery.ACKNOWLEDGED,) * 2 + (0,)] * 2
    assert [(r.start, r.stop, r.waiting) for r in newest.receipts] == [(Delivery.QUEUED,) * 2 + (4,)] * 2
    assert oldest.receipts[0].verdict == ACCEPTED
    assert len(store.sessions(1)) == 1


def test_readings_go_when_the_stop_is_recorded(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    store = Store(database, render)
    store.open("boot-1")
    records = list(session(BOTH, 0, samples=4))
    store.commit(records[:-3])
    assert database.rows("SELECT count(*) FROM readings") == [(4,)]
    store.commit(records[-3:])
    assert database.rows("SELECT count(*) FROM readings") == [(0,)]
    store.close()


def test_delivered_rows_leave_nothing_behind(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    store = Store(database, render)
    store.open("boot-1")
    for number in range(3):
        store.commit(list(session(BOTH, number, samples=2, online=False)))
        assert len(drain(store, M)) == 4
        assert len(drain(store, P)) == 4
        assert database.rows("SELECT count(*) FROM outbox") == [(0,)]
    store.close()


def test_fields_of_a_later_release_stay_in_the_journal(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    store = Store(database, render)
    store.open("boot-1")
    records = list(session((M,), 0, samples=0))
    store.commit(records[:1])
    plain = json.loads(expand(database.rows("SELECT record FROM transactions")[0][0])) | {"tariff": {"name": "night"}}
    with database.transaction(barrier=True):
        database.execute("UPDATE transactions SET record = ?", (squeeze(json.dumps(plain)),))
    store.commit(records[1:])
    stored = json.loads(expand(database.rows("SELECT record FROM transactions")[0][0]))
    assert (stored["tariff"], stored["stop_reason"]) == ({"name": "night"}, "Local")
    store.close()


def test_the_same_verdict_is_written_once_a_day(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    hour_ms = 3_600_000
    written = []
    for hours in (0, 1, 23, 24, 25):
        before = rig.syncs
        commit(store, CacheVerdict(M, TOKEN, ACCEPTED, moment(1, hours * hour_ms)))
        written.append(rig.syncs > before)
    assert written == [True, False, False, True, False]
    store.close()


def test_ladder_steps_are_kept_in_order(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    store = Store(database, render)
    store.open("boot-1")
    steps = [LadderStep(moment(1, n), ConnectorId(1), "04***", "online", M, n, "Accepted", "billing") for n in range(3)]
    commit(store, *steps, barrier=False)
    assert Ladder(database).newest(2) == [steps[2], steps[1]]
    store.close()


# -------------------------------------------------------------------------------------------------------- power


@pytest.mark.rule("ocpp16.X21")
def test_barriers_survive_a_cut_and_carry_the_lazy_ones_before_them(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    for record in session(BOTH, 0, samples=2):
        store.commit([record])
        after = rig.cut(random.Random(1)).store(render)
        after.open("boot-2")
        if record.barrier:
            assert (after.depth(M), after.depth(P)) == (store.depth(M), store.depth(P))
            assert (after.head(M), after.head(P)) == (store.head(M), store.head(P))
        after.close()
    store.close()


def test_a_barrier_that_changes_nothing_still_syncs_what_came_before(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    commit(store, Enqueue(M, started("a"), "m1"), barrier=False)
    commit(store, Acknowledge(M, "nobody's"), barrier=True)
    after = rig.cut().store(render)
    after.open("boot-2")
    assert after.depth(M) == 1
    after.close()
    store.close()


def test_lazy_records_survive_a_kill_and_not_a_cut(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    commit(store, Enqueue(M, started("a"), "m1"), barrier=False)
    cut, killed = rig.cut(), rig.kill()
    depths = []
    for folder in (cut, killed):
        after = folder.store(render)
        after.open("boot-2")
        depths.append(after.depth(M))
        after.close()
    assert depths == [0, 1]
    store.close()


def test_sync_does_nothing_when_there_is_nothing_to_sync(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    commit(store, Enqueue(M, started("a"), "m1"), barrier=False)
    store.sync()
    before = rig.syncs
    for _ in range(60):
        store.sync()
        store.tidy()
    assert rig.syncs == before
    store.close()


def test_limits_set_on_the_spot_and_the_time_of_a_hold_are_there_after_a_restart(
    opened: Callable[..., Store], tmp_path: Path
) -> None:
    store, one, whole = opened(), ConnectorId(1), ConnectorId(0)
    commit(store, SaveInstallerLimit(one, 10.0), SaveInstallerLimit(whole, 32.5), SaveHold(M, one, True, 1234))
    commit(store, SaveInstallerLimit(one, None))
    store.close()
    again = Store(Database(tmp_path / "state.db"), render)
    snapshot = again.open("boot-2")
    again.close()
    assert snapshot.installer_limits == (SaveInstallerLimit(whole, 32.5),)
    assert snapshot.holds == (SaveHold(M, one, True, 1234),)
