"""The ladder of an authorisation: what may be decided without asking, by which rule, and whose word it is.

Theory of operation
-------------------
Before asking: a valid entry of the local list, of the cache, or of the cards that are stored on the charger, if the
Billing upstream allows pre-authorisation (OCPP 1.6 3.4.1 "LocalPreAuthorize"). While somebody can be asked: the answer
that counts (`router`), and nothing else. Without an answer (offline, silent past the deadline): the standard offline
keys decide. A card that is known bad or expired is refused even where unknown cards are allowed (3.4.2, 3.4.3). With a
Billing upstream that has never accepted the station nobody charges by card (4.2), whoever else could be asked.

Every rung names the upstream whose word it is: it owns the transaction that may follow.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.station.authorization.knowledge import Known
from agent.station.authorization.router import Way
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.charging import ChargingProfile
from agent.vocabulary.events import Trigger
from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.records import LadderStep, Verdict

FREE_VEND = "allow_offline_unknown"
"""The rule by which somebody charges whom nobody knows."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One decision: accepted or not, where it was taken, by which rule, and by whose word."""

    accepted: bool
    stage: str
    rule: str
    authority: UpstreamId
    verdict: Verdict | None = None
    offline: bool = False
    """Decided because nobody answered who could have."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Somebody may charge. `authority` owns the transaction that may follow; `step` tells how it came about."""

    token: IdToken
    authority: UpstreamId
    trigger: Trigger
    step: LadderStep
    parent: IdToken | None = None
    offline: bool = False
    remote_start_id: int | None = None
    profile: ChargingProfile | None = None
    """Charging profile that came with a remote start: a word of Billing, whoever `authority` is."""
    energy_cap_wh: int | None = None
    """Somebody whom nobody knows may have so much; None: as much as wanted."""


def never_accepted(billing: Upstream) -> Rung | None:
    """The refusal of a station that its Billing upstream has never accepted; None once it has."""
    return None if billing.ever_accepted else Rung(False, "outage", "never_accepted", billing.id, offline=True)


def before_asking(billing: Upstream, known: Known | None) -> Rung | None:
    """A decision with no network at all, or None if somebody has to be asked."""
    if known is None or not known.verdict.accepted or not billing.options.local_pre_authorize:
        return None
    return Rung(True, known.where, "local_pre_authorize", known.upstream, known.verdict)


def without_answer(way: Way, billing: Upstream, known: Known | None) -> Rung:
    """The decision while nobody answers who is to be asked."""
    options = billing.options
    if known is not None and not known.verdict.accepted:
        return Rung(False, known.where, "known_bad", known.upstream, known.verdict, offline=True)
    if known is not None and options.local_authorize_offline:
        return Rung(True, known.where, "local_authorize_offline", known.upstream, known.verdict, offline=True)
    verdict = known.verdict if known is not None else None
    if options.allow_offline_unknown:
        return Rung(True, "outage", FREE_VEND, way.owner, verdict, offline=True)
    return Rung(False, "outage", "unknown_offline" if known is None else "nobody_offline", way.owner, offline=True)


def by_answer(upstream: UpstreamId, verdict: Verdict, billing: UpstreamId) -> Rung:
    """The word of an upstream that was asked."""
    return Rung(verdict.accepted, "online", "billing_answer" if upstream == billing else "answer", upstream, verdict)
