"""Recovery: what becomes of a transaction of a former life. Pure: facts in, decision out.

Theory of operation
-------------------
The contactor fell open with the power, or was opened when the agent died, so next to nothing can have flowed since the
last stored reading. The present register is believed if it is not smaller than the last stored one and not larger than
what full power could have added within the storing interval; else the last stored value closes the transaction.

The reason is what was already decided before the end (a stop that was under way), else what the last run wrote down
(a reset), else `PowerLoss` after a new boot of the system and `Reboot` within the same boot (OCPP 1.6 7.36).

With `resume`, the same transaction goes on if nothing contradicts it: cable and lock held, register plausible, the same
authority, the verdict not invalid, and the gap short and known.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.events import StopReason
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AfterPowerLoss
from agent.vocabulary.records import Snapshot, TransactionRecord

UNSTORED_S = 120
"""Twice the interval at which the last energy is stored at the latest."""
VOLTAGE_V = 240.0


@dataclass(frozen=True, slots=True)
class Found:
    """What is known when the decision falls."""

    now: Moment
    same_boot: bool
    restart_reason: StopReason | None
    register_wh: int | None
    """Fresh reading, or None if the meter did not answer."""
    plugged: bool
    lock_holds: bool
    """The cable cannot have been changed: a lock holds it, or (with none) the system did not go down."""
    authorities: frozenset[UpstreamId]
    """Who may authorise here now."""
    policy: AfterPowerLoss
    resume_gap_s: int
    maximum_current_a: float
    phases: int
    startable: bool = True
    key_gone: bool = False
    """It was begun by a key switch that is not on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`register_wh` None: the last stored value closes it (and is marked as estimated)."""

    resume: bool
    reason: StopReason
    register_wh: int | None
    why: str


def decide_orphan(record: TransactionRecord, snapshot: Snapshot) -> Outcome:
    """A transaction that no connector can own any more is closed with what was stored."""
    by_run = snapshot.restart_reason or (StopReason.REBOOT if snapshot.same_boot else StopReason.POWER_LOSS)
    return Outcome(False, record.stop_reason or by_run, last_register(record), "its connector is gone")


def last_register(record: TransactionRecord) -> int:
    """The last value that is on the disk."""
    return max(record.meter_start_wh, record.last_energy_wh or 0)


def plausible(record: TransactionRecord, found: Found) -> bool:
    """The present register can belong to this transaction."""
    if found.register_wh is None:
        return False
    most = found.maximum_current_a * found.phases * VOLTAGE_V * UNSTORED_S / 3600
    return 0 <= found.register_wh - last_register(record) <= most


def gap_s(record: TransactionRecord, now: Moment) -> float | None:
    """Seconds since the last stored instant, or None if the clocks cannot tell."""
    last = record.last_at or record.started_at
    if last.boot == now.boot and now.monotonic_ms >= last.monotonic_ms:
        return now.since(last)
    if last.wall_ms is None or now.wall_ms is None or now.wall_ms < last.wall_ms:
        return None
    return (now.wall_ms - last.wall_ms) / 1000


def decide(record: TransactionRecord, found: Found) -> Outcome:
    """Resume or stop, with which register and why."""
    by_run = found.restart_reason or (StopReason.REBOOT if found.same_boot else StopReason.POWER_LOSS)
    reason = record.stop_reason or by_run
    believed = found.register_wh if plausible(record, found) else None
    against = _against(record, found, believed)
    if against is None:
        return Outcome(True, reason, believed, "resumed")
    return Outcome(False, reason, believed, against)


def _against(record: TransactionRecord, found: Found, believed: int | None) -> str | None:
    """The first thing that speaks against going on."""
    gap = gap_s(record, found.now)
    reasons = (
        (found.policy is not AfterPowerLoss.RESUME, "the station is set to stop after a power loss"),
        (record.stop_reason is not None, "it was already being stopped"),
        (found.restart_reason is not None, "it was ended by a reset"),
        (record.invalidated, "its card was not accepted"),
        (record.authority not in found.authorities, "another upstream decides here now"),
        (believed is None, "the register is missing or does not fit"),
        (not found.plugged, "the cable was not held"),
        (not found.lock_holds, "no lock held the cable meanwhile"),
        (gap is None, "the length of the gap is not known"),
        (gap is not None and gap > found.resume_gap_s, "the gap was too long"),
        (not found.startable, "the connector cannot start now"),
        (found.key_gone, "the key is not on"),
    )
    return next((why for speaks_against, why in reasons if speaks_against), None)
