"""What management asks about the operators of the station, over OCPP: done by the desk that stages all changes.

Answers are the JSON objects that `agent/ocpp/v16/vendor/Answer.json` describes. A change is staged like one of the
installer's and told as `RebootRequired`; a Reset applies it. Every request has an answer, whatever goes wrong.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from agent.control.protocol import RefusedError
from agent.control.views import PendingView, UpstreamsView, UpstreamView
from agent.runtime.settings_desk import SettingsDesk
from agent.settings.problems import Problem, SettingsError
from agent.settings.settings import FITTING, UpstreamRequest
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, OperatorsAnswered
from agent.vocabulary.moments import iso8601
from agent.vocabulary.operators import (
    AddOperator,
    DiscardPending,
    HandleOperators,
    ListCatalogue,
    ListUpstreams,
    OperatorRequest,
    Place,
    PutCatalogueEntry,
    RemoveCatalogueEntry,
    RemoveOperator,
    RemovePrimary,
    SetBilling,
    SetPrimary,
    Unreadable,
)

LONGEST_QUEUE: Final = 16
WHO: Final = "management"
Answer = dict[str, Any]
"""A JSON object of `Answer.json`, on its way to the codec."""


@dataclass(frozen=True, slots=True)
class World:
    """What the desk needs of the agent."""

    desk: SettingsDesk
    upstreams: Callable[[], Any]
    """Awaited: the `UpstreamsView`."""
    post: Callable[[Input], None]
    tell: Callable[..., None]


class OperatorsDesk:
    """One after the other. Called by the engine; returns at once. `run` is its task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue: asyncio.Queue[HandleOperators] = asyncio.Queue()

    def __call__(self, effect: HandleOperators) -> None:
        """Take a request; answered by `OperatorsAnswered`, never within this call."""
        if self._queue.qsize() >= LONGEST_QUEUE:
            busy = _refused([Problem("", "too many requests at once", "ask again when these are answered")])
            self._answer(effect.upstream, effect.call, ResultStatus.REJECTED, busy)
        else:
            self._queue.put_nowait(effect)

    async def run(self) -> None:
        """Work off the queue until cancelled."""
        while True:
            effect = await self._queue.get()
            try:
                status, answer = ResultStatus.ACCEPTED, await self._perform(effect.request)
            except (SettingsError, RefusedError) as refused:
                status, answer = ResultStatus.REJECTED, _refused(refused.problems)
                reason = str(refused).replace("\n", "; ")
                self._world.tell("settings.refused", reason=f"{type(effect.request).__name__}: {reason}")
            except Exception as error:  # a disk, a child process, a mistake of ours: there is an answer all the same
                status = ResultStatus.REJECTED
                answer = _refused([Problem("", f"could not be done ({type(error).__name__})", "ask again")])
            if isinstance(effect.request, Unreadable):
                status, answer = _unreadable(effect.request)
            self._answer(effect.upstream, effect.call, status, answer)

    def _answer(self, upstream: UpstreamId, call: int, status: ResultStatus, answer: Answer) -> None:
        data = json.dumps(answer, ensure_ascii=True, separators=(",", ":"))
        given = OperatorsAnswered(upstream, call, Result(status, data=data))
        asyncio.get_running_loop().call_soon(self._world.post, given)

    async def _perform(self, request: OperatorRequest | Unreadable) -> Answer:
        desk = self._world.desk
        match request:
            case SetPrimary(place):
                return _staged(await desk.set_primary(_request(place)))
            case RemovePrimary(word):
                return _staged(await desk.remove_primary(word, WHO))
            case AddOperator(place):
                return _staged(await desk.add_operator(_request(place)))
            case RemoveOperator(operator, word):
                return _staged(await desk.remove_operator(operator, word, WHO))
            case SetBilling(upstream):
                return _staged(await desk.set_billing(upstream, WHO))
            case DiscardPending():
                await desk.discard_pending(WHO)
            case ListUpstreams():
                return _upstreams(await self._world.upstreams())
            case ListCatalogue():
                entries = await desk.catalogue()
                listed = [{"name": one.name, "url": one.url, "source": one.source.value} for one in entries]
                return {"status": "Accepted", "catalogue": listed}
            case PutCatalogueEntry(name, url):
                await desk.put_entry(name, url, WHO)
            case RemoveCatalogueEntry(name):
                await desk.remove_entry(name, WHO)
        return {"status": "Accepted"}


def _request(place: Place) -> UpstreamRequest:
    return UpstreamRequest(
        place.url,
        place.identity,
        FITTING if place.security is None else place.security,
        place.password,
        place.trust_pem,
        place.name,
        WHO,
        interface=place.interface,
        proxy=place.proxy,
        proxy_login=place.proxy_login,
    )


def _staged(pending: PendingView | None) -> Answer:
    if pending is None:
        return {"status": "Accepted"}
    answer: Answer = {"status": "RebootRequired", "pending": _pending(pending)}
    if pending.cost is not None:
        answer |= {"runningTransactions": pending.cost.running, "undelivered": pending.cost.undelivered}
    return answer


def _pending(pending: PendingView) -> Answer:
    changes = [
        {"what": one.what}
        | ({"by": one.by} if one.by else {})
        | ({"at": iso8601(one.at_ms)} if one.at_ms is not None else {})
        for one in pending.changes
    ]
    held: Answer = {"billing": pending.billing, "operators": list(pending.operators), "changes": changes}
    return held | ({"primary": pending.primary_url} if pending.primary_url else {})


def _upstreams(view: UpstreamsView) -> Answer:
    answer: Answer = {"status": "Accepted", "upstreams": [_upstream(one) for one in view.upstreams]}
    return answer if view.pending is None else answer | {"pending": _pending(view.pending)}


def _upstream(one: UpstreamView) -> Answer:
    held: Answer = {"id": one.id, "name": one.name, "kind": one.kind.value, "role": one.role.value, "url": one.url}
    held |= {"identity": one.identity, "state": one.state}
    return {**held, "waiting": one.queued, "givenUp": one.parked}


def _refused(problems: Iterable[Problem]) -> Answer:
    told = [{"field": one.field, "message": one.message, "fix": one.remedy} for one in problems]
    return {"status": "Rejected", "problems": told}


def _unreadable(request: Unreadable) -> tuple[ResultStatus, Answer]:
    problems = _refused([Problem(request.field, request.message, request.remedy)])
    if request.known:
        return ResultStatus.REJECTED, problems
    return ResultStatus.UNKNOWN_MESSAGE, problems | {"status": "UnknownMessageId"}
