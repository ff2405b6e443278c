"""Sessions that nobody waits for move into a file of their own: none is lost, none counts twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from agent.store import past
from agent.store.database import Database
from agent.store.history import HISTORY_MS, Session, SessionQuery, kept
from agent.store.history_file import HistoryFile, Kept, Span
from agent.store.names import pack_id
from agent.store.receipts import Delivery
from agent.store.store import Store
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, TransactionId, UpstreamId
from tests.rig.crash_store import CrashStore
from tests.rig.fuse import PowerCut
from tests.rig.sessions import moment, render, session

BOTH = (MANAGEMENT, UpstreamId("primary"))
BATCH, NEWEST_STAY = 12, 10
"""Smaller than the real ones, for speed."""
ENOUGH = BATCH + NEWEST_STAY + 6
FIRST = 3
"""This session is not delivered."""


def fill(store: Store, count: int = ENOUGH, first: int = 0) -> None:
    for number in range(first, first + count):
        store.commit(list(session(BOTH, number, samples=0, online=number != FIRST)))


def ids(store: Store, **query: object) -> list[str]:
    return [s.transaction.id for s in store.archive.sessions(SessionQuery(**({"limit": 10_000} | query)))]  # type: ignore[arg-type]


def history(path: Path) -> HistoryFile:
    return HistoryFile(path.with_name(f"{path.stem}-history.db"), print)


def in_file(path: Path) -> list[Kept]:
    return history(path).find(Span(), 10_000)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "BATCH", BATCH)
    monkeypatch.setattr(past, "NEWEST_STAY", NEWEST_STAY)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, told: list[str]) -> Iterator[Store]:
    made = Store(Database(tmp_path / "state.db"), render, told.append)
    made.open("boot-1")
    yield made
    made.abandon()


@pytest.mark.rule("product.N14")
def test_a_batch_of_delivered_sessions_moves_and_every_question_is_answered_as_before(
    store: Store, tmp_path: Path
) -> None:
    fill(store)
    before = store.sessions(10_000)
    store.tidy()
    moved = {row.id for row in in_file(tmp_path / "state.db")}
    assert len(moved) == BATCH
    assert len(store._database.rows("SELECT 1 FROM transactions")) == ENOUGH - BATCH
    assert store.sessions(10_000) == before
    assert len(before) == ENOUGH
    old = before[-1]
    assert store.archive.receipts(old.transaction.id) == old.receipts
    assert [r.start for r in old.receipts] == [Delivery.ACKNOWLEDGED] * 2
    store.tidy()
    assert len(in_file(tmp_path / "state.db")) == BATCH, "a batch that is not complete waits"


def test_what_is_not_delivered_stays_where_it_is_delivered_from(store: Store, tmp_path: Path) -> None:
    fill(store)
    late = store.sessions(10_000)[-1 - FIRST].transaction.id
    store.tidy()
    assert pack_id(late) not in {row.id for row in in_file(tmp_path / "state.db")}
    assert store.depth(BOTH[0]) == 2
    found = next(s for s in store.sessions(10_000) if s.transaction.id == late)
    assert [r.waiting for r in found.receipts] == [2, 2]


def test_numbers_of_the_journal_are_never_given_twice(store: Store) -> None:
    fill(store)
    store.tidy()
    fill(store, 1, first=ENOUGH)
    assert store._database.row("SELECT max(number) FROM transactions") == (ENOUGH + 1,)


def test_a_station_that_brings_a_full_year_in_its_journal_moves_it_bit_by_bit(store: Store) -> None:
    fill(store, 4 * BATCH)
    before = ids(store)
    moves = 0
    while store.archive.move_sessions():
        moves += 1
        assert moves < 10
    assert moves == 3
    assert ids(store) == before


@pytest.mark.rule("product.N14")
def test_a_cut_at_any_instant_of_a_move_neither_loses_nor_doubles_a_session(tmp_path: Path) -> None:
    cut_at, cuts = 0, 0
    while cut_at == cuts:
        rig = CrashStore(tmp_path / f"cut-{cut_at}", before_sync=_Fuse(cut_at))
        fuse = rig._before_sync
        assert isinstance(fuse, _Fuse)
        store = rig.store(render)
        store.open("boot-1")
        fill(store)
        before = ids(store)
        fuse.armed = True
        try:
            store.tidy()
            store.sync()
        except PowerCut:
            cuts += 1
        fuse.armed = False
        for chance in (None, random.Random(cut_at), random.Random(cut_at + 100)):
            after = rig.cut(chance)
            after._before_sync = None
            again = after.store(render)
            again.open("boot-2")
            assert ids(again) == before
            again.archive.move_sessions()
            assert ids(again) == before
            assert len(in_file(after.path)) == BATCH
            again.abandon()
        store.abandon()
        cut_at += 1
    assert cuts >= 3


def test_a_death_between_move_and_the_next_commit_changes_nothing(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "state")
    store = rig.store(render)
    store.open("boot-1")
    fill(store)
    before = ids(store)
    store.tidy()
    after = rig.kill()
    store.abandon()
    again = after.store(render)
    again.open("boot-1")
    assert ids(again) == before
    assert len(again._database.rows("SELECT 1 FROM transactions")) == ENOUGH - BATCH
    again.abandon()


@pytest.mark.parametrize("broken", [b"", b"no database at all" * 300, None])
def test_a_damaged_history_is_set_aside_and_the_station_goes_on(
    store: Store, tmp_path: Path, told: list[str], broken: bytes | None
) -> None:
    fill(store)
    years_ago = [kept(_like(store.sessions()[0], number - 2_000, random.Random(number))) for number in range(200)]
    path = history(tmp_path / "state.db").path
    history(tmp_path / "state.db").put([row for row in years_ago if row], 0)
    store.tidy()
    content = path.read_bytes()
    half = content[:8192] + bytes(b ^ 0x5A for b in content[8192:12288]) + content[12288:]
    path.write_bytes(half if broken is None else broken)
    left = len(store._database.rows("SELECT 1 FROM transactions"))
    assert left <= len(ids(store)) <= ENOUGH + 200
    fill(store, BATCH, first=ENOUGH)
    store.tidy()
    assert len(in_file(tmp_path / "state.db")) >= BATCH
    assert len(ids(store)) >= left + BATCH
    assert len(ids(store)) == len(set(ids(store)))
    assert path.with_name(path.name + ".damaged-1").exists() == (broken != b"")
    assert any("damaged" in line for line in told) == (broken != b"")
    if broken is None:
        assert len(ids(store)) > left + BATCH + 100, "what could be read is there"


def test_a_history_that_cannot_be_written_delays_nothing_and_is_told_once(
    store: Store, tmp_path: Path, told: list[str]
) -> None:
    path = history(tmp_path / "state.db").path
    path.mkdir()
    fill(store)
    store.tidy()
    fill(store, 20, first=ENOUGH)
    store.tidy()
    assert len([line for line in told if "cannot be written" in line]) == 1
    assert store.head(BOTH[0]) is not None
    path.rmdir()
    fill(store, 20, first=ENOUGH + 20)
    store.tidy()
    assert len(in_file(tmp_path / "state.db")) == BATCH


def test_sessions_are_found_by_time_and_connector_across_both(store: Store) -> None:
    fill(store)
    store.tidy()
    everything = ids(store)
    start = moment(1, 0).wall_ms or 0
    hour = 3_600_000
    assert ids(store, since_ms=start + 10 * hour) == everything[:-10]
    assert ids(store, until_ms=start + 10 * hour) == everything[-10:]
    assert ids(store, since_ms=start + 5 * hour, until_ms=start + 20 * hour) == everything[-20:-5]
    assert ids(store, limit=7) == everything[:7]
    assert ids(store, connector=1) == everything
    assert ids(store, connector=2) == []


def test_page_by_page_every_session_comes_once(store: Store) -> None:
    fill(store)
    store.tidy()
    found: list[str] = []
    before = None
    while page := store.archive.sessions(SessionQuery(9, before=before)):
        found += [s.transaction.id for s in page]
        before = page[-1].transaction.id
    assert found == ids(store)
    with pytest.raises(LookupError, match="not known"):
        store.archive.sessions(SessionQuery(9, before=TransactionId("nobody's")))


@pytest.mark.rule("product.N14")
def test_the_owner_deletes_what_is_delivered_for_good(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.tidy()
    everything = ids(store)
    before_ms = (moment(1, 0).wall_ms or 0) + (BATCH + 8) * 3_600_000
    done = store.archive.delete_sessions(before_ms)
    assert (done.removed, done.kept) == (BATCH + 7, 1)
    assert ids(store) == [*everything[: -BATCH - 8], everything[-1 - FIRST]]
    assert store.archive.delete_sessions(before_ms).removed == 0
    assert in_file(tmp_path / "state.db") == []
    for number in range(2):
        store.commit(list(session(BOTH, ENOUGH + number, samples=0)))
    assert len(ids(store)) == ENOUGH - done.removed + 2


def test_a_session_in_both_is_deleted_in_both_and_counted_once(store: Store, tmp_path: Path) -> None:
    fill(store, 2)
    both = [kept(s) for s in store.sessions()]
    history(tmp_path / "state.db").put([row for row in both if row], 0)
    assert len(ids(store)) == 2
    assert store.archive.delete_sessions(1 << 50).removed == 2
    assert ids(store) == []


def test_a_row_takes_the_place_of_the_one_with_its_id_whatever_its_time(tmp_path: Path) -> None:
    file = history(tmp_path / "state.db")
    file.put([Kept(1_000, b"a", 1, b"old"), Kept(1_000, b"b", 1, b"other")], 0)
    file.put([Kept(2_000, b"a", 1, b"new")], 0)
    assert [row.content for row in file.find(Span(), 9)] == [b"new", b"other"]
    assert file.one(b"a") == Kept(2_000, b"a", 1, b"new")


def test_what_is_older_than_twelve_months_goes_with_the_next_batch(store: Store, tmp_path: Path) -> None:
    start = moment(1, 0).wall_ms or 0
    old = [Kept(start - HISTORY_MS - 1, b"gone", 1, b""), Kept(start - HISTORY_MS, b"stays", 1, b"")]
    history(tmp_path / "state.db").put(old, 0)
    fill(store)
    store.tidy()
    assert [row.id for row in in_file(tmp_path / "state.db")][-2:] != [b"stays", b"gone"]
    assert in_file(tmp_path / "state.db")[-1].id == b"stays"


def test_a_history_of_a_newer_release_is_left_alone(store: Store, tmp_path: Path, told: list[str]) -> None:
    file = history(tmp_path / "state.db")
    file.put([Kept(1, b"a", 1, b"")], 0)
    content = bytearray(file.path.read_bytes())
    content[60:64] = (9).to_bytes(4, "big")
    file.path.write_bytes(content)
    fill(store)
    store.tidy()
    assert "newer release" in told[0]
    assert file.path.read_bytes() == content


@pytest.mark.rule("security.UK-5")
def test_a_year_of_eight_sessions_a_day_fits_and_is_found_at_once(store: Store, tmp_path: Path) -> None:
    fill(store, 1, first=500)
    pattern = store.sessions()[0]
    chance = random.Random(1)
    for month in range(12):
        rows = [kept(_like(pattern, month * 244 + n, chance)) for n in range(244)]
        history(tmp_path / "state.db").put([row for row in rows if row], 0)
    begin = time.monotonic()
    assert len(store.archive.sessions(SessionQuery(1_000))) == 1_000
    last = store.archive.sessions(SessionQuery(20, until_ms=(moment(1, 0).wall_ms or 0) + 10_800_000 * 40))
    assert time.monotonic() - begin < 1
    assert len(last) == 20
    assert history(tmp_path / "state.db").path.stat().st_size < 2_000_000


def _like(pattern: Session, number: int, chance: random.Random) -> Session:
    name = TransactionId(str(UUID(int=chance.getrandbits(128), version=4)))
    where = EvseAddress(EvseId(1), ConnectorId(1 + number % 8))
    at = moment(1, number * 10_800_000)
    transaction = replace(pattern.transaction, id=name, where=where, started_at=at, stopped_at=at.plus(7_200))
    return replace(pattern, transaction=transaction)


class _Fuse:
    """Cuts the power before the sync with this number, counted once it is armed."""

    def __init__(self, at: int) -> None:
        self.armed = False
        self._left = at

    def __call__(self) -> None:
        if self.armed:
            self._left -= 1
            if self._left < 0:
                raise PowerCut
