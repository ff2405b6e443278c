"""The router: whom to ask about a card, and whose answer counts. Pure.

Theory of operation
-------------------
A `Way` names the one whose word goes first (its *owner*) and the *peers* who are asked in the same moment:

    a route rule matches        owner: the upstream of the rule     peers: none
    no rule                     owner: Billing                      peers: all with `broadcast`, as configured

There is one deadline for all. The owner's answer counts whenever it comes in time. Its `Invalid` (it does not know the
card) leaves the card to the peers; any other answer of it is final. Among the peers the first in their configured order
counts that accepts: one that does not, says nothing about the contract of another. So the outcome follows from what
was answered in time, never from who was faster. If nobody accepted, the owner's answer stands; without one the outage
policy decides.

What is remembered of earlier answers is judged by the same rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import AuthorizationStatus, Verdict
from agent.vocabulary.services import CardServices, Services


@dataclass(frozen=True, slots=True)
class Way:
    """Who is responsible for one card at one place."""

    owner: UpstreamId
    peers: tuple[UpstreamId, ...] = ()
    rule: str = "billing"
    """By which rule, in plain words and with no card in it."""

    @property
    def everybody(self) -> tuple[UpstreamId, ...]:
        """All who may be asked, in the order in which they count."""
        return (self.owner, *self.peers)


class Open(Enum):
    """Nobody's answer counts."""

    WAIT = "wait"
    """Not yet: somebody whose answer would go first may still give it."""
    NOBODY = "nobody"
    """No answer of weight came."""


def way_for(
    token: IdToken,
    connectors: Collection[ConnectorId],
    services: Mapping[UpstreamId, Services],
    settled: CardServices,
    billing: UpstreamId,
) -> Way:
    """Whom this card at these connectors belongs to. `services`: of every upstream, in configured order."""
    for number, rule in enumerate(settled.routes, start=1):
        routed = services.get(rule.upstream)
        if routed is not None and routed.online and rule.matches(connectors, token, settled.evse_ids):
            return Way(rule.upstream, rule=f"route {number} ({rule.by.value})")
    peers = tuple(each for each, has in services.items() if each != billing and has.online and has.broadcast)
    return Way(billing, peers, "broadcast" if peers else "billing")


def whose(way: Way, verdicts: Mapping[UpstreamId, Verdict], waiting: Collection[UpstreamId] = ()) -> UpstreamId | Open:
    """Whose answer counts, as far as it is known. `waiting`: who may still answer."""
    if way.owner in waiting:
        return Open.WAIT
    first = verdicts.get(way.owner)
    if first is not None and first.status is not AuthorizationStatus.INVALID:
        return way.owner
    for peer in way.peers:
        if peer in waiting:
            return Open.WAIT
        if peer in verdicts and verdicts[peer].accepted:
            return peer
    return Open.NOBODY if first is None else way.owner


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of asking one upstream. `verdict` None: it did not answer, or could not be asked."""

    upstream: UpstreamId
    verdict: Verdict | None
    latency_ms: int | None
    """None: it could not be asked."""


class Poll:
    """One question to all of a way who can be asked now."""

    def __init__(self, way: Way, asked: Iterable[UpstreamId], asked_ms: int) -> None:
        self.way = way
        self.asked_ms = asked_ms
        self._waiting = set(asked)
        self._replies = {one: Reply(one, None, None) for one in way.everybody if one not in self._waiting}

    @property
    def waiting(self) -> tuple[UpstreamId, ...]:
        """Who has not answered yet, in the order in which they count."""
        return tuple(one for one in self.way.everybody if one in self._waiting)

    @property
    def replies(self) -> tuple[Reply, ...]:
        """What came of it so far, in the order in which they count."""
        return tuple(self._replies[one] for one in self.way.everybody if one in self._replies)

    def answer(self, upstream: UpstreamId, verdict: Verdict | None, now_ms: int) -> bool:
        """An answer, or the news that none will come; False from one that is not asked, or not any more."""
        if upstream not in self._waiting:
            return False
        self._waiting.remove(upstream)
        self._replies[upstream] = Reply(upstream, verdict, now_ms - self.asked_ms)
        return True

    def close(self, now_ms: int) -> None:
        """The deadline: whoever has not answered, has not answered."""
        for upstream in self.waiting:
            self.answer(upstream, None, now_ms)

    @property
    def winner(self) -> UpstreamId | Open:
        """Whose answer counts."""
        return whose(self.way, {one.upstream: one.verdict for one in self.replies if one.verdict}, self._waiting)

    def verdict_of(self, upstream: UpstreamId) -> Verdict | None:
        """The answer of one of them."""
        return self._replies[upstream].verdict if upstream in self._replies else None
