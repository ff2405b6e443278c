"""A meter that signs: what it signed reaches every upstream to the byte, through refusals, silence, deaths and cuts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hal.simulator.wire.bus import BusFaults
from tests.rig import sweep as sweeping
from tests.rig.driver import CARD
from tests.rig.fuse import End, Fuse
from tests.rig.link_cutter import Mode
from tests.rig.rig_options import RigOptions
from tests.rig.signed_values import ISKRA, judge, meter_of, record_of, texts, told
from tests.rig.station_rig import StationRig
from tests.rig.sweep import Tale
from tests.scenarios.acts import begin, end, leave, logged, play, reasons, wait
from tests.scenarios.tales import RECOVERY, RESUMPTION, SESSION

KEYS = {"MeterValueSampleInterval": 2}
STATION = RigOptions(meter=ISKRA, management_keys=dict(KEYS), primary_keys=dict(KEYS))
REQUIRED = replace(STATION, meter_values={"signed": "required"})
NOT_SIGNED = "station.not_signed"


@pytest.mark.rule("ocpp16.X41")
def test_both_upstreams_get_what_the_meter_signed_to_the_byte(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for sessions in (1, 2):
            await begin(rig)
            await wait(10)
            await end(rig, sessions=sessions)
        assert texts(rig.primary) == texts(rig.management) == [record_of(one) for one in meter_of(rig).signed]
        assert len(texts(rig.primary)) == 2
        ((value,), *_) = told(rig.primary).values()
        assert {name: value[name] for name in value if name != "value"} == {
            "context": "Transaction.End",
            "format": "SignedData",
            "measurand": "Energy.Active.Import.Register",
            "location": "Outlet",
        }
        dataset = json.loads(meter_of(rig).signed[0].dataset)
        start, stop = rig.primary.ledger.starts()[0], rig.primary.ledger.stops()[0]
        signed_wh = [round(1000 * one["RV"]) for one in dataset["RD"]]
        assert dataset["ID"] == CARD
        assert [abs(a - b) <= 1 for a, b in zip(signed_wh, (start.meter_start_wh, stop.meter_stop_wh), strict=True)]
        judge(rig)

    rig = play(tmp_path, story, STATION)
    assert logged(rig, "station.meter_key:", "3059301306072a8648ce3d")
    assert not logged(rig, CARD)


@pytest.mark.rule("ocpp16.X41")
def test_a_station_that_does_not_want_it_has_none(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await end(rig)
        assert meter_of(rig).begun == 0
        assert texts(rig.primary) == []
        assert not logged(rig, NOT_SIGNED)

    play(tmp_path, story, replace(STATION, meter_values={"signed": "off"}))


@pytest.mark.parametrize("status", [128, 131, 250])
@pytest.mark.rule("ocpp16.X41")
def test_a_meter_that_refuses_to_begin(tmp_path: Path, status: int) -> None:
    async def story(rig: StationRig) -> None:
        meter_of(rig).refuse.append(status)
        await begin(rig)
        await wait(3)
        await end(rig)
        assert texts(rig.primary) == texts(rig.management) == []
        assert len(logged(rig, NOT_SIGNED, f"status {status}: ")) == 1
        await begin(rig)
        await end(rig, sessions=2)
        assert len(texts(rig.primary)) == 1
        assert meter_of(rig).begun == len(meter_of(rig).signed) == 1

    play(tmp_path, story, STATION)


@pytest.mark.rule("ocpp16.X41")
def test_no_power_without_a_signed_session_where_it_is_required(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        meter_of(rig).refuse.append(131)
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_delivered(1)
        await wait(20)
        assert "contactor" not in {event.kind for event in rig.plant.history.of(1, "contactor") if event.value is True}
        assert reasons(rig) == [["Other"], ["Other"]]
        stop, start = rig.primary.ledger.stops()[0], rig.primary.ledger.starts()[0]
        assert stop.meter_stop_wh == start.meter_start_wh
        await leave(rig)
        await begin(rig)
        await end(rig, sessions=2)
        judge(rig)

    play(tmp_path, story, REQUIRED)


@pytest.mark.rule("ocpp16.X41")
def test_a_meter_that_refuses_to_end(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(3)
        meter_of(rig).refuse.append(132)
        await end(rig)
        assert texts(rig.primary) == []
        assert logged(rig, NOT_SIGNED, "status 132: bad measurement")
        await begin(rig)
        await end(rig, sessions=2)
        assert texts(rig.primary) == texts(rig.management) == [record_of(meter_of(rig).signed[-1])]
        assert meter_of(rig).begun == len(meter_of(rig).signed) == 2  # what nobody ended was ended before the next

    play(tmp_path, story, STATION)


@pytest.mark.rule("ocpp16.X41")
def test_what_comes_after_the_stop_was_recorded_is_kept_with_the_session(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(5)
        meter_of(rig).busy_s = 2.0
        rig.card()
        await rig.until(lambda: meter_of(rig).signed, within_s=30, what="the end in the meter, which is still busy")
        rig.plant.set_bus("bus1", BusFaults(online=False))
        await wait(30)
        rig.plant.set_bus("bus1", BusFaults())
        await rig.until(lambda: logged(rig, "station.signed_late"), within_s=60)
        await rig.until_delivered(1)
        assert texts(rig.primary) == []
        (session,) = rig.agent.agent.store.sessions(10)
        assert session.transaction.signed is not None
        assert session.transaction.signed.data == record_of(meter_of(rig).signed[0])
        await leave(rig)

    play(tmp_path, story, STATION, held_after=frozenset({"DeAuthorized", "Local"}))


@pytest.mark.parametrize(("dark_s", "signed"), [(30, True), (110, False)])
@pytest.mark.rule("ocpp16.X41")
def test_after_a_power_cut_the_end_waits_for_the_time_that_an_upstream_brings(
    tmp_path: Path, dark_s: int, signed: bool
) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(5)
        for cutter in rig.cutters.values():
            cutter.set(Mode.REFUSE)
        await rig.power_cut()
        await wait(dark_s)
        assert not rig.closed()
        for cutter in rig.cutters.values():
            cutter.set(Mode.PASS)
        await rig.until_delivered(1)
        assert reasons(rig) == [["PowerLoss"], ["PowerLoss"]]
        if signed:
            judge(rig)
        assert len(texts(rig.primary)) == len(texts(rig.management)) == int(signed)
        assert bool(logged(rig, NOT_SIGNED, "the time is not known")) is not signed
        await leave(rig)

    play(tmp_path, story, STATION, lost_energy_wh=30)


SIGNED = (
    replace(SESSION, name="a signed session", options=STATION, judge=judge),
    replace(RECOVERY, name="a signed session that a power cut ends", options=STATION, judge=judge),
    replace(
        RESUMPTION,
        name="a signed session that goes on after a death of the process",
        options=replace(STATION, station={"after_power_loss": "resume"}),
        judge=judge,
    ),
)


AROUND = range(-1, 4)
"""Boundaries before and behind each order to the meter that every run looks at."""


@pytest.mark.sweep
@pytest.mark.parametrize("how", [End.CUT, End.KILL])
@pytest.mark.rule("ocpp16.X41")
def test_around_each_order_to_the_meter(tmp_path: Path, how: End) -> None:
    burnt = _burnt(tmp_path, SIGNED[0])
    orders = [at for at, name in enumerate(burnt) if name == "hardware.sign"]
    assert len(orders) == 2
    found = list(_findings(tmp_path, SIGNED[0], how, [at + more for at in orders for more in AROUND]))
    assert not found, f"{len(found)} places:\n" + "\n\n".join(found[:5])


@pytest.mark.nightly
@pytest.mark.parametrize("tale", SIGNED, ids=lambda tale: tale.tell.__name__.strip("_"))
@pytest.mark.parametrize("how", list(End))
@pytest.mark.rule("ocpp16.X41")
def test_every_boundary(tmp_path: Path, tale: Tale, how: End) -> None:
    found = list(_findings(tmp_path, tale, how, range(len(_burnt(tmp_path, tale)))))
    assert not found, f"{len(found)} places:\n" + "\n\n".join(found[:5])


def _burnt(folder: Path, tale: Tale) -> list[str]:
    return sweeping.counted(folder / "counted", tale).burnt


def _findings(folder: Path, tale: Tale, how: End, places: Iterable[int]) -> Iterator[str]:
    for at in places:
        try:
            sweeping.visit(folder / str(at), tale, Fuse(at, how))
        except AssertionError as error:
            yield str(error)
