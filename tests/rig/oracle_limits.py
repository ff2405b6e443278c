"""What the oracle reads from profiles and offers: no offer above the least of all limits, over every restart.

Deliberately simple: it understands profiles of one step that begin in the past and never end, one per purpose and
connector, and takes each accepted one as in force until it is cleared. Everything else it passes over.

A request whose answer never came (the link broke, or the station restarted between the record and the answer) leaves
its sender in doubt, as it leaves everybody: the station may have done it and may not. Until the sender asks again and
is answered, both are right, and the offer is held against the higher of them. What was answered is never in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from tests.rig.ledger import CALL, RECEIVED, SENT, Frame, Ledger
from tests.rig.oracle import World
from tests.rig.oracle_plant import Track, tracks
from tests.rig.oracle_sessions import Finding

LIMITING: Mapping[str, int] = {"ChargePointMaxProfile": 100, "TxDefaultProfile": 200}
"""The purposes that are understood; the profile of a connector has this number plus that of the connector."""
REACTION_S = 3.0
"""From the answer to the lower offer."""
HARDWARE_A = 16.0
ROUNDING_A = 0.3
"""A pulse width is a whole number of tenths of a percent (IEC 61851-1 A.3)."""


@dataclass(frozen=True, slots=True)
class Change:
    """From then on this limit holds for a place (0: all connectors), or with None no longer."""

    at_s: float
    place: tuple[str, str, int]
    """Backend, purpose and connector."""
    limit_a: float | None
    asked_s: float
    doubtful: bool = False
    """No answer came: this may hold, or what held before."""


Present = dict[tuple[str, str, int], list[Change]]
"""For each place what may hold there."""


def limit_findings(world: World) -> list[Finding]:
    """INV-9 at every connector."""
    changes = [change for name, ledger in world.ledgers.items() for change in _changes(name, ledger, world)]
    changes.sort(key=lambda change: change.at_s)
    plant = tracks(world.happenings, world.ended_s)
    return [finding for track in plant.values() for finding in _above(track, changes)]


def _above(track: Track, changes: list[Change]) -> list[Finding]:
    """The offer is compared at each of its changes, and a reaction after each change of a limit."""
    moments = [at_s for at_s, _ in track.changes("offered_a")]
    moments += [change.at_s + REACTION_S for change in changes if change.at_s + REACTION_S <= track.end_s]
    found = []
    for at_s in moments:
        offered = track.held("offered_a", at_s) or 0.0
        settled, recent = _limit(track, changes, at_s - REACTION_S), _limit(track, changes, at_s)
        if offered > max(settled, recent) + ROUNDING_A and not _lowered_between(track, changes, at_s):
            text = f"connector {track.connector} is offered {offered:g} A at {at_s:.3f} s, {settled:g} A are allowed"
            found.append(Finding("INV-9", text))
    return found


def _lowered_between(track: Track, changes: list[Change], at_s: float) -> bool:
    """A limit that was in force within the time of reaction was higher: the offer may still be that."""
    offered = track.held("offered_a", at_s) or 0.0
    between = [change.at_s for change in changes if at_s - REACTION_S <= change.at_s <= at_s]
    return any(offered <= _limit(track, changes, moment) + ROUNDING_A for moment in between)


def _limit(track: Track, changes: list[Change], at_s: float) -> float:
    """The least of all limits at a connector."""
    present: Present = {}
    for change in changes:
        if change.at_s > at_s:
            break
        before = present.get(change.place, [])
        doubts = [one for one in before if one.doubtful and one.asked_s > change.asked_s]
        present[change.place] = [*before, change] if change.doubtful else [change, *doubts]
    least = [HARDWARE_A]
    for name in {place[0] for place in present}:
        least += [max(value) for value in _composite(name, track.connector, present)]
    return min(least)


def _composite(name: str, connector: int, present: Present) -> tuple[list[float], list[float]]:
    """What a backend may have said for sessions, and for the station."""
    session = _possible(present, (name, "TxDefaultProfile", connector))
    if inf in session:
        session = [one for one in session if one != inf] + _possible(present, (name, "TxDefaultProfile", 0))
    return session, _possible(present, (name, "ChargePointMaxProfile", 0))


def _possible(present: Present, place: tuple[str, str, int]) -> list[float]:
    """The limits that may hold at a place; infinite: none."""
    here = present.get(place, [])
    nothing_before = not here or here[0].doubtful
    return [inf if one.limit_a is None else one.limit_a for one in here] + ([inf] if nothing_before else [])


def _changes(name: str, ledger: Ledger, world: World) -> list[Change]:
    """The accepted changes of one backend, in plant time of the answer, and those that were never answered."""
    answers = {f.message_id: f for f in ledger.frames if f.direction == RECEIVED and f.type != CALL}
    places: set[tuple[str, str, int]] = set()
    found: list[Change] = []
    for call in (f for f in ledger.frames if f.direction == SENT and f.type == CALL):
        answer = answers.get(call.message_id)
        if answer is not None and not _accepted(answer):
            continue
        asked_s = call.at_s - world.ledger_zero_s
        at_s = asked_s if answer is None else answer.at_s - world.ledger_zero_s
        if call.action == "SetChargingProfile":
            place = (name, *_place(call))
            places.add(place)
            found.append(Change(at_s, place, _limit_of(call), asked_s, answer is None))
        elif call.action == "ClearChargingProfile" and not call.payload:
            found += [Change(at_s, place, None, asked_s, answer is None) for place in places]
    return found


def _accepted(answer: Frame) -> bool:
    return isinstance(answer.payload, dict) and answer.payload.get("status") == "Accepted"


def _place(call: Frame) -> tuple[str, int]:
    profile = call.payload["csChargingProfiles"]
    return profile["chargingProfilePurpose"], call.payload["connectorId"]


def _limit_of(call: Frame) -> float | None:
    profile = call.payload["csChargingProfiles"]
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
    simple = len(periods) == 1 and profile["chargingSchedule"]["chargingRateUnit"] == "A" and profile["stackLevel"] == 0
    known = simple and profile["chargingProfilePurpose"] in LIMITING
    return float(periods[0]["limit"]) if known else None
