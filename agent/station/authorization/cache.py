"""Authorisation cache of one upstream (OCPP 1.6 3.5.1): its verdicts on cards, good and bad."""

from __future__ import annotations

from collections.abc import Iterable

from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, Verdict

CAPACITY = 1000


class Cache:
    """By card, for one upstream: nobody else's verdicts are kept. The newest are last."""

    def __init__(self, upstream: UpstreamId, saved: Iterable[CacheVerdict]) -> None:
        mine = sorted((row for row in saved if row.upstream == upstream), key=_age)
        self._verdicts = {row.token.key: (row.token, row.verdict) for row in mine[-CAPACITY:]}

    def get(self, token: IdToken, wall_ms: int | None) -> Verdict | None:
        """The verdict as it counts now: past its date it is `Expired`. None for an unknown card."""
        known = self._verdicts.get(token.key)
        return None if known is None else _as_of(known[1], wall_ms)

    def put(self, token: IdToken, verdict: Verdict, wall_ms: int | None) -> IdToken | None:
        """Keep a verdict as the newest. When full, one that is not valid goes first, then the oldest: returned."""
        self._verdicts.pop(token.key, None)
        dropped = self._make_room(wall_ms) if len(self._verdicts) >= CAPACITY else None
        self._verdicts[token.key] = (token, verdict)
        return dropped

    @property
    def empty(self) -> bool:
        """Nothing is remembered."""
        return not self._verdicts

    def wipe(self) -> None:
        """Forget all."""
        self._verdicts.clear()

    def _make_room(self, wall_ms: int | None) -> IdToken:
        invalid = (key for key, (_, known) in self._verdicts.items() if not _as_of(known, wall_ms).accepted)
        return self._verdicts.pop(next(invalid, next(iter(self._verdicts))))[0]


def _as_of(verdict: Verdict, wall_ms: int | None) -> Verdict:
    if not verdict.accepted or verdict.expires_wall_ms is None or wall_ms is None:
        return verdict
    if verdict.expires_wall_ms > wall_ms:
        return verdict
    return Verdict(AuthorizationStatus.EXPIRED, verdict.parent, verdict.expires_wall_ms)


def _age(row: CacheVerdict) -> tuple[int, int, int]:
    """Order of stored verdicts; within a boot the monotonic time counts, since wall time may not have been known."""
    return row.at.boot, row.at.monotonic_ms, row.at.wall_ms or 0
