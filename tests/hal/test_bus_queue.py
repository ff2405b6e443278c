"""The waiting line alone: order, replacement, revocation."""

from __future__ import annotations

from hal.bus_queue import BusQueue, Due, Job, Outcome, Priority, Result
from hal.modbus import WriteWords


class Desk:
    def __init__(self) -> None:
        self.queue = BusQueue()
        self.ended: list[tuple[str, Result]] = []

    def job(
        self,
        name: str,
        priority: Priority = Priority.ACTUATE,
        key: str = "",
        grant: int | None = None,
        connector: int = 1,
    ) -> Job:
        def done(outcome: Outcome) -> None:
            self.ended.append((name, outcome.result))

        return Job(1, (WriteWords(1, 5, 0, (1,)),), priority, done, connector, key, grant)


def test_first_come_first_served_within_a_priority() -> None:
    desk = Desk()
    jobs = [desk.job("a", Priority.METER), desk.job("b", Priority.STOP), desk.job("c", Priority.METER)]
    for job in jobs:
        desk.queue.put(job)
    assert [desk.queue.take(0) for _ in range(4)] == [jobs[1], jobs[0], jobs[2], None]


def test_revoking_deletes_at_once_and_keeps_the_rest() -> None:
    desk = Desk()
    for name, grant, connector in (("old", 1, 1), ("now", 2, 1), ("other", 1, 2), ("free", None, 1)):
        desk.queue.put(desk.job(name, grant=grant, connector=connector))
    desk.queue.revoke(1, 2)
    assert desk.ended == [("old", Result.REVOKED)]
    assert len(desk.queue) == 3
    desk.queue.revoke(1, 1)  # a floor never sinks
    desk.queue.put(desk.job("late", grant=1))
    assert desk.ended[-1] == ("late", Result.REVOKED)


def test_a_key_is_replaced_whatever_its_priority_but_not_that_of_another_unit() -> None:
    desk = Desk()
    desk.queue.put(desk.job("offer", key="offer"))
    other = desk.job("neighbour", key="offer")
    other.unit = 2
    desk.queue.put(other)
    desk.queue.put(desk.job("off", Priority.STOP, key="offer"))
    assert desk.ended == [("offer", Result.REPLACED)]
    assert len(desk.queue) == 2


def test_what_is_put_back_goes_first_unless_a_newer_one_has_its_key() -> None:
    desk = Desk()
    first, second = desk.job("first"), desk.job("second")
    desk.queue.put(second)
    desk.queue.put_back(first)
    assert desk.queue.take(0) is first
    keyed = desk.job("half", key="offer")
    desk.queue.put(desk.job("off", Priority.STOP, key="offer"))
    desk.queue.put_back(keyed)
    assert desk.ended == [("half", Result.REPLACED)]


def test_a_job_that_became_stale_while_it_was_out_is_dropped_when_taken() -> None:
    desk = Desk()
    job = desk.job("offer", grant=1)
    desk.queue.revoke(1, 2)
    desk.queue.put_back(job)
    assert desk.queue.take(0) is None
    assert desk.ended == [("offer", Result.REVOKED)]


def test_what_is_past_due_by_the_most_of_its_periods_leaves_before_what_is_not() -> None:
    desk = Desk()
    pilot, meter, light = (desk.job(name, one) for name, one in zip("pml", list(Priority)[2:5], strict=True))
    pilot.due, meter.due, light.due = Due(10.0, 0.2), Due(9.0, 1.0), Due(0.0, 30.0)
    for job in (light, meter, pilot):
        desk.queue.put(job)

    def turns(now: float) -> list[Job | None]:
        found = [desk.queue.take(now) for _ in range(3)]
        for job in found:
            assert job is not None
            desk.queue.put(job)
        return found

    assert turns(-1.0) == [pilot, meter, light]  # nothing is due: by priority
    assert turns(8.9) == [light, pilot, meter]
    assert turns(9.9) == [meter, light, pilot]
    assert turns(10.1) == [meter, pilot, light]
    assert turns(10.3) == [pilot, meter, light]


def test_an_actuation_leaves_before_whatever_is_past_due() -> None:
    desk = Desk()
    meter, actuate, stop = desk.job("m", Priority.METER), desk.job("a"), desk.job("s", Priority.STOP)
    meter.due = Due(0.0, 0.1)
    for job in (meter, actuate, stop):
        desk.queue.put(job)
    assert desk.queue.waits_before(meter, 1000.0)
    assert desk.queue.actuation_waits_before(Priority.METER)
    assert [desk.queue.take(1000.0) for _ in range(3)] == [stop, actuate, meter]
    assert not desk.queue.actuation_waits_before(Priority.METER)
