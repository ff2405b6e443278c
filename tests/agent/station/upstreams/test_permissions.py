"""The permission and fan-out tables are complete, and say what the product promises."""

from __future__ import annotations

import itertools

import pytest

from agent.station.upstreams.fanout import FANOUT, Delivery, EventKind
from agent.station.upstreams.permissions import (
    OPTION_WRITES,
    PERMISSIONS,
    Situation,
    Verb,
    may_write,
    permission,
)
from agent.vocabulary.commands import CommandKind, ResultStatus
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.options import OPTION_BY_NAME, Scope
from agent.vocabulary.upstreams import Role

BILLING, DATA = Role.BILLING, Role.DATA_AND_CONTROL
NONE, OWN, FOREIGN = Situation.NO_TRANSACTION, Situation.OWN_TRANSACTION, Situation.FOREIGN_TRANSACTION


def test_every_command_in_every_situation_is_decided_for_every_role() -> None:
    assert set(PERMISSIONS) == set(itertools.product(Role, CommandKind, Situation))


def test_every_event_is_decided_for_every_role() -> None:
    assert set(FANOUT) == set(itertools.product(EventKind, Role))


def test_every_scope_is_decided_for_every_role() -> None:
    assert set(OPTION_WRITES) == set(itertools.product(Scope, Role))


def test_a_refusal_has_a_status_and_a_reason() -> None:
    for cell, decision in PERMISSIONS.items():
        if decision.verb is Verb.REFUSE:
            assert decision.status is not None, cell
            assert decision.reason, cell


@pytest.mark.rule("product.P3")
@pytest.mark.rule("product.A10")
@pytest.mark.parametrize("situation", Situation)
def test_data_and_control_never_starts(situation: Situation) -> None:
    assert permission(DATA, CommandKind.REMOTE_START, situation).status is ResultStatus.REJECTED


@pytest.mark.rule("product.P6")
def test_data_and_control_never_touches_who_may_charge() -> None:
    assert permission(DATA, CommandKind.CLEAR_CACHE, NONE).status is ResultStatus.REJECTED
    assert permission(BILLING, CommandKind.CLEAR_CACHE, NONE).verb is Verb.ALLOW


@pytest.mark.rule("product.P4")
def test_data_and_control_ends_no_transaction_indirectly() -> None:
    assert permission(DATA, CommandKind.UNLOCK, FOREIGN).status is ResultStatus.UNLOCK_FAILED
    assert permission(DATA, CommandKind.RESET_SOFT, FOREIGN).status is ResultStatus.REJECTED
    assert permission(DATA, CommandKind.RESET_HARD, FOREIGN).status is ResultStatus.REJECTED
    assert permission(DATA, CommandKind.RESET_HARD, FOREIGN, hard_reset_allowed=True).verb is Verb.ALLOW
    assert permission(DATA, CommandKind.RESET_SOFT, FOREIGN, hard_reset_allowed=True).verb is Verb.REFUSE
    assert permission(DATA, CommandKind.CHANGE_AVAILABILITY, FOREIGN).verb is Verb.SCHEDULE


def test_whoever_owns_a_transaction_may_stop_it_in_any_role() -> None:
    assert permission(DATA, CommandKind.REMOTE_STOP, OWN).verb is Verb.ALLOW
    assert permission(DATA, CommandKind.REMOTE_STOP, FOREIGN).status is ResultStatus.REJECTED
    assert permission(BILLING, CommandKind.REMOTE_STOP, FOREIGN).status is ResultStatus.REJECTED


def test_a_billing_reset_is_always_allowed() -> None:
    for kind, situation in itertools.product((CommandKind.RESET_SOFT, CommandKind.RESET_HARD), Situation):
        assert permission(BILLING, kind, situation).verb is Verb.ALLOW


def test_authority_options_are_written_by_billing_alone() -> None:
    primary = UpstreamId("primary")
    assert may_write(OPTION_BY_NAME["local_pre_authorize"], BILLING, primary)
    assert not may_write(OPTION_BY_NAME["local_pre_authorize"], DATA, MANAGEMENT)
    assert may_write(OPTION_BY_NAME["sample_interval_s"], DATA, MANAGEMENT)
    assert may_write(OPTION_BY_NAME["reset_retries"], DATA, MANAGEMENT)


def test_management_may_write_the_phase_rotation_in_any_role() -> None:
    assert may_write(OPTION_BY_NAME["connector_phase_rotation"], DATA, MANAGEMENT)
    assert not may_write(OPTION_BY_NAME["connector_phase_rotation"], DATA, UpstreamId("operator"))


def test_transactions_are_durable_for_everybody() -> None:
    for kind, role in itertools.product((EventKind.STARTED, EventKind.SAMPLED, EventKind.STOPPED), Role):
        assert FANOUT[kind, role] is Delivery.DURABLE
