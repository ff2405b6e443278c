"""Links that are down, cut at the wrong moment, half open or not accepted yet: who charges, and what is delivered."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.ledger import Ledger
from tests.rig.link_cutter import Mode
from tests.rig.oracle_sessions import wall_ms_of
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Fails, Silent
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import (
    OTHER_CARD,
    SAME_CARD_S,
    begin,
    end,
    leave,
    play,
    reasons,
    statuses,
    wait,
)

RECONNECT_S = 400.0
"""The longest backoff, and some."""


async def offline(rig: StationRig) -> None:
    """Neither backend can be reached."""
    for backend in rig.backends:
        await backend.stop()


async def online(rig: StationRig) -> None:
    """Both are there again, and the station has found them."""
    for backend in rig.backends:
        await backend.start()
    await rig.until(lambda: all(b.connected.is_set() for b in rig.backends), within_s=RECONNECT_S)


async def charge_for(rig: StationRig, seconds: float, card: str = CARD) -> None:
    """A whole session that no backend sees."""
    rig.plug()
    await wait(2)
    rig.card(card)
    await rig.until(rig.closed, within_s=15)
    await wait(max(seconds, SAME_CARD_S))
    rig.card(card)
    await rig.until(lambda: not rig.closed(), within_s=10)
    await wait(3)
    rig.unplug()
    await wait(3)


def messages(ledger: Ledger, after: int) -> list[str]:
    """The transaction messages from a place on, repeats dropped."""
    return [f.action for f in ledger.deduplicated()[after:] if "Transaction" in f.action or f.action == "MeterValues"]


@pytest.mark.rule("ocpp16.X20")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("ocpp16.T04")
@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
def test_a_known_card_charges_offline_and_everything_is_delivered_in_order_with_its_times(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await end(rig)
        await offline(rig)
        known = [len(backend.ledger.deduplicated()) for backend in rig.backends]
        rig.plug()
        await wait(2)
        rig.card(OTHER_CARD)  # in no cache
        await wait(5)
        assert not rig.closed()
        rig.unplug()
        await wait(2)
        await charge_for(rig, 12)
        await charge_for(rig, 5)
        await online(rig)
        await rig.until_delivered(3)
        for backend, after in zip(rig.backends, known, strict=True):
            delivered = messages(backend.ledger, after)
            one = ["StartTransaction", "MeterValues", "StopTransaction"]
            assert [*dict.fromkeys(delivered[:4])] == one if backend is rig.primary else True
            assert [name for name in delivered if name != "MeterValues"] == ["StartTransaction", "StopTransaction"] * 2
        began = [wall_ms_of(start.timestamp) for start in rig.primary.ledger.starts()]
        arrived = [start.at_s for start in rig.primary.ledger.starts()]
        assert began[2] - began[1] > 12_000  # as it was
        assert arrived[2] - arrived[1] < 5  # not as it came

    play(tmp_path, story, RigOptions(primary_keys={"MeterValueSampleInterval": 5}))


@pytest.mark.rule("ocpp16.X06")
def test_an_unknown_card_may_charge_offline_and_is_judged_when_the_primary_is_back(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[OTHER_CARD] = "Invalid"
        await offline(rig)
        rig.plug()
        await wait(2)
        rig.card(OTHER_CARD)
        await rig.until(rig.closed, within_s=10)
        await online(rig)
        await rig.until_delivered(1)
        assert reasons(rig) == [["DeAuthorized"], ["DeAuthorized"]]
        assert not rig.closed()
        await wait(SAME_CARD_S)
        rig.card(OTHER_CARD)
        await wait(3)
        await leave(rig)

    options = RigOptions(primary_keys={"AllowOfflineTxForUnknownId": True})
    play(tmp_path, story, options, offline_cards=frozenset({OTHER_CARD.casefold()}))


@pytest.mark.rule("product.H1")
def test_a_primary_that_is_silent_on_a_card_leaves_it_to_the_offline_keys_at_the_deadline(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await end(rig)
        rig.primary.script.next_time("Authorize", Silent())
        rig.plug()
        await wait(2)
        rig.card()
        took_s = await rig.until(rig.closed, within_s=20)
        assert 10 < took_s < 14
        assert not rig.management.ledger.calls("Authorize")
        await end(rig, sessions=2)

    play(tmp_path, story)


@pytest.mark.rule("product.H2")
def test_a_local_hit_asks_nobody_where_the_primary_wants_it_so(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await end(rig)
        asked = len(rig.primary.ledger.calls("Authorize"))
        await begin(rig)
        assert len(rig.primary.ledger.calls("Authorize")) == asked
        await end(rig, sessions=2)

    play(tmp_path, story, RigOptions(primary_keys={"LocalPreAuthorize": True}))


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.rule("ocpp16.X24")
@pytest.mark.rule("ocpp16.X25")
@pytest.mark.rule("INV-1")
def test_an_answer_to_a_start_that_is_lost_on_its_way_brings_the_same_bytes_again(
    tmp_path: Path, remembers: bool
) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.remembers = remembers
        rig.primary.script.next_time("StartTransaction", Delayed(1))
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until(lambda: rig.primary.ledger.calls("StartTransaction"), within_s=10)
        rig.cutters["primary"].set(Mode.BLACK_HOLE)
        await wait(2)
        rig.cutters["primary"].set(Mode.PASS)
        await rig.until_status("Charging")
        await wait(6)
        assert rig.primary.ledger.resends("StartTransaction") == 1
        (start,) = rig.primary.ledger.starts()
        assert start.foreign_id == (2000 if remembers else 2001)  # the last one counts
        assert {value.foreign_id for value in rig.primary.ledger.meter_values()} == {start.foreign_id}
        assert await rig.primary.remote_stop(start.foreign_id) == "Accepted"
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, RigOptions(primary_keys={"MeterValueSampleInterval": 5}))


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.rule("ocpp16.X23")
@pytest.mark.rule("ocpp16.X26")
def test_a_start_that_management_cannot_process_is_given_up_and_the_rest_goes_out_without_an_id(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.always["StartTransaction"] = Fails()
        await begin(rig)
        await end(rig)  # statuses are told meanwhile
        starts = [call.at_s for call in rig.management.ledger.calls("StartTransaction")]
        assert [round(after - before) for before, after in pairwise(starts)] == [10, 20]
        assert [stop.foreign_id for stop in rig.management.ledger.stops()] == [-1]

    keys = {"TransactionMessageAttempts": 3, "TransactionMessageRetryInterval": 10}
    play(tmp_path, story, RigOptions(management_keys=keys), undelivered=frozenset({"management"}))


@pytest.mark.rule("ocpp16.J12")
@pytest.mark.rule("INV-13")
@pytest.mark.rule("INV-2")
def test_a_half_open_link_to_management_is_found_and_costs_the_primary_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        cutter = rig.cutters["management"]
        cutter.set(Mode.HALF_OPEN)
        rig.plug()
        await wait(2)
        rig.card()
        await rig.until(lambda: rig.primary.ledger.status(1) == "Charging", within_s=10)
        await wait(25)
        assert cutter.accepted > 1  # dialled anew, though nobody told it that the link was dead
        cutter.set(Mode.PASS)
        await rig.until(lambda: rig.management.ledger.status(1) == "Charging", within_s=RECONNECT_S)
        await end(rig)
        assert statuses(rig.primary) == ["Available", "Preparing", "Charging", "Finishing", "Available"]

    keys = {"WebSocketPingInterval": 5, "MeterValueSampleInterval": 30}
    play(tmp_path, story, RigOptions(management_keys=keys))


@pytest.mark.rule("product.V7")
@pytest.mark.rule("product.V8")
@pytest.mark.rule("ocpp16.B03")
def test_a_primary_that_is_not_ready_for_us_yet_leaves_management_working(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.boot.extend(["Pending", "Rejected", "Pending"])
        rig.primary.script.interval_s = 20
        assert await rig.stop() == 0
        rig.start()
        await rig.until(lambda: len(rig.management.ledger.calls("BootNotification")) == 2, within_s=20)
        booted = len(rig.primary.ledger.frames)
        await wait(5)
        assert await rig.primary.remote_start(CARD, 1) == "Rejected"
        known, _ = await rig.primary.get_configuration("NumberOfConnectors")
        assert known == {"NumberOfConnectors": ("1", True)}
        rig.plug()
        await rig.until(lambda: rig.management.ledger.status(1) == "Preparing", within_s=5)
        rig.card()
        await wait(20)
        assert not rig.closed()  # a primary that never accepted the station has nobody charge
        quiet = [f.action for f in rig.primary.ledger.frames[booted:] if f.direction == "in" and f.is_call]
        assert set(quiet) <= {"BootNotification"}
        await rig.until(lambda: rig.primary.ledger.status(1) == "Preparing", within_s=60)  # assigned: with no reboot
        rig.card()
        await rig.until_status("Charging")
        await end(rig)

    play(tmp_path, story)
