"""Sampling plans: distances, selections, one stored reading, and what goes into the stop message."""

from __future__ import annotations

import pytest

from agent.station.evse.sampling import KEPT
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import SetOption
from agent.vocabulary.events import ReadingContext, TransactionSampled, TransactionStopped
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.options import Selection, UpstreamOptions
from agent.vocabulary.records import SaveReading
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import Measurand, Phase
from tests.agent.station.driver import PRIMARY, Driver

ENERGY, POWER = Selection(Measurand.ENERGY_ACTIVE_IMPORT), Selection(Measurand.POWER_ACTIVE_IMPORT)


def plans(billing: UpstreamOptions, management: UpstreamOptions | None = None) -> list[UpstreamSetup]:
    return [
        UpstreamSetup(MANAGEMENT, Role.DATA_AND_CONTROL, management or UpstreamOptions(sample_interval_s=0)),
        UpstreamSetup(PRIMARY, Role.BILLING, billing),
    ]


def samples(driver: Driver, upstream: UpstreamId = PRIMARY) -> list[TransactionSampled]:
    return [row.event for row in driver.rows(upstream) if isinstance(row.event, TransactionSampled)]


def stop(driver: Driver) -> TransactionStopped:
    driver.card()
    driver.finish()
    event = driver.rows(PRIMARY)[-1].event
    assert isinstance(event, TransactionStopped)
    return event


@pytest.mark.rule("ocpp16.X35")
@pytest.mark.rule("ocpp16.X29")
def test_periodic_samples_are_equidistant_from_the_start() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    started = driver.rows(PRIMARY)[0].event
    for _ in range(20):
        driver.pass_time(1.7)
    distances = [s.sample.at.monotonic_ms - started.at.monotonic_ms for s in samples(driver)]  # type: ignore[union-attr]
    assert distances == [10_000, 20_000, 30_000]
    assert {s.sample.context for s in samples(driver)} == {ReadingContext.SAMPLE_PERIODIC}


def test_each_upstream_has_its_own_plan_and_one_stored_reading_serves_both() -> None:
    driver = Driver(
        upstreams=plans(
            UpstreamOptions(sample_interval_s=10, sampled_measurands=(ENERGY,)),
            UpstreamOptions(sample_interval_s=20, sampled_measurands=(POWER, Selection(Measurand.CURRENT_IMPORT))),
        )
    )
    driver.charge()
    stored = len(driver.entries(SaveReading))
    driver.pass_time(21)
    assert len(samples(driver)) == 2
    (mirrored,) = samples(driver, MANAGEMENT)
    assert {v.measurand for v in mirrored.sample.values} == {Measurand.POWER_ACTIVE_IMPORT, Measurand.CURRENT_IMPORT}
    assert len(driver.entries(SaveReading)) - stored == 2
    records = [r for r in driver.all(fx.Record) if any(isinstance(e, SaveReading) for e in r.entries)]
    assert not any(record.barrier for record in records)


def test_a_selection_with_a_phase_takes_only_that_phase() -> None:
    only = (Selection(Measurand.CURRENT_IMPORT, Phase.L2), Selection(Measurand.CURRENT_IMPORT, Phase.L1))
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10, sampled_measurands=only)))
    driver.charge()
    driver.pass_time(11)
    assert [value.phase for value in samples(driver)[0].sample.values] == [Phase.L1]


@pytest.mark.rule("ocpp16.X36")
def test_aligned_samples_are_stamped_on_the_multiples_of_the_clock() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=0, aligned_interval_s=30)))
    driver.charge()
    driver.pass_time(95)
    assert len(samples(driver)) == 3
    for each in samples(driver):
        assert each.sample.at.wall_ms is not None
        assert each.sample.at.wall_ms % 30_000 == 0
        assert each.sample.context is ReadingContext.SAMPLE_CLOCK


@pytest.mark.rule("ocpp16.X37")
def test_aligned_samples_outside_a_transaction_carry_none() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(aligned_interval_s=30)))
    driver.pass_time(31)
    assert [s.transaction for s in samples(driver)] == [None]


def test_without_wall_time_there_are_no_aligned_samples() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=0, aligned_interval_s=30)))
    driver.wall_known = False
    driver.charge()
    driver.pass_time(95)
    assert samples(driver) == []


def test_a_silent_meter_makes_no_samples() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    driver.pass_time(25, meter=False)
    assert samples(driver) == []


def test_a_new_interval_counts_from_now() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=60)))
    driver.charge()
    driver.pass_time(30)
    driver.command(PRIMARY, SetOption("sample_interval_s", 10))
    assert driver.one(fx.OptionsChanged).upstream == PRIMARY
    changed = driver.ms
    driver.pass_time(11)
    (only,) = samples(driver)
    assert only.sample.at.monotonic_ms == changed + 10_000


def test_energy_is_stored_once_a_minute_even_if_nobody_samples() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=0)))
    driver.charge()
    driver.energy[1] = 1900
    driver.pass_time(181)
    stored = [row for row in driver.entries(SaveReading) if row.transaction is not None]
    assert len(stored) == 3
    assert stored[-1].energy_wh == 1900


@pytest.mark.rule("ocpp16.X38")
def test_the_stop_message_has_begin_and_end_and_what_lies_between() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10, stop_sampled_measurands=(ENERGY,))))
    driver.charge()
    driver.pass_time(25)
    driver.energy[1] = 1500
    contexts = [s.context for s in stop(driver).samples]
    assert contexts == [
        ReadingContext.TRANSACTION_BEGIN,
        ReadingContext.SAMPLE_PERIODIC,
        ReadingContext.SAMPLE_PERIODIC,
        ReadingContext.TRANSACTION_END,
    ]


@pytest.mark.rule("ocpp16.X38")
def test_the_stop_message_is_empty_where_nothing_is_configured() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    driver.pass_time(25)
    assert stop(driver).samples == ()


@pytest.mark.rule("ocpp16.X38")
def test_a_long_transaction_drops_only_what_lies_between() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=1, stop_sampled_measurands=(ENERGY,))))
    driver.charge()
    driver.pass_time(500)
    kept = stop(driver).samples
    assert len(kept) <= KEPT
    assert (kept[0].context, kept[-1].context) == (ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END)
    assert [s.at.monotonic_ms for s in kept] == sorted(s.at.monotonic_ms for s in kept)


@pytest.mark.rule("ocpp16.X40")
@pytest.mark.rule("ocpp16.X42")
def test_the_register_never_falls_within_a_transaction() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    driver.energy[1] = 1800
    driver.pass_time(5)
    driver.energy[1] = 40
    driver.pass_time(6)
    assert samples(driver)[0].sample.energy_wh == 1800
    assert stop(driver).meter_stop_wh == 1800
    notes = [n for n in driver.all(fx.Note) if n.event == "station.meter_implausible"]
    assert len(notes) == 1


def test_offered_current_is_reported_as_the_effective_limit() -> None:
    offered = (Selection(Measurand.CURRENT_OFFERED), Selection(Measurand.POWER_OFFERED))
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10, sampled_measurands=offered)))
    driver.charge()
    driver.pass_time(11)
    assert [v.value for v in samples(driver)[0].sample.values] == [20.0, 20.0 * 230 * 3]


def test_polling_is_faster_while_a_session_runs() -> None:
    driver = Driver()
    driver.charge()
    assert driver.all(fx.SetPace) == [fx.SetPace(1, True)]
    driver.card()
    driver.finish()
    assert driver.all(fx.SetPace)[-1] == fx.SetPace(1, False)


@pytest.mark.rule("INV-3")
@pytest.mark.rule("ocpp16.X40")
@pytest.mark.parametrize("exchanged", [40, 2_000_000])
def test_a_meter_that_is_exchanged_in_a_transaction_is_told_and_not_billed(exchanged: int) -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    driver.energy[1] = 1300
    driver.pass_time(5)
    driver.energy[1] = exchanged
    driver.pass_time(5)
    driver.energy[1] = exchanged + 20
    driver.pass_time(5)
    assert stop(driver).meter_stop_wh == 1320
    assert len([n for n in driver.all(fx.Note) if n.event == "station.meter_implausible"]) == 1
