"""What the station itself knows of cards: the operator's list, and the verdicts that the operator gave before."""

from __future__ import annotations

from agent.station.authorization.cache import Cache
from agent.station.authorization.local_list import LocalList
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.commands import Result, ResultStatus, SendList
from agent.vocabulary.ids import IdToken
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, DropVerdict, SaveList, Verdict, WipeCache

SWITCHED_OFF = Result(ResultStatus.NOT_SUPPORTED, "the local list is switched off")


class Knowledge:
    """Local list and cache of the Billing upstream. What changes is recorded here."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._billing = site.registry.billing
        stored = next((row for row in site.snapshot.lists if row.upstream == self._billing.id), None)
        self._list = LocalList() if stored is None else LocalList(stored.version, stored.entries)
        self._cache = Cache(self._billing.id, site.snapshot.cache)

    def of(self, token: IdToken, wall_ms: int | None) -> tuple[str, Verdict | None]:
        """Where a card is known from, and what is known: the list goes before the cache (OCPP 1.6 3.5.3)."""
        options = self._billing.options
        listed = self._list.get(token, wall_ms) if options.local_list_enabled else None
        if listed is not None:
            return "list", listed
        return "cache", self._cache.get(token, wall_ms) if options.authorization_cache_enabled else None

    def remember(self, token: IdToken, verdict: Verdict, turn: Turn) -> None:
        """Keep a verdict of the Billing upstream, if it wants that and its list does not say it.

        `ConcurrentTx` is about a moment, not the card. A verdict against the list is a conflict, which is told.
        """
        wall_ms = self._site.wall_ms(turn.now)
        if verdict.status is AuthorizationStatus.CONCURRENT_TX:
            return
        where, known = self.of(token, wall_ms)
        if where == "list" and known is not None:
            self._site.list_conflict = self._site.list_conflict or known.accepted != verdict.accepted
            return
        if not self._billing.options.authorization_cache_enabled:
            return
        dropped = self._cache.put(token, verdict, wall_ms)
        if dropped is not None:
            turn.record(DropVerdict(self._billing.id, dropped))
        turn.record(CacheVerdict(self._billing.id, token, verdict, turn.now))

    def clear_cache(self, turn: Turn) -> None:
        """Forget all verdicts, not the list."""
        self._cache.wipe()
        turn.record(WipeCache(self._billing.id), barrier=True)

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
