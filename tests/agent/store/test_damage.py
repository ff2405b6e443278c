"""A row that cannot be read is moved aside, and nobody else's with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.database import Database
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
from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import (
    AuthorizationStatus,
    CacheVerdict,
    Entry,
    ListEntry,
    SaveHold,
    SaveList,
    SaveOption,
    SaveProfile,
    SaveReservation,
    Snapshot,
    Verdict,
)

ONE, TWO = UpstreamId("management"), UpstreamId("primary-1")
CARD, CONNECTOR, GOOD = IdToken("04A1"), ConnectorId(1), Verdict(AuthorizationStatus.ACCEPTED)
PROFILE = ChargingProfile(
    1,
    0,
    Purpose.TRANSACTION_DEFAULT,
    ProfileKind.RELATIVE,
    Schedule(RateUnit.AMPERE, (Period(0, 6.0),)),
)


def of(upstream: UpstreamId) -> tuple[Entry, ...]:
    """The same things, with the same ids and cards, for one upstream."""
    return (
        CacheVerdict(upstream, CARD, GOOD, Moment(1, 1)),
        SaveList(upstream, 1, True, (ListEntry(CARD, GOOD),)),
        SaveReservation(upstream, 7, CONNECTOR, CARD, 1000),
        SaveProfile(InstalledProfile(upstream, CONNECTOR, PROFILE)),
        SaveHold(upstream, CONNECTOR, True),
        SaveOption(upstream, "sample_interval_s", 10),
    )


def owners(snapshot: Snapshot) -> dict[str, list[UpstreamId]]:
    """Whose rows there are, by table."""
    return {
        "cache": [row.upstream for row in snapshot.cache],
        "list_entries": [row.upstream for row in snapshot.lists if row.entries],
        "reservations": [row.upstream for row in snapshot.reservations],
        "profiles": [row.upstream for row in snapshot.profiles],
        "options": [row.upstream for row in snapshot.options if row.upstream is not None],
    }


BREAK = {
    "cache": "UPDATE cache SET verdict = x'00' WHERE upstream = 1",
    "list_entries": "UPDATE list_entries SET entry = '{' WHERE upstream = 1",
    "reservations": "UPDATE reservations SET content = '{' WHERE upstream = 1",
    "profiles": "UPDATE profiles SET content = '[]' WHERE upstream = 1",
    "options": "UPDATE options SET value = '{' WHERE upstream = 1",
}


@pytest.mark.parametrize("table", BREAK)
def test_a_damaged_row_of_one_upstream_costs_no_row_of_another(tmp_path: Path, table: str) -> None:
    told: list[str] = []
    path = tmp_path / "state.db"
    store = Store(Database(path), lambda *_: None)
    store.open("first")
    store.commit([Record((*of(ONE), *of(TWO)), True)])
    store._database.execute(BREAK[table])
    store.close()
    store = Store(Database(path), lambda *_: None, told.append)
    snapshot = store.open("second")
    assert owners(snapshot) == {name: [TWO] if name == table else [ONE, TWO] for name in BREAK}
    assert [table in line for line in told] == [True]
    assert snapshot.parked_records == 1
    store.close()
    store = Store(Database(path), lambda *_: None)
    assert owners(store.open("third")) == owners(snapshot)
    store.close()
