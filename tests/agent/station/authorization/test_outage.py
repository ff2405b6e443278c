"""Outage modes: names for what the standard keys say, and what each does with cards while nobody answers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import ResultStatus, SetOption
from agent.vocabulary.events import TransactionStarted, TransactionStopped
from agent.vocabulary.ids import MANAGEMENT, IdToken
from agent.vocabulary.inputs import OutageModeRequested
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outage import DEFAULT_CAP_WH, PRESETS, OutageMode, forbidden_mode, mode_of
from agent.vocabulary.records import AuthorizationStatus as Status
from agent.vocabulary.records import CacheVerdict, LadderStep, ListEntry, SaveList, SaveOption, Snapshot, Verdict
from agent.vocabulary.services import CardServices
from agent.vocabulary.signing import SignedMetering
from agent.vocabulary.upstreams import Role, UpstreamSetup
from tests.agent.station.driver import ACCEPTED, CARD, INVALID, PRIMARY, Driver, connector, two_upstreams

LISTED, CACHED, STORED, STRANGER, BAD = "04AAAA01", "04AAAA02", "04AAAA03", "04AAAA04", "04AAAA05"
KNOWN = Snapshot(
    1,
    False,
    accepted=(PRIMARY, MANAGEMENT),
    lists=(SaveList(PRIMARY, 1, True, (ListEntry(IdToken(LISTED), ACCEPTED),)),),
    cache=(
        CacheVerdict(PRIMARY, IdToken(CACHED), ACCEPTED, Moment(1, 0)),
        CacheVerdict(PRIMARY, IdToken(BAD), Verdict(Status.BLOCKED), Moment(1, 0)),
    ),
)
CARDS = CardServices(cards=(IdToken(STORED),))


def away(mode: OutageMode | None, **more: object) -> Driver:
    """A station whose Billing upstream does not answer, in this mode; a car waits."""
    driver = Driver(online=False, snapshot=KNOWN, cards=CARDS, **more)  # type: ignore[arg-type]
    if mode is not None:
        driver.give(OutageModeRequested(mode, "Ann"))
    driver.plug()
    return driver


def charges(driver: Driver, card: str) -> bool:
    driver.card(card)
    accepted = driver.state() == "locking"
    if accepted:
        driver.card(card)  # cancelled
    return accepted


@pytest.mark.rule("product.outage")
@pytest.mark.rule("product.H1")
@pytest.mark.parametrize(
    ("mode", "charging"),
    [
        (OutageMode.DENY, set()),
        (OutageMode.LOCAL_ONLY, {LISTED, STORED}),
        (OutageMode.ACCEPT_KNOWN, {LISTED, CACHED}),
        (OutageMode.FREE_VEND, {LISTED, CACHED, STORED, STRANGER}),
        (None, {LISTED, CACHED}),
    ],
)
def test_who_charges_in_which_mode(mode: OutageMode | None, charging: set[str]) -> None:
    cards = (LISTED, CACHED, STORED, STRANGER, BAD)
    assert {card for card in cards if charges(away(mode), card)} == charging


@pytest.mark.rule("product.outage")
@pytest.mark.parametrize("mode", OutageMode)
def test_a_mode_writes_its_keys_for_good_and_is_then_what_is_shown(mode: OutageMode) -> None:
    driver = away(mode)
    assert driver.station.overview(driver.now).outage_mode is mode
    written = {row.name: row.value for row in driver.entries(SaveOption) if row.upstream == PRIMARY}
    assert PRESETS[mode].values.items() <= written.items()
    assert driver.all(fx.OptionsChanged)
    again = Driver(snapshot=replace(KNOWN, options=tuple(driver.entries(SaveOption))), online=False)
    assert again.station.overview(again.now).outage_mode is mode


@pytest.mark.rule("product.outage")
def test_the_keys_decide_and_the_mode_is_read_from_them_whoever_wrote_them() -> None:
    driver = Driver()
    assert driver.station.overview(driver.now).outage_mode is OutageMode.ACCEPT_KNOWN
    driver.command(PRIMARY, SetOption("local_authorize_offline", False))
    assert driver.station.overview(driver.now).outage_mode is OutageMode.DENY
    driver.command(PRIMARY, SetOption("allow_offline_unknown", True))
    assert driver.station.overview(driver.now).outage_mode is OutageMode.FREE_VEND


@pytest.mark.rule("product.outage")
def test_every_set_of_keys_has_one_name_and_a_preset_is_named_as_itself() -> None:
    for values in itertools.product([True, False], repeat=4):
        names = (
            "local_authorize_offline",
            "local_list_enabled",
            "authorization_cache_enabled",
            "allow_offline_unknown",
        )
        options = UpstreamOptions(**dict(zip(names, values, strict=True)))  # type: ignore[arg-type]
        assert mode_of(options) in OutageMode
        for mode, preset in PRESETS.items():
            assert mode_of(replace(options, **preset.values)) is mode  # type: ignore[arg-type]


@pytest.mark.rule("product.outage")
def test_where_signed_metering_is_required_nobody_charges_whom_nobody_knows() -> None:
    driver = away(OutageMode.FREE_VEND, connectors=[connector(signed=SignedMetering.REQUIRED)])
    assert driver.station.overview(driver.now).outage_mode is OutageMode.ACCEPT_KNOWN
    assert not driver.entries(SaveOption), "all of it or nothing"
    assert not charges(driver, STRANGER)
    driver.connect(PRIMARY)
    result = driver.command(PRIMARY, SetOption("allow_offline_unknown", True))
    assert result is not None
    assert result.status is ResultStatus.REJECTED
    assert "signed metering" in result.reason
    assert forbidden_mode(True, OutageMode.FREE_VEND)
    assert not any(forbidden_mode(True, mode) for mode in OutageMode if mode is not OutageMode.FREE_VEND)
    assert not any(forbidden_mode(False, mode) for mode in OutageMode)


@pytest.mark.rule("product.outage")
def test_a_key_that_was_written_before_signed_metering_was_required_lets_nobody_charge() -> None:
    upstreams = two_upstreams(allow_offline_unknown=True)
    driver = away(None, connectors=[connector(signed=SignedMetering.REQUIRED)], upstreams=upstreams)
    assert not charges(driver, STRANGER)
    assert driver.entries(LadderStep)[-1].rule == "unknown_offline"


@pytest.mark.rule("two-upstreams.RC06")
def test_stored_cards_count_while_management_is_billing_and_are_inert_while_an_operator_is() -> None:
    alone = [UpstreamSetup(MANAGEMENT, Role.BILLING, UpstreamOptions())]
    driver = Driver(upstreams=alone, online=False, snapshot=KNOWN, cards=CARDS)
    driver.plug()
    assert charges(driver, STORED)
    assert not charges(away(None), STORED)
    online = Driver(snapshot=KNOWN, cards=CARDS, upstreams=two_upstreams(local_pre_authorize=True))
    online.plug()
    online.card(STORED)
    assert online.all(fx.Ask), "Billing is asked; nothing here lets it in"


@pytest.mark.rule("product.H2")
def test_a_stored_card_starts_at_once_where_management_wants_it_so() -> None:
    alone = [UpstreamSetup(MANAGEMENT, Role.BILLING, UpstreamOptions(local_pre_authorize=True))]
    driver = Driver(upstreams=alone, snapshot=KNOWN, cards=CARDS)
    driver.plug()
    driver.card(STORED)
    assert driver.state() == "locking"
    assert not driver.all(fx.Ask)


# -------------------------------------------------------------------------------------------------------------- the cap


def free_vend(**more: object) -> Driver:
    """A stranger charges while Billing is away."""
    driver = away(OutageMode.FREE_VEND, **more)
    driver.card(STRANGER)
    driver.locked()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.current[1] = 16.0
    driver.contactor(True)
    driver.meter()
    return driver


def flow(driver: Driver, energy_wh: int) -> None:
    """So much more has flowed, in steps that a meter can count."""
    for _ in range(energy_wh // 500):
        driver.energy[1] += 500
        driver.ms += 300_000
        driver.meter()


@pytest.mark.rule("product.outage")
def test_a_stranger_gets_so_much_energy_and_no_more_until_billing_has_spoken() -> None:
    driver = free_vend()
    start = driver.rows(PRIMARY)[0].event
    assert isinstance(start, TransactionStarted)
    assert start.offline
    flow(driver, DEFAULT_CAP_WH - 500)
    assert driver.station.overview(driver.now).connectors[0].limit_a is not None
    flow(driver, 500)
    shown = driver.station.overview(driver.now).connectors[0]
    assert shown.limit_a is None
    assert "energy cap" in shown.limit_reason
    assert [note.event for note in driver.all(fx.Note)].count("station.energy_cap") == 1
    assert driver.told()[-1].charging.value == "SuspendedEVSE"
    assert not [row for row in driver.rows(PRIMARY) if isinstance(row.event, TransactionStopped)]
    driver.current[1] = 0.0
    driver.contactor(False)
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "7", ACCEPTED)
    assert driver.station.overview(driver.now).connectors[0].limit_a is not None


@pytest.mark.rule("product.outage")
def test_a_stranger_whom_billing_does_not_accept_afterwards_is_stopped() -> None:
    driver = free_vend()
    flow(driver, DEFAULT_CAP_WH)
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "7", INVALID)
    assert driver.state() == "stopping"


def test_who_is_known_has_no_cap() -> None:
    driver = away(OutageMode.FREE_VEND)
    driver.card(LISTED)
    driver.locked()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.current[1] = 16.0
    driver.contactor(True)
    flow(driver, 2 * DEFAULT_CAP_WH)
    assert driver.station.overview(driver.now).connectors[0].limit_a is not None


def test_the_cap_is_what_was_asked_for_and_stays_when_the_mode_is_chosen_again() -> None:
    driver = Driver()
    driver.give(OutageModeRequested(OutageMode.FREE_VEND, "Ann", 5_000))
    assert driver.station.overview(driver.now).free_vend_wh == 5_000
    driver.give(OutageModeRequested(OutageMode.DENY, "Ann"))
    driver.give(OutageModeRequested(OutageMode.FREE_VEND, "Ann"))
    assert driver.station.overview(driver.now).free_vend_wh == 5_000


def test_why_a_card_was_refused_during_an_outage_is_told_in_plain_words() -> None:
    driver = away(OutageMode.ACCEPT_KNOWN)
    driver.card(STRANGER)
    shown = driver.station.overview(driver.now).connectors[0].last_refusal
    assert shown == "nobody could be asked, and this card is not known here (primary: not reachable)"
    driver.card(BAD)
    shown = driver.station.overview(driver.now).connectors[0].last_refusal
    assert shown == "nobody could be asked, and an earlier answer says Blocked (primary: not reachable)"
    assert driver.entries(LadderStep)[-1].stage == "cache"
    driver.card(CARD)


def test_a_known_card_that_is_refused_during_an_outage_is_stored_as_refused() -> None:
    driver = away(OutageMode.DENY)
    driver.card(CACHED)
    found = driver.entries(LadderStep)[-1]
    assert (found.answer, found.rule) == ("Refused", "nobody_offline")
    assert "no card charges" in driver.station.overview(driver.now).connectors[0].last_refusal
