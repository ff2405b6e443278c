"""What a peer reads of whole lives of a station: the cells that a station can reach, and no pair outside the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from agent.ocpp.exchange import Status
from agent.ocpp.v16.status import ERROR_CODES, StatusBoard
from agent.ocpp.v16.status_table import FOLLOWS
from agent.station.evse.faults import LATCHING, REACTIONS, Reaction
from agent.station.station import Station
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import ChangeAvailability, SetOption
from agent.vocabulary.effects import Effect
from agent.vocabulary.ids import STATION, ConnectorId, UpstreamId
from hal.api import CableSeen, Fault, FaultSeen
from tests.agent.station.driver import INVALID, PRIMARY, SOCKET, Driver, connector
from tests.agent.station.test_safety import Chaos

ONE = ConnectorId(1)


def read(effects: Iterable[Effect], minimum_s: int = 0, upstream: UpstreamId = PRIMARY) -> list[Status]:
    """Everything that a peer who listens from the first word on is told."""
    board, found = StatusBoard(), list[Status]()

    def advance(now_ms: int) -> None:
        board.advance(now_ms, minimum_s)
        while (status := board.peek()) is not None:
            board.taken(status)
            found.append(status)

    def until(now_ms: int) -> None:
        while (due_ms := board.next_deadline(minimum_s)) is not None and due_ms < now_ms:
            advance(due_ms)

    conditions = [e.event.condition for e in effects if isinstance(e, fx.Publish) and e.upstream == upstream]
    board.listen(0, all_of_them=True)
    for condition in conditions:
        until(condition.at.monotonic_ms)
        board.seen(condition)
        advance(condition.at.monotonic_ms)
    until(conditions[-1].at.monotonic_ms + 100_000)
    return found


def of(statuses: Iterable[Status], number: int) -> list[Status]:
    return [status for status in statuses if status.connector == number]


def outside_the_table(statuses: Iterable[Status]) -> list[tuple[str, str]]:
    """Pairs that have no cell; the same word again is no step (its error or its info changed)."""
    words = [status.status for status in statuses]
    return [(a, b) for a, b in pairwise(words) if a != b and b not in FOLLOWS[a]]


# ------------------------------------------------------------------------------------------------- single cells


def fault(driver: Driver, which: Fault = Fault.OVER_TEMPERATURE, active: bool = True) -> None:
    driver.give(FaultSeen(1, which, active))
    if not active:
        driver.pass_time(3)


def operative(driver: Driver, yes: bool) -> None:
    driver.command(PRIMARY, ChangeAvailability(ONE, yes))


def suspend_by_car(driver: Driver) -> None:
    driver.charge()
    driver.current[1] = 0.0
    driver.pilot("B", True)
    driver.contactor(False)


def suspend_by_station(driver: Driver) -> None:
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7", INVALID)
    driver.current[1] = 0.0
    driver.pass_time(1)
    driver.pilot("B", False)
    driver.contactor(False)


def finish(driver: Driver) -> None:
    driver.charge()
    driver.card()
    driver.finish()
    driver.locked(False)


def end(driver: Driver) -> None:
    driver.card()
    driver.finish()


def go_away(driver: Driver) -> None:
    driver.unplug()
    driver.contactor(False)
    driver.current[1] = 0.0
    driver.pass_time(2)
    driver.answer_meter()
    driver.locked(False)


def go_on(driver: Driver) -> None:
    driver.pilot("C", True)
    driver.contactor(True)
    driver.pass_time(1)


def unrated(driver: Driver) -> None:
    """A cable that nobody can rate: the station offers nothing."""
    driver.plug(rating=None)
    driver.card()
    driver.verdict()
    driver.locked()
    driver.answer_meter()
    driver.pass_time(11)


def rated(driver: Driver) -> None:
    driver.give(CableSeen(1, 20))
    driver.pilot("B", True)


def loses_its_rating(driver: Driver) -> None:
    driver.give(CableSeen(1, None))
    driver.current[1] = 0.0
    driver.pilot("B", False)
    driver.contactor(False)


def rated_again(driver: Driver) -> None:
    driver.pass_time(6)
    driver.pilot("C", False)
    driver.give(CableSeen(1, 20))


def charge_captive(driver: Driver) -> None:
    driver.pilot("B")
    driver.card()
    driver.verdict()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.contactor(True)


def car_stops(driver: Driver) -> None:
    driver.pilot("B", True)
    driver.contactor(False)


def station_stops(driver: Driver) -> None:
    driver.acknowledge_start(PRIMARY, "7", INVALID)


Act = Callable[[Driver], object]
CELLS: dict[str, tuple[list[Act], str, str]] = {
    "A2": ([Driver.plug], "Available", "Preparing"),
    "A8": ([lambda d: operative(d, False)], "Available", "Unavailable"),
    "A9": ([fault], "Available", "Faulted"),
    "B1": ([Driver.plug, Driver.unplug], "Preparing", "Available"),
    "B3": ([Driver.charge], "Preparing", "Charging"),
    "B4": ([Driver.start_session, lambda d: d.pilot("B", True), lambda d: d.pass_time(11)], "Preparing", "SuspendedEV"),
    "B5": (
        [Driver.start_session, lambda d: d.acknowledge_start(PRIMARY, "7", INVALID), lambda d: d.pass_time(11)],
        "Preparing",
        "SuspendedEVSE",
    ),
    "B6": ([Driver.plug, lambda d: d.pass_time(121)], "Preparing", "Finishing"),
    "B9": ([Driver.plug, fault], "Preparing", "Faulted"),
    "C4": ([suspend_by_car], "Charging", "SuspendedEV"),
    "C5": ([suspend_by_station], "Charging", "SuspendedEVSE"),
    "C6": ([Driver.charge, end], "Charging", "Finishing"),
    "C8": ([Driver.charge, lambda d: operative(d, False), end], "Charging", "Unavailable"),
    "C9": ([Driver.charge, fault], "Charging", "Faulted"),
    "D3": ([suspend_by_car, go_on], "SuspendedEV", "Charging"),
    "D5": ([suspend_by_car, lambda d: d.acknowledge_start(PRIMARY, "7", INVALID)], "SuspendedEV", "SuspendedEVSE"),
    "D6": ([suspend_by_car, end], "SuspendedEV", "Finishing"),
    "D8": ([suspend_by_car, lambda d: operative(d, False), end], "SuspendedEV", "Unavailable"),
    "D9": ([suspend_by_car, fault], "SuspendedEV", "Faulted"),
    "E3": (
        [Driver.charge, loses_its_rating, rated_again, go_on],
        "SuspendedEVSE",
        "Charging",
    ),
    "E4": ([unrated, rated], "SuspendedEVSE", "SuspendedEV"),
    "E6": ([suspend_by_station, end], "SuspendedEVSE", "Finishing"),
    "E8": ([suspend_by_station, lambda d: operative(d, False), end], "SuspendedEVSE", "Unavailable"),
    "E9": ([suspend_by_station, fault], "SuspendedEVSE", "Faulted"),
    "F1": ([finish, Driver.unplug], "Finishing", "Available"),
    "F2": ([finish, Driver.card], "Finishing", "Preparing"),
    "F8": ([finish, lambda d: operative(d, False)], "Finishing", "Unavailable"),
    "F9": ([finish, fault], "Finishing", "Faulted"),
    "H1": ([lambda d: operative(d, False), lambda d: operative(d, True)], "Unavailable", "Available"),
    "H2": ([lambda d: operative(d, False), Driver.plug, lambda d: operative(d, True)], "Unavailable", "Preparing"),
    "H9": ([lambda d: operative(d, False), fault], "Unavailable", "Faulted"),
    "I1": ([fault, lambda d: fault(d, active=False)], "Faulted", "Available"),
    "I2": ([Driver.plug, fault, lambda d: fault(d, active=False)], "Faulted", "Preparing"),
    "I3": ([Driver.charge, fault, lambda d: fault(d, active=False), go_on], "Faulted", "Charging"),
    "I4": ([suspend_by_car, fault, lambda d: fault(d, active=False)], "Faulted", "SuspendedEV"),
    "I5": ([suspend_by_station, fault, lambda d: fault(d, active=False)], "Faulted", "SuspendedEVSE"),
    "I6": ([finish, fault, lambda d: fault(d, active=False)], "Faulted", "Finishing"),
    "I8": ([lambda d: operative(d, False), fault, lambda d: fault(d, active=False)], "Faulted", "Unavailable"),
}
CAPTIVE_CELLS: dict[str, tuple[list[Act], str, str]] = {
    "C1": ([charge_captive, go_away], "Charging", "Available"),
    "D1": ([charge_captive, car_stops, go_away], "SuspendedEV", "Available"),
    "E1": ([charge_captive, station_stops, go_away], "SuspendedEVSE", "Available"),
}
NO_LOCK = replace(SOCKET, lock=None, cable_rating=False)


def life(acts: list[Act], captive: bool = False) -> list[Status]:
    driver = Driver([connector(capabilities=NO_LOCK, captive_cable=True) if captive else connector()])
    driver.command(PRIMARY, SetOption("stop_on_invalid", False))
    for act in acts:
        act(driver)
    return of(read(driver.log), 1)


def check_cell(found: list[Status], before: str, after: str) -> None:
    words = [status.status for status in found]
    assert (before, after) in set(pairwise(words)), words
    assert words[-1] == after
    assert outside_the_table(found) == []


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.rule("ocpp16.S11")
@pytest.mark.parametrize("cell", CELLS)
def test_a_station_walks_through_the_cell(cell: str) -> None:
    acts, before, after = CELLS[cell]
    check_cell(life(acts), before, after)


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.parametrize("cell", CAPTIVE_CELLS)
def test_a_captive_cable_leaves_nothing_to_do(cell: str) -> None:
    acts, before, after = CAPTIVE_CELLS[cell]
    check_cell(life(acts, captive=True), before, after)


@pytest.mark.rule("ocpp16.S02")
@pytest.mark.rule("ocpp16.S30")
@pytest.mark.parametrize("which", [one for one in Fault if REACTIONS[one] is Reaction.PAUSE])
def test_a_fault_that_pauses_gives_back_the_status_from_before(which: Fault) -> None:
    found = life([Driver.charge, lambda d: fault(d, which), lambda d: fault(d, which, active=False), go_on])
    words = [(status.status, status.error_code) for status in found[-4:] if status.status in ("Faulted", "Charging")]
    assert words == [("Charging", "NoError"), ("Faulted", ERROR_CODES[which]), ("Charging", "NoError")]


@pytest.mark.rule("ocpp16.S02")
@pytest.mark.parametrize("which", [one for one in Fault if REACTIONS[one] is Reaction.END and one not in LATCHING])
def test_a_fault_that_ended_the_transaction_gives_finishing(which: Fault) -> None:
    def over(driver: Driver) -> None:
        driver.finish()
        driver.locked(False)
        fault(driver, which, active=False)

    found = life([Driver.charge, lambda d: fault(d, which), over])
    assert [(one.status, one.error_code) for one in found[-2:]] == [
        ("Faulted", ERROR_CODES[which]),
        ("Finishing", "NoError"),
    ]


@pytest.mark.rule("ocpp16.S30")
@pytest.mark.parametrize("which", [one for one in Fault if REACTIONS[one] is Reaction.WARN])
def test_a_warning_is_told_with_the_status_that_it_leaves_alone(which: Fault) -> None:
    found = life([Driver.charge, lambda d: fault(d, which), lambda d: fault(d, which, active=False)])
    assert [(one.status, one.error_code) for one in found[-3:]] == [
        ("Charging", "NoError"),
        ("Charging", ERROR_CODES[which]),
        ("Charging", "NoError"),
    ]


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.rule("ocpp16.S10")
def test_a_car_that_was_unplugged_on_its_side_is_told_as_such_until_it_is_back() -> None:
    def keep_going(driver: Driver) -> None:
        driver.command(PRIMARY, SetOption("stop_on_ev_disconnect", False))

    found = life([keep_going, Driver.charge, Driver.unplug, lambda d: d.pilot("B", True)])
    assert [(one.status, one.error_code, one.info) for one in found[-3:]] == [
        ("Charging", "NoError", ""),
        ("SuspendedEV", "NoError", "EV side disconnected"),
        ("SuspendedEV", "NoError", ""),
    ]


# --------------------------------------------------------------------------------------------------- whole lives


class Reader(Chaos):
    """A station to which anything happens, with a peer that reads along."""

    def __init__(self, seed: int, station_class: type[Station] = Station) -> None:
        self.log: list[Effect] = []
        super().__init__(seed, station_class)

    def _watch(self, effects: list[Effect]) -> list[Effect]:
        self.log += effects
        return super()._watch(effects)


def lives(count: int, base: int, minimum_s: int) -> set[tuple[str, str]]:
    """The pairs that were read, none of them outside the table, in the order of time."""
    pairs: set[tuple[str, str]] = set()
    for seed in range(base, base + count):
        reader = Reader(seed)
        for _ in range(800):
            reader.step()
        found = read(reader.log, minimum_s)
        for number in (1, 2):
            mine = of(found, number)
            assert outside_the_table(mine) == []
            assert [one.at.monotonic_ms for one in mine] == sorted(one.at.monotonic_ms for one in mine)
            pairs |= {(a.status, b.status) for a, b in pairwise(mine)}
        assert {one.status for one in of(found, STATION)} <= {"Available", "Unavailable", "Faulted"}
        assert not any(a.same(b) for number in (0, 1, 2) for a, b in pairwise(of(found, number)))
    return pairs


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.rule("ocpp16.S12")
@pytest.mark.rule("ocpp16.S21")
@pytest.mark.parametrize("minimum_s", [0, 2])
def test_no_life_of_a_station_is_told_outside_the_table(minimum_s: int) -> None:
    assert len(lives(8, 0, minimum_s)) > 20


@pytest.mark.sweep
@pytest.mark.rule("ocpp16.S01")
@pytest.mark.parametrize("minimum_s", [0, 1, 10])
def test_no_life_of_sixty_is_told_outside_the_table(minimum_s: int) -> None:
    assert len(lives(60, 1000, minimum_s)) > 25
