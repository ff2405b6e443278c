"""Whom to ask, and whose answer counts: the table, and every order of answers, silences and lost links."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.station.authorization.router import Open, Poll, Way, way_for, whose
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import AuthorizationStatus, Verdict
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services

BILLING, NORTH, SOUTH = UpstreamId("primary-1"), UpstreamId("operator-1"), UpstreamId("operator-2")
CARD = IdToken("04A1B2C3")
ONE, TWO = ConnectorId(1), ConnectorId(2)
SHIPPED: Mapping[UpstreamId, Services] = {
    MANAGEMENT: Services(),
    BILLING: Services(online=True),
    NORTH: Services(),
    SOUTH: Services(),
}
BROADCAST = {**SHIPPED, NORTH: Services(True, True), SOUTH: Services(True, True)}
ANSWERS: tuple[Verdict | None, ...] = (None, *(Verdict(status) for status in AuthorizationStatus))
WAY = Way(BILLING, (NORTH, SOUTH), "broadcast")


def way(services: Mapping[UpstreamId, Services], *routes: RouteRule, token: IdToken = CARD, at: int = 1) -> Way:
    evse_ids = {ONE: "DE*ABC*E1", TWO: "DE*ABC*E2"}
    return way_for(token, (ConnectorId(at),), services, CardServices(routes, evse_ids), BILLING)


def expected(billing: Verdict | None, north: Verdict | None, south: Verdict | None) -> UpstreamId | Open:
    """The rule in other words, for a question that is closed."""
    if billing is not None and billing.status is not AuthorizationStatus.INVALID:
        return BILLING
    for peer, verdict in ((NORTH, north), (SOUTH, south)):
        if verdict is not None and verdict.status is AuthorizationStatus.ACCEPTED:
            return peer
    return Open.NOBODY if billing is None else BILLING


# ------------------------------------------------------------------------------------------------------- whom


@pytest.mark.rule("product.H6")
@pytest.mark.rule("product.H4")
def test_as_shipped_the_billing_upstream_alone_is_asked() -> None:
    assert way(SHIPPED) == Way(BILLING)
    assert way({**SHIPPED, NORTH: Services(online=True)}) == Way(BILLING)  # only a rule would ask it


@pytest.mark.rule("product.H4")
def test_with_broadcast_every_eligible_one_is_asked_in_its_configured_order() -> None:
    assert way(BROADCAST).everybody == (BILLING, NORTH, SOUTH)
    assert way({**BROADCAST, SOUTH: Services(online=False, broadcast=True)}).everybody == (BILLING, NORTH)


@pytest.mark.rule("product.H4")
@pytest.mark.parametrize(
    ("by", "value", "token", "connector", "routed"),
    [
        (RouteBy.CONNECTOR, "2", CARD, 2, True),
        (RouteBy.CONNECTOR, "2", CARD, 1, False),
        (RouteBy.EVSE, "de-abc-e1", CARD, 1, True),
        (RouteBy.EVSE, "DEABCE1", CARD, 2, False),
        (RouteBy.EVSE, "DE*ABC*E9", CARD, 1, False),
        (RouteBy.TOKEN_PREFIX, "04a1", CARD, 1, True),
        (RouteBy.TOKEN_PREFIX, "04A2", CARD, 1, False),
        (RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5", IdToken("de8aaca2b3c4d5"), 1, True),
        (RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5", IdToken("DE-8AA-CA2B3C4D5-N"), 1, True),
        (RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5-N", IdToken("DE8AACA2B3C4D5"), 1, True),
        (RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5-N", IdToken("DE8AACA2B3C4D5X"), 1, False),
        (RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5", IdToken("DE8AACA2B3C4D"), 1, False),
    ],
)
def test_a_route_rule_asks_its_upstream_alone(
    by: RouteBy, value: str, token: IdToken, connector: int, routed: bool
) -> None:
    found = way(BROADCAST, RouteRule(by, value, NORTH), token=token, at=connector)
    assert found.everybody == ((NORTH,) if routed else (BILLING, NORTH, SOUTH))
    assert token.value not in found.rule


@pytest.mark.rule("product.H4")
def test_the_first_rule_that_matches_counts_and_one_whose_upstream_is_not_asked_or_gone_does_not() -> None:
    everything = RouteRule(RouteBy.TOKEN_PREFIX, "04", SOUTH)
    assert way(BROADCAST, RouteRule(RouteBy.CONNECTOR, "1", NORTH), everything) == Way(NORTH, (), "route 1 (connector)")
    gone = RouteRule(RouteBy.CONNECTOR, "1", UpstreamId("operator-9"))
    assert way(BROADCAST, gone, everything).owner == SOUTH
    assert way(SHIPPED, RouteRule(RouteBy.CONNECTOR, "1", NORTH)) == Way(BILLING)


@pytest.mark.rule("product.H4")
def test_a_rule_of_a_place_needs_every_connector_that_may_be_meant() -> None:
    rule = RouteRule(RouteBy.CONNECTOR, "2", NORTH)
    assert way_for(CARD, (ONE, TWO), BROADCAST, CardServices((rule,)), BILLING).owner == BILLING
    assert way_for(CARD, (), BROADCAST, CardServices((rule,)), BILLING).owner == BILLING


# ------------------------------------------------------------------------------------------------------ whose


@pytest.mark.rule("product.H5")
def test_the_table_of_all_answers_to_a_broadcast() -> None:
    for billing, north, south in product(ANSWERS, repeat=3):
        given_ = {BILLING: billing, NORTH: north, SOUTH: south}
        verdicts = {one: verdict for one, verdict in given_.items() if verdict is not None}
        assert whose(WAY, verdicts) == expected(billing, north, south)


@pytest.mark.rule("product.H5")
@pytest.mark.parametrize("verdict", ANSWERS[1:])
def test_any_answer_of_a_routed_owner_is_final(verdict: Verdict) -> None:
    assert whose(Way(NORTH), {NORTH: verdict, BILLING: Verdict(AuthorizationStatus.ACCEPTED)}) == NORTH


@pytest.mark.rule("product.H5")
@pytest.mark.rule("INV-7")
def test_in_every_order_of_answers_the_same_one_counts_and_it_is_not_known_too_early() -> None:
    for answers in product(ANSWERS, repeat=3):
        by_upstream = dict(zip(WAY.everybody, answers, strict=True))
        for order in permutations(WAY.everybody):
            poll = Poll(WAY, WAY.everybody, 0)
            known: list[UpstreamId | Open] = [poll.winner]
            for number, upstream in enumerate(order, start=1):
                assert poll.answer(upstream, by_upstream[upstream], number)
                known.append(poll.winner)
            assert known[0] is Open.WAIT
            assert known[-1] == expected(*answers)
            decided = [each for each in known if each is not Open.WAIT]
            assert len(set(decided)) == 1, "what is known once stays so"


@pytest.mark.rule("product.H5")
def test_nobody_answers_twice_or_unasked_or_after_the_deadline() -> None:
    poll = Poll(WAY, (BILLING, NORTH), 1_000)
    assert not poll.answer(SOUTH, ANSWERS[1], 1_001), "it could not be asked"
    assert not poll.answer(MANAGEMENT, ANSWERS[1], 1_001)
    assert poll.answer(NORTH, None, 1_500)
    assert not poll.answer(NORTH, ANSWERS[1], 1_501)
    poll.close(11_000)
    assert not poll.answer(BILLING, ANSWERS[1], 11_000)
    assert poll.winner is Open.NOBODY
    assert [(one.upstream, one.latency_ms) for one in poll.replies] == [(BILLING, 10_000), (NORTH, 500), (SOUTH, None)]


_verdicts = st.none() | st.sampled_from([verdict for verdict in ANSWERS if verdict is not None])
_upstreams = st.sampled_from([BILLING, NORTH, SOUTH, MANAGEMENT])


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
@given(st.sets(st.sampled_from(WAY.everybody)), st.lists(st.tuples(_upstreams, _verdicts, st.integers(0, 20_000))))
def test_whatever_comes_in_time_is_what_decides(
    reachable: set[UpstreamId], events: list[tuple[UpstreamId, Verdict | None, int]]
) -> None:
    poll, in_time = Poll(WAY, reachable, 0), dict.fromkeys(WAY.everybody, ANSWERS[0])
    seen: set[UpstreamId] = set()
    for upstream, verdict, at_ms in sorted(events, key=lambda event: event[2]):
        if at_ms >= 10_000:
            break
        if upstream in reachable - seen:
            in_time[upstream] = verdict
        seen.add(upstream)
        poll.answer(upstream, verdict, at_ms)
    early = poll.winner
    poll.close(10_000)
    assert poll.winner == expected(*in_time.values())
    assert early in (Open.WAIT, poll.winner)
