"""Who is removed takes along what it laid down here; who no longer authorises loses what says who may charge."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.parting import OF_AN_UPSTREAM, OF_THE_AUTHORITY
from agent.store.retention import _OWNED
from agent.store.store import Store
from agent.vocabulary.charging import (
    ChargingProfile,
    InstalledProfile,
    Period,
    ProfileKind,
    Purpose,
    RateUnit,
    Schedule,
)
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import (
    CacheVerdict,
    ListEntry,
    NoteAccepted,
    SaveHold,
    SaveList,
    SaveOption,
    SaveProfile,
    SaveReservation,
    Snapshot,
)
from agent.vocabulary.standing import Owed, Standing
from tests.rig.sessions import ACCEPTED, TOKEN, moment, render, session

OLD, OTHER = UpstreamId("primary-1"), UpstreamId("operator-1")
BEFORE = Standing(frozenset({MANAGEMENT, OLD, OTHER}), OLD)
_PROFILE = ChargingProfile(
    1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.RELATIVE, Schedule(RateUnit.AMPERE, (Period(0, 16.0),))
)


def start(folder: Path, boot: str, standing: Standing | None) -> tuple[Store, Snapshot]:
    store = Store(Database(folder / "state.db"), render)
    return store, store.open(boot, standing=standing)


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A station at which three upstreams have laid down everything that they can."""
    store, _ = start(tmp_path, "boot-1", BEFORE)
    for upstream in (MANAGEMENT, OLD, OTHER):
        entries = (
            SaveProfile(InstalledProfile(upstream, ConnectorId(1), _PROFILE)),
            SaveReservation(upstream, 7, ConnectorId(1), IdToken("04A1"), 1, None),
            SaveList(upstream, 3, True, (ListEntry(IdToken("04A1"), ACCEPTED),)),
            SaveHold(upstream, ConnectorId(1), True),
            SaveOption(upstream, "heartbeat_interval_s", 60),
            CacheVerdict(upstream, TOKEN, ACCEPTED, moment(1, 1)),
            NoteAccepted(upstream),
        )
        store.commit([Record(entries, True)])
    store.commit(list(session((OLD, MANAGEMENT), 1, samples=1, online=False)))
    store.close()
    return tmp_path


def left(snapshot: Snapshot) -> dict[str, set[UpstreamId]]:
    """Who still has what."""
    return {
        "profiles": {one.upstream for one in snapshot.profiles},
        "holds": {one.upstream for one in snapshot.holds},
        "accepted": set(snapshot.accepted),
        "reservations": {one.upstream for one in snapshot.reservations},
        "lists": {one.upstream for one in snapshot.lists},
        "cache": {one.upstream for one in snapshot.cache},
        "options": {one.upstream for one in snapshot.options if one.upstream is not None},
    }


@pytest.mark.rule("product.N11")
@pytest.mark.rule("two-upstreams.RC06")
def test_who_is_removed_takes_along_what_it_laid_down_and_is_still_owed_its_records(used: Path) -> None:
    store, snapshot = start(used, "boot-2", Standing(frozenset({MANAGEMENT, OTHER}), MANAGEMENT))
    kept = {MANAGEMENT, OTHER}
    assert left(snapshot) == {
        **dict.fromkeys(("profiles", "holds", "accepted"), kept),
        **{key: {MANAGEMENT} for key in ("reservations", "lists", "cache")},
        "options": {MANAGEMENT, OLD, OTHER},
    }
    assert store.depth(OLD) == 3
    assert Owed(OLD, 3, 0) in store.archive.draining.owed()
    store.close()


@pytest.mark.rule("two-upstreams.RC06")
def test_who_no_longer_authorises_loses_lists_and_cache_and_keeps_its_limits_and_holds(used: Path) -> None:
    store, snapshot = start(used, "boot-2", Standing(BEFORE.configured, MANAGEMENT))
    everybody = {MANAGEMENT, OLD, OTHER}
    assert left(snapshot) == {
        **dict.fromkeys(("profiles", "holds", "accepted", "options"), everybody),
        **{key: {MANAGEMENT} for key in ("reservations", "lists", "cache")},
    }
    store.close()


@pytest.mark.parametrize("standing", [None, BEFORE], ids=["nobody_knows_who_is_there", "nothing_has_changed"])
def test_nothing_goes_without_a_change(used: Path, standing: Standing | None) -> None:
    everybody = {MANAGEMENT, OLD, OTHER}
    store, snapshot = start(used, "boot-2", standing)
    assert set(map(frozenset, left(snapshot).values())) == {frozenset(everybody)}
    store.close()


def test_every_table_of_an_upstream_either_goes_with_it_or_is_owed_to_it() -> None:
    owed = {"outbox", "parked", "notices", "options"}
    assert {*OF_AN_UPSTREAM, *OF_THE_AUTHORITY} | owed == set(_OWNED)


def test_how_long_a_queue_was_drained_is_counted_until_its_upstream_is_there_again(used: Path) -> None:
    without = Standing(frozenset({MANAGEMENT}), MANAGEMENT)
    store, _ = start(used, "boot-2", without)
    assert store.archive.draining.minutes(OLD) == 0
    store.archive.draining.note_minutes(OLD, 75)
    store.close()
    store, _ = start(used, "boot-3", without)
    assert store.archive.draining.minutes(OLD) == 75
    store.close()
    store, _ = start(used, "boot-4", BEFORE)
    assert store.archive.draining.minutes(OLD) == 0
    store.close()


@pytest.mark.rule("product.N10")
@pytest.mark.rule("two-upstreams.RC04")
def test_who_is_set_again_under_a_new_id_succeeds_to_what_the_old_one_is_owed(used: Path) -> None:
    new = UpstreamId("primary-2")
    store, _ = start(used, "boot-2", Standing(frozenset({MANAGEMENT, OTHER}), MANAGEMENT))
    store.commit([next(iter(session((OLD, MANAGEMENT), 2, online=False)))])
    store.close()
    standing = Standing(frozenset({MANAGEMENT, OTHER, new}), new, ((OLD, new),))
    for boot in ("boot-3", "boot-4"):  # the second time nothing is left to be done, and nothing is done
        store, snapshot = start(used, boot, standing)
        assert (store.depth(OLD), store.depth(new)) == (0, 4)
        assert {r.upstream for s in store.sessions() for r in s.receipts} == {MANAGEMENT, new}
        (running,) = snapshot.open_transactions
        assert running.authority == new
        assert new in left(snapshot)["options"]
        assert new not in left(snapshot)["holds"]
        store.close()
