"""The arbiter: several connectors under everything that limits them, judged by what may flow on each phase."""

from __future__ import annotations

import random

import pytest

from agent.station.power.turns import TURN_MS
from agent.vocabulary.charging import ChargingProfile, Period, ProfileFilter, ProfileKind, Purpose, RateUnit, Schedule
from agent.vocabulary.commands import ClearProfiles, GetComposite, SetOption, SetProfile
from agent.vocabulary.feeds import FeedOptions, GridOptions
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, UpstreamId
from agent.vocabulary.records import SaveOption, Snapshot
from hal.api import GridSeen
from tests.agent.station.driver import PRIMARY, WALL, Driver, connector
from tests.agent.station.fleet import Fleet

ONE, TWO = ConnectorId(1), ConnectorId(2)
LEAST_A = 6.0


def maximum(limit: float, number: int = 1) -> ChargingProfile:
    """A limit of the station."""
    schedule = Schedule(RateUnit.AMPERE, (Period(0, limit),), None, WALL)
    return ChargingProfile(number, 0, Purpose.STATION_MAXIMUM, ProfileKind.ABSOLUTE, schedule)


def default(limit: float, number: int = 2) -> ChargingProfile:
    """A limit of a connector."""
    schedule = Schedule(RateUnit.AMPERE, (Period(0, limit),), None, WALL)
    return ChargingProfile(number, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.ABSOLUTE, schedule)


def fleet(count: int, **more: object) -> Fleet:
    return Fleet([connector(n) for n in range(1, count + 1)], **more)


@pytest.mark.rule("product.N5")
@pytest.mark.rule("ocpp16.C05")
def test_two_share_evenly_and_what_one_cannot_use_the_other_has() -> None:
    driver = fleet(2, maximum_current_a=20.0)
    driver.begin(1, 2)
    driver.pass_time(15)
    assert driver.offered() == {1: 10, 2: 10}
    assert driver.reason(2) == "share of 20 A (maximum of the station)"
    driver.command(PRIMARY, SetProfile(ONE, default(7)))
    driver.pass_time(15)
    assert driver.offered() == {1: 7, 2: 13}


@pytest.mark.rule("product.N5")
def test_the_second_begins_only_when_the_first_has_followed() -> None:
    """A car has five seconds; until they are over its old current counts."""
    driver = fleet(2, maximum_current_a=20.0)
    driver.begin(1)
    driver.pass_time(8)
    assert driver.offered() == {1: 20, 2: None}
    driver.begin(2)
    assert driver.offered() == {1: 10, 2: None}
    assert "until connector 1 has followed" in driver.reason(2)
    driver.pass_time(4.9)
    assert driver.offered()[2] is None
    driver.pass_time(2)
    assert driver.offered() == {1: 10, 2: 10}


@pytest.mark.rule("product.N5")
def test_where_not_all_can_have_six_amperes_they_are_charged_in_turn() -> None:
    driver = fleet(3, maximum_current_a=10.0)
    driver.begin(1, 2, 3)
    driver.pass_time(20)
    assert [a is not None for a in driver.offered().values()] == [True, False, False]
    assert driver.reason(2) == "others are charged in turn, since not all can have 6 A of 10 A (maximum of the station)"
    charged = dict.fromkeys((1, 2, 3), 0)
    for _ in range(6 * 15):
        driver.pass_time(60, meter=False)
        for number in driver.energy:
            driver.meter(number)
        offers = {n for n, a in driver.offered().items() if a is not None}
        assert len(offers) <= 1
        for number in offers:
            charged[number] += 1
    assert max(charged.values()) - min(charged.values()) <= TURN_MS / 60_000 + 1, charged


@pytest.mark.rule("product.N5")
def test_phases_are_shared_as_the_connectors_are_wired() -> None:
    """Three connectors of one phase each, on three phases of the feed: nobody takes anything from anybody."""
    driver = Fleet([connector(n, phases=1) for n in (1, 2, 3)], maximum_current_a=16.0)
    driver.begin(1, 2, 3)
    driver.pass_time(20)
    assert sorted(a or 0 for a in driver.offered().values()) == [0, 8, 8]
    driver.command(PRIMARY, SetOption("connector_phase_rotation", "1.RST,2.STR,3.TRS"))
    driver.pass_time(20)
    assert driver.offered() == {1: 16, 2: 16, 3: 16}
    driver.command(PRIMARY, SetOption("connector_phase_rotation", "1.RST,2.Unknown,3.TRS"))
    driver.pass_time(20)
    assert driver.offered() == {1: 8, 2: 8, 3: 8}


@pytest.mark.rule("product.N5")
@pytest.mark.rule("ocpp16.C05")
def test_a_maximum_in_watts_is_kept_by_all_phases_together() -> None:
    """Three connectors of one phase each, on three phases of the feed: no phase shows what they draw in all."""
    driver = Fleet([connector(n, phases=1) for n in (1, 2, 3)])
    driver.command(PRIMARY, SetOption("connector_phase_rotation", "1.RST,2.STR,3.TRS"))
    schedule = Schedule(RateUnit.WATT, (Period(0, 3680.0),), None, WALL)
    profile = ChargingProfile(1, 0, Purpose.STATION_MAXIMUM, ProfileKind.ABSOLUTE, schedule)
    driver.command(PRIMARY, SetProfile(STATION, profile))
    driver.begin(1)
    driver.pass_time(15)
    assert driver.offered() == {1: 16, 2: None, 3: None}
    driver.begin(2, 3)
    driver.pass_time(15)
    assert sorted(a or 0 for a in driver.offered().values()) == [0, 8, 8]
    assert driver.reason(2) == f"share of 16 A (ChargePointMaxProfile 1 of {PRIMARY})"
    told = driver.command(PRIMARY, GetComposite(ONE, 60, RateUnit.WATT))
    assert told is not None
    assert told.composite is not None
    assert [period.limit for period in told.composite.periods] == [1226.6]
    driver.command(PRIMARY, SetProfile(STATION, maximum(16.0)))
    driver.pass_time(15)
    assert driver.offered() == {1: 16, 2: 16, 3: 16}


@pytest.mark.rule("product.N5")
def test_a_car_that_was_seen_on_one_phase_for_a_minute_leaves_the_others_to_its_neighbour() -> None:
    driver = fleet(2, maximum_current_a=20.0)
    driver.phases_used[ONE] = (0,)
    driver.phases_used[TWO] = (1, 2)
    driver.begin(1, 2)
    driver.pass_time(50)
    assert driver.offered() == {1: 10, 2: 10}
    driver.pass_time(30)
    assert driver.offered() == {1: 20, 2: 20}
    driver.phases_used[ONE] = (0, 1, 2)
    driver.pass_time(8)
    assert driver.offered() == {1: 10, 2: 10}


@pytest.mark.rule("product.N5")
def test_a_feed_of_its_own_bears_less_than_the_station() -> None:
    feeds = (FeedOptions("left", (ONE, TWO), 20.0),)
    driver = fleet(3, maximum_current_a=40.0, feeds=feeds)
    driver.begin(1, 2, 3)
    driver.pass_time(20)
    assert driver.offered() == {1: 10, 2: 10, 3: 20}
    assert driver.reason(1) == "share of 20 A (maximum of feed left)"


@pytest.mark.rule("product.N5")
@pytest.mark.rule("INV-9")
@pytest.mark.rule("ATK-21")
@pytest.mark.parametrize("seed", range(2))
def test_whatever_all_upstreams_set_nothing_may_flow_beyond_the_station(seed: int) -> None:
    """Random limits of two upstreams on three connectors; second by second what may flow is summed up."""
    chance = random.Random(seed)
    driver = fleet(3, maximum_current_a=32.0)
    caps: dict[UpstreamId, float] = {}
    driver.begin(1, 2, 3)
    fell_ms = driver.ms
    for _ in range(150):
        upstream = chance.choice([PRIMARY, MANAGEMENT])
        before = min(caps.values(), default=32.0)
        if chance.random() < 0.3:
            caps[upstream] = chance.choice([0.0, 5.0, 6.0, 13.0, 19.5, 32.0, 63.0])
            driver.command(upstream, SetProfile(STATION, maximum(caps[upstream])))
        elif chance.random() < 0.2:
            caps.pop(upstream, None)
            driver.command(upstream, ClearProfiles(ProfileFilter(id=1)))
        elif chance.random() < 0.5:
            driver.command(
                upstream, SetProfile(chance.choice([ONE, TWO]), default(chance.choice([0, 4, 6, 9.5, 16, 32])))
            )
        bears = min([32.0, *caps.values()])
        fell_ms = driver.ms if bears < before else fell_ms
        assert sum(a or 0 for a in driver.offered().values()) <= bears + 1e-6
        for _ in range(chance.choice([1, 1, 2, 8])):
            driver.pass_time(1)
            assert all(a is None or a >= LEAST_A for a in driver.offered().values())
            if driver.ms >= fell_ms + 6500:
                flows = sum(driver.may_flow(n) for n in (1, 2, 3))
                assert flows <= bears + 1e-6, f"seed {seed}, {driver.ms} ms: {flows} A of {bears} A"


# ------------------------------------------------------------------------------------------------------ leases


def lease(driver: Driver, seconds: int, failsafe_a: int, upstream: UpstreamId = MANAGEMENT) -> None:
    driver.command(upstream, SetOption("limit_lease_s", seconds))
    driver.command(upstream, SetOption("failsafe_limit_a", failsafe_a))


def leased(upstream: UpstreamId = MANAGEMENT) -> Snapshot:
    """A former life had a lease of a minute and a failsafe of 8 A."""
    options = (SaveOption(upstream, "limit_lease_s", 60), SaveOption(upstream, "failsafe_limit_a", 8))
    return Snapshot(1, False, options=options)


@pytest.mark.rule("product.2.5")
def test_an_upstream_that_is_silent_for_longer_than_its_lease_is_followed_by_its_failsafe_until_it_returns() -> None:
    driver = fleet(1)
    driver.begin(1)
    lease(driver, 60, 8)
    driver.pass_time(58)
    assert driver.offered() == {1: 20}
    driver.pass_time(5)
    assert driver.offered() == {1: 8}
    assert driver.reason(1) == "failsafe of management, silent for longer than 60 s"
    driver.command(MANAGEMENT, GetComposite(ONE, 60, RateUnit.AMPERE))
    driver.pass_time(8)
    assert driver.offered() == {1: 20}


@pytest.mark.rule("product.2.5")
def test_a_failsafe_raises_nothing() -> None:
    driver = fleet(1)
    driver.begin(1)
    driver.command(PRIMARY, SetProfile(ONE, default(7)))
    lease(driver, 60, 16)
    driver.pass_time(90)
    assert driver.offered() == {1: 7}


@pytest.mark.rule("product.2.5")
def test_without_a_lease_silence_means_nothing() -> None:
    driver = fleet(1)
    driver.begin(1)
    driver.command(MANAGEMENT, SetOption("failsafe_limit_a", 6))
    driver.disconnect(MANAGEMENT)
    driver.pass_time(3600, meter=False)
    driver.meter()
    assert driver.offered() == {1: 20}


@pytest.mark.rule("product.2.5")
@pytest.mark.rule("INV-9")
def test_no_restart_lifts_a_failsafe_and_the_first_word_does() -> None:
    driver = fleet(1, snapshot=leased(), online=False)
    driver.connect(PRIMARY)
    driver.connect(MANAGEMENT)  # a link alone says nothing
    driver.begin(1)
    driver.pass_time(5)
    assert driver.offered() == {1: 8}
    assert driver.reason(1) == "failsafe of management, not heard since the start"
    driver.command(MANAGEMENT, GetComposite(ONE, 60, RateUnit.AMPERE))
    driver.pass_time(8)
    assert driver.offered() == {1: 20}


@pytest.mark.rule("product.N11")
def test_a_removed_upstream_takes_its_lease_with_it() -> None:
    driver = fleet(1, snapshot=leased(UpstreamId("operator-9")))
    driver.begin(1)
    driver.pass_time(90)
    assert driver.offered() == {1: 20}


# -------------------------------------------------------------------------------------------------------- grid


@pytest.mark.rule("product.N5")
def test_the_main_fuse_is_kept_by_what_the_house_leaves() -> None:
    driver = fleet(2, grid=GridOptions(25.0, 6.0))
    driver.begin(1, 2)

    def house(seconds: int, *load: float) -> None:
        for _ in range(seconds):
            driver.pass_time(1)
            own = [sum(driver.current.values())] * 3
            driver.give(GridSeen(tuple(a + b for a, b in zip(own, load, strict=True))))  # type: ignore[arg-type]

    house(80, 1.0, 5.0, 0.0)
    assert driver.offered() == {1: 10, 2: 10}
    house(12, 1.0, 5.0, 11.0)
    assert driver.offered() == {1: 7, 2: 7}
    assert driver.reason(1) == "share of 14 A (main fuse of 25 A, the house draws 11.0 A on L3)"
    house(10, 1.0, 5.0, 0.0)
    assert driver.offered() == {1: 7, 2: 7}  # down at once, up slowly
    house(80, 1.0, 5.0, 0.0)
    assert driver.offered() == {1: 10, 2: 10}
    driver.pass_time(18)  # the meter is dead
    offers = driver.offered()
    assert sorted(a or 0 for a in offers.values()) == [0, 6]


@pytest.mark.rule("product.N5")
def test_before_the_grid_meter_was_ever_read_the_safe_current_holds() -> None:
    driver = fleet(1, grid=GridOptions(25.0, 6.0))
    driver.begin(1)
    driver.pass_time(3)
    assert driver.offered() == {1: 6}
    assert driver.reason(1) == "share of 6 A (the grid meter says nothing: safe current)"


# ------------------------------------------------------------------------------------------------- two upstreams


@pytest.mark.rule("two-upstreams.TU01")
@pytest.mark.rule("product.P9")
@pytest.mark.parametrize("order", [(PRIMARY, MANAGEMENT), (MANAGEMENT, PRIMARY)])
def test_when_both_limit_at_one_instant_the_lower_holds_whoever_came_first(order: tuple[UpstreamId, ...]) -> None:
    driver = fleet(1)
    driver.begin(1)
    driver.pass_time(6)
    limits = {PRIMARY: 9.0, MANAGEMENT: 7.0}
    for upstream in order:
        driver.command(upstream, SetProfile(ONE, default(limits[upstream])))
    assert driver.offered() == {1: 7}
    result = driver.command(PRIMARY, GetComposite(ONE, 60, RateUnit.AMPERE))
    assert result is not None
    assert result.composite is not None
    assert [p.limit for p in result.composite.periods] == [7]


@pytest.mark.rule("ocpp16.C05")
@pytest.mark.rule("ocpp16.C16")
def test_a_composite_tells_the_share_beside_those_that_charge() -> None:
    driver = fleet(2)
    driver.begin(1, 2)
    driver.command(MANAGEMENT, SetProfile(STATION, maximum(18)))
    driver.command(PRIMARY, SetProfile(TWO, default(6)))
    driver.pass_time(15)
    assert driver.offered() == {1: 12, 2: 6}
    for number, wanted in ((ONE, 12), (TWO, 6), (STATION, 18)):
        result = driver.command(PRIMARY, GetComposite(number, 60, RateUnit.AMPERE))
        assert result is not None
        assert result.composite is not None
        assert [p.limit for p in result.composite.periods] == [wanted]


@pytest.mark.rule("INV-9")
def test_a_limit_that_falls_by_a_hundredth_of_an_ampere_is_kept_too() -> None:
    driver = fleet(1)
    driver.begin(1)
    driver.pass_time(6)
    driver.command(PRIMARY, SetProfile(ONE, default(7.28)))
    driver.command(PRIMARY, SetProfile(ONE, default(7.25)))
    assert driver.offered() == {1: 7.25}
    driver.command(PRIMARY, SetProfile(ONE, default(7.28)))
    driver.pass_time(8)
    assert driver.offered() == {1: 7.25}  # a raise of so little is none
