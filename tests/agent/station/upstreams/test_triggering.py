"""Messages on demand: what is accepted, what is sent and to whom, and which values."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStop, ResultStatus, TriggerKind, TriggerMessage
from agent.vocabulary.events import ReadingContext, TransactionSampled, TransactionStarted, TransactionStopped, Trigger
from agent.vocabulary.firmware import IDLE as NO_UPDATE
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, UpstreamId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.options import Selection, UpstreamOptions
from agent.vocabulary.records import SaveReading
from agent.vocabulary.uploads import IDLE
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import Measurand
from tests.agent.station.driver import PRIMARY, WALL, Driver, connector

ONE, TWO = ConnectorId(1), ConnectorId(2)
BOTH = [PRIMARY, MANAGEMENT]
ENERGY, POWER = Measurand.ENERGY_ACTIVE_IMPORT, Measurand.POWER_ACTIVE_IMPORT
NO_PLANS = {"sample_interval_s": 0, "aligned_interval_s": 0}


def ask(
    driver: Driver, what: TriggerKind, number: ConnectorId | None = None, upstream: UpstreamId = PRIMARY
) -> ResultStatus:
    result = driver.command(upstream, TriggerMessage(what, number))
    assert result is not None
    return result.status


def sent(driver: Driver) -> list[fx.SendNow]:
    return driver.all(fx.SendNow, driver.last)


def values(driver: Driver, upstream: UpstreamId = PRIMARY) -> list[TransactionSampled]:
    """What the last command put into the outbox."""
    return [row.event for row in driver.rows(upstream, driver.last) if isinstance(row.event, TransactionSampled)]


def setups(**billing: object) -> list[UpstreamSetup]:
    return [
        UpstreamSetup(MANAGEMENT, Role.DATA_AND_CONTROL, UpstreamOptions(**NO_PLANS)),  # type: ignore[arg-type]
        UpstreamSetup(PRIMARY, Role.BILLING, UpstreamOptions(**{**NO_PLANS, **billing})),  # type: ignore[arg-type]
    ]


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.parametrize("upstream", BOTH)
@pytest.mark.parametrize(
    "what",
    [
        TriggerKind.HEARTBEAT,
        TriggerKind.DIAGNOSTICS_STATUS,
        TriggerKind.FIRMWARE_STATUS,
        TriggerKind.SIGNED_FIRMWARE_STATUS,
        TriggerKind.LOG_STATUS,
    ],
)
def test_what_is_about_no_connector_is_sent_to_the_asker_behind_the_answer(
    what: TriggerKind, upstream: UpstreamId
) -> None:
    driver = Driver()
    assert ask(driver, what, upstream=upstream) is ResultStatus.ACCEPTED
    talk = [effect for effect in driver.last if isinstance(effect, fx.Answer | fx.SendNow)]
    assert [type(effect) for effect in talk] == [fx.Answer, fx.SendNow]
    upload = IDLE if what in (TriggerKind.DIAGNOSTICS_STATUS, TriggerKind.LOG_STATUS) else None
    firmware = None if upload or what is TriggerKind.HEARTBEAT else NO_UPDATE
    assert sent(driver) == [fx.SendNow(upstream, what, upload=upload, firmware=firmware)]


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.S22")
def test_a_status_of_one_connector_or_of_the_station_and_each() -> None:
    driver = Driver([connector(1), connector(2)])
    assert ask(driver, TriggerKind.STATUS) is ResultStatus.ACCEPTED
    assert [effect.connector for effect in sent(driver)] == [STATION, ONE, TWO]
    assert {effect.upstream for effect in sent(driver)} == {PRIMARY}
    for number in (STATION, TWO):
        assert ask(driver, TriggerKind.STATUS, number) is ResultStatus.ACCEPTED
        assert sent(driver) == [fx.SendNow(PRIMARY, TriggerKind.STATUS, number)]
    assert not driver.all(fx.Publish, driver.last), "nobody else hears of it"


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.parametrize("what", [TriggerKind.STATUS, TriggerKind.METER_VALUES])
def test_an_unknown_connector_is_rejected(what: TriggerKind) -> None:
    driver = Driver()
    driver.meter()
    assert ask(driver, what, TWO) is ResultStatus.REJECTED
    assert (sent(driver), values(driver)) == ([], [])


# -------------------------------------------------------------------------------------------------------- boots


@pytest.mark.rule("ocpp16.B09")
@pytest.mark.rule("ocpp16.B03")
def test_a_boot_is_sent_until_one_was_accepted_and_again_after_a_reconnect() -> None:
    driver = Driver(online=False)
    driver.connect(PRIMARY, Registration.UNKNOWN)
    driver.connect(PRIMARY, Registration.PENDING)
    assert ask(driver, TriggerKind.BOOT) is ResultStatus.ACCEPTED
    assert sent(driver) == [fx.SendNow(PRIMARY, TriggerKind.BOOT)]
    driver.connect(PRIMARY, Registration.ACCEPTED)
    assert ask(driver, TriggerKind.BOOT) is ResultStatus.REJECTED
    assert sent(driver) == []
    driver.disconnect(PRIMARY)
    driver.connect(PRIMARY, Registration.ACCEPTED)
    assert ask(driver, TriggerKind.BOOT) is ResultStatus.ACCEPTED
    driver.connect(PRIMARY, Registration.ACCEPTED)
    assert ask(driver, TriggerKind.BOOT) is ResultStatus.REJECTED


@pytest.mark.rule("ocpp16.B09")
def test_the_boot_of_one_upstream_says_nothing_of_another() -> None:
    driver = Driver()
    driver.connect(PRIMARY)
    assert ask(driver, TriggerKind.BOOT) is ResultStatus.REJECTED
    assert ask(driver, TriggerKind.BOOT, upstream=MANAGEMENT) is ResultStatus.ACCEPTED


# ------------------------------------------------------------------------------------------------- meter values


@pytest.mark.rule("ocpp16.X39")
@pytest.mark.parametrize("upstream", BOTH)
def test_values_of_a_transaction_keep_their_place_in_the_outbox_of_the_asker(upstream: UpstreamId) -> None:
    driver = Driver(upstreams=setups())
    driver.charge()
    driver.pass_time(1.5)
    driver.energy[ONE] += 7
    driver.meter()
    assert ask(driver, TriggerKind.METER_VALUES, ONE, upstream) is ResultStatus.ACCEPTED
    (event,) = values(driver, upstream)
    started = driver.rows(upstream)[0].event
    assert isinstance(started, TransactionStarted)
    assert (event.transaction, event.where.connector, event.trigger) == (started.transaction, ONE, Trigger.TRIGGER)
    assert event.sample.context is ReadingContext.TRIGGER
    assert (event.sample.energy_wh, event.sample.at.wall_ms) == (driver.energy[ONE], WALL + driver.ms)
    assert sent(driver) == []
    assert not values(driver, MANAGEMENT if upstream == PRIMARY else PRIMARY)
    assert not driver.one(fx.Record).barrier
    driver.card()
    driver.finish()
    kinds = [type(row.event) for row in driver.rows(upstream)]
    assert kinds == [TransactionStarted, TransactionSampled, TransactionStopped]


@pytest.mark.rule("ocpp16.X39")
def test_values_outside_a_transaction_and_of_every_connector() -> None:
    driver = Driver([connector(1), connector(2)], setups())
    driver.charge(2)
    driver.meter(1)
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.ACCEPTED
    outside, inside = values(driver)
    assert (outside.where.connector, outside.transaction) == (ONE, None)
    assert inside.where.connector == TWO
    assert inside.transaction is not None
    saved = driver.entries(SaveReading, driver.last)
    assert [(reading.connector, reading.transaction) for reading in saved] == [(ONE, None), (TWO, inside.transaction)]


@pytest.mark.rule("ocpp16.X39")
def test_values_are_those_that_the_asker_samples() -> None:
    driver = Driver(upstreams=setups(sampled_measurands=(Selection(POWER), Selection(Measurand.CURRENT_OFFERED))))
    driver.charge()
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.ACCEPTED
    (event,) = values(driver)
    assert [value.measurand for value in event.sample.values] == [POWER, Measurand.CURRENT_OFFERED]
    assert ask(driver, TriggerKind.METER_VALUES, upstream=MANAGEMENT) is ResultStatus.ACCEPTED
    (event,) = values(driver, MANAGEMENT)
    assert ENERGY in [value.measurand for value in event.sample.values]


@pytest.mark.rule("ocpp16.X39")
def test_no_historic_values_a_silent_meter_is_rejected() -> None:
    driver = Driver()
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.REJECTED
    driver.meter()
    driver.pass_time(29, meter=False)
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.ACCEPTED
    driver.pass_time(2, meter=False)
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.REJECTED


@pytest.mark.rule("ocpp16.X39")
def test_what_an_interval_counted_is_told_and_goes_on_being_counted() -> None:
    counted = Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL
    driver = Driver(upstreams=setups(sampled_measurands=(Selection(counted),), sample_interval_s=60))
    driver.charge()
    driver.energy[ONE] += 30
    driver.meter()
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.ACCEPTED
    assert [value.value for value in values(driver)[0].sample.values] == [30]
    driver.energy[ONE] += 12
    driver.pass_time(61)
    periodic = [r.event for r in driver.rows(PRIMARY) if isinstance(r.event, TransactionSampled)][-1]
    assert periodic.sample.context is ReadingContext.SAMPLE_PERIODIC
    assert [value.value for value in periodic.sample.values] == [42]


@pytest.mark.rule("ocpp16.B03")
@pytest.mark.rule("ocpp16.X39")
def test_before_the_registration_values_are_sent_themselves() -> None:
    driver = Driver(upstreams=setups())
    driver.charge()
    driver.connect(MANAGEMENT, Registration.PENDING)
    assert ask(driver, TriggerKind.METER_VALUES, ONE, MANAGEMENT) is ResultStatus.ACCEPTED
    assert values(driver, MANAGEMENT) == []
    (effect,) = sent(driver)
    assert effect.values is not None
    assert (effect.values.transaction, effect.foreign_id) == (None, None), "its start was not told there"
    driver.acknowledge_start(MANAGEMENT, "7")
    assert ask(driver, TriggerKind.METER_VALUES, ONE, MANAGEMENT) is ResultStatus.ACCEPTED
    (effect,) = sent(driver)
    assert effect.values is not None
    assert effect.values.transaction is not None
    assert effect.foreign_id == "7"


def test_after_the_end_values_belong_to_no_transaction() -> None:
    driver = Driver(upstreams=setups())
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    driver.command(PRIMARY, RemoteStop("7"))
    driver.finish()
    driver.meter()
    assert ask(driver, TriggerKind.METER_VALUES) is ResultStatus.ACCEPTED
    assert values(driver)[0].transaction is None
