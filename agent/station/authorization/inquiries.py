"""Questions to the upstreams: asked, answered within one deadline, and forgotten when nobody wants to know any more.

Theory of operation
-------------------
A question is kept with the epoch of its connector: unplugging, a time-out or a cancel raises the epoch, and a question
of an older epoch is forgotten, so that its answers find nothing to do. An answer counts once, from an upstream that was
asked, within the deadline. All who are asked share one question and one deadline; what comes of their answers is the
router's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.station.authorization.knowledge import Knowledge
from agent.station.authorization.requests import Purpose, Question, Request
from agent.station.authorization.router import Open, Poll, Way
from agent.station.evse.connector import Connector
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import Ask
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.inputs import AuthorizeAnswered
from agent.vocabulary.records import AuthorizationStatus, Verdict

DEADLINE_S = 10.0
MANY_STRANGERS = 5
"""So many different cards in a row that the Billing upstream does not know, and not one that it accepts, mean more."""

Done = Callable[[Request, Poll, Turn], None]


class Inquiries:
    """The open questions. `done` is told of each that came to an end, once."""

    def __init__(
        self, site: Site, connectors: Mapping[ConnectorId, Connector], knowledge: Knowledge, done: Done
    ) -> None:
        self._site = site
        self._connectors = connectors
        self._knowledge = knowledge
        self._done = done
        self._questions: dict[int, Question] = {}

    def open(self, request: Request, way: Way, turn: Turn) -> None:
        """Ask all of a way who can be asked now; with nobody it is done at once."""
        poll = Poll(way, [one for one in way.everybody if self._may_be_asked(one)], turn.now_ms)
        if not isinstance(poll.winner, Open) or poll.winner is Open.NOBODY:
            self._done(request, poll, turn)
            return
        ask = self._site.next_number()
        one = self._one(request)
        self._questions[ask] = Question(request, one.epoch if one else None, poll)
        if one is not None and request.purpose is Purpose.START:
            one.asked = True
        for upstream in poll.waiting:
            turn.add(Ask(ask, upstream, request.token, DEADLINE_S))

    def answered(self, given: AuthorizeAnswered, turn: Turn) -> None:
        """An answer; one that nobody waits for any more does nothing at all."""
        question = self._questions.get(given.ask)
        if question is None or not question.poll.answer(given.upstream, given.verdict, turn.now_ms):
            return
        if given.verdict is not None:
            self._knowledge.remember(given.upstream, question.request.token, given.verdict, turn)
            self._count_strangers(given, question.request.token)
        if question.poll.winner is not Open.WAIT:
            self._end(given.ask, question, turn)

    def settle(self, turn: Turn) -> None:
        """Forget questions that are over, and end those whose deadline has come."""
        for ask, question in list(self._questions.items()):
            if self._outdated(question):
                del self._questions[ask]
            elif turn.reached(question.poll.asked_ms + round(DEADLINE_S * 1000)):
                question.poll.close(turn.now_ms)
                self._end(ask, question, turn)

    def cancel(self, token: IdToken) -> bool:
        """Nobody wants to know any more what becomes of this card; False if it was not asked about."""
        for ask, question in list(self._questions.items()):
            if token.matches(question.request.token):
                del self._questions[ask]
                self._unmark(question)
                return True
        return False

    def _end(self, ask: int, question: Question, turn: Turn) -> None:
        del self._questions[ask]
        self._unmark(question)
        if not self._outdated(question):
            self._done(question.request, question.poll, turn)

    def _may_be_asked(self, upstream: object) -> bool:
        found = next((each for each in self._site.registry if each.id == upstream), None)
        return found is not None and found.services.online and found.reachable

    def _count_strangers(self, given: AuthorizeAnswered, token: IdToken) -> None:
        verdict: Verdict | None = given.verdict
        if verdict is None or given.upstream != self._site.registry.billing.id:
            return
        if verdict.accepted:
            self._site.strangers.clear()
        elif verdict.status is AuthorizationStatus.INVALID and len(self._site.strangers) < MANY_STRANGERS:
            self._site.strangers.add(token.key)

    def _one(self, request: Request) -> Connector | None:
        return None if request.only is None else self._connectors.get(request.only)

    def _outdated(self, question: Question) -> bool:
        one = self._one(question.request)
        return one is not None and question.epoch is not None and one.epoch != question.epoch

    def _unmark(self, question: Question) -> None:
        one = self._one(question.request)
        if one is not None:
            one.asked = False
