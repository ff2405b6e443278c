"""Composite of one upstream's profiles: stack levels and purposes at an instant, and over a time (OCPP 1.6 3.13). Pure.

Theory of operation
-------------------
Per purpose the highest stack level that says something wins. A profile of the transaction goes before a default one; a
default one of the connector before one of all connectors. The maximum of the station caps the result. Where no profile
says anything there is no limit. Limits are compared in amperes per phase: watts are those of all phases together, over
the phases that the connector has, since the car may draw from each of them whatever number of phases a period names.

What stands below the word that counts is not looked at: it can only count once that word is over, and then all is
judged anew. A schedule of the future is told as far as a bounded number of looks reaches, since the same loop watches
over the contactors: whoever installs a thousand periods gets a shorter answer, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.station.power.schedule import NEVER, at
from agent.vocabulary.charging import ChargingProfile, InstalledProfile, Period, Purpose, RateUnit
from agent.vocabulary.ids import STATION, ConnectorId, TransactionId

NOMINAL_V: Final = 230.0
MOST_LOOKS: Final = 4000
"""At profiles, for one schedule: some twenty milliseconds."""


@dataclass(frozen=True, slots=True)
class Use:
    """How a connector is used at an instant: what its profiles are judged by."""

    connector: ConnectorId
    phases: int
    transaction: TransactionId | None = None
    begun_wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit in amperes per phase; None: none. It holds until `until_ms`, not including it."""

    current_a: float | None
    until_ms: int
    phases: int | None = None
    reason: str = ""
    unit: RateUnit = RateUnit.AMPERE
    """In which it was set."""


def bound(installed: Sequence[InstalledProfile], use: Use, now_ms: int) -> Bound:
    """What the profiles of one upstream allow a connector at an instant."""
    groups = (
        _of(installed, Purpose.TRANSACTION, use),
        _of(installed, Purpose.TRANSACTION_DEFAULT, use),
        _defaults_of_all(installed),
    )
    session = _first(groups, use, now_ms)
    return least((session, station_bound(installed, use.phases, now_ms)))


def station_bound(installed: Iterable[InstalledProfile], phases: int, now_ms: int) -> Bound:
    """What the profiles of one upstream allow the station as a whole."""
    caps = [each.profile for each in installed if each.profile.purpose is Purpose.STATION_MAXIMUM]
    return _first((caps,), Use(STATION, phases), now_ms)


def station_power_bound(installed: Iterable[InstalledProfile], phases: int, now_ms: int) -> Bound:
    """As `station_bound`, as far as that is a limit of the power: one of all phases together."""
    found = station_bound(installed, phases, now_ms)
    return found if found.unit is RateUnit.WATT else replace(found, current_a=None)


def least(bounds: Sequence[Bound]) -> Bound:
    """The smallest of some bounds (none: no limit), until any of them changes."""
    smallest = min(bounds, key=lambda each: NEVER if each.current_a is None else each.current_a)
    return replace(smallest, until_ms=min(each.until_ms for each in bounds))


def amperes(profile: ChargingProfile, period: Period, phases: int) -> float:
    """The limit of a period in amperes per phase."""
    if profile.schedule.unit is RateUnit.AMPERE:
        return period.limit
    return period.limit / (NOMINAL_V * phases)


def _of(installed: Iterable[InstalledProfile], purpose: Purpose, use: Use) -> Iterator[ChargingProfile]:
    for each in installed:
        mine = each.connector == use.connector and each.profile.purpose is purpose
        if mine and (purpose is not Purpose.TRANSACTION or each.transaction == use.transaction):
            yield each.profile


def _defaults_of_all(installed: Iterable[InstalledProfile]) -> Iterator[ChargingProfile]:
    for each in installed:
        if each.connector == STATION and each.profile.purpose is Purpose.TRANSACTION_DEFAULT:
            yield each.profile


def _first(groups: Iterable[Iterable[ChargingProfile]], use: Use, now_ms: int) -> Bound:
    """The word of the first group that says something, its highest stack level first.

    It holds until its own time is over, or one that goes before it has something to say.
    """
    until_ms = NEVER
    for group in groups:
        for profile in sorted(group, key=lambda each: -each.stack_level):
            said = at(profile, now_ms, use.begun_wall_ms)
            until_ms = min(until_ms, said.until_ms)
            if said.period is not None:
                reason = f"{profile.purpose.value} {profile.id}"
                limit_a = amperes(profile, said.period, use.phases)
                return Bound(limit_a, until_ms, said.period.phases, reason, profile.schedule.unit)
    return Bound(None, until_ms)


def timeline(
    judge: Callable[[int], Bound], begin_ms: int, duration_s: int, most_steps: int = MOST_LOOKS
) -> tuple[tuple[Period, ...], int]:
    """The bounds from `begin_ms` on in amperes per phase, as periods of whole seconds; none where nothing bounds.

    And for how many seconds that is: less than asked for where the bounds change more than `most_steps` times.
    Raises ValueError if the judge gives a time that does not advance: a schedule must end.
    """
    periods: list[Period] = []
    offset_s = 0
    while offset_s < duration_s and most_steps > 0:
        most_steps -= 1
        found = judge(begin_ms + 1000 * offset_s)
        if found.current_a is not None:
            period = Period(offset_s, found.current_a, found.phases)
            if not periods or (periods[-1].limit, periods[-1].phases) != (period.limit, period.phases):
                periods.append(period)
        following_s = -((begin_ms - found.until_ms) // 1000)
        if following_s <= offset_s:
            raise ValueError(f"until_ms: {found.until_ms} is not after second {offset_s} of the schedule")
        offset_s = following_s
    return tuple(periods), min(offset_s, duration_s)
