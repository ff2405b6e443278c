"""Sharing: how the current of common feeds is divided between connectors, phase by phase. Pure.

Theory of operation
-------------------
A *line* is one phase of one feed; it bears so much. A connector loads every line that its car may draw from. What it
gets is the same on each of them, since a pilot tells one current for all phases.

`fill` pours a common level over all: each rises with the level from its floor to its most, and stops where a line that
it loads is full. So nobody can get more unless somebody with no more gets less (max-min fairness), and nobody who is
stopped by one phase keeps others from the rest of another.

`share` first admits, in the order of the turns, whoever can have the minimum besides those admitted before; the others
wait. `portions` then makes an offer out of the shares that is safe at every instant: a connector whose share falls is
lowered at once, but counts with what its car may still draw; one whose share rises gets the room that is left beside
that, and the rest when the others have followed (reductions before increases).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf
from typing import Final

from agent.vocabulary.ids import ConnectorId

Line = tuple[str, int]
"""Name of a feed, and its phase from 0."""
STEP_A: Final = 0.1
"""Shares are whole steps, rounded down: what changes by less is no news."""
_NOISE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Want:
    """What a connector could use: at least `floor_a`, at most `most_a`, on each of its lines."""

    connector: ConnectorId
    lines: frozenset[Line]
    floor_a: float
    most_a: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a connector loads its lines with: what its car was told last, and what it may still draw, which is no less.

    They differ while the car has time to follow.
    """

    lines: frozenset[Line]
    told_a: float
    may_a: float


@dataclass(frozen=True, slots=True)
class Portion:
    """What a connector may be offered now, and what it is going to get when the others have followed. 0: it waits."""

    now_a: float
    share_a: float


def fill(wants: Sequence[Want], room: Mapping[Line, float]) -> dict[ConnectorId, float]:
    """Divide the room. Where not even the floors fit, everybody on that line gets the floor."""
    given = {want.connector: want.floor_a for want in wants}
    rising = [want for want in wants if want.most_a > want.floor_a]
    while rising:
        level, full = inf, None
        for line, bears_a in room.items():
            mine = [want for want in rising if line in want.lines]
            fixed_a = sum(given[w.connector] for w in wants if line in w.lines and w not in mine)
            if mine and (reached := _level(mine, bears_a - fixed_a)) < level:
                level, full = reached, line
        for want in rising:
            if full is None or full in want.lines:
                given[want.connector] = max(want.floor_a, min(level, want.most_a))
        rising = [] if full is None else [want for want in rising if full not in want.lines]
    return given


def _level(wants: Sequence[Want], room_a: float) -> float:
    """The common level at which these fill the room; infinite if they cannot."""
    if sum(want.most_a for want in wants) <= room_a:
        return inf
    level, used_a = 0.0, sum(want.floor_a for want in wants)
    if used_a > room_a:
        return level
    for mark in sorted({edge for want in wants for edge in (want.floor_a, want.most_a)}):
        climbing = sum(want.floor_a <= level < want.most_a for want in wants)
        if used_a + climbing * (mark - level) > room_a:
            return level + (room_a - used_a) / climbing
        used_a, level = used_a + climbing * (mark - level), mark
    return level


def share(wants: Sequence[Want], room: Mapping[Line, float], order: Sequence[ConnectorId]) -> dict[ConnectorId, float]:
    """The shares; a want's floor is the least that is of use to it. Who is not in the result has to wait."""
    by_id = {want.connector: want for want in wants if want.most_a >= want.floor_a}
    left, admitted = dict(room), []
    for want in (by_id[each] for each in order if each in by_id):
        if all(left.get(line, inf) >= want.floor_a - _NOISE for line in want.lines):
            admitted.append(want)
            left.update({line: left[line] - want.floor_a for line in want.lines if line in left})
    return fill(admitted, room)


def portions(
    wants: Sequence[Want],
    shares: Mapping[ConnectorId, float],
    drawn: Mapping[ConnectorId, Drawn],
    room: Mapping[Line, float],
) -> dict[ConnectorId, Portion]:
    """What may be offered now. `drawn` is of every connector, whether it wants something or not."""
    whole = {want.connector: _rounded(shares.get(want.connector, 0.0), want.most_a) for want in wants}
    rising = [want for want in wants if whole[want.connector] > drawn[want.connector].may_a]
    full = {line for line, bears_a in room.items() if _load(drawn.values(), line) > bears_a + _NOISE}
    others = [each for connector, each in drawn.items() if connector not in {want.connector for want in rising}]
    left = {line: bears_a - _load(others, line) for line, bears_a in room.items()}
    raised = fill([Want(w.connector, w.lines, drawn[w.connector].may_a, whole[w.connector]) for w in rising], left)
    found = {}
    for want in wants:
        share_a, mine = whole[want.connector], drawn[want.connector]
        now_a = raised.get(want.connector, share_a)
        if full & want.lines:  # it bears less than a moment ago: nobody rises until all have followed
            now_a = min(share_a, mine.told_a)
        now_a = _rounded(now_a, share_a)
        found[want.connector] = Portion(now_a if now_a >= want.floor_a - _NOISE else 0.0, share_a)
    return found


def _load(drawn: Iterable[Drawn], line: Line) -> float:
    return sum(each.may_a for each in drawn if line in each.lines)


def _rounded(current_a: float, most_a: float) -> float:
    """Whole steps, but for a connector that gets all that it could use."""
    return most_a if current_a >= most_a else floor(current_a / STEP_A + 1e-6) * STEP_A
