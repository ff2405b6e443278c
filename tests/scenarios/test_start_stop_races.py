"""Two backends at the same instant: starts, stops and resets that cross, and answers to a start in every order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Mood, Silent
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import SAME_CARD_S, begin, end, leave, play, reasons, statuses, wait

KEYS = {"MeterValueSampleInterval": 5}
STATION = RigOptions(management_keys=dict(KEYS), primary_keys=dict(KEYS))
ASKS_NOBODY = replace(STATION, primary_keys={**KEYS, "AuthorizeRemoteTxRequests": False})


async def at_once(in_this_order: bool, **asked: Awaitable[str]) -> dict[str, str]:
    """Send requests in one instant, in this order or the other; the answers by name."""
    names = list(asked) if in_this_order else list(reversed(asked))
    return dict(zip(names, await asyncio.gather(*(asked[name] for name in names)), strict=True))


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("INV-7")
@pytest.mark.parametrize("management_first", [True, False])
@pytest.mark.parametrize("options", [STATION, ASKS_NOBODY])
def test_a_remote_start_and_a_hold_of_the_other_at_the_same_instant(
    tmp_path: Path, options: RigOptions, management_first: bool
) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        start = rig.primary.remote_start(CARD, 1)
        hold = rig.management.change_availability(1, "Inoperative")
        answers = await at_once(management_first, hold=hold, start=start)
        await wait(10)
        if rig.closed():
            assert answers == {"start": "Accepted", "hold": "Scheduled"}
            assert await rig.primary.remote_stop(rig.primary._next_transaction_id - 1) == "Accepted"
            await rig.until_delivered(1)
        else:  # the hold came before there was a transaction
            assert answers["hold"] == "Accepted"
            assert not any(backend.ledger.starts() for backend in rig.backends)
        rig.unplug()
        await rig.until_status("Unavailable")
        assert await rig.primary.remote_start(CARD, 1) == "Rejected"
        assert await rig.management.change_availability(1, "Operative") == "Accepted"
        await rig.until_status("Available")

    play(tmp_path, story, options)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("product.P4")
@pytest.mark.parametrize("management_first", [True, False])
@pytest.mark.parametrize("options", [STATION, ASKS_NOBODY])
def test_a_soft_reset_of_management_and_a_remote_start_while_a_car_waits(
    tmp_path: Path, options: RigOptions, management_first: bool
) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        start, reset = rig.primary.remote_start(CARD, 1), rig.management.reset()
        answers = await at_once(management_first, reset=reset, start=start)
        if answers["reset"] == "Accepted":
            boots = len(rig.primary.ledger.calls("BootNotification"))
            await rig.restarted()
            await rig.until(lambda: len(rig.primary.ledger.calls("BootNotification")) > boots, within_s=60)
            await wait(10)
            assert not rig.closed(), "what was asked of a former life starts nothing in this one"
            assert not any(backend.ledger.starts() for backend in rig.backends)
        else:
            await rig.until_status("Charging")
            await end(rig)
            return
        rig.unplug()
        await rig.until_status("Available")

    play(tmp_path, story, options)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("product.P4")
def test_a_soft_reset_of_management_is_refused_from_the_record_of_the_start_on(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        assert await rig.primary.remote_start(CARD, 1) == "Accepted"
        await rig.until(lambda: bool(rig.primary.ledger.starts()), within_s=20)
        assert await rig.management.reset() == "Rejected"
        await rig.until_status("Charging")
        await wait(SAME_CARD_S)
        await end(rig)

    play(tmp_path, story, ASKS_NOBODY)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.parametrize(("primary", "management"), [("Invalid", "Accepted"), ("Accepted", "Invalid")])
@pytest.mark.parametrize("slow", ["primary", "management"])
def test_of_two_verdicts_on_a_start_the_authoritys_counts_whoever_is_faster(
    tmp_path: Path, primary: str, management: str, slow: str
) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = primary
        rig.management.script.starts[CARD] = management
        (rig.primary if slow == "primary" else rig.management).script.next_time("StartTransaction", Delayed(4))
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(12)
        assert rig.closed() == (primary == "Accepted")
        if rig.closed():
            await end(rig)
        else:
            await rig.until_delivered(1)
            rig.card()  # its cable is let go
            await leave(rig)
        wanted = "Local" if primary == "Accepted" else "DeAuthorized"
        assert reasons(rig) == [[wanted], [wanted]]

    play(tmp_path, story, STATION)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.parametrize(
    ("management", "primary"),
    [((), (Delayed(12),)), ((Delayed(12),), ()), ((Silent(),), ())],
    ids=["first", "last", "never"],
)
def test_the_mirrors_answer_to_the_start_is_waited_for_by_nobody(
    tmp_path: Path, management: tuple[Mood, ...], primary: tuple[Mood, ...]
) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.next_time("StartTransaction", *management)
        rig.primary.script.next_time("StartTransaction", *primary)
        await begin(rig)
        began_s = rig.plant.time_s
        await wait(30)
        assert rig.closed()
        assert len(rig.primary.ledger.calls("MeterValues")) >= 2
        ours = rig.primary._next_transaction_id - 1
        assert await rig.management.remote_stop(ours) == "Rejected"
        assert await rig.primary.remote_stop(ours) == "Accepted"
        await rig.until(lambda: len(rig.primary.ledger.stops()) == 1, within_s=20)
        assert rig.plant.time_s - began_s < 60
        await rig.until_delivered(1)
        starts = rig.management.ledger.deduplicated("StartTransaction")
        assert len(starts) == 1
        for values in rig.management.ledger.calls("MeterValues"):
            assert values.at_s > starts[0].at_s, "its own start goes first"
        await leave(rig)
        assert statuses(rig.management)[-1] == statuses(rig.primary)[-1] == "Available"

    story_options = replace(
        STATION, management_keys={**KEYS, "MessageTimeout": 10, "TransactionMessageRetryInterval": 1}
    )
    play(tmp_path, story, story_options)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.rule("two-upstreams.TU04")
def test_one_number_from_both_is_two_ids(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.give_next(9)
        rig.primary.give_next(9)
        await begin(rig)
        await wait(2)
        assert await rig.management.remote_stop(9) == "Rejected"
        assert rig.closed()
        assert await rig.primary.remote_stop(9) == "Accepted"
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, STATION)
