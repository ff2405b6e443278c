"""The ladder of an authorisation: what may be decided without the Billing upstream, and by which rule.

Theory of operation
-------------------
Before asking: a valid entry of the local list, else of the cache, if the Billing upstream allows pre-authorisation
(OCPP 1.6 3.4.1 "LocalPreAuthorize"). While it can be asked: its answer, and nothing else. Without an answer (offline,
silent past the deadline): the standard offline keys decide. A card that is known bad or expired is refused even where
unknown cards are allowed (3.4.2, 3.4.3). With an upstream that has never accepted the station nobody charges by card
(4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.station.authorization.knowledge import Knowledge
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.charging import ChargingProfile
from agent.vocabulary.events import Trigger
from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.records import LadderStep, Verdict


@dataclass(frozen=True, slots=True)
class Rung:
    """One decision: accepted or not, where it was taken and by which rule."""

    accepted: bool
    stage: str
    rule: str
    verdict: Verdict | None = None
    offline: bool = False
    """Decided because the Billing upstream did not answer."""


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
    """Charging profile that came with a remote start."""


def before_asking(token: IdToken, billing: Upstream, cards: Knowledge, wall_ms: int | None) -> Rung | None:
    """A decision with no network at all, or None if the Billing upstream has to be asked."""
    options = billing.options
    if not (billing.ever_accepted and options.local_pre_authorize):
        return None
    where, verdict = cards.of(token, wall_ms)
    if verdict is None or not verdict.accepted:
        return None
    return Rung(True, where, "local_pre_authorize", verdict)


def without_answer(token: IdToken, billing: Upstream, cards: Knowledge, wall_ms: int | None) -> Rung:
    """The decision while the Billing upstream does not answer."""
    options = billing.options
    if not billing.ever_accepted:
        return Rung(False, "outage", "never_accepted", offline=True)
    where, verdict = cards.of(token, wall_ms)
    if verdict is not None and not verdict.accepted:
        return Rung(False, where, "known_bad", verdict, offline=True)
    if verdict is not None and options.local_authorize_offline:
        return Rung(True, where, "local_authorize_offline", verdict, offline=True)
    if options.allow_offline_unknown:
        return Rung(True, "outage", "allow_offline_unknown", verdict, offline=True)
    return Rung(False, "outage", "unknown_offline", verdict, offline=True)


def by_answer(verdict: Verdict) -> Rung:
    """The Billing upstream's own word."""
    return Rung(verdict.accepted, "online", "billing_answer", verdict)
