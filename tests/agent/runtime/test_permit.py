"""Every request of the control socket is asked of the permission table, as the page, before it is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from agent.control import protocol
from agent.control.protocol import RefusedError, Request
from agent.runtime.permit import KINDS, permit, situation
from agent.station.upstreams import permissions
from agent.station.upstreams.permissions import PERMISSIONS, Decision, Situation, Verb
from agent.vocabulary.commands import AT_THE_STATION, CommandKind, ResultStatus
from agent.vocabulary.events import Condition
from agent.vocabulary.ids import ConnectorId, TransactionId
from agent.vocabulary.overview import ConnectorOverview, StationOverview
from agent.vocabulary.upstreams import Asker
from tests.rig.sessions import moment

IDLE = StationOverview(
    tuple(ConnectorOverview(each, "free", Condition(each, moment(1, 5))) for each in map(ConnectorId, (1, 2))),
    upstreams=(),
)
SECOND_RUNS = replace(
    IDLE, connectors=(IDLE.connectors[0], replace(IDLE.connectors[1], transaction=TransactionId("t")))
)
NONE, FOREIGN = Situation.NO_TRANSACTION, Situation.FOREIGN_TRANSACTION


def test_every_request_has_its_row_or_only_looks() -> None:
    assert set(KINDS) == set(get_args(Request))
    assert {kind for kind in KINDS.values() if kind is not None} >= AT_THE_STATION


def test_whatever_can_be_asked_at_the_station_is_permitted_there_and_at_once() -> None:
    for kind in filter(None, KINDS.values()):
        assert {PERMISSIONS[Asker.PAGE, kind, state].verb for state in Situation} == {Verb.ALLOW}, kind


def test_no_upstream_may_do_what_is_done_at_the_station() -> None:
    for (asker, kind, _), decision in PERMISSIONS.items():
        if kind in AT_THE_STATION:
            assert (decision.verb is Verb.ALLOW) is (asker in (Asker.PAGE, Asker.LINE)), (asker, kind)


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (protocol.Reboot(), FOREIGN),
        (protocol.ClearLatch(1), NONE),
        (protocol.ClearLatch(2), FOREIGN),
        (protocol.SetLimit(0, None), FOREIGN),
        (protocol.SetLimit(1, 16.0), NONE),
        (protocol.ClearHold("management", 2), FOREIGN),
        (protocol.Reoffer(), NONE),
    ],
)
def test_a_transaction_that_the_request_touches_is_anothers(request_: Request, found: Situation) -> None:
    assert situation(request_, SECOND_RUNS) is found
    assert situation(request_, IDLE) is NONE


def test_what_the_table_refuses_is_refused_in_its_words_and_only_where_it_does(monkeypatch: Any) -> None:
    cell = (Asker.PAGE, CommandKind.RESET_HARD, FOREIGN)
    refused = Decision(Verb.REFUSE, ResultStatus.REJECTED, "a reset would stop a transaction")
    monkeypatch.setattr(permissions, "PERMISSIONS", {**PERMISSIONS, cell: refused})
    permit(protocol.Reboot(), IDLE)
    permit(protocol.Status(), SECOND_RUNS)
    with pytest.raises(RefusedError, match="a reset would stop a transaction"):
        permit(protocol.Reboot(), SECOND_RUNS)
