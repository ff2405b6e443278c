"""What stations often get wrong with transactions: ids, order, retries, registers, and who may start and stop."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Fails
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, SAME_CARD_S, back, begin, end, leave, play, reasons, statuses, wait

EVERY_5_S = {"MeterValueSampleInterval": 5}
MEASURED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"
UNITS = {"Energy": ("Wh", "kWh"), "Power": ("W", "kW"), "Current": ("A",), "Voltage": ("V",)}


def transactions(backend: ScriptedBackend) -> list[str]:
    """The messages of transactions in order, each once, meter values left out."""
    return [f.action for f in backend.ledger.deduplicated() if f.action.endswith("Transaction")]


@pytest.mark.rule("ocpp16.M5")
def test_meter_values_and_the_stop_wait_for_the_id_that_the_backend_gives(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("StartTransaction", Delayed(28))
        await begin(rig)
        await wait(12)
        rig.card()
        await rig.until_delivered(1)
        given = rig.primary.ledger.starts()[0].foreign_id
        assert given == 2000
        assert {value.foreign_id for value in rig.primary.ledger.meter_values()} == {given}
        assert [stop.foreign_id for stop in rig.primary.ledger.stops()] == [given]
        answered = next(f.at_s for f in rig.primary.ledger.frames if f.payload and "transactionId" in f.payload)
        assert all(value.at_s >= answered for value in rig.primary.ledger.meter_values())
        await leave(rig)

    play(tmp_path, story, RigOptions(primary_keys=EVERY_5_S))


@pytest.mark.rule("ocpp16.M6")
def test_what_waits_survives_a_power_cut_and_goes_out_in_order_before_what_is_new(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await rig.primary.stop()
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until(lambda: rig.management.ledger.stops(), within_s=20, what="the stop at management")
        rig.unplug()
        await wait(5)
        await rig.power_cut()
        await wait(10)
        rig.plug()
        rig.card()  # in the cache: it charges with the primary away
        await rig.until(lambda: len(rig.management.ledger.starts()) == 2, within_s=30, what="the second start")
        await rig.primary.start()
        await end(rig, sessions=2)
        assert transactions(rig.primary) == ["StartTransaction", "StopTransaction"] * 2

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M7")
def test_a_refused_message_is_tried_again_after_longer_and_longer_waits_and_then_given_up(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("StopTransaction", Fails())
        await begin(rig)
        await end(rig)  # tried once more: delivered
        rig.primary.script.always["MeterValues"] = Fails()
        await begin(rig)
        await wait(5)
        await end(rig, sessions=2)
        assert rig.primary.ledger.resends("StopTransaction") == 1
        tries: dict[str, list[float]] = {}
        for call in rig.primary.ledger.calls("MeterValues"):
            tries.setdefault(call.message_id, []).append(call.at_s)
        last = list(tries.values())[-1]
        assert [round(after - before) for before, after in pairwise(last)] == [10, 20]

    keys = {"TransactionMessageAttempts": 3, "TransactionMessageRetryInterval": 10, "MeterValueSampleInterval": 6}
    play(tmp_path, story, RigOptions(primary_keys=keys), undelivered=frozenset({"primary"}))


@pytest.mark.rule("ocpp16.M11")
def test_registers_are_whole_watt_hours_of_the_meter_and_go_on_from_session_to_session(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for sessions in (1, 2):
            await begin(rig)
            await wait(30)
            await end(rig, sessions=sessions)
        starts, stops = (rig.primary.ledger.calls(f"{name}Transaction") for name in ("Start", "Stop"))
        registers = [
            value
            for start, stop in zip(starts, stops, strict=True)
            for value in (start.payload["meterStart"], stop.payload["meterStop"])
        ]
        assert all(type(value) is int for value in registers)
        assert registers == sorted(registers)
        assert registers[0] > 1_000_000  # what the plant's meter has counted before
        assert registers[1] == registers[2]  # nothing flowed between

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M12")
def test_sampled_values_are_texts_and_name_their_unit(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(16)
        await end(rig)
        sampled = [
            value
            for call in rig.primary.ledger.calls("MeterValues")
            for element in call.payload["meterValue"]
            for value in element["sampledValue"]
        ]
        assert {value["measurand"] for value in sampled} == set(MEASURED.split(","))
        for value in sampled:
            assert type(value["value"]) is str
            assert float(value["value"]) >= 0
            assert value["unit"] in UNITS[value["measurand"].partition(".")[0]]

    play(tmp_path, story, RigOptions(primary_keys=EVERY_5_S | {"MeterValuesSampledData": MEASURED}))


@pytest.mark.rule("ocpp16.M14")
def test_the_card_that_started_stops_unasked_and_a_stranger_stops_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.card(OTHER_CARD)
        await wait(SAME_CARD_S)
        assert rig.closed()
        rig.card(CARD)
        await rig.until_delivered(1)
        asked = [call.payload["idTag"] for call in rig.primary.ledger.calls("Authorize")]
        assert asked == [CARD, OTHER_CARD]
        assert [stop.id_tag for stop in rig.primary.ledger.stops()] == [CARD]
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M15")
def test_a_card_is_told_as_its_uid_and_compared_without_case(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        assert await rig.primary.remote_start(CARD.lower(), 1) == "Accepted"
        await rig.until_status("Charging")
        rig.card(CARD)  # the same one
        await rig.until_delivered(1)
        assert [start.id_tag for start in rig.primary.ledger.starts()] == [CARD.lower()]  # as the backend wrote it
        await leave(rig)
        await wait(SAME_CARD_S)
        await begin(rig, card="00112233")
        assert rig.primary.ledger.calls("Authorize")[-1].payload == {"idTag": "00112233"}  # first byte first, no more
        await end(rig, card="00112233", sessions=2)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M16")
@pytest.mark.parametrize("stops", [True, False])
def test_a_start_that_is_not_accepted_ends_the_energy_and_if_so_set_the_transaction(
    tmp_path: Path, stops: bool
) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = "Blocked"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until(lambda: rig.primary.ledger.starts(), within_s=20, what="the start")
        await rig.until_status("Finishing" if stops else "SuspendedEVSE")
        await rig.until(lambda: not rig.closed(), within_s=10)
        await wait(10)
        assert [stop.reason for stop in rig.primary.ledger.stops()] == (["DeAuthorized"] if stops else [])
        if not stops:
            assert await rig.primary.remote_stop(2000) == "Accepted"
        await rig.until_delivered(1)
        assert await rig.primary.unlock(1) == "Unlocked"
        await leave(rig)

    play(tmp_path, story, RigOptions(primary_keys={"StopTransactionOnInvalidId": stops}))


@pytest.mark.rule("ocpp16.M17")
def test_the_connection_time_out_counts_from_preparing_and_ends_in_available(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await wait(50)
        rig.card()
        await rig.until_status("Preparing")
        took_s = await rig.until(lambda: rig.primary.ledger.status(1) == "Available", within_s=60)
        assert 19 <= took_s <= 22
        rig.plug()
        await wait(5)
        assert not rig.closed()  # the card has run out
        rig.unplug()
        await rig.until_status("Available")
        assert rig.primary.ledger.starts() == []

    play(tmp_path, story, RigOptions(primary_keys={"ConnectionTimeOut": 20}))


@pytest.mark.rule("ocpp16.M18")
def test_after_a_session_the_connector_is_finishing_until_the_cable_is_out(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until_delivered(1)
        await wait(300)
        assert statuses(rig.primary) == ["Available", "Preparing", "Charging", "Finishing"]
        await leave(rig)
        assert statuses(rig.primary)[3:] == ["Finishing", "Available"]

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M25")
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_a_reset_is_answered_first_stops_the_transaction_and_keeps_what_is_out_of_service(
    tmp_path: Path, kind: str
) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.primary.change_availability(2, "Inoperative") == "Accepted"
        assert await rig.primary.change_availability(1, "Inoperative") == "Scheduled"
        before = len(rig.primary.ledger.frames)
        assert await rig.primary.reset(kind) == "Accepted"
        asked, answered = rig.primary.ledger.frames[before : before + 2]
        assert (asked.action, answered.payload) == ("Reset", {"status": "Accepted"})
        async with asyncio.timeout(30):
            assert await rig.agent.ended() == 0

        async def start() -> None:
            rig.start(new_boot=kind == "Hard")

        await back(rig, start())
        await rig.until_delivered(1)
        assert reasons(rig)[1] == [f"{kind}Reset"]
        rig.unplug()
        await rig.until(lambda: rig.primary.ledger.status(1) == "Unavailable", within_s=20, what="as scheduled")
        assert rig.primary.ledger.status(2) == "Unavailable"

    play(tmp_path, story, RigOptions(connectors=2))
