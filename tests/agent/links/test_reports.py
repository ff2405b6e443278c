"""How far uploads and updates are: in order while the link is up, the newest of each kind over a lost one."""

from __future__ import annotations

from typing import Any

import pytest

from agent.links.reports import MOST_SILENCES
from agent.vocabulary.commands import TriggerKind
from agent.vocabulary.effects import SendNow, TellUpload
from agent.vocabulary.firmware import FirmwareState, FirmwareStatus
from agent.vocabulary.firmware_effects import TellFirmware
from agent.vocabulary.inputs import FirmwareTold
from agent.vocabulary.uploads import UploadState, UploadStatus
from tests.agent.links.conftest import UPSTREAM, Talk

LOG, DIAGNOSTICS = TriggerKind.LOG_STATUS, TriggerKind.DIAGNOSTICS_STATUS


def tell(talk: Talk, status: UploadStatus, what: TriggerKind = LOG) -> None:
    request = 7 if what is LOG else None
    talk.talk.tell(TellUpload(UPSTREAM, what, UploadState(status, request)), talk.now_ms)


def told(talk: Talk, count: int) -> list[Any]:
    return [talk.answer()[2:] for _ in range(count)]


def log(status: str) -> list[Any]:
    return ["LogStatusNotification", {"status": status, "requestId": 7}]


def test_every_state_is_told_in_order(booted: Talk) -> None:
    tell(booted, UploadStatus.UPLOADING)
    tell(booted, UploadStatus.UPLOADED)
    assert told(booted, 2) == [log("Uploading"), log("Uploaded")]
    assert booted.sent() == []


def test_over_a_lost_link_the_newest_of_each_kind_waits(booted: Talk) -> None:
    tell(booted, UploadStatus.UPLOADING)
    booted.sent()
    booted.talk.disconnected(booted.now_ms)
    tell(booted, UploadStatus.UPLOADING, DIAGNOSTICS)
    tell(booted, UploadStatus.UPLOADED)
    booted.talk.connected(booted.now_ms)
    assert told(booted, 2) == [log("Uploaded"), ["DiagnosticsStatusNotification", {"status": "Uploading"}]]
    assert booted.sent() == []


def test_what_was_on_its_way_is_told_again(booted: Talk) -> None:
    tell(booted, UploadStatus.UPLOADED)
    assert booted.actions() == ["LogStatusNotification"]
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert told(booted, 1) == [log("Uploaded")]


def test_nothing_is_told_before_the_registration(talk: Talk) -> None:
    talk.boot("Pending")
    tell(talk, UploadStatus.UPLOADED)
    assert talk.actions() == []


def test_a_peer_that_does_not_know_the_message_is_told_once(booted: Talk) -> None:
    tell(booted, UploadStatus.UPLOADED)
    (call,) = booted.sent()
    booted.comes(4, call[1], "NotImplemented", "", {})
    assert booted.sent() == []


def test_on_demand_the_state_of_the_station_is_sent(booted: Talk) -> None:
    state = UploadState(UploadStatus.UPLOADING, 7)
    booted.talk.tell(SendNow(UPSTREAM, LOG, upload=state), 0)
    assert told(booted, 1) == [log("Uploading")]


def update(talk: Talk, status: FirmwareStatus, message_id: str) -> None:
    state = FirmwareState(status, 7)
    talk.talk.tell(TellFirmware(UPSTREAM, TriggerKind.SIGNED_FIRMWARE_STATUS, state, message_id), talk.now_ms)


def heard(talk: Talk) -> list[str]:
    return [given.message_id for given in talk.talk.output.inputs if isinstance(given, FirmwareTold)]


@pytest.mark.rule("ocpp16.F03")
def test_the_state_of_an_update_keeps_its_id_over_a_lost_link_and_is_known_to_be_heard(booted: Talk) -> None:
    update(booted, FirmwareStatus.INSTALLED, "id-1")
    booted.sent()
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert heard(booted) == []
    frame = booted.answer()
    assert frame[1:] == ["id-1", "SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 7}]
    assert heard(booted) == ["id-1"]


def test_a_state_of_an_update_that_nobody_answers_is_told_three_times(booted: Talk) -> None:
    update(booted, FirmwareStatus.INSTALLED, "id-1")
    seen = 0
    for number in range(MOST_SILENCES + 1):
        seen += [frame[1] for frame in booted.sent()].count("id-1")
        booted.comes(2, f"c{number}", "Nothing", {})
        booted.wait(31)
    assert seen == MOST_SILENCES
    assert heard(booted) == ["id-1"]
