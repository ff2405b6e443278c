"""Several upstreams are asked about one card: who is, whose word counts, and what it owns from then on."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.vocabulary import effects as fx
from agent.vocabulary.charging import ChargingProfile, Period, ProfileFilter, ProfileKind, Purpose, RateUnit, Schedule
from agent.vocabulary.commands import (
    CancelReservation,
    ClearCache,
    ClearProfiles,
    RemoteStart,
    RemoteStop,
    Reserve,
    ResultStatus,
    SetProfile,
)
from agent.vocabulary.events import StopReason, TransactionStarted, TransactionStopped
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.inputs import AuthorizeAnswered
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AfterPowerLoss, UpstreamOptions
from agent.vocabulary.records import Asked, AuthorizationStatus, CacheVerdict, LadderStep, Snapshot, Verdict, WipeCache
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services
from agent.vocabulary.upstreams import Role, UpstreamSetup
from tests.agent.station.driver import ACCEPTED, CARD, INVALID, OTHER_CARD, PRIMARY, WALL, Driver

NORTH, SOUTH = UpstreamId("operator-1"), UpstreamId("operator-2")
BLOCKED = Verdict(AuthorizationStatus.BLOCKED)
ALL = (PRIMARY, NORTH, SOUTH)
TO_NORTH = CardServices((RouteRule(RouteBy.CONNECTOR, "1", NORTH),))
BOTH = Services(online=True, broadcast=True)
SILENCE_S = 10.1


def setups(north: Services | None = BOTH, south: Services | None = BOTH, **billing: object) -> list[UpstreamSetup]:
    """Management, the primary, and two operators that are asked in broadcasts."""
    options = UpstreamOptions(**billing)  # type: ignore[arg-type]
    return [
        UpstreamSetup(MANAGEMENT, Role.DATA_AND_CONTROL, UpstreamOptions()),
        UpstreamSetup(PRIMARY, Role.BILLING, options, "Billing"),
        UpstreamSetup(NORTH, Role.DATA_AND_CONTROL, UpstreamOptions(), "North", north),
        UpstreamSetup(SOUTH, Role.DATA_AND_CONTROL, UpstreamOptions(), "South", south),
    ]


def station(**more: object) -> Driver:
    driver = Driver(upstreams=more.pop("upstreams", setups()), **more)  # type: ignore[arg-type]
    driver.plug()
    return driver


def asked(driver: Driver) -> list[UpstreamId]:
    return [ask.upstream for ask in driver.all(fx.Ask)]


def answer(driver: Driver, upstream: UpstreamId, verdict: Verdict | None) -> None:
    driver.verdict(verdict, upstream)


def step(driver: Driver) -> LadderStep:
    return driver.entries(LadderStep)[-1]


def run(driver: Driver) -> None:
    """From authorised to energy."""
    driver.locked()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.current[1] = 16.0
    driver.contactor(True)
    driver.meter()


def authority(driver: Driver) -> UpstreamId:
    transaction = driver.station._connectors[ConnectorId(1)].transaction
    assert transaction is not None
    return transaction.record.authority


# -------------------------------------------------------------------------------------------------------- asking


@pytest.mark.rule("product.H4")
@pytest.mark.rule("product.H6")
def test_nobody_but_billing_is_asked_as_shipped_and_management_never_beside_it() -> None:
    driver = station(upstreams=setups(None, None))
    driver.card()
    assert asked(driver) == [PRIMARY]
    driver.pass_time(SILENCE_S)
    assert asked(driver) == [PRIMARY]
    assert driver.state() == "waiting_card"


@pytest.mark.rule("product.H4")
def test_a_broadcast_asks_all_in_one_turn_with_one_deadline() -> None:
    driver = station()
    driver.card()
    asks = driver.all(fx.Ask, driver.last)
    assert [ask.upstream for ask in asks] == [PRIMARY, NORTH, SOUTH]
    assert {ask.deadline_s for ask in asks} == {10.0}


@pytest.mark.rule("product.H4")
@pytest.mark.rule("product.H5")
@pytest.mark.rule("INV-7")
@pytest.mark.parametrize("verdict", [INVALID, BLOCKED, None])
def test_a_routed_card_is_its_owners_alone_whatever_that_one_says(verdict: Verdict | None) -> None:
    driver = station(cards=TO_NORTH)
    driver.card()
    assert asked(driver) == [NORTH]
    answer(driver, PRIMARY, ACCEPTED)
    answer(driver, SOUTH, ACCEPTED)
    assert driver.state() == "waiting_card"
    assert not driver.entries(CacheVerdict), "nobody asked them"
    answer(driver, NORTH, verdict)
    assert driver.state() == "waiting_card"
    assert asked(driver) == [NORTH]


@pytest.mark.rule("product.H5")
@pytest.mark.rule("product.P5")
@pytest.mark.parametrize("order", list(permutations(ALL)))
@pytest.mark.parametrize(
    ("billing", "north", "south", "owner"),
    [
        (ACCEPTED, ACCEPTED, ACCEPTED, PRIMARY),
        (BLOCKED, ACCEPTED, ACCEPTED, None),
        (Verdict(AuthorizationStatus.EXPIRED), ACCEPTED, ACCEPTED, None),
        (INVALID, ACCEPTED, ACCEPTED, NORTH),
        (INVALID, BLOCKED, ACCEPTED, SOUTH),
        (INVALID, INVALID, INVALID, None),
        (None, ACCEPTED, ACCEPTED, NORTH),
        (None, INVALID, ACCEPTED, SOUTH),
        (None, None, None, None),
    ],
)
def test_the_outcome_is_the_same_in_whatever_order_they_answer(
    order: tuple[UpstreamId, ...],
    billing: Verdict | None,
    north: Verdict | None,
    south: Verdict | None,
    owner: UpstreamId | None,
) -> None:
    driver = station()
    driver.card()
    for upstream in order:
        answer(driver, upstream, dict(zip(ALL, (billing, north, south), strict=True))[upstream])
    assert driver.state() == ("waiting_card" if owner is None else "locking")
    if owner is not None:
        run(driver)
        assert authority(driver) == owner


@pytest.mark.rule("product.H5")
def test_peers_wait_for_billing_until_the_deadline_and_not_longer() -> None:
    driver = station()
    driver.card()
    answer(driver, NORTH, ACCEPTED)
    driver.pass_time(9.9)
    assert driver.state() == "waiting_card"
    driver.pass_time(0.2)
    assert driver.state() == "locking"
    answer(driver, PRIMARY, BLOCKED)  # too late to say no
    assert driver.state() == "locking"


@pytest.mark.rule("product.H5")
@pytest.mark.rule("INV-7")
def test_accepted_behind_the_deadline_starts_nothing_whoever_says_it() -> None:
    driver = station()
    driver.card()
    driver.ms += 10_000  # and no tick came
    for upstream in ALL:
        answer(driver, upstream, ACCEPTED)
    assert driver.state() == "waiting_card"
    assert step(driver).asked == tuple(Asked(one, "no answer", 10_000) for one in ALL)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
@pytest.mark.parametrize("upstream", ALL)
def test_an_answer_after_unplugging_or_a_second_look_at_the_card_does_nothing(upstream: UpstreamId) -> None:
    driver = station()
    driver.card()
    driver.unplug()
    answer(driver, upstream, ACCEPTED)
    driver.plug()
    assert driver.state() == "waiting_card"
    driver.card()
    driver.card()  # cancelled
    answer(driver, upstream, ACCEPTED)
    assert driver.state() == "waiting_card"


def test_who_is_out_of_reach_is_not_asked_and_not_waited_for() -> None:
    driver = station()
    driver.disconnect(PRIMARY)
    driver.disconnect(SOUTH)
    driver.card()
    assert asked(driver) == [NORTH]
    answer(driver, NORTH, ACCEPTED)
    assert driver.state() == "locking"


def test_a_link_that_is_lost_while_it_is_asked_counts_as_no_answer() -> None:
    driver = station()
    driver.card()
    answer(driver, SOUTH, ACCEPTED)
    driver.disconnect(PRIMARY)
    answer(driver, PRIMARY, None)
    driver.disconnect(NORTH)
    answer(driver, NORTH, None)
    assert driver.state() == "locking"


def test_nobody_is_asked_at_a_station_that_billing_has_never_accepted() -> None:
    driver = Driver(upstreams=setups(), online=False)
    driver.connect(NORTH)
    driver.plug()
    driver.card()
    assert asked(driver) == []
    assert step(driver).rule == "never_accepted"


# ------------------------------------------------------------------------------------------------------ the owner


def owned_by_north(**more: object) -> Driver:
    driver = station(**more)
    driver.card()
    for upstream, verdict in zip(ALL, (INVALID, ACCEPTED, INVALID), strict=True):
        answer(driver, upstream, verdict)
    run(driver)
    return driver


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("product.A9")
def test_the_owners_verdict_on_the_start_counts_and_nobody_elses() -> None:
    driver = owned_by_north()
    for upstream in (MANAGEMENT, PRIMARY, SOUTH):
        driver.acknowledge_start(upstream, "7", INVALID)
    assert driver.state() == "running"
    driver.acknowledge_start(NORTH, "7", INVALID)
    assert driver.state() == "stopping"
    driver.finish()
    for upstream in (MANAGEMENT, *ALL):
        stop = driver.rows(upstream)[-1].event
        assert isinstance(stop, TransactionStopped)
        assert stop.reason is StopReason.DE_AUTHORIZED


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("two-upstreams.TU04")
@pytest.mark.rule("product.P3")
def test_the_owner_alone_stops_it_remotely_though_all_gave_the_same_id() -> None:
    driver = owned_by_north()
    for upstream in (MANAGEMENT, *ALL):
        driver.acknowledge_start(upstream, "7")
    for upstream in (MANAGEMENT, PRIMARY, SOUTH):
        result = driver.command(upstream, RemoteStop("7"))
        assert result is not None
        assert result.status is ResultStatus.REJECTED
        assert driver.state() == "running"
    result = driver.command(NORTH, RemoteStop("7"))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    assert driver.state() == "stopping"


@pytest.mark.rule("product.A9")
def test_everybody_is_told_of_it_and_the_owner_owns_no_other() -> None:
    driver = owned_by_north()
    assert all(isinstance(driver.rows(one)[0].event, TransactionStarted) for one in (MANAGEMENT, *ALL))
    refused = driver.command(NORTH, RemoteStart(IdToken(CARD), ConnectorId(1)))
    assert refused is not None
    assert refused.status is ResultStatus.REJECTED


@pytest.mark.rule("two-upstreams.TU03")
def test_a_card_of_the_same_group_ends_it_only_by_the_owners_word() -> None:
    family = replace(ACCEPTED, parent=IdToken("FAMILY"))
    driver = station()
    driver.card()
    for upstream, verdict in zip(ALL, (INVALID, family, INVALID), strict=True):
        answer(driver, upstream, verdict)
    run(driver)
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, family)  # another operator's group of that name
    assert driver.state() == "running"
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, INVALID)
    answer(driver, NORTH, family)
    assert driver.state() == "stopping"


@pytest.mark.rule("two-upstreams.TU03")
def test_a_cable_that_is_held_for_a_group_is_let_go_only_by_the_owners_word() -> None:
    family = replace(ACCEPTED, parent=IdToken("FAMILY"))
    driver = owned_by_north()
    driver.acknowledge_start(NORTH, "1", replace(INVALID, parent=IdToken("FAMILY")))
    driver.finish()
    unlocked = fx.DriveLock(ConnectorId(1), False)
    assert unlocked not in driver.log
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, family)  # another operator's group of that name
    assert unlocked not in driver.log
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, INVALID)
    answer(driver, NORTH, family)
    answer(driver, SOUTH, INVALID)
    assert unlocked in driver.log


def test_after_a_crash_the_transaction_of_a_peer_is_still_its_own() -> None:
    driver = owned_by_north()
    record = driver.station._connectors[ConnectorId(1)].record
    assert record is not None
    again = Driver(
        upstreams=setups(),
        snapshot=Snapshot(1, True, open_transactions=(record,), accepted=(PRIMARY,)),
        after_power_loss=AfterPowerLoss.RESUME,
        ready=False,
    )
    again.ms = driver.ms
    again.hardware_ready()
    again.pilot("C", True)
    again.locked()
    again.answer_meter()
    assert again.state() == "running", [note.text for note in again.all(fx.Note)]
    assert authority(again) == NORTH


# ---------------------------------------------------------------------------------------------------- what is known


def known(*rows: tuple[UpstreamId, Verdict]) -> Snapshot:
    cache = tuple(CacheVerdict(one, IdToken(CARD), verdict, Moment(1, 0)) for one, verdict in rows)
    return Snapshot(1, False, accepted=(PRIMARY,), cache=cache)


def offline(snapshot: Snapshot, **more: object) -> Driver:
    driver = Driver(online=False, snapshot=snapshot, upstreams=more.pop("upstreams", setups()), **more)  # type: ignore[arg-type]
    driver.plug()
    driver.card()
    return driver


@pytest.mark.rule("two-upstreams.RC06")
@pytest.mark.rule("product.P6")
@pytest.mark.parametrize(
    ("rows", "owner"),
    [
        (((PRIMARY, ACCEPTED),), PRIMARY),
        (((NORTH, ACCEPTED), (SOUTH, ACCEPTED)), NORTH),
        (((PRIMARY, INVALID), (SOUTH, ACCEPTED)), SOUTH),
        (((PRIMARY, BLOCKED), (SOUTH, ACCEPTED)), None),
        (((MANAGEMENT, ACCEPTED),), None),
    ],
)
def test_what_was_answered_before_is_judged_as_the_answers_would_be(
    rows: tuple[tuple[UpstreamId, Verdict], ...], owner: UpstreamId | None
) -> None:
    driver = offline(known(*rows))
    assert driver.state() == ("waiting_card" if owner is None else "locking")
    if owner is not None:
        run(driver)
        assert authority(driver) == owner


@pytest.mark.rule("two-upstreams.RC06")
def test_what_an_upstream_said_before_counts_only_while_it_would_be_asked() -> None:
    driver = offline(known((NORTH, ACCEPTED)), upstreams=setups(Services(online=True), None))
    assert driver.state() == "waiting_card"
    driver = offline(known((NORTH, ACCEPTED)), upstreams=setups(Services(online=True), None), cards=TO_NORTH)
    assert driver.state() == "locking"


def test_an_answer_is_remembered_for_the_upstream_that_gave_it() -> None:
    driver = station()
    driver.card()
    answer(driver, PRIMARY, INVALID)
    answer(driver, NORTH, ACCEPTED)
    assert [(row.upstream, row.verdict) for row in driver.entries(CacheVerdict)] == [
        (PRIMARY, INVALID),
        (NORTH, ACCEPTED),
    ]
    run(driver)
    driver.acknowledge_start(SOUTH, "7", BLOCKED)
    driver.acknowledge_start(PRIMARY, "7", BLOCKED)
    assert len(driver.entries(CacheVerdict)) == 2, "a verdict on a mirrored start is nobody's word on the card"
    driver.acknowledge_start(NORTH, "7", Verdict(AuthorizationStatus.ACCEPTED, IdToken("FAMILY")))
    assert driver.entries(CacheVerdict)[-1].upstream == NORTH


@pytest.mark.rule("product.P6")
def test_billing_clears_what_everybody_said_and_the_others_clear_nothing() -> None:
    driver = station()
    driver.card()
    answer(driver, PRIMARY, INVALID)
    answer(driver, NORTH, ACCEPTED)
    for upstream in (MANAGEMENT, NORTH, SOUTH):
        refused = driver.command(upstream, ClearCache())
        assert refused is not None
        assert refused.status is ResultStatus.REJECTED
    driver.command(PRIMARY, ClearCache())
    assert [row.upstream for row in driver.entries(WipeCache)] == [PRIMARY, NORTH]


# ------------------------------------------------------------------------------------------------------ reservations

RESERVING = CardServices(reservations=NORTH)


def reserve(driver: Driver, upstream: UpstreamId, token: str, parent: str | None = None) -> ResultStatus:
    until = WALL + driver.ms + 3_600_000
    wish = Reserve(5, ConnectorId(1), IdToken(token), until, IdToken(parent) if parent else None)
    result = driver.command(upstream, wish)
    assert result is not None
    return result.status


@pytest.mark.rule("product.H10")
def test_who_has_the_service_reserves_and_who_authorises_does_not() -> None:
    driver = Driver(upstreams=setups(None, None), cards=RESERVING)
    for upstream in (MANAGEMENT, PRIMARY, SOUTH):
        assert reserve(driver, upstream, CARD) is ResultStatus.REJECTED
    assert reserve(driver, NORTH, CARD) is ResultStatus.ACCEPTED
    assert driver.told(PRIMARY)[-1].reserved
    assert driver.told(MANAGEMENT)[-1].reserved
    driver.plug()
    driver.card(OTHER_CARD)
    assert not asked(driver), "it is kept for another card"
    driver.card(CARD)
    driver.verdict(ACCEPTED, PRIMARY)
    run(driver)
    ids = {one: driver.rows(one)[0].event for one in (MANAGEMENT, *ALL)}
    told = {one: event.reservation for one, event in ids.items() if isinstance(event, TransactionStarted)}
    assert told == {MANAGEMENT: None, PRIMARY: None, NORTH: 5, SOUTH: None}


@pytest.mark.rule("product.H10")
def test_a_parent_is_known_by_the_word_of_who_reserves_and_of_nobody_else() -> None:
    family = replace(ACCEPTED, parent=IdToken("FAMILY"))
    driver = Driver(upstreams=setups(), cards=RESERVING)
    assert reserve(driver, NORTH, CARD, "FAMILY") is ResultStatus.ACCEPTED
    driver.plug()
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, family)
    assert driver.state() == "waiting_card"
    assert (step(driver).stage, step(driver).answer, step(driver).rule) == (
        "connector",
        "Refused",
        "reserved for another card",
    )
    assert driver.station.overview(driver.now).connectors[0].last_refusal == "reserved for another card"
    driver.card(OTHER_CARD)
    answer(driver, PRIMARY, INVALID)
    answer(driver, NORTH, family)
    assert driver.state() == "locking"


def test_a_cancellation_by_anybody_else_cancels_nothing() -> None:
    driver = Driver(upstreams=setups(None, None), cards=RESERVING)
    reserve(driver, NORTH, CARD)
    for upstream in (MANAGEMENT, PRIMARY, SOUTH):
        driver.command(upstream, CancelReservation(5))
    assert driver.told(PRIMARY)[-1].reserved
    driver.command(NORTH, CancelReservation(5))
    assert not driver.told(PRIMARY)[-1].reserved


# ----------------------------------------------------------------------------------------------------- remote, ladder


@pytest.mark.rule("product.H11")
def test_the_card_of_a_remote_start_takes_the_same_way() -> None:
    driver = station(cards=TO_NORTH)
    accepted = driver.command(PRIMARY, RemoteStart(IdToken(CARD), ConnectorId(1)))
    assert accepted is not None
    assert accepted.status is ResultStatus.ACCEPTED
    assert asked(driver) == [NORTH]
    answer(driver, NORTH, ACCEPTED)
    run(driver)
    assert authority(driver) == NORTH


@pytest.mark.rule("product.H12")
def test_every_decision_is_stored_with_everybody_who_was_asked() -> None:
    driver = station()
    driver.disconnect(SOUTH)
    driver.card()
    driver.ms += 200
    answer(driver, PRIMARY, INVALID)
    driver.ms += 300
    answer(driver, NORTH, BLOCKED)
    found = step(driver)
    assert (found.stage, found.upstream, found.answer, found.latency_ms) == ("online", PRIMARY, "Invalid", 500)
    assert (found.way, found.connector, found.token_masked) == ("broadcast", 1, "04***")
    assert found.asked == (
        Asked(PRIMARY, "Invalid", 200),
        Asked(NORTH, "Blocked", 500),
        Asked(SOUTH, "not reachable"),
    )
    shown = driver.station.overview(driver.now).connectors[0]
    assert shown.last_refusal == "Billing does not know this card (South: not reachable)"
    assert CARD not in repr(shown)


@pytest.mark.rule("product.P10")
def test_when_billing_knows_none_of_the_cards_the_station_says_so() -> None:
    driver = station(upstreams=setups(None, None))
    for number in range(5):
        assert driver.station.overview(driver.now).notices == ()
        driver.card(f"04AABB{number}0")
        answer(driver, PRIMARY, INVALID)
    assert driver.station.overview(driver.now).notices == ("these cards are not known to the Billing operator",)
    driver.card()
    answer(driver, PRIMARY, ACCEPTED)
    assert driver.station.overview(driver.now).notices == ()


@pytest.mark.rule("product.P10")
def test_one_card_that_is_shown_again_and_again_is_one_card() -> None:
    driver = station(upstreams=setups(None, None))
    for _ in range(8):
        driver.card()
        answer(driver, PRIMARY, INVALID)
    assert driver.station.overview(driver.now).notices == ()


# ------------------------------------------------------------------------------------------------------------ property

_event = st.sampled_from(["card", "unplug", "plug", "tick", *(f"lost {one}" for one in ALL)]) | st.tuples(
    st.sampled_from((MANAGEMENT, *ALL)), st.sampled_from([ACCEPTED, INVALID, BLOCKED, None])
)


@pytest.mark.rule("INV-7")
@given(st.lists(_event, max_size=14))
def test_a_session_is_only_begun_by_who_was_asked_for_this_plug_and_accepted_in_time(events: list[object]) -> None:
    driver = station()
    may: set[UpstreamId] = set()
    accepted: set[UpstreamId] = set()
    for event in events:
        before = driver.state()
        if event == "card":
            asks = len(driver.all(fx.Ask))
            driver.card()
            may = {ask.upstream for ask in driver.all(fx.Ask)[asks:]}
            accepted = set()
        elif event == "unplug":
            driver.unplug()
            may = set()
        elif event == "plug":
            driver.plug()
        elif event == "tick":
            driver.pass_time(4.0, meter=False)
        elif isinstance(event, str):
            driver.disconnect(UpstreamId(event.removeprefix("lost ")))
        elif isinstance(event, tuple) and driver.all(fx.Ask):
            upstream, verdict = event
            accepted |= {upstream} if verdict is ACCEPTED and upstream in may else set()
            driver.give(AuthorizeAnswered(driver.all(fx.Ask)[-1].ask, upstream, verdict))
        if driver.state() in ("locking", "waiting_car") and before not in ("locking", "waiting_car"):
            owner = driver.station._connectors[ConnectorId(1)].authorisation
            assert owner is not None
            assert owner.authority in accepted, f"{owner.authority} of {accepted} after {events}"
    assert STATION not in driver.station._connectors


@pytest.mark.rule("two-upstreams.TU04")
@pytest.mark.rule("product.H11")
def test_the_profile_of_a_remote_start_stays_with_who_sent_it_whoever_owns_the_transaction() -> None:
    """Billing's number 1 is not the number 1 of the upstream that the card belongs to: neither lifts the other's."""
    driver = station(cards=TO_NORTH)
    driver.command(NORTH, SetProfile(STATION, limited(Purpose.STATION_MAXIMUM, 8.0)))
    start = RemoteStart(IdToken(CARD), ConnectorId(1), profile=limited(Purpose.TRANSACTION, 16.0))
    driver.command(PRIMARY, start)
    answer(driver, NORTH, ACCEPTED)
    run(driver)
    assert authority(driver) == NORTH
    assert driver.station.overview(driver.now).connectors[0].offered_a == 8.0
    assert driver.command(NORTH, ClearProfiles(ProfileFilter(1))).status is ResultStatus.ACCEPTED
    assert driver.station._site.profiles.of(NORTH) == ()
    driver.pass_time(6)
    assert driver.station.overview(driver.now).connectors[0].offered_a == 16.0
    assert driver.command(PRIMARY, ClearProfiles(ProfileFilter(1))).status is ResultStatus.ACCEPTED


def limited(purpose: Purpose, limit: float) -> ChargingProfile:
    """The profile number 1 of somebody."""
    schedule = Schedule(RateUnit.AMPERE, (Period(0, limit),), None, WALL)
    return ChargingProfile(1, 0, purpose, ProfileKind.ABSOLUTE, schedule)
