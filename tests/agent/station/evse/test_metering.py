"""Sampling plans: distances, selections, one stored reading, and what goes into the stop message."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.station.evse.sampling import DAY_MS, KEPT
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import SetOption
from agent.vocabulary.events import ReadingContext, TransactionSampled, TransactionStopped, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AfterPowerLoss, Selection, UpstreamOptions
from agent.vocabulary.records import SaveReading, Snapshot, TransactionRecord
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import (
    CableSeen,
    ContactorSeen,
    LockSeen,
    Measurand,
    Measured,
    MeterSeen,
    OutputsOff,
    Phase,
)
from tests.agent.station.driver import CARD, PRIMARY, WALL, Driver, connector

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


@pytest.mark.rule("ocpp16.X34")
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


@pytest.mark.rule("ocpp16.K09")
@pytest.mark.parametrize("before_s", [60, 0])
def test_a_new_interval_counts_from_now(before_s: int) -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=before_s)))
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


@pytest.mark.rule("ocpp16.X32")
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


COUNTED = Selection(Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL)


def values(driver: Driver, measurand: Measurand, upstream: UpstreamId = PRIMARY) -> list[float]:
    return [v.value for s in samples(driver, upstream) for v in s.sample.values if v.measurand is measurand]


def flow(driver: Driver, seconds: int, wh_per_s: int) -> None:
    for _ in range(seconds):
        driver.energy[1] += wh_per_s
        driver.pass_time(1)


@pytest.mark.rule("ocpp16.X32")
def test_each_plan_counts_its_own_intervals_and_the_end_counts_the_rest() -> None:
    both = (COUNTED, ENERGY)
    driver = Driver(
        upstreams=plans(
            UpstreamOptions(sample_interval_s=10, sampled_measurands=both, stop_sampled_measurands=(COUNTED,)),
            UpstreamOptions(sample_interval_s=20, sampled_measurands=(COUNTED,)),
        )
    )
    driver.charge()
    flow(driver, 20, 6)
    flow(driver, 15, 2)
    first, second, third = values(driver, Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL)
    registers = [1000.0, *values(driver, Measurand.ENERGY_ACTIVE_IMPORT)]
    assert [first, second, third] == [b - a for a, b in pairwise(registers)]
    assert values(driver, Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL, MANAGEMENT) == [first + second]
    event = stop(driver)
    kept = [one.value for each in event.samples for one in each.values]
    assert kept[:4] == [0, first, second, third]
    assert sum(kept) == event.meter_stop_wh - 1000


@pytest.mark.rule("ocpp16.X36")
def test_what_an_aligned_interval_counted_is_stamped_with_its_start_and_the_rest_with_the_instant() -> None:
    options = UpstreamOptions(sample_interval_s=0, aligned_interval_s=30, aligned_measurands=(ENERGY, COUNTED))
    driver = Driver(upstreams=plans(options))
    driver.charge()
    flow(driver, 95, 1)
    registers = [s.sample for s in samples(driver) if s.sample.values[0].measurand is Measurand.ENERGY_ACTIVE_IMPORT]
    counted = [s.sample for s in samples(driver) if s.sample not in registers]
    assert len(registers) == 3
    assert [one.values[0].value for one in counted] == [30, 30]  # the first one had no beginning
    walls = [one.at.wall_ms for one in registers]
    assert [one.at.wall_ms for one in counted] == walls[:2]
    assert all(wall is not None and wall % 30_000 == 0 for wall in walls)
    assert {one.context for one in counted} == {ReadingContext.SAMPLE_CLOCK}


@pytest.mark.rule("ocpp16.X36")
def test_intervals_that_do_not_divide_a_day_begin_anew_at_midnight() -> None:
    counted = (ENERGY, COUNTED)
    driver = Driver(upstreams=plans(UpstreamOptions(aligned_interval_s=7 * 3600, aligned_measurands=counted)))
    midnight_ms = (WALL // DAY_MS + 1) * DAY_MS
    for hours in (-3, 0, 7):  # 21 o'clock, midnight, 7 o'clock
        due_ms = midnight_ms + hours * 3_600_000
        driver.pass_time((due_ms - WALL - driver.ms) / 1000 - 5, meter=False)
        driver.pass_time(6)
    found = [(one.sample.at.wall_ms, one.sample.values[0].measurand) for one in samples(driver)]
    instants = [wall_ms - midnight_ms for wall_ms, what in found if wall_ms and what is ENERGY.measurand]
    starts = [wall_ms - midnight_ms for wall_ms, what in found if wall_ms and what is COUNTED.measurand]
    assert instants == [-3 * 3_600_000, 0, 7 * 3_600_000]
    assert starts == [-3 * 3_600_000, 0]


@pytest.mark.rule("ocpp16.X37")
def test_aligned_samples_come_from_connectors_and_never_from_the_station_without_a_main_meter() -> None:
    driver = Driver([connector(1), connector(2)], plans(UpstreamOptions(aligned_interval_s=30)))
    driver.pass_time(31)
    assert {s.where.connector for s in samples(driver)} == {1, 2}
    assert {s.transaction for s in samples(driver)} == {None}


def test_without_measurands_samples_hold_the_register_and_aligned_ones_are_none() -> None:
    options = UpstreamOptions(sample_interval_s=10, sampled_measurands=(), aligned_interval_s=30, aligned_measurands=())
    driver = Driver(upstreams=plans(options))
    driver.charge()
    driver.pass_time(35)
    assert [s.sample.context for s in samples(driver)] == [ReadingContext.SAMPLE_PERIODIC] * 3
    assert {v.measurand for s in samples(driver) for v in s.sample.values} == {Measurand.ENERGY_ACTIVE_IMPORT}


@pytest.mark.rule("ocpp16.X38")
def test_aligned_values_of_the_stop_message_lie_between_and_the_newest_survives() -> None:
    options = UpstreamOptions(sample_interval_s=0, aligned_interval_s=1, stop_aligned_measurands=(ENERGY,))
    driver = Driver(upstreams=plans(options))
    driver.charge()
    driver.pass_time(300)
    last = samples(driver)[-1].sample.at
    kept = stop(driver).samples
    assert 40 < len(kept) <= KEPT
    assert {one.context for one in kept} == {ReadingContext.SAMPLE_CLOCK}
    assert kept[-1].at.monotonic_ms >= last.monotonic_ms
    assert kept[0].at.monotonic_ms <= driver.rows(PRIMARY)[0].event.at.monotonic_ms + 2000  # type: ignore[union-attr]


@pytest.mark.rule("ocpp16.X42")
@pytest.mark.rule("ocpp16.X03")
def test_start_and_stop_are_the_first_and_last_registers_whole_and_never_rebased() -> None:
    options = UpstreamOptions(sample_interval_s=10, stop_sampled_measurands=(ENERGY,))
    driver = Driver(upstreams=plans(options))
    driver.energy[1] = 1_234_567
    driver.charge()
    flow(driver, 12, 7)
    event = stop(driver)
    started = driver.rows(PRIMARY)[0].event
    assert started.meter_start_wh == 1_234_567  # type: ignore[union-attr]
    assert event.samples[0].values[0].value == 1_234_567
    assert event.samples[-1].values[0].value == event.meter_stop_wh == 1_234_567 + 84
    assert isinstance(event.meter_stop_wh, int)


FORMER = TransactionRecord(
    TransactionId("former"),
    EvseAddress(EvseId(1), ConnectorId(1)),
    IdToken(CARD),
    PRIMARY,
    Moment(1, 400_000, WALL - 160_000),
    1000,
    Trigger.AUTHORIZED,
    last_at=Moment(1, 500_000, WALL - 60_000),
    last_energy_wh=1500,
)


def reborn(policy: AfterPowerLoss, options: UpstreamOptions, known: Snapshot | None = None) -> Driver:
    """A station in its second boot that finds a transaction of its first, and answers the question for the meter."""
    snapshot = known or Snapshot(2, False, open_transactions=(FORMER,))
    driver = Driver(upstreams=plans(options), snapshot=snapshot, ready=False, after_power_loss=policy)
    driver.give(OutputsOff(1))
    driver.give(LockSeen(1, True))
    driver.give(ContactorSeen(1, False))
    driver.pilot("B")
    driver.give(CableSeen(1, 20))
    driver.energy[1] = 1505
    driver.answer_meter()
    return driver


@pytest.mark.rule("ocpp16.X30")
def test_a_transaction_that_goes_on_tells_the_registers_around_the_interruption() -> None:
    options = UpstreamOptions(sample_interval_s=10, stop_sampled_measurands=(ENERGY, POWER))
    driver = reborn(AfterPowerLoss.RESUME, options)
    before, after = (event.sample for event in samples(driver))
    assert (before.context, before.at, before.energy_wh) == (
        ReadingContext.INTERRUPTION_BEGIN,
        FORMER.last_at,
        1500,
    )
    assert (after.context, after.energy_wh) == (ReadingContext.INTERRUPTION_END, 1505)
    assert [value.measurand for value in before.values] == [Measurand.ENERGY_ACTIVE_IMPORT]
    driver.pass_time(11)
    assert len(samples(driver)) == 3  # told once
    contexts = [one.context for one in stop(driver).samples]
    assert contexts == [
        ReadingContext.TRANSACTION_BEGIN,
        ReadingContext.INTERRUPTION_BEGIN,
        ReadingContext.INTERRUPTION_END,
        ReadingContext.SAMPLE_PERIODIC,
        ReadingContext.TRANSACTION_END,
    ]


@pytest.mark.rule("ocpp16.X30")
def test_what_is_stored_is_no_older_than_the_samples_made_of_it() -> None:
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10)))
    driver.charge()
    for _ in range(3):
        driver.pass_time(9.4)
        driver.meter()
        driver.pass_time(0.6, meter=False)
    stored = [one for one in driver.entries(SaveReading) if one.transaction is not None]
    assert [one.at for one in stored] == [one.sample.at for one in samples(driver)]
    assert len(stored) == 3


@pytest.mark.rule("ocpp16.X35")
def test_after_a_death_in_the_same_boot_the_distances_go_on_and_nothing_is_told_twice() -> None:
    former = replace(FORMER, started_at=Moment(1, 1_000, WALL), last_at=Moment(1, 6_000, WALL))
    snapshot = Snapshot(1, True, open_transactions=(former,))
    driver = reborn(AfterPowerLoss.RESUME, UpstreamOptions(sample_interval_s=5), snapshot)
    assert driver.ms == 10_000
    driver.pass_time(12)
    periodic = [one.sample for one in samples(driver) if one.sample.context is ReadingContext.SAMPLE_PERIODIC]
    assert [one.at.monotonic_ms for one in periodic] == [11_000, 16_000, 21_000]


@pytest.mark.rule("ocpp16.X30")
def test_who_wants_no_samples_is_not_told_of_an_interruption_either() -> None:
    driver = reborn(AfterPowerLoss.RESUME, UpstreamOptions(sample_interval_s=0))
    assert driver.state() == "running"
    assert samples(driver) == []


@pytest.mark.rule("ocpp16.X38")
def test_a_stop_behind_a_power_cut_has_its_begin_and_its_end() -> None:
    driver = reborn(AfterPowerLoss.STOP, UpstreamOptions(stop_sampled_measurands=(ENERGY,)))
    event = driver.rows(PRIMARY)[-1].event
    assert isinstance(event, TransactionStopped)
    assert [(one.context, one.energy_wh) for one in event.samples] == [
        (ReadingContext.TRANSACTION_BEGIN, 1000),
        (ReadingContext.TRANSACTION_END, 1505),
    ]
    assert event.samples[0].at == FORMER.started_at


@pytest.mark.rule("ocpp16.X34")
@pytest.mark.rule("ocpp16.X32")
def test_every_phase_and_the_total_of_what_was_selected_are_told() -> None:
    given = (
        Measured(Measurand.POWER_ACTIVE_IMPORT, 11_000.0),
        *(Measured(Measurand.POWER_ACTIVE_IMPORT, 3_600.0 + at, phase) for at, phase in enumerate(Phase)),
        Measured(Measurand.STATE_OF_CHARGE, 55.0),
        Measured(Measurand.TEMPERATURE, 31.5),
    )
    wanted = (POWER, Selection(Measurand.STATE_OF_CHARGE), Selection(Measurand.TEMPERATURE))
    driver = Driver(upstreams=plans(UpstreamOptions(sample_interval_s=10, sampled_measurands=wanted)))
    driver.charge()
    driver.pass_time(9)
    driver.give(MeterSeen(1, 1000, given))
    driver.pass_time(1, meter=False)
    assert samples(driver)[0].sample.values == given
