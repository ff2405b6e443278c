"""Registration: boot, intervals, heartbeats, and what each state allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.rule("ocpp16.B08")
@pytest.mark.rule("ocpp16.B03")
@pytest.mark.rule("ocpp16.B04")
@pytest.mark.parametrize(
    ("status", "gate"),
    [(None, Gate.NO_TRANSACTIONS), (PENDING, Gate.NO_TRANSACTIONS), (REJECTED, Gate.SILENT), (ACCEPTED, Gate.SERVE)],
)
def test_what_is_served_in_each_state(status: Registration | None, gate: Gate) -> None:
    state = connected(0)
    if status is not None:
        state.boot_answered(status, 15, 300, 0)
    assert state.gate(1) is gate
    assert state.accepted is (status is ACCEPTED)
    assert state.heartbeat_due(10**9) is (status is ACCEPTED)


@pytest.mark.rule("ocpp16.B06")
@pytest.mark.rule("ocpp16.B08")
def test_a_boot_that_fails_after_a_rejection_stays_silent_and_comes_again() -> None:
    state = connected(0)
    state.boot_answered(REJECTED, 15, 300, 0)
    state.boot_failed(15_000)
    assert state.gate(15_001) is Gate.SILENT
    assert not state.boot_due(15_001)
    assert state.boot_due(15_000 + 1000 * FIRST_RETRY_S)


@pytest.mark.rule("ocpp16.B05")
def test_a_boot_that_was_cut_off_comes_first_on_the_next_link() -> None:
    state = connected(0)
    assert state.boot_due(0)
    state.disconnected()
    state.connected(5_000, boot_on_reconnect=False)
    assert state.boot_due(5_000)


@pytest.mark.rule("ocpp16.B07")
@pytest.mark.parametrize("status", [PENDING, REJECTED])
def test_a_wait_goes_on_over_links(status: Registration) -> None:
    state = connected(0)
    state.boot_answered(status, 600, 300, 0)
    for now_ms in range(10_000, 600_000, 10_000):
        state.disconnected()
        state.connected(now_ms, boot_on_reconnect=True)
        assert not state.boot_due(now_ms)
    assert state.boot_due(600_000)


@pytest.mark.rule("ocpp16.B02")
@pytest.mark.rule("ocpp16.B05")
def test_later_answers_count_as_the_first_one_does() -> None:
    state = connected(0)
    state.boot_answered(PENDING, 15, 300, 0)
    state.boot_answered(REJECTED, 20, 300, 15_000)
    assert not state.boot_due(34_999)
    state.boot_answered(ACCEPTED, 40, 300, 35_000)
    assert not state.boot_due(10**9)
    assert (state.heartbeat_interval_s, state.next_deadline()) == (40, 75_000)
    assert state.gate(35_000) is Gate.SERVE


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["connected", "disconnected", "accepted", "pending", "rejected", "failed", "exchanged", "beaten"]
        ),
        st.integers(0, 100_000),
        st.integers(-10, 10**12),
        st.booleans(),
    ),
    max_size=30,
)


@pytest.mark.rule("ocpp16.B01")
@given(STEPS)
def test_nothing_of_its_own_is_ever_said_before_an_acceptance_and_deadlines_hold(steps: list[Any]) -> None:
    state, now_ms, registered = RegistrationState(), 0, False
    for step, later_ms, interval_s, on_reconnect in steps:
        now_ms += later_ms
        match step:
            case "connected":
                state.connected(now_ms, on_reconnect)
            case "disconnected":
                state.disconnected()
            case "failed":
                state.boot_failed(now_ms)
            case "exchanged":
                state.exchanged(now_ms)
            case "beaten" if state.accepted:
                state.beaten(now_ms)
            case "accepted" | "pending" | "rejected":
                registered = step == "accepted"
                state.boot_answered(Registration(step.capitalize()), interval_s, 300, now_ms)
        assert registered or not (state.accepted or state.heartbeat_due(now_ms + 10**9))
        assert not (state.accepted and state.boot_due(now_ms))
        deadline = state.next_deadline()
        if deadline is not None:
            assert deadline <= now_ms + 86_400_000
            assert state.boot_due(deadline) or state.heartbeat_due(deadline)
            assert not state.boot_due(deadline - 1)
            assert not state.heartbeat_due(deadline - 1)
