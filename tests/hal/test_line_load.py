"""What a line can carry: computed, told, and kept by real rounds on virtual time."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hal.api import FaultSeen, MeterSeen, PilotSeen
from hal.line_load import Demand, Load, limitations, load
from hal.serial_port import SerialSettings
from tests.hal.bench import CrowdedLine

SETTLED_S = 15
WATCHED_S = 60


def told(line: CrowdedLine) -> list[str]:
    texts = [text for one in line.hardware.capabilities.values() for text in one.limitations]
    return sorted({text for text in texts if text.startswith("Bus ")})


def test_the_load_is_the_sum_of_what_the_devices_want() -> None:
    whole = load([Demand("b", 0.2, (0.05,)), Demand("b", 1.0, (0.15, 0.15))])
    assert (whole.wanted_per_s, whole.busy, whole.slower) == (7.0, 0.55, 1.0)
    assert Load(10.0, 2.0).carried_per_s == 5.0


def test_a_line_that_carries_its_load_is_not_mentioned_and_another_line_neither() -> None:
    much = [Demand("full", 0.2, (0.05,)) for _ in range(5)]
    settings = SerialSettings(19200)
    assert limitations({"free": settings}, much) == ()
    (text,) = limitations({"free": settings, "full": settings}, much)
    assert "'full' at 19200 baud has time for 20.0 of the 25.0 transactions a second" in text
    assert "bus of their own" in text


def test_one_connector_fits_its_line_and_three_do_not() -> None:
    assert told(CrowdedLine(1)) == []
    (text,) = told(CrowdedLine(3))
    assert "Bus 'only' at 19200 baud" in text
    assert "Raise its baud rate" in text


@pytest.mark.parametrize("connectors", [1, 2, 3, 5])
def test_every_device_is_asked_at_the_pace_that_was_computed(connectors: int) -> None:
    line = CrowdedLine(connectors)
    demands = [one for each in line.hardware._connectors.values() for one in each.demands]
    slower, once_s = load(demands).slower, sum(max(one.requests_s) for one in demands)

    async def scenario(line: CrowdedLine) -> None:
        for one in line.numbers:
            line.hardware.session_pace(one, True)
        await asyncio.sleep(SETTLED_S)
        before = {one: len(line.seen(MeterSeen, one)) for one in line.numbers}
        since = asyncio.get_running_loop().time()
        await asyncio.sleep(WATCHED_S)
        for one in line.numbers:
            asked = [at for at in line.asked_at(100 + one) if at >= since]
            assert max(b - a for a, b in itertools.pairwise(asked)) <= 0.2 * slower + once_s
            assert len(line.seen(MeterSeen, one)) - before[one] >= WATCHED_S / slower * 0.8
            assert line.seen(PilotSeen, one)
            assert not line.seen(FaultSeen, one)

    line.play(scenario)
