"""Rulings: what a decision on a card does, how it is stored, and how it is told to who stands there.

Every decision leaves one `LadderStep`, with everybody who was asked; every refusal a note and its reason at the
connectors concerned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.station.authorization.ladder import FREE_VEND, Authorisation, Rung
from agent.station.authorization.refusals import NO_ANSWER, NOT_REACHABLE, plain_reason
from agent.station.authorization.requests import Purpose, Request
from agent.station.authorization.router import Poll, Reply
from agent.station.authorization.waiting import WaitingRoom
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import Asked, LadderStep


class Rulings:
    """Carries decisions out."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector], waiting: WaitingRoom) -> None:
        self._site = site
        self._connectors = connectors
        self._waiting = waiting

    def carry_out(self, request: Request, rung: Rung, poll: Poll | None, turn: Turn) -> None:
        """A decision. `poll`: what was asked for it, if anything was."""
        step = self._step(request, rung, poll, turn)
        if request.purpose is Purpose.COMPARE:
            turn.record(step)
            self._compare(request, rung, turn)
        elif rung.accepted:
            if rung.authority != self._site.registry.billing.id:
                by = f"{rung.stage}, by {step.way or rung.rule}"
                turn.note(StationNote.ANOTHER_AUTHORITY, by, request.only, rung.authority)
            self._grant(request, rung, step, turn)
        else:
            turn.record(step)
            self._tell_refused(request.connectors, f"{rung.stage}: {rung.rule}", self._reason(step), turn)

    def refuse(self, connectors: Iterable[ConnectorId], token: IdToken, why: str, turn: Turn) -> None:
        """Refused before any question: by what the reader or the connectors say."""
        concerned = tuple(connectors)
        first = concerned[0] if concerned else None
        turn.record(LadderStep(turn.now, first, token.masked, "reader", None, None, "Refused", why))
        self._tell_refused(concerned, why, why, turn)

    def _grant(self, request: Request, rung: Rung, step: LadderStep, turn: Turn) -> None:
        parent = rung.verdict.parent if rung.verdict else None
        cap_wh = self._site.registry.billing.options.free_vend_energy_wh if rung.rule == FREE_VEND else 0
        authorisation = Authorisation(
            request.token,
            rung.authority,
            request.trigger,
            step,
            parent,
            rung.offline,
            request.remote_start_id,
            request.profile,
            cap_wh or None,
        )
        one = self._connectors.get(request.only) if request.only is not None else None
        if one is None:
            self._waiting.enter(authorisation, request.connectors, turn)
        elif not one.authorise(authorisation, turn):
            claimed = self._site.claimed(one.id, request.token, self._site.parent_for_claims(rung.authority, parent))
            why = one.refusal or claimed or "the connector is in use"
            turn.record(replace(step, stage="connector", answer="Refused", rule=why))
            self._tell_refused((one.id,), why, why, turn)

    def _compare(self, request: Request, rung: Rung, turn: Turn) -> None:
        """Stop or let go only where the parents are equal; a parent is never taken for a card.

        Who authorised a transaction says who else may end it, or have its cable: the same name is another group's at
        another upstream.
        """
        parent = rung.verdict.parent if rung.verdict and rung.accepted else None
        for connector in (self._connectors[i] for i in request.connectors if parent is not None):
            transaction, kept = connector.transaction, connector.kept
            owned = transaction is not None and transaction.record.authority == rung.authority
            running = transaction if owned and connector.state is SessionState.RUNNING else None
            if running is not None and parent and parent.matches(running.record.parent):
                connector.stop(Stop(StopReason.LOCAL, Trigger.STOP_AUTHORIZED, request.token), turn)
                return
            if kept is not None and kept.belongs_to(parent, rung.authority):
                turn.note(StationNote.CABLE_RELEASED, "by a card of the same parent", connector.id)
                connector.let_go(turn)
                return
        why = "this card did not start the session"
        self._tell_refused(request.connectors, why, why, turn)

    def _tell_refused(self, connectors: Iterable[ConnectorId], note: str, reason: str, turn: Turn) -> None:
        concerned = tuple(connectors)
        for each in concerned:
            self._connectors[each].refused(reason, turn)
        turn.note(StationNote.CARD_REFUSED, note, concerned[0] if concerned else None)

    def _step(self, request: Request, rung: Rung, poll: Poll | None, turn: Turn) -> LadderStep:
        online = rung.stage == "online"
        asked = () if poll is None else tuple(_asked(one) for one in poll.replies)
        latency_ms = None
        if poll is not None and any(one.latency_ms is not None for one in asked):
            latency_ms = turn.now_ms - poll.asked_ms
        return LadderStep(
            turn.now,
            request.only,
            request.token.masked,
            rung.stage,
            rung.authority if online or rung.accepted else None,
            latency_ms,
            rung.verdict.status.value if rung.verdict else ("Accepted" if rung.accepted else "Refused"),
            rung.rule,
            asked,
            poll.way.rule if poll is not None else "",
        )

    def _reason(self, step: LadderStep) -> str:
        return plain_reason(step, {each.id: each.name for each in self._site.registry})


def _asked(reply: Reply) -> Asked:
    if reply.verdict is not None:
        return Asked(reply.upstream, reply.verdict.status.value, reply.latency_ms)
    return Asked(reply.upstream, NOT_REACHABLE if reply.latency_ms is None else NO_ANSWER, reply.latency_ms)
