"""What the station itself knows of cards: the operator's list, what was answered before, and what is stored here.

Theory of operation
-------------------
In this order: the local list of the Billing upstream; the caches; the cards that the installer stored on the charger.
Each upstream has a cache of its own, and in it only its own word: what is remembered of several is judged as their
answers would be (`router`), by those alone who would be asked now. Who has nothing to say about cards (a Data & Control
upstream as shipped) is never asked, so its cache stays empty, and could not count if it were not.

Stored cards are inert while an operator is Billing: they count while management is, or during an outage in the mode
`local-only`, which says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.station.authorization.cache import Cache
from agent.station.authorization.local_list import LocalList
from agent.station.authorization.router import Open, Way, whose
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.commands import Result, ResultStatus, SendList
from agent.vocabulary.ids import MANAGEMENT, IdToken, UpstreamId
from agent.vocabulary.outage import OutageMode, mode_of
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, DropVerdict, SaveList, Verdict, WipeCache

SWITCHED_OFF = Result(ResultStatus.NOT_SUPPORTED, "the local list is switched off")
ACCEPTED = Verdict(AuthorizationStatus.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a card, from where (`list`, `cache`, `cards`), and whose word it is."""

    where: str
    upstream: UpstreamId
    verdict: Verdict


class Knowledge:
    """The local list of the Billing upstream and the cache of each. What changes is recorded here."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._billing = site.registry.billing
        stored = next((row for row in site.snapshot.lists if row.upstream == self._billing.id), None)
        self._list = LocalList() if stored is None else LocalList(stored.version, stored.entries)
        self._caches = {each.id: Cache(each.id, site.snapshot.cache) for each in site.registry}

    def of(self, token: IdToken, way: Way, wall_ms: int | None, outage: bool = False) -> Known | None:
        """What is known of a card of this way. `outage`: nobody answers who could be asked."""
        listed = self._listed(token, wall_ms)
        if listed is not None:
            return Known("list", self._billing.id, listed)
        return self._remembered(token, way, wall_ms) or self._stored(token, outage)

    def remember(self, upstream: UpstreamId, token: IdToken, verdict: Verdict, turn: Turn) -> None:
        """Keep a verdict of an upstream for that upstream, if Billing wants that and its list does not say it.

        `ConcurrentTx` is about a moment, not the card. A verdict against the list is a conflict, which is told.
        """
        cache = self._caches.get(upstream)
        if verdict.status is AuthorizationStatus.CONCURRENT_TX or cache is None:
            return
        wall_ms = self._site.wall_ms(turn.now)
        listed = self._listed(token, wall_ms)
        if listed is not None:
            against = upstream == self._billing.id and listed.accepted != verdict.accepted
            self._site.list_conflict = self._site.list_conflict or against
            return
        if not self._billing.options.authorization_cache_enabled:
            return
        dropped = cache.put(token, verdict, wall_ms)
        if dropped is not None:
            turn.record(DropVerdict(upstream, dropped))
        turn.record(CacheVerdict(upstream, token, verdict, turn.now))

    def clear_cache(self, turn: Turn) -> None:
        """Forget all verdicts, not the list: no answer of before lets anybody charge, whoever gave it."""
        for upstream, cache in self._caches.items():
            if upstream == self._billing.id or not cache.empty:
                cache.wipe()
                turn.record(WipeCache(upstream), barrier=True)

    def send_list(self, command: SendList, turn: Turn) -> Result:
        """A new list or changes to it; stored before it is answered. A conflict with the old one is over."""
        if not self._billing.options.local_list_enabled:
            return SWITCHED_OFF
        refused = self._list.update(command)
        if refused is not None:
            return Result(refused.status, refused.why)
        self._site.list_conflict = False
        turn.record(SaveList(self._billing.id, command.version, command.full, command.entries), barrier=True)
        return Result(ResultStatus.ACCEPTED)

    def list_version(self) -> Result:
        """The version of the list, if there is one (OCPP 1.6 5.10)."""
        if not self._billing.options.local_list_enabled:
            return SWITCHED_OFF
        return Result(ResultStatus.ACCEPTED, list_version=self._list.version)

    def _listed(self, token: IdToken, wall_ms: int | None) -> Verdict | None:
        return self._list.get(token, wall_ms) if self._billing.options.local_list_enabled else None

    def _remembered(self, token: IdToken, way: Way, wall_ms: int | None) -> Known | None:
        if not self._billing.options.authorization_cache_enabled:
            return None
        found = {each: self._caches[each].get(token, wall_ms) for each in way.everybody if each in self._caches}
        verdicts = {each: verdict for each, verdict in found.items() if verdict is not None}
        who = whose(way, verdicts)
        return None if isinstance(who, Open) else Known("cache", who, verdicts[who])

    def _stored(self, token: IdToken, outage: bool) -> Known | None:
        if not any(token.matches(card) for card in self._site.options.cards.cards):
            return None
        said_so = outage and mode_of(self._billing.options) is OutageMode.LOCAL_ONLY
        return Known("cards", self._billing.id, ACCEPTED) if self._billing.id == MANAGEMENT or said_so else None
