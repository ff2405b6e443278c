"""Registration: boot, intervals, heartbeats, and what each state allows."""

from __future__ import annotations

import pytest

from agent.ocpp.registration import (
    DAY_MS,
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    OWN_RETRY_S,
    Gate,
    RegistrationState,
)
from agent.vocabulary.inputs import Registration

ACCEPTED, PENDING, REJECTED = Registration.ACCEPTED, Registration.PENDING, Registration.REJECTED


def connected(now_ms: int = 1_000) -> RegistrationState:
    state = RegistrationState()
    state.connected(now_ms, boot_on_reconnect=False)
    return state


def accepted(interval_s: int = 60, now_ms: int = 1_000) -> RegistrationState:
    state = connected(now_ms)
    state.boot_answered(ACCEPTED, interval_s, 300, now_ms)
    return state


@pytest.mark.rule("ocpp16.B01")
def test_the_boot_comes_first_and_nothing_else_before_it() -> None:
    state = connected()
    assert state.boot_due(1_000)
    assert not state.accepted
    assert not state.heartbeat_due(10**9)


@pytest.mark.rule("ocpp16.B02")
def test_accepted_sets_the_heartbeat_interval_and_0_means_our_default() -> None:
    assert accepted(60).heartbeat_interval_s == 60
    assert accepted(0).heartbeat_interval_s == 300
    assert accepted(10**12).heartbeat_interval_s == 86_400


@pytest.mark.rule("ocpp16.B05")
@pytest.mark.parametrize("status", [PENDING, REJECTED])
def test_the_next_boot_comes_exactly_after_the_interval(status: Registration) -> None:
    state = connected()
    state.boot_answered(status, 15, 300, 2_000)
    assert not state.boot_due(16_999)
    assert state.next_deadline() == 17_000
    assert state.boot_due(17_000)


@pytest.mark.parametrize("status", [PENDING, REJECTED])
def test_an_interval_of_0_does_not_flood(status: Registration) -> None:
    state = connected()
    state.boot_answered(status, 0, 300, 0)
    assert not state.boot_due(1000 * OWN_RETRY_S - 1)
    assert state.boot_due(1000 * OWN_RETRY_S)


@pytest.mark.rule("ocpp16.B03")
def test_pending_serves_but_starts_no_transaction_and_says_nothing_itself() -> None:
    state = connected()
    state.boot_answered(PENDING, 15, 300, 0)
    assert state.gate(1) is Gate.NO_TRANSACTIONS
    assert not state.accepted


@pytest.mark.rule("ocpp16.B04")
def test_rejected_is_silent_until_the_interval_is_over() -> None:
    state = connected()
    state.boot_answered(REJECTED, 15, 300, 0)
    assert state.gate(14_999) is Gate.SILENT
    assert state.gate(15_000) is Gate.NO_TRANSACTIONS
    state.disconnected()
    state.connected(14_000, boot_on_reconnect=False)
    assert not state.boot_due(14_999)


@pytest.mark.rule("ocpp16.B06")
def test_a_failed_boot_is_tried_again_with_growing_distance() -> None:
    state, now_ms, waits = connected(0), 0, []
    for _ in range(9):
        state.boot_failed(now_ms)
        deadline = state.next_deadline()
        assert deadline is not None
        waits.append((deadline - now_ms) // 1000)
        now_ms = deadline
    assert waits[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert waits[-1] == LONGEST_RETRY_S


@pytest.mark.rule("ocpp16.B07")
def test_a_mere_reconnect_boots_nothing_unless_the_option_asks() -> None:
    state = accepted()
    state.disconnected()
    assert not state.accepted
    state.connected(9_000, boot_on_reconnect=False)
    assert state.accepted
    assert not state.boot_due(9_000)
    state.disconnected()
    state.connected(10_000, boot_on_reconnect=True)
    assert not state.accepted
    assert state.boot_due(10_000)


@pytest.mark.rule("ocpp16.B10")
def test_a_heartbeat_follows_an_interval_without_exchange() -> None:
    state = accepted(60, now_ms=0)
    assert not state.heartbeat_due(59_999)
    state.exchanged(30_000)
    assert not state.heartbeat_due(60_000)
    assert state.next_deadline() == 90_000
    assert state.heartbeat_due(90_000)
    state.beaten(90_000)
    assert not state.heartbeat_due(90_001)


def test_a_busy_link_beats_once_a_day_all_the_same() -> None:
    state = accepted(60, now_ms=0)
    for now_ms in range(0, DAY_MS + 1, 30_000):
        state.exchanged(now_ms)
    assert state.heartbeat_due(DAY_MS)
    assert not state.heartbeat_due(DAY_MS - 1)


def test_nothing_is_due_while_disconnected() -> None:
    state = accepted(60, now_ms=0)
    state.disconnected()
    assert state.next_deadline() is None
    assert not state.heartbeat_due(10**9)
    assert not state.boot_due(10**9)
