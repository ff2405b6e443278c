"""Composite of one upstream's profiles: stack levels and purposes at an instant, and over a time (OCPP 1.6 3.13). Pure.

Theory of operation
-------------------
Per purpose the highest stack level that says something wins. A profile of the transaction goes before a default one; a
default one of the connector before one of all connectors. The maximum of the station caps the result. Where no profile
says anything there is no limit. Limits are compared in amperes per phase: watts are those of all phases together, over
the phases that the connector has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.station.power.schedule import NEVER, Word, at
from agent.vocabulary.charging import ChargingProfile, InstalledProfile, Period, Purpose, RateUnit
from agent.vocabulary.ids import STATION, ConnectorId, TransactionId

NOMINAL_V: Final = 230.0
DEFAULT_PHASES: Final = 3


@dataclass(frozen=True, slots=True)
class Use:
    """How a connector is used at an instant: what its profiles are judged by."""

    connector: ConnectorId
    phases: int
    transaction: TransactionId | None = None
    begun_wall_ms: int | None = None
    sharing: int = 1
    """So many connectors share the maximum of the station."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit in amperes per phase; None: none. It holds until `until_ms`, not including it."""

    current_a: float | None
    until_ms: int
    phases: int | None = None
    reason: str = ""


def bound(installed: Sequence[InstalledProfile], use: Use, now_ms: int) -> Bound:
    """What the profiles of one upstream allow a connector at an instant."""
    words = [
        _highest(_of(installed, Purpose.TRANSACTION, use), use, now_ms),
        _highest(_of(installed, Purpose.TRANSACTION_DEFAULT, use), use, now_ms),
        _highest(_defaults_of_all(installed), use, now_ms),
    ]
    session = next((word for word in words if word.current_a is not None), words[0])
    cap = shared(station_bound(installed, use.phases, now_ms), use.sharing)
    until_ms = min(*(word.until_ms for word in words), cap.until_ms)
    bounds = [each for each in (session, cap) if each.current_a is not None]
    least = min(bounds, key=lambda each: each.current_a or 0, default=session)
    return Bound(least.current_a, until_ms, least.phases, least.reason)


def station_bound(installed: Iterable[InstalledProfile], phases: int, now_ms: int) -> Bound:
    """What the profiles of one upstream allow the station as a whole."""
    caps = [each.profile for each in installed if each.profile.purpose is Purpose.STATION_MAXIMUM]
    return _highest(caps, Use(STATION, phases), now_ms)


def shared(cap: Bound, sharing: int) -> Bound:
    """An equal share of a bound of the station."""
    return cap if cap.current_a is None else replace(cap, current_a=cap.current_a / sharing)


def amperes(profile: ChargingProfile, period: Period, phases: int) -> float:
    """The limit of a period in amperes per phase."""
    if profile.schedule.unit is RateUnit.AMPERE:
        return period.limit
    return period.limit / (NOMINAL_V * min(period.phases or DEFAULT_PHASES, phases))


def _of(installed: Iterable[InstalledProfile], purpose: Purpose, use: Use) -> Iterator[ChargingProfile]:
    for each in installed:
        mine = each.connector == use.connector and each.profile.purpose is purpose
        if mine and (purpose is not Purpose.TRANSACTION or each.transaction == use.transaction):
            yield each.profile


def _defaults_of_all(installed: Iterable[InstalledProfile]) -> Iterator[ChargingProfile]:
    for each in installed:
        if each.connector == STATION and each.profile.purpose is Purpose.TRANSACTION_DEFAULT:
            yield each.profile


def _highest(profiles: Iterable[ChargingProfile], use: Use, now_ms: int) -> Bound:
    """The word of the highest stack level that says something; it holds until any profile changes its own."""
    until_ms, chosen = NEVER, None
    word: Word | None = None
    for profile in profiles:
        said = at(profile, now_ms, use.begun_wall_ms)
        until_ms = min(until_ms, said.until_ms)
        if said.period is not None and (chosen is None or profile.stack_level > chosen.stack_level):
            chosen, word = profile, said
    if chosen is None or word is None or word.period is None:
        return Bound(None, until_ms)
    reason = f"{chosen.purpose.value} {chosen.id}"
    return Bound(amperes(chosen, word.period, use.phases), until_ms, word.period.phases, reason)


def timeline(judge: Callable[[int], Bound], begin_ms: int, duration_s: int) -> tuple[Period, ...]:
    """The bounds from `begin_ms` on in amperes per phase, as periods of whole seconds; none where nothing bounds.

    Raises ValueError if the judge gives a time that does not advance: a schedule must end.
    """
    periods: list[Period] = []
    offset_s = 0
    while offset_s < duration_s:
        found = judge(begin_ms + 1000 * offset_s)
        if found.current_a is not None:
            period = Period(offset_s, found.current_a, found.phases)
            if not periods or (periods[-1].limit, periods[-1].phases) != (period.limit, period.phases):
                periods.append(period)
        following_s = -((begin_ms - found.until_ms) // 1000)
        if following_s <= offset_s:
            raise ValueError(f"until_ms: {found.until_ms} is not after second {offset_s} of the schedule")
        offset_s = following_s
    return tuple(periods)
