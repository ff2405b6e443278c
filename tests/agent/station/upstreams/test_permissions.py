"""The permission table is complete, and says what the product promises."""

from __future__ import annotations

import itertools

import pytest

from agent.ocpp.v16.keys import FEATURE_PROFILES
from agent.station.upstreams.permissions import (
    HIDDEN_OPTIONS,
    OPTION_WRITES,
    PERMISSIONS,
    ROWS,
    Condition,
    Situation,
    Verb,
    may_see,
    may_write,
    permission,
)
from agent.vocabulary.commands import CommandKind, ResultStatus
from agent.vocabulary.options import OPTION_BY_NAME, OPTIONS, Scope
from agent.vocabulary.upstreams import Asker

BILLING = (Asker.MANAGEMENT_BILLING, Asker.PRIMARY)
DATA = (Asker.MANAGEMENT, Asker.OPERATOR)
WITHDRAWN = {"local_list_enabled": (CommandKind.SEND_LIST, CommandKind.GET_LIST_VERSION)}
"""Commands whose refusal an upstream learns from an option that it is not shown, and from the feature behind it."""
NONE, OWN, FOREIGN = Situation.NO_TRANSACTION, Situation.OWN_TRANSACTION, Situation.FOREIGN_TRANSACTION
ENDS_OR_STARTS = (
    CommandKind.REMOTE_START,
    CommandKind.REMOTE_STOP,
    CommandKind.UNLOCK,
    CommandKind.RESET_SOFT,
    CommandKind.RESET_HARD,
)


def test_every_command_in_every_situation_is_decided_for_whoever_asks() -> None:
    assert set(PERMISSIONS) == set(itertools.product(Asker, CommandKind, Situation))


def test_every_scope_is_decided() -> None:
    assert set(OPTION_WRITES) == set(Scope)


@pytest.mark.rule("two-upstreams.TU05")
def test_a_refusal_has_a_status_and_a_reason() -> None:
    for cell, decision in PERMISSIONS.items():
        if decision.verb is Verb.REFUSE:
            assert decision.status is not None, cell
            assert decision.reason, cell


@pytest.mark.rule("two-upstreams.TU05")
def test_what_is_refused_to_a_role_for_good_is_withdrawn_from_what_it_is_shown() -> None:
    for option, kinds in WITHDRAWN.items():
        assert option in {needed for _, needed in FEATURE_PROFILES}
        for kind, asker in itertools.product(kinds, (*BILLING, *DATA)):
            shown = may_see(OPTION_BY_NAME[option], asker)
            assert shown is (permission(asker, kind, NONE).verb is Verb.ALLOW), (kind, asker)
    of_the_others = {"billing_upstream", "primary_backoffice", "further_operators", "pending_change"}
    assert set(HIDDEN_OPTIONS) == set(WITHDRAWN) | of_the_others


@pytest.mark.rule("product.P3")
@pytest.mark.rule("product.A10")
@pytest.mark.parametrize("situation", Situation)
@pytest.mark.parametrize("asker", DATA)
def test_data_and_control_never_starts(asker: Asker, situation: Situation) -> None:
    assert permission(asker, CommandKind.REMOTE_START, situation).status is ResultStatus.REJECTED


@pytest.mark.rule("security.ATK-27")
@pytest.mark.parametrize("asker", DATA)
def test_data_and_control_ends_no_transaction_of_another_by_any_command(asker: Asker) -> None:
    for kind in ENDS_OR_STARTS:
        assert permission(asker, kind, FOREIGN).verb is Verb.REFUSE, kind


@pytest.mark.rule("product.P6")
@pytest.mark.parametrize("asker", DATA)
def test_data_and_control_never_touches_who_may_charge(asker: Asker) -> None:
    for kind, situation in itertools.product((CommandKind.CLEAR_CACHE, CommandKind.SEND_LIST), Situation):
        assert permission(asker, kind, situation).verb is Verb.REFUSE
        assert all(permission(one, kind, situation).verb is Verb.ALLOW for one in BILLING)


@pytest.mark.rule("product.H10")
def test_reservations_are_for_whoever_has_that_service() -> None:
    given = frozenset({Condition.RESERVATIONS})
    for asker, kind in itertools.product(Asker, (CommandKind.RESERVE, CommandKind.CANCEL_RESERVATION)):
        assert permission(asker, kind, NONE).status is ResultStatus.REJECTED
        assert permission(asker, kind, NONE, given).verb is Verb.ALLOW


@pytest.mark.rule("product.P4")
@pytest.mark.parametrize("asker", DATA)
def test_data_and_control_ends_no_transaction_indirectly(asker: Asker) -> None:
    given = frozenset({Condition.HARD_RESET})
    assert permission(asker, CommandKind.UNLOCK, FOREIGN).status is ResultStatus.UNLOCK_FAILED
    assert permission(asker, CommandKind.RESET_SOFT, FOREIGN).status is ResultStatus.REJECTED
    assert permission(asker, CommandKind.RESET_HARD, FOREIGN).status is ResultStatus.REJECTED
    assert permission(asker, CommandKind.RESET_HARD, FOREIGN, given).verb is Verb.ALLOW
    assert permission(asker, CommandKind.RESET_SOFT, FOREIGN, given).verb is Verb.REFUSE
    assert permission(asker, CommandKind.CHANGE_AVAILABILITY, FOREIGN).verb is Verb.SCHEDULE


def test_whoever_owns_a_transaction_may_stop_it_in_any_role() -> None:
    for asker in (*BILLING, *DATA):
        assert permission(asker, CommandKind.REMOTE_STOP, OWN).verb is Verb.ALLOW
        assert permission(asker, CommandKind.REMOTE_STOP, FOREIGN).status is ResultStatus.REJECTED


def test_a_billing_reset_is_always_allowed() -> None:
    for kind, situation in itertools.product((CommandKind.RESET_SOFT, CommandKind.RESET_HARD), Situation):
        assert all(permission(one, kind, situation).verb is Verb.ALLOW for one in BILLING)


def test_somebody_at_the_station_frees_a_stuck_driver_and_starts_nothing() -> None:
    assert permission(Asker.PAGE, CommandKind.UNLOCK, FOREIGN).verb is Verb.ALLOW
    assert permission(Asker.PAGE, CommandKind.REMOTE_STOP, FOREIGN).verb is Verb.ALLOW
    for asker, situation in itertools.product((Asker.PAGE, Asker.LINE), Situation):
        assert permission(asker, CommandKind.REMOTE_START, situation).verb is Verb.REFUSE


def test_roots_of_the_manufacturer_are_for_management_and_the_line() -> None:
    kind = CommandKind.INSTALL_MANUFACTURER_ROOT
    allowed = {asker for asker in Asker if permission(asker, kind, NONE).verb is Verb.ALLOW}
    assert allowed == {Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT, Asker.LINE}


def test_authority_options_are_written_by_billing_alone() -> None:
    for asker in (*BILLING, *DATA):
        assert may_write(OPTION_BY_NAME["local_pre_authorize"], asker) is (asker in BILLING)
        assert may_write(OPTION_BY_NAME["sample_interval_s"], asker)
        assert may_write(OPTION_BY_NAME["reset_retries"], asker)


def test_who_the_operators_are_is_of_the_installation_and_no_key_writes_it() -> None:
    of_the_installation = [row for row in OPTIONS if row.scope is Scope.INSTALLATION]
    assert {row.name for row in of_the_installation} == set(HIDDEN_OPTIONS) - set(WITHDRAWN)
    for row, asker in itertools.product(of_the_installation, (*BILLING, *DATA)):
        assert may_see(row, asker) is (asker in (Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT))
        assert not may_write(row, asker)


def test_what_describes_the_installation_is_written_by_management_and_on_the_spot() -> None:
    installers = {Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT, Asker.PAGE, Asker.LINE}
    assert OPTION_WRITES[Scope.INSTALLATION] == installers
    assert OPTION_WRITES[Scope.WIRING] == installers | {Asker.PRIMARY}
    rotation = OPTION_BY_NAME["connector_phase_rotation"]
    assert rotation.scope is Scope.WIRING
    assert {asker for asker in Asker if may_write(rotation, asker)} == installers | {Asker.PRIMARY}


def test_what_a_row_says_of_each_state_is_what_the_cells_say() -> None:
    for kind, row in ROWS.items():
        for asker, cell in row.items():
            cells = tuple(PERMISSIONS[asker, kind, situation] for situation in Situation)
            assert cells == (cell if isinstance(cell, tuple) else (cell,) * 3)
