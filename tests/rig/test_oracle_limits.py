"""The offer is held against what was accepted; what was never answered may be so or not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.rig.ledger import RECEIVED, SENT, Ledger
from tests.rig.oracle import World
from tests.rig.oracle_limits import limit_findings


@dataclass(frozen=True, slots=True)
class Event:
    time_s: float
    connector: int
    kind: str
    value: Any


def limit(ledger: Ledger, at_s: float, amps: int, answer: str | None = "Accepted") -> None:
    """A limit of the whole station, answered at once or never."""
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}]}
    profile = {"chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 0, "chargingSchedule": schedule}
    payload = {"connectorId": 0, "csChargingProfiles": profile}
    ledger.add(at_s, SENT, json.dumps([2, f"at {at_s}", "SetChargingProfile", payload]))
    if answer is not None:
        ledger.add(at_s, RECEIVED, json.dumps([3, f"at {at_s}", {"status": answer}]))


def red(ledger: Ledger, offered_a: float) -> bool:
    """The oracle objects to this offer at 100 s."""
    world = World([Event(100.0, 1, "offered_a", offered_a)], {"energy": ledger}, "primary", ended_s=120.0)
    return any(finding.law == "INV-9" for finding in limit_findings(world))


@pytest.mark.parametrize(("answer", "allowed_a"), [("Accepted", 10), ("Rejected", 6), (None, 10)])
def test_a_limit_that_was_raised_holds_from_its_answer_and_one_without_answer_may_hold(
    answer: str | None, allowed_a: int
) -> None:
    ledger = Ledger("energy")
    limit(ledger, 10, 6)
    limit(ledger, 20, 10, answer)
    assert not red(ledger, allowed_a)
    assert red(ledger, allowed_a + 1)


def test_a_lower_limit_without_answer_promises_nothing_and_the_one_before_still_holds() -> None:
    ledger = Ledger("energy")
    limit(ledger, 10, 10)
    limit(ledger, 20, 6, None)
    assert not red(ledger, 10)
    assert red(ledger, 11)


def test_the_next_answer_ends_the_doubt() -> None:
    ledger = Ledger("energy")
    limit(ledger, 10, 6)
    limit(ledger, 20, 10, None)
    limit(ledger, 30, 6)
    assert red(ledger, 10)


def test_a_first_limit_without_answer_may_not_be_there() -> None:
    ledger = Ledger("energy")
    limit(ledger, 10, 6, None)
    assert not red(ledger, 16)
