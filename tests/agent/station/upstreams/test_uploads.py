"""Uploads as the station sees them: permitted, answered, told to the asker alone, and shown on demand."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import (
    GetDiagnostics,
    GetLog,
    Result,
    ResultStatus,
    TriggerKind,
    TriggerMessage,
    UploadWish,
)
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.inputs import UploadAnswered, UploadProgressed
from agent.vocabulary.uploads import IDLE, LogKind, UploadState, UploadStatus
from tests.agent.station.driver import PRIMARY, Driver

WISH = UploadWish(Secret("https://h.example/"))
LOG, DIAGNOSTICS = TriggerKind.LOG_STATUS, TriggerKind.DIAGNOSTICS_STATUS
UPLOADING = UploadState(UploadStatus.UPLOADING, 7)


def present(driver: Driver, upstream: UpstreamId, what: TriggerKind) -> UploadState | None:
    assert driver.command(upstream, TriggerMessage(what)) == Result(ResultStatus.ACCEPTED)
    return driver.one(fx.SendNow).upload


@pytest.mark.parametrize("upstream", [MANAGEMENT, PRIMARY])
@pytest.mark.parametrize("command", [GetDiagnostics(WISH), GetLog(LogKind.SECURITY, 7, WISH)])
def test_each_upstream_may_have_its_own_also_while_a_car_charges(
    upstream: UpstreamId, command: GetDiagnostics | GetLog
) -> None:
    driver = Driver()
    driver.charge()
    assert driver.command(upstream, command, call=3) is None
    assert driver.one(fx.HandleUpload) == fx.HandleUpload(upstream, 3, command)
    accepted = Result(ResultStatus.ACCEPTED, file_name="a.zip")
    driver.give(UploadAnswered(upstream, 3, accepted))
    assert driver.one(fx.Answer) == fx.Answer(upstream, 3, accepted)


def test_how_far_it_is_goes_to_the_asker_alone() -> None:
    driver = Driver()
    driver.give(UploadProgressed(PRIMARY, LOG, UPLOADING))
    assert driver.all(fx.TellUpload) == [fx.TellUpload(PRIMARY, LOG, UPLOADING)]


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.G02")
def test_on_demand_the_present_state_is_told() -> None:
    driver = Driver()
    assert present(driver, PRIMARY, LOG) == IDLE
    driver.give(UploadProgressed(PRIMARY, LOG, UPLOADING))
    assert present(driver, PRIMARY, LOG) == UPLOADING
    assert present(driver, PRIMARY, DIAGNOSTICS) == IDLE
    assert present(driver, MANAGEMENT, LOG) == IDLE
    driver.give(UploadProgressed(PRIMARY, LOG, UploadState(UploadStatus.UPLOADED, 7)))
    assert present(driver, PRIMARY, LOG) == IDLE


def test_of_what_a_newer_one_has_replaced_nothing_is_said() -> None:
    driver = Driver()
    driver.give(UploadProgressed(PRIMARY, LOG, UPLOADING))
    driver.give(UploadProgressed(PRIMARY, LOG, UploadState(UploadStatus.IDLE, 7)))
    assert len(driver.all(fx.TellUpload)) == 1
    assert present(driver, PRIMARY, LOG) == IDLE
