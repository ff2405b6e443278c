"""Commands of two upstreams: what each may do, what it is answered, and what is stored first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import (
    ChangeAvailability,
    ClearCache,
    Command,
    GetOptions,
    RemoteStop,
    Reset,
    Result,
    ResultStatus,
    SetOption,
    Unlock,
)
from agent.vocabulary.events import StopReason, TransactionStopped
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, UpstreamId
from agent.vocabulary.inputs import CommandReceived, RecordFailed, RestartRequested
from agent.vocabulary.records import SaveHold, SaveOption, Snapshot, WipeCache
from hal.api import Fault, FaultSeen
from tests.agent.station.driver import PRIMARY, SOCKET, Driver, connector

ONE = ConnectorId(1)


def ask(driver: Driver, upstream: UpstreamId, command: Command) -> ResultStatus:
    result = driver.command(upstream, command)
    assert result is not None, "no answer"
    return result.status


def stops(driver: Driver) -> list[TransactionStopped]:
    return [row.event for row in driver.rows(PRIMARY) if isinstance(row.event, TransactionStopped)]


# -------------------------------------------------------------------------------------------------------- stop


def test_an_id_means_nothing_to_another_upstream_and_nothing_after_the_end() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    assert ask(driver, MANAGEMENT, RemoteStop("7")) is ResultStatus.REJECTED
    assert ask(driver, PRIMARY, RemoteStop("8")) is ResultStatus.REJECTED
    driver.card()
    driver.finish()
    assert ask(driver, PRIMARY, RemoteStop("7")) is ResultStatus.REJECTED


@pytest.mark.rule("ocpp16.X25")
def test_the_last_id_that_was_given_counts() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    driver.acknowledge_start(PRIMARY, "8")
    assert ask(driver, PRIMARY, RemoteStop("7")) is ResultStatus.REJECTED
    assert ask(driver, PRIMARY, RemoteStop("8")) is ResultStatus.ACCEPTED


# ------------------------------------------------------------------------------------------------ availability


@pytest.mark.rule("ocpp16.S40")
@pytest.mark.rule("ocpp16.S12")
def test_the_station_as_a_whole_out_of_service_and_back() -> None:
    driver = Driver([connector(1), connector(2)])
    assert ask(driver, PRIMARY, ChangeAvailability(STATION, False)) is ResultStatus.ACCEPTED
    assert driver.one(fx.Record).barrier
    assert {row.connector for row in driver.entries(SaveHold, driver.last)} == {0, 1, 2}
    assert [driver.told(number=n)[-1].operative for n in (0, 1, 2)] == [False] * 3
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    assert ask(driver, PRIMARY, ChangeAvailability(STATION, True)) is ResultStatus.ACCEPTED
    assert [driver.told(number=n)[-1].operative for n in (0, 1, 2)] == [True] * 3


def test_a_release_while_another_holds_is_scheduled_and_says_who() -> None:
    driver = Driver()
    ask(driver, PRIMARY, ChangeAvailability(ONE, False))
    ask(driver, MANAGEMENT, ChangeAvailability(ONE, False))
    assert ask(driver, PRIMARY, ChangeAvailability(ONE, True)) is ResultStatus.SCHEDULED
    assert driver.told(PRIMARY)[-1].held_by_other
    assert not driver.told(PRIMARY)[-1].operative
    assert ask(driver, MANAGEMENT, ChangeAvailability(ONE, True)) is ResultStatus.ACCEPTED
    assert driver.told(PRIMARY)[-1].operative


@pytest.mark.rule("product.P4")
@pytest.mark.rule("ocpp16.S41")
@pytest.mark.parametrize("upstream", [PRIMARY, MANAGEMENT])
def test_during_a_transaction_it_is_scheduled(upstream: UpstreamId) -> None:
    driver = Driver()
    driver.charge()
    assert ask(driver, upstream, ChangeAvailability(ONE, False)) is ResultStatus.SCHEDULED
    assert driver.state() == "running"
    driver.card()
    driver.finish()
    driver.card()
    assert driver.state() == "finished"


@pytest.mark.rule("ocpp16.S42")
@pytest.mark.rule("ocpp16.X73")
def test_holds_survive_a_restart() -> None:
    driver = Driver(snapshot=Snapshot(2, False, holds=(SaveHold(PRIMARY, ONE, True),)))
    assert not driver.told()[-1].operative


def test_the_hold_of_an_upstream_that_is_gone_does_not_count() -> None:
    driver = Driver(snapshot=Snapshot(2, False, holds=(SaveHold(UpstreamId("gone"), ONE, True),)))
    assert driver.told()[-1].operative


def test_an_unknown_connector_is_rejected() -> None:
    assert ask(Driver(), PRIMARY, ChangeAvailability(ConnectorId(5), False)) is ResultStatus.REJECTED


def test_out_of_service_ends_an_authorisation_that_waits() -> None:
    driver = Driver()
    driver.card()
    driver.verdict()
    ask(driver, PRIMARY, ChangeAvailability(ONE, False))
    assert driver.state() == "free"


# ------------------------------------------------------------------------------------------------------ unlock


def test_unlock_without_a_transaction_answers_when_the_lock_has_moved() -> None:
    driver = Driver()
    assert driver.command(MANAGEMENT, Unlock(ONE)) is None
    assert driver.one(fx.DriveLock) == fx.DriveLock(1, False)
    driver.locked(False)
    assert driver.one(fx.Answer).result.status is ResultStatus.UNLOCKED


def test_unlock_ends_an_own_transaction_first_and_waits_for_the_power_to_be_off() -> None:
    driver = Driver()
    driver.charge()
    assert driver.command(PRIMARY, Unlock(ONE)) is None
    assert driver.one(fx.Withdraw)
    assert not driver.all(fx.DriveLock, driver.last)
    driver.finish()
    assert fx.DriveLock(1, False) in driver.log
    driver.locked(False)
    assert driver.one(fx.Answer).result.status is ResultStatus.UNLOCKED
    assert stops(driver)[0].reason is StopReason.UNLOCK_COMMAND


@pytest.mark.rule("product.P4")
def test_unlock_from_management_during_a_transaction_of_the_primary_does_nothing() -> None:
    driver = Driver()
    driver.charge()
    assert ask(driver, MANAGEMENT, Unlock(ONE)) is ResultStatus.UNLOCK_FAILED
    assert not driver.all(fx.Withdraw)


def test_an_unlock_that_fails_or_is_silent_says_so() -> None:
    driver = Driver()
    driver.command(PRIMARY, Unlock(ONE))
    driver.give(FaultSeen(1, Fault.LOCK, True))
    assert driver.one(fx.Answer).result.status is ResultStatus.UNLOCK_FAILED
    silent = Driver()
    silent.command(PRIMARY, Unlock(ONE))
    silent.pass_time(21)
    assert silent.one(fx.Answer, silent.log).result.status is ResultStatus.UNLOCK_FAILED


def test_unlock_where_there_is_no_lock() -> None:
    driver = Driver([connector(1, replace(SOCKET, lock=None))])
    assert ask(driver, PRIMARY, Unlock(ONE)) is ResultStatus.NOT_SUPPORTED
    assert ask(driver, PRIMARY, Unlock(ConnectorId(4))) is ResultStatus.NOT_SUPPORTED


# ------------------------------------------------------------------------------------------------------- reset


@pytest.mark.rule("ocpp16.X70")
def test_a_soft_reset_answers_stops_records_and_then_restarts() -> None:
    driver = Driver()
    driver.charge()
    assert ask(driver, PRIMARY, Reset(hard=False)) is ResultStatus.ACCEPTED
    assert driver.one(fx.Withdraw)
    assert not driver.all(fx.Restart)
    driver.finish()
    assert stops(driver)[0].reason is StopReason.SOFT_RESET
    effects = driver.last
    assert driver.one(fx.Record).barrier
    restart = driver.one(fx.Restart)
    assert (restart.reboot_system, restart.reason) == (False, "SoftReset")
    assert effects.index(restart) > effects.index(driver.one(fx.Record))


@pytest.mark.rule("ocpp16.X71")
def test_a_hard_reset_reboots_the_system() -> None:
    driver = Driver()
    assert ask(driver, PRIMARY, Reset(hard=True)) is ResultStatus.ACCEPTED
    assert driver.one(fx.Restart).reboot_system
    order = [type(e) for e in driver.last if isinstance(e, fx.Answer | fx.Restart)]
    assert order == [fx.Answer, fx.Restart]


@pytest.mark.rule("product.P4")
def test_a_reset_from_management_during_a_transaction_is_refused_unless_the_factory_allows_a_hard_one() -> None:
    driver = Driver()
    driver.charge()
    assert ask(driver, MANAGEMENT, Reset(hard=False)) is ResultStatus.REJECTED
    assert ask(driver, MANAGEMENT, Reset(hard=True)) is ResultStatus.REJECTED
    allowed = Driver(hard_reset_during_transaction=True)
    allowed.charge()
    assert ask(allowed, MANAGEMENT, Reset(hard=True)) is ResultStatus.ACCEPTED
    allowed.finish()
    assert stops(allowed)[0].reason is StopReason.HARD_RESET


def test_nothing_starts_once_a_restart_is_under_way() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.charge()
    ask(driver, PRIMARY, Reset(hard=False))
    driver.plug(2)
    driver.card("04999999")
    assert driver.state(2) == "waiting_card"
    assert len(driver.all(fx.Ask)) == 1


def test_a_restart_waits_for_records_of_earlier_turns() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.disk_works = False
    driver.finish()
    ask(driver, PRIMARY, Reset(hard=False))
    assert not driver.all(fx.Restart)
    driver.sync()
    assert len(driver.all(fx.Restart)) == 1


def test_a_restart_goes_on_without_a_disk() -> None:
    driver = Driver()
    driver.charge()
    ask(driver, PRIMARY, Reset(hard=False))
    driver.disk_works = False
    driver.finish()
    held = len(driver.all(fx.Restart))
    driver.give(RecordFailed(driver.records, "disk"))
    assert driver.one(fx.Restart)
    assert not any(record.barrier for record in driver.all(fx.Record, driver.last))
    dead = Driver()
    dead.charge()
    dead.disk_works = False
    dead.give(RecordFailed(1, "disk"))
    ask(dead, PRIMARY, Reset(hard=False))
    dead.finish()
    dead.pass_time(1)
    assert dead.all(fx.Restart)
    assert held <= 1


def test_a_local_restart_may_wait_until_nothing_runs() -> None:
    driver = Driver()
    driver.charge()
    driver.give(RestartRequested(True, StopReason.REBOOT, wait_for_idle=True))
    assert driver.state() == "running"
    driver.card()
    driver.finish()
    assert driver.one(fx.Restart).reboot_system


# ----------------------------------------------------------------------------------------------------- options


@pytest.mark.rule("product.E5")
def test_an_option_is_stored_before_it_is_answered() -> None:
    driver = Driver()
    assert ask(driver, PRIMARY, SetOption("sample_interval_s", 15)) is ResultStatus.ACCEPTED
    record = driver.one(fx.Record)
    assert record.barrier
    assert record.entries == (SaveOption(PRIMARY, "sample_interval_s", 15),)
    assert driver.station.options(PRIMARY).sample_interval_s == 15
    assert driver.station.options(MANAGEMENT).sample_interval_s == 60


def test_options_by_scope_and_role() -> None:
    driver = Driver()
    assert ask(driver, MANAGEMENT, SetOption("stop_on_invalid", False)) is ResultStatus.REJECTED
    assert ask(driver, PRIMARY, SetOption("stop_on_invalid", False)) is ResultStatus.ACCEPTED
    assert ask(driver, MANAGEMENT, SetOption("reset_retries", 3)) is ResultStatus.ACCEPTED
    assert driver.entries(SaveOption, driver.last) == [SaveOption(None, "reset_retries", 3)]
    assert ask(driver, MANAGEMENT, SetOption("connector_phase_rotation", "1.RST")) is ResultStatus.ACCEPTED
    assert driver.station.options(PRIMARY).connector_phase_rotation == "1.RST"
    assert ask(driver, PRIMARY, SetOption("sample_interval_s", -1)) is ResultStatus.REJECTED
    assert ask(driver, PRIMARY, SetOption("sample_interval_s", True)) is ResultStatus.REJECTED
    assert ask(driver, PRIMARY, SetOption("nonsense", 1)) is ResultStatus.NOT_SUPPORTED
    assert ask(driver, PRIMARY, SetOption("authorization_key", "secret")) is ResultStatus.NOT_SUPPORTED


def test_an_upstream_sees_the_options_of_the_authority_readonly() -> None:
    driver = Driver()
    ask(driver, PRIMARY, SetOption("stop_on_invalid", False))
    result: Result | None = driver.command(MANAGEMENT, GetOptions())
    assert result is not None
    seen = {row.name: row for row in result.options}
    assert (seen["stop_on_invalid"].value, seen["stop_on_invalid"].readonly) == (False, True)
    assert not seen["sample_interval_s"].readonly
    assert "authorization_key" not in seen


def test_a_command_that_changes_nothing_is_only_answered_and_what_was_due_stays_due() -> None:
    driver = Driver()
    driver.charge()
    due = driver.station.next_deadline()
    for command in (
        ChangeAvailability(ONE, operative=True),
        SetOption("sample_interval_s", -1),
        GetOptions(),
    ):
        assert ask(driver, PRIMARY, command) is not None
        assert [type(effect) for effect in driver.last if not isinstance(effect, fx.Note)] == [fx.Answer]
        assert driver.station.next_deadline() == due
    assert ask(driver, PRIMARY, ChangeAvailability(ONE, operative=False)) is ResultStatus.SCHEDULED
    assert driver.entries(SaveHold, driver.last)


def test_what_is_seen_of_the_options_is_made_anew_when_one_changes_whoever_writes_it() -> None:
    driver = Driver()

    def seen(upstream: UpstreamId) -> Result:
        result: Result | None = driver.command(upstream, GetOptions())
        assert result is not None
        return result

    def value(upstream: UpstreamId, name: str) -> object:
        return {row.name: row.value for row in seen(upstream).options}[name]

    for upstream in (PRIMARY, MANAGEMENT):
        assert seen(upstream).options is seen(upstream).options
    assert ask(driver, PRIMARY, SetOption("local_pre_authorize", True)) is ResultStatus.ACCEPTED
    assert ask(driver, PRIMARY, SetOption("reset_retries", 9)) is ResultStatus.ACCEPTED
    assert ask(driver, MANAGEMENT, SetOption("sample_interval_s", 15)) is ResultStatus.ACCEPTED
    for upstream in (PRIMARY, MANAGEMENT):
        assert value(upstream, "local_pre_authorize") is True
        assert value(upstream, "reset_retries") == 9
    assert value(MANAGEMENT, "sample_interval_s") == 15
    assert value(PRIMARY, "sample_interval_s") == 60


@pytest.mark.rule("ocpp16.X73")
def test_stored_options_come_back() -> None:
    stored = (SaveOption(PRIMARY, "sample_interval_s", 5), SaveOption(None, "reset_retries", 9))
    driver = Driver(snapshot=Snapshot(2, False, options=stored))
    assert driver.station.options(PRIMARY).sample_interval_s == 5
    result = driver.command(PRIMARY, GetOptions())
    assert result is not None
    assert {row.name: row.value for row in result.options}["reset_retries"] == 9


@pytest.mark.rule("product.P6")
def test_only_billing_clears_the_cache() -> None:
    driver = Driver()
    assert ask(driver, MANAGEMENT, ClearCache()) is ResultStatus.REJECTED
    assert not driver.entries(WipeCache)
    assert ask(driver, PRIMARY, ClearCache()) is ResultStatus.ACCEPTED
    assert driver.entries(WipeCache) == [WipeCache(PRIMARY)]


def test_every_command_gets_exactly_one_answer_even_from_nowhere() -> None:
    driver = Driver()
    driver.give(CommandReceived(UpstreamId("nobody"), 4, GetOptions()))
    assert driver.one(fx.Answer).result.status is ResultStatus.REJECTED
