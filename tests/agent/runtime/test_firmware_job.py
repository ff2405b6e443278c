"""The table of an update: every phase comes to an end, and every restart goes on where it is safe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.runtime.firmware_job import (
    GIVEN_UP,
    NEXT,
    RETRIES,
    RETRY_INTERVAL_S,
    Job,
    Outcome,
    Phase,
    new_job,
    parse,
    render,
    resumed,
)
from agent.vocabulary.commands import SignedUpdateFirmware, TriggerKind, UpdateFirmware
from agent.vocabulary.firmware import ENDED, FirmwareState, FirmwareStatus, FirmwareWish
from agent.vocabulary.ids import MANAGEMENT, Secret

PLACE = "https://station:hunter2@h.example/"
WISH = FirmwareWish(Secret(PLACE), 1000)
SIGNED = new_job(MANAGEMENT, SignedUpdateFirmware(7, WISH, "PEM", "c2ln"))
PLAIN = new_job(MANAGEMENT, UpdateFirmware(WISH))


def at(phase: Phase, **more: object) -> Job:
    return replace(SIGNED, phase=phase, **more)  # type: ignore[arg-type]


def test_every_way_through_the_table_ends() -> None:
    reached = {Phase.SCHEDULED}
    for _ in Phase:
        reached |= {after for (phase, _), (after, _) in NEXT.items() if phase in reached}
    assert reached == set(Phase)
    assert {phase for phase, _ in NEXT} == set(Phase) - {Phase.ENDED} == set(GIVEN_UP)
    for (_, outcome), (phase, status) in NEXT.items():
        assert (phase is Phase.ENDED) == (status in ENDED), outcome


@pytest.mark.rule("ocpp16.F04")
def test_nothing_leads_to_an_installation_past_a_verification() -> None:
    assert {phase for (phase, _), (after, _) in NEXT.items() if after is Phase.INSTALLING} == {Phase.WAITING}
    assert {outcome for (phase, outcome) in NEXT if phase is Phase.WAITING} == {Outcome.FREE, Outcome.NOT_GENUINE}
    for phase in Phase:
        assert resumed(at(phase), None, "1", file_is_there=True).phase is not Phase.INSTALLING


def test_defaults_are_three_more_attempts_a_minute_apart_and_what_is_asked_is_bounded() -> None:
    assert (SIGNED.retries_left, SIGNED.retry_interval_s) == (RETRIES, RETRY_INTERVAL_S) == (3, 60)
    asked = new_job(MANAGEMENT, UpdateFirmware(replace(WISH, retries=10**6, retry_interval_s=10**6)))
    assert (asked.retries_left, asked.retry_interval_s) == (20, 3600)


@pytest.mark.parametrize("job", [SIGNED, PLAIN, at(Phase.REBOOTING, version="2", reboots=1, rolled_back=True)])
def test_a_job_is_read_as_it_was_written_and_prints_no_secret(job: Job) -> None:
    assert parse(render(job)) == job
    assert "hunter2" not in repr(job)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", render(SIGNED).replace("scheduled", "lost"), render(SIGNED).replace("1000", '"x"')]
)
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert "hunter2" not in str(caught.value)


def test_at_its_end_a_job_knows_no_secret_any_more() -> None:
    ended = at(Phase.DOWNLOADING).after(Outcome.NOT_FETCHED, "id")
    assert "hunter2" not in render(ended)
    assert (ended.signature, ended.signing_certificate) == ("", "")
    assert ended.state == FirmwareState(FirmwareStatus.DOWNLOAD_FAILED, 7)


def test_of_a_signature_that_did_not_come_nothing_is_told() -> None:
    plain = replace(PLAIN, phase=Phase.DOWNLOADED, status=FirmwareStatus.DOWNLOADED)
    assert plain.after(Outcome.GENUINE, "id").status is FirmwareStatus.DOWNLOADED
    assert plain.what is TriggerKind.FIRMWARE_STATUS
    assert at(Phase.DOWNLOADED).after(Outcome.GENUINE, "id").status is FirmwareStatus.SIGNATURE_VERIFIED


def test_the_same_state_again_is_no_news() -> None:
    told = SIGNED.telling(FirmwareStatus.DOWNLOADING, "id-1").heard()
    assert told.telling(FirmwareStatus.DOWNLOADING, "id-2") == told
    assert told.telling(FirmwareStatus.DOWNLOADED, "id-3").message_id == "id-3"


@pytest.mark.rule("ocpp16.F03")
@pytest.mark.parametrize(
    ("job", "pending", "running", "there", "goes_on"),
    [
        (at(Phase.SCHEDULED), None, "1", False, Phase.SCHEDULED),
        (at(Phase.DOWNLOADING), None, "1", False, Phase.DOWNLOADING),
        (at(Phase.DOWNLOADED), None, "1", True, Phase.DOWNLOADED),
        (at(Phase.VERIFIED), None, "1", False, Phase.DOWNLOADING),
        (at(Phase.WAITING), None, "1", True, Phase.WAITING),
        (at(Phase.INSTALLING), None, "1", True, Phase.WAITING),
        (at(Phase.INSTALLING), None, "1", False, Phase.DOWNLOADING),
        (at(Phase.INSTALLING, version="2", version_before="1"), None, "1", True, Phase.WAITING),
        (at(Phase.INSTALLING, version="2", version_before="1"), "2", "1", True, Phase.REBOOTING),
        (at(Phase.INSTALLING, version="2", version_before="1"), None, "2", True, Phase.REBOOTING),
        (at(Phase.REBOOTING, version="2"), "2", "2", True, Phase.REBOOTING),
        (at(Phase.ENDED), None, "1", False, Phase.ENDED),
    ],
)
def test_where_a_job_goes_on_after_a_restart(
    job: Job, pending: str | None, running: str, there: bool, goes_on: Phase
) -> None:
    assert resumed(job, pending, running, there).phase is goes_on
