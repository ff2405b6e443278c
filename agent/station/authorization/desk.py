"""The desk: where cards and remote starts arrive, somebody is asked, and answers come back.

Theory of operation
-------------------
A card gets a meaning (`readers`), then a decision (`ladder`). While the Billing upstream is asked, the question is
kept with the epoch of its connector: unplugging, a time-out or a cancel raises the epoch, and a question of an older
epoch is forgotten, so that its answer finds nothing to do. An answer grants only what was asked, once, from the
upstream that was asked, within the deadline. Every decision leaves a `LadderStep`; every refusal a note.

With several connectors free, an accepted card waits for the next one that is plugged, as long as the connection
time-out allows.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.authorization.bookings import Bookings
from agent.station.authorization.knowledge import Knowledge
from agent.station.authorization.ladder import Authorisation, Rung, before_asking, by_answer, without_answer
from agent.station.authorization.readers import Choice, Meaning, choose, is_random
from agent.station.authorization.requests import Purpose, Question, Request
from agent.station.authorization.waiting import WaitingRoom
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.commands import RemoteStart
from agent.vocabulary.effects import Ask
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.inputs import AuthorizeAnswered
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import AuthorisePolicy
from agent.vocabulary.records import LadderStep, Verdict
from hal.api import CardSeen

DEADLINE_S = 10.0


class Desk:
    """Cards, remote starts, questions and answers."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector], knowledge: Knowledge) -> None:
        self._site = site
        self._connectors = connectors
        self.knowledge = knowledge
        self._questions: dict[int, Question] = {}
        self._waiting = WaitingRoom(site, connectors)
        self.bookings = Bookings(site, connectors)

    # ------------------------------------------------------------------------------------------------ inputs

    def card(self, seen: CardSeen, turn: Turn) -> None:
        """A card was shown to a reader."""
        token = IdToken(seen.uid)
        served = self._site.options.readers.get(seen.reader, tuple(self._connectors))
        mine = [c for i in served if (c := self._connectors.get(i)) and c.options.authorise is AuthorisePolicy.CARD]
        if is_random(seen.uid):
            self._refuse(mine, token, "cards with random ids cannot be known again", turn)
            return
        if not mine:
            served_here = [c for i in served if (c := self._connectors.get(i))]
            self._refuse(served_here, token, "no card is needed here", turn)
            return
        if self._cancelled(token, turn):
            return
        choice = choose([connector.seat() for connector in mine], token)
        self._act(choice, token, mine, turn)

    def remote_start(self, command: RemoteStart, connector: Connector, turn: Turn) -> None:
        """The Billing upstream asks to start; its own card check applies if `authorize_remote_starts`."""
        request = Request(
            command.token,
            Purpose.START,
            (connector.id,),
            Trigger.REMOTE_START,
            command.remote_start_id,
            command.profile,
        )
        if self._site.registry.billing.options.authorize_remote_starts:
            self._decide(request, turn)
            return
        rung = Rung(True, "remote", "remote_start")
        self._conclude(request, rung, None, turn)

    def answered(self, given: AuthorizeAnswered, turn: Turn) -> None:
        """An answer; one that nobody waits for any more does nothing at all."""
        question = self._questions.get(given.ask)
        if question is None or given.upstream != self._site.registry.billing.id:
            return
        del self._questions[given.ask]
        self._unmark(question)
        if given.verdict is not None:
            self.knowledge.remember(question.request.token, given.verdict, turn)
        self._settle_question(question, given.verdict, turn)

    def settle(self, turn: Turn) -> None:
        """Forget questions that are over, answer those that nobody answered, and seat waiting cards."""
        for ask, question in list(self._questions.items()):
            if self._outdated(question):
                del self._questions[ask]
            elif turn.reached(question.asked_ms + round(DEADLINE_S * 1000)):
                del self._questions[ask]
                self._unmark(question)
                self._settle_question(question, None, turn)
        self._waiting.settle(turn)

    # ----------------------------------------------------------------------------------------------- meaning

    def _act(self, choice: Choice, token: IdToken, mine: list[Connector], turn: Turn) -> None:
        one = self._connectors.get(choice.connector) if choice.connector is not None else None
        match choice.meaning:
            case Meaning.CANCEL if one is not None:
                one.abandon("cancelled by the same card", turn)
            case Meaning.LET_GO if one is not None:
                turn.note(StationNote.CABLE_RELEASED, "by its card", one.id)
                one.let_go(turn)
            case Meaning.STOP if one is not None:
                one.stop(Stop(StopReason.LOCAL, Trigger.STOP_AUTHORIZED, token), turn)
            case Meaning.START:
                wanted = (one,) if one is not None else tuple(c for c in mine if c.state is SessionState.FREE)
                self._decide(Request(token, Purpose.START, tuple(c.id for c in wanted)), turn)
            case Meaning.COMPARE:
                self._decide(Request(token, Purpose.COMPARE, tuple(c.id for c in mine)), turn)
            case _:
                self._refuse([one] if one is not None else mine, token, choice.reason, turn)

    def _cancelled(self, token: IdToken, turn: Turn) -> bool:
        """The same card again while it waits or is asked about: its driver thought better of it."""
        if self._waiting.cancel(token, turn):
            return True
        for ask, question in list(self._questions.items()):
            if token.matches(question.request.token):
                del self._questions[ask]
                self._unmark(question)
                turn.note(StationNote.SESSION_ABANDONED, "cancelled by the same card while it was asked about")
                return True
        return False

    def _refuse(self, connectors: list[Connector], token: IdToken, why: str, turn: Turn) -> None:
        for connector in connectors:
            connector.refused(turn)
        first = connectors[0].id if connectors else None
        turn.note(StationNote.CARD_REFUSED, why, first)
        turn.record(LadderStep(turn.now, first, token.masked, "reader", None, None, "Refused", why))

    # ---------------------------------------------------------------------------------------------- decision

    def _decide(self, request: Request, turn: Turn) -> None:
        billing = self._site.registry.billing
        wall_ms = self._site.wall_ms(turn.now)
        reserved = (
            self.bookings.against(request.connectors, request.token) if request.purpose is Purpose.START else None
        )
        if reserved is not None and not self.bookings.wants_parent(request.connectors):
            self._refuse([self._connectors[each] for each in request.connectors], request.token, reserved, turn)
            return
        rung = before_asking(request.token, billing, self.knowledge, wall_ms)
        if reserved is not None and rung is not None and not (rung.verdict and rung.verdict.parent):
            rung = None  # only Billing knows whose card it is
        if rung is None and not billing.reachable:
            rung = without_answer(request.token, billing, self.knowledge, wall_ms)
        if rung is not None:
            self._conclude(request, rung, None, turn)
            return
        ask = self._site.next_number()
        one = self._one(request)
        self._questions[ask] = Question(request, one.epoch if one else None, turn.now_ms)
        if one is not None and request.purpose is Purpose.START:
            one.asked = True
        turn.add(Ask(ask, billing.id, request.token, DEADLINE_S))

    def _settle_question(self, question: Question, verdict: Verdict | None, turn: Turn) -> None:
        if self._outdated(question):
            return
        billing = self._site.registry.billing
        token = question.request.token
        if verdict is not None:
            rung = by_answer(verdict)
        else:
            rung = without_answer(token, billing, self.knowledge, self._site.wall_ms(turn.now))
        self._conclude(question.request, rung, turn.now_ms - question.asked_ms, turn)

    def _conclude(self, request: Request, rung: Rung, latency_ms: int | None, turn: Turn) -> None:
        one = self._one(request)
        answer = rung.verdict.status.value if rung.verdict else ("Accepted" if rung.accepted else "Refused")
        upstream = self._site.registry.billing.id if rung.stage == "online" else None
        step = LadderStep(
            turn.now,
            one.id if one else None,
            request.token.masked,
            rung.stage,
            upstream,
            latency_ms,
            answer,
            rung.rule,
        )
        if request.purpose is Purpose.COMPARE:
            turn.record(step)
            self._compare(request, rung, turn)
        elif not rung.accepted:
            turn.record(step)
            self._show_refused(request, rung, turn)
        else:
            self._grant(request, rung, step, one, turn)

    def _grant(self, request: Request, rung: Rung, step: LadderStep, one: Connector | None, turn: Turn) -> None:
        billing = self._site.registry.billing
        parent = rung.verdict.parent if rung.verdict else None
        authorisation = Authorisation(
            request.token,
            billing.id,
            request.trigger,
            step,
            parent,
            rung.offline,
            request.remote_start_id,
            request.profile,
        )
        if one is None:
            self._waiting.enter(authorisation, request.connectors, turn)
        elif not one.authorise(authorisation, turn):
            turn.record(step)
            one.refused(turn)
            turn.note(
                StationNote.CARD_REFUSED,
                one.refusal or self._site.claimed(one.id, request.token, parent) or "the connector is in use",
                one.id,
            )

    def _show_refused(self, request: Request, rung: Rung, turn: Turn) -> None:
        for connector_id in request.connectors:
            self._connectors[connector_id].refused(turn)
        turn.note(
            StationNote.CARD_REFUSED,
            f"{rung.stage}: {rung.rule}",
            request.connectors[0] if request.connectors else None,
        )

    def _compare(self, request: Request, rung: Rung, turn: Turn) -> None:
        """Stop or let go only where the parents are equal; a parent is never taken for a card."""
        parent = rung.verdict.parent if rung.verdict and rung.accepted else None
        for connector in (self._connectors[i] for i in request.connectors):
            transaction, kept = connector.transaction, connector.kept
            if parent is None:
                continue
            if connector.state is SessionState.RUNNING and transaction and parent.matches(transaction.record.parent):
                connector.stop(Stop(StopReason.LOCAL, Trigger.STOP_AUTHORIZED, request.token), turn)
                return
            if kept is not None and parent.matches(kept.parent):
                turn.note(StationNote.CABLE_RELEASED, "by a card of the same parent", connector.id)
                connector.let_go(turn)
                return
        turn.note(StationNote.CARD_REFUSED, "this card did not start the session", request.connectors[0])
        for connector_id in request.connectors:
            self._connectors[connector_id].refused(turn)

    # ------------------------------------------------------------------------------------------------ helpers

    def _one(self, request: Request) -> Connector | None:
        several = len(request.connectors) != 1
        return None if several else self._connectors.get(request.connectors[0])

    def _outdated(self, question: Question) -> bool:
        one = self._one(question.request)
        return one is not None and question.epoch is not None and one.epoch != question.epoch

    def _unmark(self, question: Question) -> None:
        one = self._one(question.request)
        if one is not None:
            one.asked = False
