"""A former upstream is let go: for how long, who hears of it, and what gets through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.inline_writer import InlineWriter
from agent.runtime.retiring import Leave, Leaver, RetiringMind, leaving, options_of
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.commands import ClearCache
from agent.vocabulary.effects import Effect, Publish, Record
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, UpstreamId
from agent.vocabulary.inputs import (
    CommandReceived,
    Input,
    MessageAcknowledged,
    Registration,
    SecurityEventSeen,
    UpstreamChanged,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.records import Acknowledge, SaveOption, Snapshot
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.standing import Owed
from tests.rig.sessions import render, session
from tests.rig.virtual_time import run_virtual

OLD = UpstreamId("primary-1")
HOUR_S = 3600.0


@dataclass
class FakeLink:
    """A link that is up for as long as it is let."""

    told: list[Effect] = field(default_factory=list)
    up: bool = False

    def tell(self, effect: Effect) -> None:
        self.told.append(effect)

    async def run(self) -> None:
        self.up = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.up = False


@dataclass
class House:
    """A store in which the former primary is owed a session, and what became of it."""

    store: Store
    link: FakeLink = field(default_factory=FakeLink)
    posted: list[Input] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    forgotten: list[UpstreamId] = field(default_factory=list)
    forget_fails: bool = False

    def leaver(self) -> Leaver:
        def tell(event: str, **fields: Any) -> None:
            self.log.append(str(fields))

        def forget(upstream: UpstreamId) -> None:
            if self.forget_fails:
                raise OSError(30, "read only")
            self.forgotten.append(upstream)

        writer = InlineWriter(self.store, self.posted.append, lambda upstream: None)
        leave = Leave(writer, self.posted.append, tell, (ConnectorId(1),), lambda: Moment(1, 0), forget)
        return Leaver(OLD, self.link, leave)

    def told_to_management(self) -> list[str]:
        kind = SecurityEventKind.UNDELIVERED_RECORDS
        return [one.tech_info for one in self.posted if isinstance(one, SecurityEventSeen) and one.kind is kind]

    def deliver(self) -> None:
        while (row := self.store.head(OLD)) is not None:
            foreign = "7" if row.kind.value == "start" else None
            self.store.commit([Record((Acknowledge(OLD, row.message_id, row.transaction, foreign),), True)])


@pytest.fixture
def house(tmp_path: Path) -> House:
    store = Store(Database(tmp_path / "state.db"), render)
    store.open("boot-1")
    store.commit(list(session((OLD, MANAGEMENT), 1, samples=1, online=False)))
    return House(store)


def lives(house: House, *acts: Callable[[], object] | float) -> None:
    """One life of the leaver: waits and acts, then the end of the agent."""

    async def main() -> None:
        running = asyncio.ensure_future(house.leaver().run())
        for act in acts:
            if isinstance(act, float):
                await asyncio.sleep(act)
            else:
                act()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtual(main(), limit_s=200 * HOUR_S)


@pytest.mark.rule("two-upstreams.RC05")
def test_the_link_ends_when_everything_is_delivered_and_the_credentials_are_forgotten(house: House) -> None:
    ups: list[bool] = []
    lives(house, 90.0, lambda: ups.append(house.link.up), house.deliver, 20.0, lambda: ups.append(house.link.up))
    assert (ups, house.forgotten) == ([True, False], [OLD])
    told = [one.event.condition for one in house.link.told if isinstance(one, Publish)]
    assert [(one.connector, one.operative) for one in told] == [(0, False), (1, False)]


@pytest.mark.rule("two-upstreams.RC05")
def test_an_empty_queue_ends_nothing_while_the_boot_may_still_fill_it(house: House) -> None:
    house.deliver()
    lives(house, 50.0)
    assert house.forgotten == []
    lives(house, 70.0)
    assert house.forgotten == [OLD]


@pytest.mark.rule("two-upstreams.RC04")
@pytest.mark.rule("two-upstreams.RC05")
def test_after_three_days_of_running_it_is_over_whatever_waits_and_management_hears_how_much(house: House) -> None:
    lives(house, 40 * HOUR_S)
    lives(house, 31 * HOUR_S)
    assert house.forgotten == []
    lives(house, 2 * HOUR_S)
    assert house.forgotten == [OLD]
    assert house.store.depth(OLD) == 3, "it stays for its ninety days"
    assert house.told_to_management() == ["primary-1 was removed: 3 messages wait and 0 were given up"] * 4


def test_credentials_that_cannot_be_removed_are_told_of(house: House) -> None:
    house.forget_fails = True
    lives(house, 65.0, house.deliver, 20.0)
    assert any("could not be removed" in line for line in house.log)


@pytest.mark.rule("two-upstreams.RC05")
def test_it_has_no_voice_in_anything_but_its_own_records() -> None:
    class Mind:
        posted: list[Input] = []  # noqa: RUF012

        def post(self, given: Input) -> None:
            self.posted.append(given)

        def options(self, upstream: UpstreamId) -> UpstreamOptions:
            raise KeyError(upstream)

        def crowded(self, upstream: UpstreamId) -> bool:
            return upstream == OLD

    mind = Mind()
    door = RetiringMind(mind, UpstreamOptions())
    for given in (
        MessageAcknowledged(OLD, "1", None),
        UpstreamChanged(OLD, True, Registration.ACCEPTED),
        CommandReceived(OLD, 1, ClearCache()),
    ):
        door.post(given)
    assert mind.posted == [MessageAcknowledged(OLD, "1", None)]
    assert door.options(OLD) == UpstreamOptions()
    assert door.crowded(OLD)


@pytest.mark.rule("product.A11")
def test_the_link_stays_while_a_transaction_that_it_knows_of_runs_on(house: House) -> None:
    """A meter that signs may take minutes to end it, and what was resumed takes hours: the stop is still to come."""
    house.deliver()
    start, *_, stop = session((OLD, MANAGEMENT), 2, online=False)
    house.store.commit([start])
    house.deliver()
    lives(house, HOUR_S)
    assert house.forgotten == []
    lives(house, HOUR_S, lambda: house.store.commit([stop]), 60.0)
    assert house.forgotten == [], "and the stop has to be delivered"
    house.deliver()
    lives(house, 80.0)
    assert house.forgotten == [OLD]


def test_who_is_owed_something_or_has_a_transaction_open_gets_a_link(house: House) -> None:
    nobody = Snapshot(2, False)
    other = UpstreamId("operator-1")
    assert leaving([OLD, other], [Owed(OLD, 1, 0), Owed(MANAGEMENT, 5, 0)], nobody) == {OLD}
    assert leaving([OLD], [Owed(OLD, 0, 3)], nobody) == frozenset()
    house.store.commit([next(iter(session((OLD,), 2, online=False)))])
    house.store.close()
    open_one = house.store.open("boot-2")
    assert leaving([OLD, other], [], open_one) == {OLD}


def test_the_link_keeps_to_the_options_that_the_upstream_had_set() -> None:
    saved = (SaveOption(OLD, "message_timeout_s", 17), SaveOption(MANAGEMENT, "message_timeout_s", 5))
    assert options_of(OLD, Snapshot(2, False, options=saved)).message_timeout_s == 17
