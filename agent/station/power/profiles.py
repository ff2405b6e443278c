"""The charging profiles of all upstreams: installed, replaced, cleared; each upstream sees and touches its own only.

What may be installed is one list of named complaints, so that a refusal always says which rule it broke (OCPP 1.6
3.13, 5.16). A profile with the id of another, or at the same place and stack level for the same purpose, replaces it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.vocabulary.charging import (
    MAXIMUM_PERIODS,
    MAXIMUM_PROFILES,
    MAXIMUM_STACK_LEVEL,
    ChargingProfile,
    InstalledProfile,
    ProfileFilter,
    ProfileKind,
    Purpose,
)
from agent.vocabulary.ids import STATION, TransactionId, UpstreamId
from agent.vocabulary.records import DropProfile, Entry, SaveProfile


@dataclass(frozen=True, slots=True)
class Change:
    """What was done: rows to store and rows to drop. `why` is set for a refusal, and then nothing was done."""

    installed: InstalledProfile | None = None
    dropped: tuple[InstalledProfile, ...] = ()
    why: str = ""


class Profiles:
    """Kept by the station; what it returns is to be recorded by the caller."""

    def __init__(self, stored: Iterable[InstalledProfile] = ()) -> None:
        self._installed = list(stored)
        self.version = 0
        """Raised by every change."""

    def of(self, upstream: UpstreamId) -> tuple[InstalledProfile, ...]:
        """The profiles of one upstream, in the order in which they came."""
        return tuple(each for each in self._installed if each.upstream == upstream)

    @property
    def upstreams(self) -> tuple[UpstreamId, ...]:
        """Those that have any."""
        return tuple(dict.fromkeys(each.upstream for each in self._installed))

    @property
    def count(self) -> int:
        """How many are installed, of all upstreams."""
        return len(self._installed)

    def against(self, new: InstalledProfile) -> str | None:
        """Why it may not be installed, in plain words; None if it may. Who has looked up the transaction names it."""
        why = next(complaints(new), None)
        if why is None and len(self.of(new.upstream)) - len(self._replaced(new)) >= MAXIMUM_PROFILES:
            why = f"{MAXIMUM_PROFILES} profiles are installed; clear some first"
        return why

    def install(self, new: InstalledProfile) -> Change:
        """Install, or say why not."""
        why = self.against(new)
        return Change(why=why) if why is not None else self.put(new)

    def put(self, new: InstalledProfile) -> Change:
        """Install what was not refused before: the limit that a remote start came with counts, full or not."""
        replaced = self._replaced(new)
        self._drop(replaced)
        self._installed.append(new)
        self.version += 1
        return Change(new, replaced)

    def clear(self, upstream: UpstreamId, wanted: ProfileFilter) -> Change:
        """Drop what the filter names; an id alone counts if it is given (OCPP 1.6 5.5, errata 3.36)."""
        dropped = tuple(each for each in self.of(upstream) if _agrees(each, wanted))
        self._drop(dropped)
        return Change(dropped=dropped, why="" if dropped else "no such profile")

    def forget(self, transaction: TransactionId) -> Change:
        """A transaction is over: its profiles are gone."""
        dropped = tuple(each for each in self._installed if each.transaction == transaction)
        self._drop(dropped)
        return Change(dropped=dropped)

    def _replaced(self, new: InstalledProfile) -> tuple[InstalledProfile, ...]:
        return tuple(each for each in self.of(new.upstream) if _replaces(new, each))

    def _drop(self, dropped: tuple[InstalledProfile, ...]) -> None:
        self.version += bool(dropped)
        self._installed = [each for each in self._installed if each not in dropped]


def rows(change: Change) -> list[Entry]:
    """What a change means for the disk."""
    found: list[Entry] = [DropProfile(dropped.upstream, dropped.profile.id) for dropped in change.dropped]
    return found if change.installed is None else [*found, SaveProfile(change.installed)]


def complaints(new: InstalledProfile) -> Iterator[str]:
    """What is wrong with a profile, in plain words."""
    profile, periods = new.profile, new.profile.schedule.periods
    if profile.purpose is Purpose.STATION_MAXIMUM and new.connector != STATION:
        yield "a ChargePointMaxProfile belongs to connector 0"
    if profile.purpose is Purpose.TRANSACTION and new.connector == STATION:
        yield "a TxProfile belongs to a connector, not to connector 0"
    if profile.purpose is Purpose.TRANSACTION and new.transaction is None:
        yield "a TxProfile needs a running transaction"
    if not 0 <= profile.stack_level <= MAXIMUM_STACK_LEVEL:
        yield f"stackLevel {profile.stack_level} is not within 0 to {MAXIMUM_STACK_LEVEL}"
    if not 1 <= len(periods) <= MAXIMUM_PERIODS:
        yield f"{len(periods)} periods are not within 1 to {MAXIMUM_PERIODS}"
    elif periods[0].start_s != 0:
        yield f"the first period starts at {periods[0].start_s}, not at 0"
    if any(after.start_s <= before.start_s for before, after in itertools.pairwise(periods)):
        yield "the periods are not in rising order"
    if any(not 0 <= period.limit < 1e9 for period in periods):
        yield "a limit is negative or absurd"
    yield from _complaints_of_time(profile)


def _complaints_of_time(profile: ChargingProfile) -> Iterator[str]:
    if profile.kind is ProfileKind.RECURRING and profile.recurrency is None:
        yield "a recurring profile needs a recurrencyKind"
    if profile.kind is not ProfileKind.RELATIVE and profile.schedule.start_wall_ms is None:
        yield f"a profile of kind {profile.kind.value} needs a startSchedule"
    if profile.kind is ProfileKind.RELATIVE and profile.purpose is Purpose.STATION_MAXIMUM:
        yield "a ChargePointMaxProfile cannot be relative to a transaction"
    if profile.schedule.duration_s is not None and profile.schedule.duration_s <= 0:
        yield "the duration is not positive"
    starts, ends = profile.valid_from_wall_ms, profile.valid_to_wall_ms
    if starts is not None and ends is not None and ends <= starts:
        yield "validTo is not after validFrom"


def _replaces(new: InstalledProfile, old: InstalledProfile) -> bool:
    if new.profile.id == old.profile.id:
        return True
    place = (new.profile.purpose, new.profile.stack_level, new.connector, new.transaction)
    return place == (old.profile.purpose, old.profile.stack_level, old.connector, old.transaction)


def _agrees(installed: InstalledProfile, wanted: ProfileFilter) -> bool:
    profile = installed.profile
    if wanted.id is not None:
        return profile.id == wanted.id
    asked: tuple[tuple[object, object], ...] = (
        (wanted.connector, installed.connector),
        (wanted.purpose, profile.purpose),
        (wanted.stack_level, profile.stack_level),
    )
    return all(value is None or value == own for value, own in asked)
