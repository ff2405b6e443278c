"""Facts once, faults once, with all their causes."""

from __future__ import annotations

from hal.api import Fault, FaultSeen, LockSeen, Reading
from hal.changes import Changes, FaultKeeper


def test_only_what_changed_is_told_and_answers_always() -> None:
    told: list[Reading] = []
    changes = Changes(told.append)
    changes.tell(LockSeen(1, True))
    changes.tell(LockSeen(1, True))
    changes.tell_always(LockSeen(1, True))
    changes.tell(LockSeen(1, True))
    changes.tell(LockSeen(1, False))
    assert [one.locked for one in told if isinstance(one, LockSeen)] == [True, True, False]


class Kept:
    def __init__(self) -> None:
        self.told: list[Reading] = []
        self.log: list[str] = []
        self.keeper = FaultKeeper(1, self.told.append, self.log.append)

    def active(self) -> list[bool]:
        return [one.active for one in self.told if isinstance(one, FaultSeen)]


def test_a_fault_clears_two_seconds_after_its_last_cause() -> None:
    kept = Kept()
    kept.keeper.set(Fault.LOCK, "bit", True, 0, "a" * 80)
    kept.keeper.set(Fault.LOCK, "drive", True, 1)
    kept.keeper.set(Fault.LOCK, "bit", False, 2)
    kept.keeper.tick(9)
    assert kept.active() == [True]
    kept.keeper.set(Fault.LOCK, "drive", False, 10)
    kept.keeper.tick(11.9)
    assert kept.active() == [True]
    kept.keeper.tick(12)
    assert kept.active() == [True, False]
    assert kept.told[0] == FaultSeen(1, Fault.LOCK, True, "a" * 50)
    assert len(kept.log) == 2


def test_a_loose_contact_is_one_fault() -> None:
    kept = Kept()
    for at in range(20):
        kept.keeper.set(Fault.DIODE, "bit", at % 2 == 0, at * 0.5)
    assert kept.active() == [True]
    assert kept.keeper.active(Fault.DIODE)
