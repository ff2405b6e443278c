from __future__ import annotations

from agent.runtime.watchdog import Watchdog, Watched, WriterLimit


class Station:
    """Counters that a test moves, and what the feeder did."""

    def __init__(self) -> None:
        self.engine = self.bus = 0
        self.engine_alive = True
        self.stalled_s = 0.0
        self.fed = 0
        self.told: list[str] = []
        self.storage_faults: list[bool] = []
        counters = {"engine": lambda: self.engine, "bus1": lambda: self.bus}
        self.watchdog = Watchdog(
            Watched(counters, self.poke, self.feed, lambda: self.stalled_s, self.storage_faults.append, self.tell)
        )

    def poke(self) -> None:
        self.engine += self.engine_alive

    def feed(self) -> None:
        self.fed += 1

    def tell(self, event: str, **fields: object) -> None:
        self.told.append(f"{event} {fields}")

    def rounds(self, count: int, bus_alive: bool = True) -> int:
        before = self.fed
        for _ in range(count):
            self.bus += bus_alive
            self.watchdog.round()
        return self.fed - before


def test_an_idle_but_living_station_is_fed() -> None:
    assert Station().rounds(10) == 10


def test_a_dead_bus_starves_the_watchdog_and_is_told_once() -> None:
    station = Station()
    station.rounds(2)
    assert station.rounds(10, bus_alive=False) == 0
    assert station.told == ["agent.starved {'what': 'bus1'}"]


def test_an_engine_that_takes_no_inputs_starves_the_watchdog() -> None:
    station = Station()
    station.rounds(2)
    station.engine_alive = False
    assert station.rounds(10) == 0


def test_feeding_goes_on_after_a_late_round() -> None:
    station = Station()
    station.rounds(1)
    station.rounds(1, bus_alive=False)
    assert station.rounds(3) == 3


def test_progress_counts_since_the_last_feed_and_not_since_the_last_round() -> None:
    station = Station()
    station.rounds(1)
    station.engine_alive = False
    before = station.fed
    for number in range(10):
        station.engine += number % 2
        station.rounds(1, bus_alive=number % 2 == 0)
    assert station.fed - before == 5


def test_a_stalled_disk_is_a_storage_fault_and_no_reason_to_starve() -> None:
    station = Station()
    station.stalled_s = 31.0
    assert station.rounds(5) == 5
    station.stalled_s = 0.0
    station.rounds(5)
    assert station.storage_faults == [True, False]


def test_the_limit_itself_is_not_yet_a_fault() -> None:
    limit = WriterLimit(30.0)
    assert limit.judge(30.0) is None
    assert limit.judge(30.1) is True
    assert limit.judge(99.0) is None
