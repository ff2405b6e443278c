"""Messages on demand on one line: behind the answer, in their order, once, and before the registration too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary.commands import Result, ResultStatus, TriggerKind, TriggerMessage
from agent.vocabulary.effects import Answer, Publish, SendNow
from agent.vocabulary.events import Condition, ConditionChanged, ReadingContext, Sample, TransactionSampled
from agent.vocabulary.ids import STATION, ConnectorId, EvseAddress, EvseId, TransactionId
from agent.vocabulary.inputs import CommandReceived, Registration, UpstreamChanged
from agent.vocabulary.moments import Moment
from hal.api import Measurand, Measured
from tests.agent.links.conftest import UPSTREAM, WALL, Talk, row

ONE = ConnectorId(1)
ACCEPTED = Result(ResultStatus.ACCEPTED)
BOOT, BEAT, STATUS, LOG = TriggerKind.BOOT, TriggerKind.HEARTBEAT, TriggerKind.STATUS, TriggerKind.LOG_STATUS


def publish(connector: int = 1, plugged: bool = False) -> Publish:
    return Publish(UPSTREAM, ConditionChanged(Condition(ConnectorId(connector), Moment(1, 0), plugged=plugged)))


def wish(talk: Talk, what: TriggerKind, connector: ConnectorId | None = None) -> None:
    talk.talk.tell(SendNow(UPSTREAM, what, connector), talk.now_ms)


def values(transaction: TransactionId | None = None) -> TransactionSampled:
    at = Moment(1, 0, 1_780_000_000_000)
    sample = Sample(at, 5, (Measured(Measurand.ENERGY_ACTIVE_IMPORT, 5),), ReadingContext.TRIGGER)
    return TransactionSampled(transaction, EvseAddress(EvseId(1), ONE), sample)


@pytest.mark.rule("ocpp16.G01")
def test_the_answer_leaves_first(booted: Talk) -> None:
    booted.comes(2, "p1", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    (given,) = booted.news()
    assert given == CommandReceived(UPSTREAM, 1, TriggerMessage(BEAT))
    assert booted.sent() == []
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    wish(booted, BEAT)
    answer, call = booted.sent()
    assert answer == [3, "p1", {"status": "Accepted"}]
    assert call[2:] == ["Heartbeat", {}]


@pytest.mark.rule("ocpp16.G01")
def test_each_waits_for_the_line_in_its_order_and_once(booted: Talk) -> None:
    for what in (LOG, TriggerKind.FIRMWARE_STATUS, LOG, TriggerKind.DIAGNOSTICS_STATUS, LOG):
        wish(booted, what)
    names = ["LogStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"]
    order = [booted.answer()[2] for _ in range(4)]
    assert order == [names[0], names[1], names[2], "DiagnosticsStatusNotification"]
    assert booted.sent() == [], "what waited already is sent once"


def test_what_the_peer_does_not_know_is_not_tried_again(booted: Talk) -> None:
    wish(booted, LOG)
    (call,) = booted.sent()
    booted.comes(4, call[1], "NotImplemented", "", {})
    booted.wait(60)
    assert booted.sent() == []


@pytest.mark.rule("ocpp16.G01")
def test_silence_ends_a_wish_and_not_the_link(booted: Talk) -> None:
    wish(booted, LOG)
    booted.sent()
    booted.wait(31)
    assert (booted.sent(), booted.talk.fault) == ([], None)


@pytest.mark.rule("ocpp16.S22")
def test_a_status_on_demand_is_not_damped_and_changes_nothing(booted: Talk) -> None:
    booted.options = replace(booted.options, minimum_status_duration_s=20)
    booted.talk.tell(publish(), 0)
    booted.wait(20)
    assert booted.answer()[3]["status"] == "Available"
    booted.talk.tell(publish(plugged=True), booted.now_ms)
    wish(booted, STATUS, ONE)
    assert booted.answer()[3]["status"] == "Preparing"
    booted.wait(19)
    assert booted.actions() == []
    booted.wait(1)
    assert booted.answer()[3]["status"] == "Preparing", "and in turn all the same"
    wish(booted, STATUS, ONE)
    wish(booted, STATUS, ONE)
    assert booted.answer()[3]["status"] == "Preparing"


@pytest.mark.rule("ocpp16.S22")
def test_a_status_on_demand_is_that_of_the_moment_in_which_it_leaves(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    assert booted.actions() == ["StartTransaction"]
    booted.talk.tell(publish(), 0)
    wish(booted, STATUS, ONE)
    booted.talk.tell(publish(plugged=True), 0)
    booted.comes(3, "m1", {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
    seen = [booted.answer()[3]["status"] for _ in range(3)]
    assert seen == ["Available", "Preparing", "Preparing"], "what is due in turn comes first"


def test_a_status_that_is_not_known_yet_waits_and_holds_up_nothing(booted: Talk) -> None:
    wish(booted, STATUS, STATION)
    wish(booted, LOG)
    assert booted.answer()[2] == "LogStatusNotification"
    assert booted.sent() == []
    booted.talk.tell(publish(0), 0)
    assert [booted.answer()[3]["connectorId"] for _ in range(2)] == [0, 0]


@pytest.mark.rule("ocpp16.B03")
def test_while_pending_what_was_asked_for_is_sent_and_nothing_else(talk: Talk) -> None:
    talk.boot("Pending", 100)
    talk.talk.tell(publish(), 0)
    talk.talk.head(row(), 0)
    talk.comes(2, "p1", "TriggerMessage", {"requestedMessage": "StatusNotification"})
    talk.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    wish(talk, STATUS, ONE)
    wish(talk, BEAT)
    answer, call = talk.sent()
    assert (answer[:2], call[2]) == ([3, "p1"], "StatusNotification")
    talk.comes(3, call[1], {})
    assert talk.answer({"currentTime": WALL})[2] == "Heartbeat"
    assert list(talk.talk.output.times) == [1_780_000_000_000, 1_780_000_000_000]
    assert talk.sent() == []
    talk.wait(100)
    assert talk.actions() == ["BootNotification"]


@pytest.mark.rule("ocpp16.B03")
@pytest.mark.rule("ocpp16.B09")
def test_while_pending_a_boot_on_demand_is_sent_at_once_and_its_answer_counts(talk: Talk) -> None:
    talk.boot("Pending", 100)
    talk.sent()
    wish(talk, BOOT)
    assert talk.answer({"status": "Accepted", "currentTime": WALL, "interval": 60})[2] == "BootNotification"
    assert talk.inputs()[-1] == UpstreamChanged(UPSTREAM, True, Registration.ACCEPTED)
    talk.wait(59)
    assert talk.actions() == []


@pytest.mark.rule("ocpp16.B09")
def test_a_boot_on_demand_after_a_reconnect_is_sent_and_answered_like_any(booted: Talk) -> None:
    booted.talk.tell(publish(), 0)
    booted.answer()
    booted.talk.disconnected(0)
    booted.talk.connected(1)
    wish(booted, BOOT)
    assert booted.answer({"status": "Accepted", "currentTime": WALL, "interval": 60})[2] == "BootNotification"
    assert booted.actions() == ["StatusNotification"], "after a boot all are told"


@pytest.mark.rule("ocpp16.B04")
def test_what_was_asked_for_is_dropped_when_the_peer_rejects_the_station(talk: Talk) -> None:
    talk.talk.connected(0)
    wish(talk, LOG)
    talk.answer({"status": "Rejected", "currentTime": WALL, "interval": 100})
    talk.wait(99)
    assert talk.sent() == []
    talk.wait(1)
    assert talk.answer({"status": "Accepted", "currentTime": WALL, "interval": 100})[2] == "BootNotification"
    assert talk.sent() == []


def test_it_ends_with_its_link(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    wish(booted, LOG)
    assert booted.actions() == ["StartTransaction"]
    booted.talk.disconnected(0)
    wish(booted, LOG)
    booted.talk.head(None, 0)
    booted.talk.connected(1)
    booted.wait(10)
    assert booted.sent() == []


@pytest.mark.rule("ocpp16.X39")
def test_values_for_a_peer_that_gets_no_rows_yet_are_written_as_rows_are(talk: Talk) -> None:
    talk.boot("Pending", 100)
    talk.sent()
    meter = TriggerKind.METER_VALUES
    talk.talk.tell(SendNow(UPSTREAM, meter, ONE, values()), 0)
    call = talk.answer()
    assert (call[2], "transactionId" in call[3]) == ("MeterValues", False)
    assert call[3]["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
    talk.talk.tell(SendNow(UPSTREAM, meter, ONE, values(TransactionId("t")), "7"), 0)
    assert talk.answer()[3]["transactionId"] == 7


@pytest.mark.rule("ocpp16.B10")
def test_a_heartbeat_on_demand_counts_as_the_one_of_the_day(talk: Talk) -> None:
    talk.boot(interval=86_400)
    talk.wait(80_000)
    wish(talk, BEAT)
    assert talk.answer({"currentTime": WALL})[2] == "Heartbeat"
    talk.wait(86_399)
    assert talk.actions() == []
    talk.wait(1)
    assert talk.actions() == ["Heartbeat"]
