"""Authorisation cache of the Billing upstream (OCPP 1.6 3.5.1): its verdicts on cards, good and bad."""

from __future__ import annotations

from collections.abc import Iterable

from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, Verdict

CAPACITY = 1000


class Cache:
    """By card, for one upstream: nobody else's verdicts are kept."""

    def __init__(self, upstream: UpstreamId, saved: Iterable[CacheVerdict]) -> None:
        self._verdicts = {row.token.key: row.verdict for row in saved if row.upstream == upstream}

    def get(self, token: IdToken, wall_ms: int | None) -> Verdict | None:
        """The verdict as it counts now: past its date it is `Expired`. None for an unknown card."""
        verdict = self._verdicts.get(token.key)
        if verdict is None or not verdict.accepted or verdict.expires_wall_ms is None:
            return verdict
        if wall_ms is not None and verdict.expires_wall_ms <= wall_ms:
            return Verdict(AuthorizationStatus.EXPIRED, verdict.parent, verdict.expires_wall_ms)
        return verdict

    def put(self, token: IdToken, verdict: Verdict) -> None:
        """Keep a verdict as the newest; when full, an invalid one goes first, then the oldest."""
        self._verdicts.pop(token.key, None)
        if len(self._verdicts) >= CAPACITY:
            invalid = (key for key, known in self._verdicts.items() if not known.accepted)
            del self._verdicts[next(invalid, next(iter(self._verdicts)))]
        self._verdicts[token.key] = verdict

    def wipe(self) -> None:
        """Forget all."""
        self._verdicts.clear()
