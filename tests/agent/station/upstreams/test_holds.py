from __future__ import annotations

from agent.station.upstreams.holds import Holds
from agent.vocabulary.ids import STATION, ConnectorId, UpstreamId
from agent.vocabulary.records import SaveHold

A, B = UpstreamId("a"), UpstreamId("b")
ONE, TWO = ConnectorId(1), ConnectorId(2)


def test_operative_is_what_nobody_holds() -> None:
    holds = Holds([], [ONE, TWO], [A, B])
    assert holds.change(A, ONE, True) == [SaveHold(A, ONE, True)]
    assert holds.change(A, ONE, True) == []
    holds.change(B, ONE, True)
    holds.change(A, ONE, False)
    assert not holds.operative(ONE)
    assert holds.held_by_other(ONE, A)
    assert not holds.held_by_other(ONE, B)
    assert holds.operative(TWO)


def test_the_station_stands_for_all_its_connectors_and_one_can_be_released() -> None:
    holds = Holds([], [ONE, TWO], [A])
    assert len(holds.change(A, STATION, True)) == 3
    assert holds.change(A, TWO, False) == [SaveHold(A, TWO, False)]
    assert (holds.operative(STATION), holds.operative(ONE), holds.operative(TWO)) == (False, False, True)
    assert len(holds.change(A, STATION, False)) == 2
    assert holds.operative(ONE)


def test_holds_of_upstreams_that_are_gone_do_not_count() -> None:
    holds = Holds([SaveHold(A, ONE, True), SaveHold(UpstreamId("gone"), TWO, True)], [ONE, TWO], [A, B])
    assert not holds.operative(ONE)
    assert holds.operative(TWO)
