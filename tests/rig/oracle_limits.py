"""What the oracle reads from profiles and offers: no offer above the least of all limits, over every restart.

Deliberately simple: it understands profiles of one step that begin in the past and never end, one per purpose and
connector, and takes each accepted one as in force until it is cleared. Everything else it passes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    present: dict[tuple[str, str, int], float | None] = {}
    for change in changes:
        if change.at_s > at_s:
            break
        present[change.place] = change.limit_a
    least = [HARDWARE_A]
    for name in {place[0] for place in present}:
        least += [value for value in (_composite(name, track.connector, present)) if value is not None]
    return min(least)


def _composite(name: str, connector: int, present: Mapping[tuple[str, str, int], float | None]) -> list[float | None]:
    session = present.get((name, "TxDefaultProfile", connector))
    if session is None:
        session = present.get((name, "TxDefaultProfile", 0))
    return [session, present.get((name, "ChargePointMaxProfile", 0))]


def _changes(name: str, ledger: Ledger, world: World) -> list[Change]:
    """The accepted changes of one backend, in plant time of the answer."""
    asked = {f.message_id: f for f in ledger.frames if f.direction == SENT and f.type == CALL}
    places: set[tuple[str, str, int]] = set()
    found = []
    for answer in ledger.frames:
        call = asked.get(answer.message_id)
        if answer.direction != RECEIVED or answer.type == CALL or call is None:
            continue
        if not isinstance(answer.payload, dict) or answer.payload.get("status") != "Accepted":
            continue
        at_s = answer.at_s - world.ledger_zero_s
        if call.action == "SetChargingProfile":
            place = (name, *_place(call))
            places.add(place)
            found.append(Change(at_s, place, _limit_of(call)))
        elif call.action == "ClearChargingProfile" and not call.payload:
            found += [Change(at_s, place, None) for place in places]
    return found


def _place(call: Frame) -> tuple[str, int]:
    profile = call.payload["csChargingProfiles"]
    return profile["chargingProfilePurpose"], call.payload["connectorId"]


def _limit_of(call: Frame) -> float | None:
    profile = call.payload["csChargingProfiles"]
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
    simple = len(periods) == 1 and profile["chargingSchedule"]["chargingRateUnit"] == "A" and profile["stackLevel"] == 0
    known = simple and profile["chargingProfilePurpose"] in LIMITING
    return float(periods[0]["limit"]) if known else None
