"""Security events: each has its line, the right ones are told to the right ones, and none of them wears us out."""

from __future__ import annotations

import pytest

from agent.station import security
from agent.vocabulary.effects import Record
from agent.vocabulary.events import StopReason
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.inputs import NoticeAnswered, RecordFailed, SecurityEventSeen, Synced
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.records import DropNotice, EnqueueNotice, LogSecurityEvent, Snapshot
from agent.vocabulary.security import CRITICAL, TOLD_BY_A_FLOW, TOLD_TO_MANAGEMENT, SecurityEvent, SecurityEventKind
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import Fault, FaultSeen
from tests.agent.station.driver import PRIMARY, Driver

K = SecurityEventKind
NOISE = K.INVALID_MESSAGES
MINUTE_MS = 60_000


def lines(driver: Driver) -> list[SecurityEvent]:
    """What the last input logged."""
    return [entry.event for entry in entries(driver) if isinstance(entry, LogSecurityEvent)]


def told(driver: Driver) -> list[UpstreamId]:
    """Who is told of it."""
    return [entry.upstream for entry in entries(driver) if isinstance(entry, EnqueueNotice)]


def entries(driver: Driver) -> list[object]:
    return [entry for effect in driver.last if isinstance(effect, Record) for entry in effect.entries]


def everything(driver: Driver) -> list[SecurityEvent]:
    """All lines since the start."""
    records = [effect for effect in driver.log if isinstance(effect, Record)]
    return [entry.event for record in records for entry in record.entries if isinstance(entry, LogSecurityEvent)]


@pytest.mark.rule("ocpp16.Z20")
@pytest.mark.parametrize("kind", list(K))
def test_every_event_is_logged_and_the_right_ones_are_told(kind: K) -> None:
    driver = Driver()
    driver.give(SecurityEventSeen(kind, "why"))
    assert [(line.kind, line.tech_info, line.upstream) for line in lines(driver)] == [(kind, "why", None)]
    others = [MANAGEMENT] if kind in TOLD_TO_MANAGEMENT else []
    assert told(driver) == ([MANAGEMENT, PRIMARY] if kind in CRITICAL | TOLD_BY_A_FLOW else others)
    barriers = [effect.barrier for effect in driver.last if isinstance(effect, Record)]
    assert barriers == [kind in CRITICAL]


@pytest.mark.parametrize(
    ("concerned", "audience"),
    [(None, [MANAGEMENT, PRIMARY]), (MANAGEMENT, [MANAGEMENT]), (PRIMARY, [MANAGEMENT, PRIMARY])],
)
def test_nobody_but_management_learns_how_others_are_connected(
    concerned: UpstreamId | None, audience: list[UpstreamId]
) -> None:
    driver = Driver()
    driver.give(SecurityEventSeen(K.INVALID_TLS_VERSION, "TLS 1.0", concerned))
    assert told(driver) == audience


def test_each_upstream_is_told_under_its_own_message_id() -> None:
    driver = Driver()
    driver.give(SecurityEventSeen(K.INVALID_TLS_VERSION))
    ids = [entry.message_id for entry in entries(driver) if isinstance(entry, EnqueueNotice)]
    assert len(set(ids)) == 2


@pytest.mark.rule("ocpp16.Z23")
def test_an_upstream_that_wants_none_gets_none_and_the_log_has_it_all_the_same() -> None:
    quiet = UpstreamSetup(PRIMARY, Role.BILLING, UpstreamOptions(disable_security_events=True))
    driver = Driver(upstreams=[UpstreamSetup(MANAGEMENT, Role.DATA_AND_CONTROL, UpstreamOptions()), quiet])
    driver.give(SecurityEventSeen(K.SETTING_SYSTEM_TIME))
    assert (told(driver), len(lines(driver))) == ([MANAGEMENT], 1)


def test_an_answer_takes_the_event_out_of_the_queue() -> None:
    driver = Driver()
    driver.give(NoticeAnswered(PRIMARY, "uuid-1"))
    assert entries(driver) == [DropNotice(PRIMARY, "uuid-1")]


@pytest.mark.rule("ocpp16.B15")
@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (Snapshot(1, False), [K.STARTUP_OF_THE_DEVICE]),
        (Snapshot(2, False), [K.RESET_OR_REBOOT, K.STARTUP_OF_THE_DEVICE]),
        (Snapshot(2, True), [K.RESET_OR_REBOOT, K.STARTUP_OF_THE_DEVICE]),
        (Snapshot(2, False, restart_reason=StopReason.HARD_RESET), [K.RESET_OR_REBOOT, K.STARTUP_OF_THE_DEVICE]),
    ],
)
def test_a_start_is_told_with_the_reason_of_the_end_before_it(snapshot: Snapshot, expected: list[K]) -> None:
    driver = Driver(snapshot=snapshot, online=False, ready=False)
    assert [line.kind for line in everything(driver)] == expected
    reason = everything(driver)[0].tech_info
    assert (snapshot.restart_reason is None) or reason == "HardReset"
    assert all(effect.barrier for effect in driver.log if isinstance(effect, Record))


def test_a_cover_that_is_opened_is_told_once_until_it_was_closed() -> None:
    driver = Driver()
    opened = FaultSeen(1, Fault.TAMPER, True, "cover")
    driver.give(opened)
    assert [(line.kind, line.tech_info) for line in lines(driver)] == [
        (K.TAMPER_DETECTION_ACTIVATED, "connector 1 cover")
    ]
    assert told(driver) == [MANAGEMENT, PRIMARY]
    driver.give(opened)
    assert lines(driver) == []
    driver.give(FaultSeen(None, Fault.TAMPER, True, ""))
    assert [line.tech_info for line in lines(driver)] == ["station"]
    driver.give(FaultSeen(1, Fault.TAMPER, False, ""))
    assert lines(driver) == []
    driver.give(opened)
    assert len(lines(driver)) == 1
    driver.give(FaultSeen(1, Fault.OVER_TEMPERATURE, True, ""))
    assert lines(driver) == []


@pytest.mark.rule("ocpp16.X27")
def test_a_disk_that_takes_nothing_more_is_told_once_it_does_and_holds_nothing_up() -> None:
    driver = Driver()
    driver.disk_works = False
    driver.give(RecordFailed(99, "database or disk is full"))
    assert [(line.kind, line.tech_info) for line in lines(driver)] == [
        (K.MEMORY_EXHAUSTION, "database or disk is full")
    ]
    assert [effect.barrier for effect in driver.last if isinstance(effect, Record)] == [False]
    driver.give(RecordFailed(100, "database or disk is full"))
    assert lines(driver) == []
    driver.give(Synced(101))
    assert lines(driver) == []


@pytest.mark.rule("ocpp16.Z21")
def test_a_bad_server_gets_one_line_and_then_a_count() -> None:
    driver = Driver()
    for number in range(1000):
        driver.give(SecurityEventSeen(NOISE, f"bad {number}", PRIMARY))
    assert [line.tech_info for line in everything(driver) if line.kind is NOISE] == ["bad 0"]
    driver.give(SecurityEventSeen(NOISE, "another server", MANAGEMENT))
    assert len(lines(driver)) == 1, "each upstream is counted for itself"
    driver.pass_time(601, meter=False)
    counted = [line.tech_info for line in everything(driver) if line.kind is NOISE]
    assert counted == ["bad 0", "another server", "bad 999 (999 in 10 min)"]


@pytest.mark.rule("ocpp16.Z21")
def test_the_count_comes_ever_less_often_while_it_goes_on_and_afresh_after_a_pause() -> None:
    driver = Driver()
    for _ in range(24 * 60):
        driver.give(SecurityEventSeen(NOISE, "again", PRIMARY))
        driver.pass_time(60, meter=False)
    noise = [line for line in everything(driver) if line.kind is NOISE]
    assert 7 <= len(noise) <= 9, "one at once, and counts after 10, 30, 70, 150, 310, 630, 1270 minutes"
    driver.pass_time(2 * security.LONGEST_WINDOW_MS // 1000, meter=False)
    driver.give(SecurityEventSeen(NOISE, "later", PRIMARY))
    assert [line.tech_info for line in lines(driver)] == ["later"]


@pytest.mark.rule("ocpp16.Z21")
def test_what_is_told_may_come_a_few_times_at_once() -> None:
    driver = Driver()
    for number in range(7):
        driver.give(SecurityEventSeen(K.INVALID_CENTRAL_SYSTEM_CERTIFICATE, f"root {number}", PRIMARY))
        assert bool(told(driver)) is (number < security.TAKEN_AT_ONCE)
    driver.pass_time(601, meter=False)
    assert everything(driver)[-1].tech_info == "root 6 (2 in 10 min)"


def test_a_long_text_is_cut() -> None:
    driver = Driver()
    driver.give(SecurityEventSeen(NOISE, "x" * 10_000, PRIMARY))
    assert len(lines(driver)[0].tech_info) == 255


@pytest.mark.rule("INV-8")
def test_whose_queue_is_full_is_told_to_management_alone() -> None:
    driver = Driver()
    driver.give(SecurityEventSeen(K.MEMORY_EXHAUSTION, "the queue of management is full"))
    notices = [entry for entry in entries(driver) if isinstance(entry, EnqueueNotice)]
    assert [(notice.upstream, notice.event.tech_info) for notice in notices] == [
        (MANAGEMENT, "the queue of management is full"),
        (PRIMARY, ""),
    ]
