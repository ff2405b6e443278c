"""What answers to our messages leave behind, at the authority and at the others."""

from __future__ import annotations

import pytest

from agent.station.authorization.cache import CAPACITY
from agent.vocabulary import effects as fx
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.inputs import MessageAcknowledged, MessageFailed, ReofferRequested
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import (
    AuthorizationStatus,
    CacheVerdict,
    DropVerdict,
    Park,
    Snapshot,
    TransactionRecord,
    Unpark,
    Verdict,
)
from tests.agent.station.driver import ACCEPTED, CARD, INVALID, PRIMARY, Driver, two_upstreams

BLOCKED = Verdict(AuthorizationStatus.BLOCKED)


def cached(driver: Driver) -> list[tuple[str, str]]:
    return [(row.token.value, row.verdict.status.value) for row in driver.entries(CacheVerdict)]


@pytest.mark.rule("ocpp16.U04")
@pytest.mark.rule("ocpp16.X05")
def test_authorize_start_and_stop_all_teach_the_cache() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", Verdict(AuthorizationStatus.ACCEPTED, expires_wall_ms=9))
    driver.card()
    driver.finish()
    driver.acknowledge_stop(PRIMARY, BLOCKED)
    assert cached(driver) == [(CARD, "Accepted"), (CARD, "Accepted"), (CARD, "Blocked")]


@pytest.mark.rule("ocpp16.U04")
def test_a_verdict_on_a_session_that_is_long_over_still_teaches_the_cache() -> None:
    driver = Driver()
    driver.charge()
    driver.disconnect(PRIMARY)
    driver.card()
    driver.finish()
    driver.unplug()
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    assert cached(driver)[-1] == (CARD, "Invalid")
    assert driver.state() == "free"


@pytest.mark.rule("ocpp16.U04")
def test_a_verdict_on_a_session_of_a_former_life_teaches_the_cache() -> None:
    where = EvseAddress(EvseId(1), ConnectorId(1))
    record = TransactionRecord(
        TransactionId("t"), where, IdToken("AA"), PRIMARY, Moment(1, 0), 0, Trigger.AUTHORIZED, told=(PRIMARY,)
    )
    driver = Driver(snapshot=Snapshot(2, False, open_transactions=(record,)), ready=False)
    driver.give(MessageAcknowledged(PRIMARY, "m", record.id, "1", ACCEPTED))
    assert cached(driver) == [("AA", "Accepted")]


@pytest.mark.rule("ocpp16.U04")
def test_nobody_but_the_authority_and_no_remark_about_a_moment_teaches_the_cache() -> None:
    driver = Driver()
    driver.charge()
    before = cached(driver)
    driver.acknowledge_start(MANAGEMENT, "1", INVALID)
    driver.acknowledge_start(PRIMARY, "1", Verdict(AuthorizationStatus.CONCURRENT_TX))
    assert cached(driver) == before


@pytest.mark.rule("ocpp16.U04")
def test_a_stop_without_a_card_teaches_nothing() -> None:
    driver = Driver()
    driver.charge()
    driver.unplug()
    driver.contactor(False)
    driver.current[1] = 0.0
    driver.meter()
    driver.answer_meter()
    before = cached(driver)
    driver.acknowledge_stop(PRIMARY, INVALID)
    assert cached(driver) == before


@pytest.mark.rule("ocpp16.U04")
def test_a_cache_that_is_switched_off_is_neither_read_nor_written() -> None:
    good = CacheVerdict(PRIMARY, IdToken(CARD), ACCEPTED, Moment(1, 0))
    driver = Driver(
        upstreams=two_upstreams(authorization_cache_enabled=False, local_pre_authorize=True),
        snapshot=Snapshot(1, False, cache=(good,)),
    )
    driver.charge()  # asked, though it is in the cache
    driver.acknowledge_start(PRIMARY, "1", BLOCKED)
    assert cached(driver) == []


@pytest.mark.rule("ocpp16.U04")
def test_what_makes_room_in_a_full_cache_is_dropped_from_the_disk_in_the_same_record() -> None:
    full = tuple(CacheVerdict(PRIMARY, IdToken(f"c{n}"), ACCEPTED, Moment(1, n)) for n in range(CAPACITY))
    driver = Driver(snapshot=Snapshot(1, False, cache=full))
    driver.start_session()
    assert driver.entries(DropVerdict) == [DropVerdict(PRIMARY, IdToken("c0"))]


@pytest.mark.rule("ocpp16.X06")
def test_a_card_that_charges_elsewhere_ends_the_session_and_may_charge_again() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", Verdict(AuthorizationStatus.CONCURRENT_TX))
    driver.finish()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.DE_AUTHORIZED
    driver.card()  # lets the cable go
    driver.locked(False)
    driver.unplug()
    driver.disconnect(PRIMARY)
    driver.plug()
    driver.card()  # the primary's word about the card itself is Accepted
    assert driver.state() == "locking"


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_given_up_is_parked_as_its_upstream_wants_it(whole: bool) -> None:
    driver = Driver(upstreams=two_upstreams(park_whole_session=whole))
    driver.charge()
    start = driver.rows(PRIMARY)[0]
    driver.give(MessageFailed(PRIMARY, start.message_id, start.event.transaction, 3, True, "CALLERROR"))
    assert driver.entries(Park) == [Park(PRIMARY, start.message_id, "CALLERROR", whole_session=whole)]
    assert driver.one(fx.Record).barrier


@pytest.mark.rule("product.settled.time-out")
def test_what_was_parked_is_offered_again_on_demand_in_its_order() -> None:
    driver = Driver()
    driver.give(ReofferRequested(PRIMARY, ("a", "b")))
    assert driver.entries(Unpark) == [Unpark(PRIMARY, "a"), Unpark(PRIMARY, "b")]
