"""Reservations: claims to a connector and to any one, who holds them, and how they end."""

from __future__ import annotations

import pytest

from agent.station.authorization.reservations import Occupancy, Reservations
from agent.vocabulary.commands import Reserve, ResultStatus
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, IdToken
from agent.vocabulary.records import SaveReservation

ONE, TWO = ConnectorId(1), ConnectorId(2)
FREE, USED, GONE, BROKEN = Occupancy.FREE, Occupancy.IN_USE, Occupancy.UNAVAILABLE, Occupancy.FAULTED
MINE, OTHER, GROUP = IdToken("MINE"), IdToken("OTHER"), IdToken("GROUP")
NOW, LATER = 1000, 5000


def claim(number: int = 7, connector: ConnectorId = ONE, parent: IdToken | None = None) -> SaveReservation:
    return SaveReservation(MANAGEMENT, number, connector, MINE, LATER, parent)


def judged(
    found: Reservations, first: Occupancy, second: Occupancy, connector: ConnectorId = ONE, number: int = 8
) -> ResultStatus:
    wanted = Reserve(number, connector, OTHER, LATER)
    return found.judge(wanted, MANAGEMENT, {ONE: first, TWO: second}, NOW)


@pytest.mark.rule("ocpp16.R01")
@pytest.mark.parametrize(
    ("first", "status"),
    [
        (FREE, ResultStatus.ACCEPTED),
        (USED, ResultStatus.OCCUPIED),
        (GONE, ResultStatus.UNAVAILABLE),
        (BROKEN, ResultStatus.FAULTED),
    ],
)
def test_a_connector_is_reserved_if_it_is_free(first: Occupancy, status: ResultStatus) -> None:
    assert judged(Reservations(), first, FREE) is status


@pytest.mark.rule("ocpp16.R01")
@pytest.mark.rule("ocpp16.R03")
@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (FREE, GONE, ResultStatus.ACCEPTED),
        (USED, USED, ResultStatus.OCCUPIED),
        (USED, GONE, ResultStatus.OCCUPIED),
        (GONE, GONE, ResultStatus.UNAVAILABLE),
        (BROKEN, BROKEN, ResultStatus.FAULTED),
        (BROKEN, GONE, ResultStatus.OCCUPIED),
    ],
)
def test_any_connector_is_reserved_if_one_is_free(first: Occupancy, second: Occupancy, status: ResultStatus) -> None:
    assert judged(Reservations(), first, second, STATION) is status


@pytest.mark.rule("ocpp16.R01")
def test_what_is_claimed_is_occupied_but_for_the_same_id() -> None:
    found = Reservations([claim(7)])
    assert judged(found, FREE, FREE) is ResultStatus.OCCUPIED
    assert judged(found, FREE, FREE, number=7) is ResultStatus.ACCEPTED
    assert judged(found, FREE, FREE, TWO) is ResultStatus.ACCEPTED
    assert judged(found, FREE, GONE, STATION) is ResultStatus.OCCUPIED
    found.add(claim(9, STATION))
    assert judged(found, FREE, FREE, TWO) is ResultStatus.OCCUPIED


@pytest.mark.rule("ocpp16.R02")
def test_what_has_expired_or_does_not_exist_is_rejected() -> None:
    occupied = {ONE: FREE}
    assert Reservations().judge(Reserve(1, ONE, MINE, NOW), MANAGEMENT, occupied, NOW) is ResultStatus.REJECTED
    assert Reservations().judge(Reserve(1, TWO, MINE, LATER), MANAGEMENT, occupied, NOW) is ResultStatus.REJECTED


@pytest.mark.rule("ocpp16.R04")
def test_only_the_card_or_one_of_its_parent_charges_at_a_reserved_connector() -> None:
    occupied = {ONE: FREE, TWO: FREE}
    found = Reservations([claim(parent=GROUP)])
    assert found.against(ONE, MINE, None, occupied) is None
    assert found.against(ONE, IdToken("mine"), None, occupied) is None
    assert found.against(ONE, OTHER, GROUP, occupied) is None
    assert found.against(ONE, OTHER, None, occupied) is not None
    assert found.against(ONE, GROUP, None, occupied) is not None  # a parent is no card
    assert found.against(TWO, OTHER, None, occupied) is None
    assert found.wants_parent(ONE)
    assert not found.wants_parent(TWO)


@pytest.mark.rule("ocpp16.R03")
def test_one_connector_stays_free_for_a_reservation_of_any() -> None:
    found = Reservations([claim(connector=STATION)])
    assert found.against(ONE, OTHER, None, {ONE: FREE, TWO: FREE}) is None
    assert found.against(ONE, OTHER, None, {ONE: FREE, TWO: USED}) is not None
    assert found.against(ONE, MINE, None, {ONE: FREE, TWO: USED}) is None
    assert not found.is_reserved(ONE, {ONE: FREE, TWO: FREE})
    assert found.is_reserved(ONE, {ONE: FREE, TWO: GONE})
    assert not found.is_reserved(TWO, {ONE: FREE, TWO: GONE})


@pytest.mark.rule("ocpp16.R05")
def test_a_claim_ends_by_its_date_or_with_its_connector() -> None:
    mine, any_one = claim(7), claim(8, STATION)
    found = Reservations([mine, any_one])
    assert found.over({ONE: FREE, TWO: FREE}, NOW) == []
    assert found.over({ONE: FREE, TWO: FREE}, None) == []
    assert found.over({ONE: FREE, TWO: FREE}, LATER) == [mine, any_one]
    assert found.over({ONE: BROKEN, TWO: FREE}, NOW) == [mine]
    assert found.over({ONE: GONE, TWO: BROKEN}, NOW) == [mine, any_one]
    assert found.drop(MANAGEMENT, 7)
    assert not found.drop(MANAGEMENT, 7)
    assert found.claim(ONE, MINE, None) == any_one
