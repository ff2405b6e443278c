"""One charging profile in time: what it says at an instant, and when that changes next (OCPP 1.6 3.13). Pure.

All times are wall milliseconds, so that recurring schedules stay at their hour; who has only monotonic time adds the
offset of the boot. A profile that says nothing at an instant leaves the word to one of a lower stack level.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Recurrency

RECURRENCE_MS: Final = {Recurrency.DAILY: 86_400_000, Recurrency.WEEKLY: 7 * 86_400_000}
NEVER: Final = 2**62
"""Later than any time."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a profile says: a period, or nothing, and until when (not including it)."""

    period: Period | None
    until_ms: int


def at(profile: ChargingProfile, now_ms: int, begun_ms: int | None) -> Word:
    """What the profile says at an instant. `begun_ms`: when the transaction began, for relative ones."""
    starts, ends = profile.valid_from_wall_ms or 0, profile.valid_to_wall_ms or NEVER
    if now_ms < starts:
        return Word(None, starts)
    if now_ms >= ends:
        return Word(None, NEVER)
    word = _scheduled(profile, now_ms, begun_ms)
    return Word(word.period, min(word.until_ms, ends))


def _scheduled(profile: ChargingProfile, now_ms: int, begun_ms: int | None) -> Word:
    schedule = profile.schedule
    anchor_ms = begun_ms if profile.kind is ProfileKind.RELATIVE else schedule.start_wall_ms
    if anchor_ms is None:
        return Word(None, NEVER)
    if now_ms < anchor_ms:
        return Word(None, anchor_ms)
    again_ms = NEVER
    if profile.kind is ProfileKind.RECURRING and profile.recurrency is not None:
        every_ms = RECURRENCE_MS[profile.recurrency]
        anchor_ms += (now_ms - anchor_ms) // every_ms * every_ms
        again_ms = anchor_ms + every_ms
    end_ms = again_ms if schedule.duration_s is None else min(again_ms, anchor_ms + 1000 * schedule.duration_s)
    if now_ms >= end_ms:
        return Word(None, again_ms)
    index = bisect_right(schedule.periods, (now_ms - anchor_ms) // 1000, key=lambda period: period.start_s)
    if index == 0:
        return Word(None, anchor_ms + 1000 * schedule.periods[0].start_s)
    following_ms = anchor_ms + 1000 * schedule.periods[index].start_s if index < len(schedule.periods) else NEVER
    return Word(schedule.periods[index - 1], min(following_ms, end_ms))
