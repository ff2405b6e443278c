"""The fan-out table is complete; cards are told as the policy says; security events go by whom they concern."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from agent.station.upstreams.fanout import (
    FANOUT,
    RECEIVERS,
    Delivery,
    EventKind,
    as_told,
    policy,
    security_kind,
    told_of_update,
    told_of_upload,
)
from agent.station.upstreams.privacy import LENGTH, UNDISCLOSED, pseudonym
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    StopReason,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.firmware import FirmwarePolicy
from agent.vocabulary.ids import MANAGEMENT, IdToken, IdTokenType, Secret, TransactionId, UpstreamId
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.signing import SignedValue
from agent.vocabulary.upstreams import Asker, Role, UpstreamKind
from tests.rig.sessions import TOKEN, WHERE, moment

KEY = Secret("a key of this station")
OPTIONS = StationOptions((), {}, pseudonym_key=KEY)
PRIMARY, ENERGY = UpstreamId("primary-1"), UpstreamId("operator-1")
EVENTS = (EventKind.STARTED, EventKind.SAMPLED, EventKind.STOPPED, EventKind.SAMPLED_OUTSIDE)


def started() -> TransactionStarted:
    return TransactionStarted(TransactionId("t"), WHERE, TOKEN, moment(1, 5), 1000, Trigger.AUTHORIZED)


def sampled() -> TransactionSampled:
    return TransactionSampled(TransactionId("t"), WHERE, Sample(moment(1, 6), 1100, (), ReadingContext.SAMPLE_PERIODIC))


def stopped() -> TransactionStopped:
    return TransactionStopped(TransactionId("t"), WHERE, moment(1, 7), 1200, StopReason.LOCAL, Trigger.STOP_AUTHORIZED)


def upstream(one: UpstreamId, role: Role = Role.DATA_AND_CONTROL) -> Upstream:
    return Upstream(one, one, role, UpstreamOptions())


def with_policy(kind: UpstreamKind, chosen: IdTagPolicy) -> StationOptions:
    return replace(OPTIONS, privacy={**DEFAULT_PRIVACY, kind: chosen})


def test_every_event_is_decided_for_every_upstream() -> None:
    assert set(FANOUT) == set(itertools.product(EventKind, RECEIVERS))
    assert {*RECEIVERS, Asker.PAGE, Asker.LINE} == set(Asker)


@pytest.mark.rule("product.A9")
def test_transactions_and_values_reach_everybody_however_long_it_takes() -> None:
    for kind, receiver in itertools.product(EVENTS, RECEIVERS):
        assert FANOUT[kind, receiver] is Delivery.DURABLE


@pytest.mark.rule("security.ATK-28")
def test_how_others_are_connected_is_for_management_alone() -> None:
    assert security_kind(SecurityEventKind.INVALID_MESSAGES, None, ENERGY) is EventKind.SECURITY_OF_STATION
    own = security_kind(SecurityEventKind.INVALID_TLS_VERSION, ENERGY, ENERGY)
    other = security_kind(SecurityEventKind.INVALID_TLS_VERSION, ENERGY, PRIMARY)
    lonely = security_kind(SecurityEventKind.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM, ENERGY, ENERGY)
    assert [FANOUT[kind, Asker.OPERATOR] for kind in (own, other, lonely)] == [Delivery.DURABLE, *[Delivery.NONE] * 2]
    for management in (Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT):
        assert all(FANOUT[kind, management] is Delivery.DURABLE for kind in (own, other, lonely))


@pytest.mark.rule("product.A9")
def test_how_far_a_job_is_hears_who_asked_and_management_of_updates_if_the_manufacturer_wants_it() -> None:
    energy, management, primary = upstream(ENERGY), upstream(MANAGEMENT), upstream(PRIMARY, Role.BILLING)
    everybody = (management, primary, energy)
    silent = FirmwarePolicy(tell_management=False)
    assert [told_of_upload(one, ENERGY) for one in everybody] == [False, False, True]
    assert [told_of_update(one, ENERGY, FirmwarePolicy()) for one in everybody] == [True, False, True]
    assert [told_of_update(one, ENERGY, silent) for one in everybody] == [False, False, True]
    assert [told_of_update(one, MANAGEMENT, silent) for one in everybody] == [True, False, False]


def test_who_decides_about_a_card_is_told_of_it_in_full() -> None:
    strict = with_policy(UpstreamKind.MANAGEMENT, IdTagPolicy.STATUS_ONLY)
    assert policy(upstream(PRIMARY, Role.BILLING), MANAGEMENT, strict) is IdTagPolicy.FULL
    assert policy(upstream(MANAGEMENT, Role.BILLING), MANAGEMENT, strict) is IdTagPolicy.FULL
    assert policy(upstream(ENERGY), ENERGY, OPTIONS) is IdTagPolicy.FULL, "it authorised this one"
    assert policy(upstream(MANAGEMENT), PRIMARY, strict) is IdTagPolicy.STATUS_ONLY


def test_by_default_management_is_told_of_cards_in_full_and_operators_by_a_pseudonym() -> None:
    mirrored = as_told(started(), upstream(MANAGEMENT), PRIMARY, OPTIONS)
    assert mirrored == started()
    event = as_told(started(), upstream(ENERGY), PRIMARY, OPTIONS)
    assert isinstance(event, TransactionStarted)
    assert event == replace(started(), token=pseudonym(TOKEN, KEY))
    assert len(event.token.value) == LENGTH


def test_a_pseudonym_is_stable_says_nothing_and_belongs_to_this_station() -> None:
    lower = IdToken(TOKEN.value.lower())
    assert pseudonym(TOKEN, KEY).value == pseudonym(lower, KEY).value
    assert pseudonym(TOKEN, KEY) != pseudonym(TOKEN, Secret("of another station"))
    assert pseudonym(TOKEN, KEY) != pseudonym(IdToken("other"), KEY)
    assert TOKEN.value not in pseudonym(TOKEN, KEY).value


def test_without_a_key_no_card_can_be_told_from_another() -> None:
    keyless = replace(OPTIONS, pseudonym_key=None)
    event = as_told(started(), upstream(ENERGY), PRIMARY, keyless)
    assert isinstance(event, TransactionStarted)
    assert event.token.value == UNDISCLOSED


def test_a_start_and_its_stop_name_the_same() -> None:
    for chosen in (IdTagPolicy.PSEUDONYM, IdTagPolicy.NO_ID_TAG):
        options = with_policy(UpstreamKind.OPERATOR, chosen)
        start = as_told(started(), upstream(ENERGY), PRIMARY, options)
        stop = as_told(replace(stopped(), token=TOKEN), upstream(ENERGY), PRIMARY, options)
        assert isinstance(start, TransactionStarted)
        assert isinstance(stop, TransactionStopped)
        assert start.token == stop.token != TOKEN
        assert as_told(stopped(), upstream(ENERGY), PRIMARY, options) is not None


@pytest.mark.rule("security.ATK-28")
@pytest.mark.parametrize("token", [None, TOKEN])
def test_what_a_meter_signed_names_the_card_and_goes_only_to_who_is_told_of_it(token: IdToken | None) -> None:
    event = replace(stopped(), token=token, signed=SignedValue('OCMF|{"ID":"04A1B2C3"}|{"SD":"30"}', "OCMF", "3059"))
    for chosen in (IdTagPolicy.PSEUDONYM, IdTagPolicy.NO_ID_TAG):
        stop = as_told(event, upstream(ENERGY), PRIMARY, with_policy(UpstreamKind.OPERATOR, chosen))
        assert isinstance(stop, TransactionStopped)
        assert stop.signed is None
    assert as_told(event, upstream(ENERGY), ENERGY, OPTIONS) == event, "it authorised this one"
    assert as_told(event, upstream(MANAGEMENT), PRIMARY, OPTIONS) == event


def test_the_tag_of_a_free_connector_is_no_card() -> None:
    free = replace(started(), token=IdToken("FREE", IdTokenType.NO_AUTHORIZATION))
    assert as_told(free, upstream(ENERGY), PRIMARY, OPTIONS) == free


def test_status_only_means_values_and_no_transactions() -> None:
    options = with_policy(UpstreamKind.OPERATOR, IdTagPolicy.STATUS_ONLY)
    assert as_told(started(), upstream(ENERGY), PRIMARY, options) is None
    assert as_told(stopped(), upstream(ENERGY), PRIMARY, options) is None
    event = as_told(sampled(), upstream(ENERGY), PRIMARY, options)
    assert isinstance(event, TransactionSampled)
    assert event == replace(sampled(), transaction=None)
