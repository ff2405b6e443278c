"""Every cell of the table of statuses (OCPP 1.6 4.9) through a board, and what is told where there is no cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.ocpp.exchange import Status
from agent.ocpp.v16.status import StatusBoard
from agent.ocpp.v16.status_table import FOLLOWS, STATUSES, steps
from agent.vocabulary.events import ChargingState, Condition
from agent.vocabulary.ids import STATION, ConnectorId, TransactionId
from agent.vocabulary.moments import Moment
from hal.api import Fault

FREE = Condition(ConnectorId(1), Moment(1, 0))
RUNNING = replace(FREE, plugged=True, transaction=TransactionId("t"), transaction_at=Moment(1, 0), has_charged=True)
CONDITIONS = {
    "Available": FREE,
    "Preparing": replace(FREE, plugged=True),
    "Charging": replace(RUNNING, charging=ChargingState.CHARGING),
    "SuspendedEV": replace(RUNNING, charging=ChargingState.SUSPENDED_EV),
    "SuspendedEVSE": replace(RUNNING, charging=ChargingState.SUSPENDED_EVSE),
    "Finishing": replace(FREE, plugged=True, finishing=True),
    "Reserved": replace(FREE, reserved=True),
    "Unavailable": replace(FREE, operative=False),
    "Faulted": replace(FREE, fault=Fault.GROUND),
}
ROWS = {
    "A": "2345789",
    "B": "134569",
    "C": "145689",
    "D": "135689",
    "E": "134689",
    "F": "1289",
    "G": "1289",
    "H": "123459",
    "I": "12345678",
}
CELLS = [f"{row}{column}" for row, columns in ROWS.items() for column in columns]
NO_CELLS = [f"{row}{column}" for row in ROWS for column in range(1, 10) if f"{row}{column}" not in CELLS]


def words_of(cell: str) -> tuple[str, str]:
    return STATUSES["ABCDEFGHI".index(cell[0])], STATUSES[int(cell[1]) - 1]


def told(first: Condition, second: Condition, minimum_s: int = 0) -> list[Status]:
    """What a peer that listens is told of two conditions, the second of them at 20 s."""
    board = StatusBoard()
    board.seen(first)
    board.listen(0, all_of_them=True)
    board.seen(replace(second, at=Moment(1, 20_000)))
    for now_ms in (20_000, 20_000 + 1000 * minimum_s):
        board.advance(now_ms, minimum_s)
    found = []
    while (status := board.peek()) is not None:
        board.taken(status)
        found.append(status)
    return found


def test_the_table_is_that_of_the_standard() -> None:
    assert {f"{'ABCDEFGHI'[STATUSES.index(a)]}{STATUSES.index(b) + 1}" for a, row in FOLLOWS.items() for b in row} == (
        set(CELLS)
    )


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("minimum_s", [0, 30])
def test_every_cell_is_one_step(cell: str, minimum_s: int) -> None:
    before, after = words_of(cell)
    found = told(CONDITIONS[before], CONDITIONS[after], minimum_s)
    assert [status.status for status in found] == [before, after]
    assert found[-1].at == Moment(1, 20_000)
    assert (found[-1].error_code == "NoError") is (after != "Faulted")


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.parametrize("cell", NO_CELLS)
@pytest.mark.parametrize("plugged", [False, True])
def test_what_has_no_cell_is_told_in_steps_that_have(cell: str, plugged: bool) -> None:
    before, after = words_of(cell)
    second = CONDITIONS[after]
    if after in ("Preparing", "Unavailable"):
        second = replace(second, plugged=plugged, authorised=not plugged and after == "Preparing")
    found = told(CONDITIONS[before], second)
    words = [status.status for status in found]
    if before == after:
        assert words == [before]
        return
    assert (words[0], words[-1]) == (before, after)
    assert len(words) == 3
    assert all(follower in FOLLOWS[word] for word, follower in pairwise(words))
    assert {status.at for status in found[1:]} == {Moment(1, 20_000)}


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.parametrize(
    ("known", "wanted", "plugged", "between"),
    [
        ("Preparing", "Unavailable", True, ("Finishing",)),
        ("Preparing", "Unavailable", False, ("Available",)),
        ("Preparing", "Reserved", False, ("Available",)),
        ("Charging", "Preparing", True, ("Finishing",)),
        ("SuspendedEV", "Preparing", False, ("Available",)),
        ("Finishing", "Charging", True, ("Preparing",)),
        ("Available", "Finishing", True, ("Preparing",)),
        ("Unavailable", "Finishing", True, ("Preparing",)),
        ("Unavailable", "Reserved", False, ("Available",)),
    ],
)
def test_the_steps_say_what_happened(known: str, wanted: str, plugged: bool, between: tuple[str, ...]) -> None:
    assert steps(known, wanted, plugged) == between


def test_a_step_in_between_keeps_the_warning_and_claims_no_reason() -> None:
    warned = replace(CONDITIONS["Preparing"], warning=Fault.DIODE, detail="bit 1")
    put_out = replace(warned, operative=False, held_by_other=True)
    between = told(warned, put_out)[1]
    assert (between.status, between.error_code, between.vendor_error_code) == (
        "Finishing",
        "EVCommunicationError",
        "bit 1",
    )
    assert between.info == ""


@pytest.mark.rule("ocpp16.S12")
def test_the_station_as_a_whole_goes_from_each_of_its_three_to_each() -> None:
    station = {word: replace(CONDITIONS[word], connector=STATION) for word in ("Available", "Unavailable", "Faulted")}
    for before, first in station.items():
        for after, second in station.items():
            words = [status.status for status in told(first, second)]
            assert words == ([before] if before == after else [before, after])
