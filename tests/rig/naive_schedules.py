"""Composite schedules by brute force: every second anew, every profile by reading its periods one after another.

Deliberately naive and written from the standard alone, so that it can disagree with the station: it knows no "until",
no bisection and no order of evaluation, and takes minutes where the station takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.vocabulary.charging import ChargingProfile, InstalledProfile, ProfileKind, Purpose, RateUnit, Recurrency

DAY_MS = 86_400_000


def limit_at(
    installed: Sequence[InstalledProfile],
    connector: int,
    transaction: str | None,
    begun_ms: int | None,
    phases: int,
    now_ms: int,
) -> float | None:
    """Amperes per phase at an instant; None: no limit."""

    def best(candidates: list[ChargingProfile]) -> float | None:
        for profile in sorted(candidates, key=lambda one: -one.stack_level):
            said = _said(profile, begun_ms, phases, now_ms)
            if said is not None:
                return said
        return None

    def those(purpose: Purpose, place: int, of_transaction: bool = False) -> list[ChargingProfile]:
        return [
            one.profile
            for one in installed
            if one.profile.purpose is purpose
            and one.connector == place
            and (not of_transaction or (one.transaction is not None and one.transaction == transaction))
        ]

    session = best(those(Purpose.TRANSACTION, connector, of_transaction=True))
    if session is None:
        session = best(those(Purpose.TRANSACTION_DEFAULT, connector))
    if session is None:
        session = best(those(Purpose.TRANSACTION_DEFAULT, 0))
    station = best(those(Purpose.STATION_MAXIMUM, 0))
    known = [value for value in (session, station) if value is not None]
    return min(known) if known else None


def _said(profile: ChargingProfile, begun_ms: int | None, phases: int, now_ms: int) -> float | None:
    if profile.valid_from_wall_ms is not None and now_ms < profile.valid_from_wall_ms:
        return None
    if profile.valid_to_wall_ms is not None and now_ms >= profile.valid_to_wall_ms:
        return None
    start_ms = begun_ms if profile.kind is ProfileKind.RELATIVE else profile.schedule.start_wall_ms
    if start_ms is None or now_ms < start_ms:
        return None
    if profile.kind is ProfileKind.RECURRING:
        every_ms = DAY_MS if profile.recurrency is Recurrency.DAILY else 7 * DAY_MS
        while start_ms + every_ms <= now_ms:
            start_ms += every_ms
    passed_s = (now_ms - start_ms) / 1000
    if profile.schedule.duration_s is not None and passed_s >= profile.schedule.duration_s:
        return None
    found = None
    for period in profile.schedule.periods:
        if period.start_s <= passed_s:
            found = period
    if found is None:
        return None
    if profile.schedule.unit is RateUnit.AMPERE:
        return found.limit
    return found.limit / 230.0 / phases  # the car may draw from every phase that is there
