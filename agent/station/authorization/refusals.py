"""Why a card was refused, in words that a driver, an installer or an operator understands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import LadderStep

NO_ANSWER = "no answer"
NOT_REACHABLE = "not reachable"

_STATUS: Mapping[str, str] = {
    "Invalid": "does not know this card",
    "Blocked": "has blocked this card",
    "Expired": "says that this card has expired",
    "ConcurrentTx": "says that this card is charging elsewhere already",
}
_PLACES: Mapping[str, str] = {"list": "the local list", "cache": "an earlier answer"}
_OUTAGE: Mapping[str, str] = {
    "never_accepted": "the Billing operator has never accepted this station",
    "nobody_offline": "nobody could be asked, and no card charges without an answer (LocalAuthorizeOffline is off)",
    "unknown_offline": "nobody could be asked, and this card is not known here",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last card that was refused at a connector."""

    at: Moment
    why: str
    """In plain words, with no card in it."""


def plain_reason(step: LadderStep, names: Mapping[UpstreamId, str]) -> str:
    """Why this decision was no, in one sentence, and who did not answer. `names`: of the upstreams, for people."""
    silent = [f"{_name(one.upstream, names)}: {one.answer}" for one in step.asked if one.answer in _SILENT]
    return f"{_cause(step, names)} ({', '.join(silent)})" if silent else _cause(step, names)


def _cause(step: LadderStep, names: Mapping[UpstreamId, str]) -> str:
    if step.stage in ("reader", "connector"):
        return step.rule
    if step.stage == "online" and step.upstream is not None:
        return f"{_name(step.upstream, names)} {_STATUS.get(step.answer, f'answered {step.answer}')}"
    if step.rule == "known_bad":
        return f"nobody could be asked, and {_PLACES.get(step.stage, step.stage)} says {step.answer}"
    return _OUTAGE.get(step.rule, f"{step.stage}: {step.rule}")


_SILENT = (NO_ANSWER, NOT_REACHABLE)


def _name(upstream: UpstreamId, names: Mapping[UpstreamId, str]) -> str:
    return names.get(upstream, upstream)
