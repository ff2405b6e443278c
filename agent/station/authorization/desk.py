"""The desk: where cards and remote starts arrive, somebody is asked, and answers come back.

Theory of operation
-------------------
A card gets a meaning (`readers`) and a way: whose card it is here (`router`). What is known on the spot may decide at
once (`ladder`); else all of the way who can be asked are (`inquiries`), and the answer that counts, or the outage
policy, decides. What a decision does is in `rulings`.

With several connectors free, an accepted card waits for the next one that is plugged, as long as the connection
time-out allows.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.authorization.bookings import Bookings
from agent.station.authorization.inquiries import Inquiries
from agent.station.authorization.knowledge import Knowledge
from agent.station.authorization.ladder import Rung, before_asking, by_answer, never_accepted, without_answer
from agent.station.authorization.readers import Choice, Meaning, choose, is_random
from agent.station.authorization.requests import Purpose, Request
from agent.station.authorization.router import Open, Poll, Way, way_for
from agent.station.authorization.rulings import Rulings
from agent.station.authorization.waiting import WaitingRoom
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.commands import RemoteStart
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.inputs import AuthorizeAnswered
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import AuthorisePolicy
from hal.api import CardSeen


class Desk:
    """Cards, remote starts, and what comes of them."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector], knowledge: Knowledge) -> None:
        self._site = site
        self._connectors = connectors
        self.knowledge = knowledge
        self.bookings = Bookings(site, connectors)
        self._waiting = WaitingRoom(site, connectors)
        self._rulings = Rulings(site, connectors, self._waiting)
        self._inquiries = Inquiries(site, connectors, knowledge, self._asked)

    # ------------------------------------------------------------------------------------------------ inputs

    def card(self, seen: CardSeen, turn: Turn) -> None:
        """A card was shown to a reader."""
        token = IdToken(seen.uid)
        served = [c for i in self._site.options.readers.get(seen.reader, tuple(self._connectors)) if (c := self._at(i))]
        mine = [connector for connector in served if connector.options.authorise is AuthorisePolicy.CARD]
        if is_random(seen.uid):
            self._refuse(mine, token, "cards with random ids cannot be known again", turn)
        elif not mine:
            self._refuse(served, token, "no card is needed here", turn)
        elif not self._cancelled(token, turn):
            self._act(choose([connector.seat() for connector in mine], token), token, mine, turn)

    def remote_start(self, command: RemoteStart, connector: Connector, turn: Turn) -> None:
        """The Billing upstream asks to start; the card is asked about if `authorize_remote_starts`."""
        billing = self._site.registry.billing
        number, profile = command.remote_start_id, command.profile
        request = Request(command.token, Purpose.START, (connector.id,), Trigger.REMOTE_START, number, profile)
        if billing.options.authorize_remote_starts:
            self._decide(request, turn)
        else:
            self._rulings.carry_out(request, Rung(True, "remote", "remote_start", billing.id), None, turn)

    def answered(self, given: AuthorizeAnswered, turn: Turn) -> None:
        """An answer; one that nobody waits for any more does nothing at all."""
        self._inquiries.answered(given, turn)

    def settle(self, turn: Turn) -> None:
        """Forget questions that are over, answer those that nobody answered, and seat waiting cards."""
        self._inquiries.settle(turn)
        self._waiting.settle(turn)

    # ----------------------------------------------------------------------------------------------- meaning

    def _act(self, choice: Choice, token: IdToken, mine: list[Connector], turn: Turn) -> None:
        one = self._at(choice.connector) if choice.connector is not None else None
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
        if self._inquiries.cancel(token):
            turn.note(StationNote.SESSION_ABANDONED, "cancelled by the same card while it was asked about")
            return True
        return False

    # ---------------------------------------------------------------------------------------------- decision

    def _decide(self, request: Request, turn: Turn) -> None:
        """By what is known on the spot, or by asking."""
        billing, starts = self._site.registry.billing, request.purpose is Purpose.START
        reserved = self.bookings.against(request.connectors, request.token) if starts else None
        if reserved is not None and not self.bookings.wants_parent(request.connectors):
            self._refuse([self._connectors[each] for each in request.connectors], request.token, reserved, turn)
            return
        way = self._way(request)
        known = self.knowledge.of(request.token, way, self._site.wall_ms(turn.now))
        rung = never_accepted(billing) or before_asking(billing, known)
        if reserved is not None and rung is not None and rung.accepted and not self._claims(rung):
            rung = None  # only who keeps the connector knows whose card it is
        if rung is not None:
            self._rulings.carry_out(request, rung, None, turn)
        else:
            self._inquiries.open(request, way, turn)

    def _asked(self, request: Request, poll: Poll, turn: Turn) -> None:
        """All that will be answered is answered."""
        billing, winner = self._site.registry.billing, poll.winner
        verdict = None if isinstance(winner, Open) else poll.verdict_of(winner)
        if not isinstance(winner, Open) and verdict is not None:
            rung = by_answer(winner, verdict, billing.id)
        else:
            known = self.knowledge.of(request.token, poll.way, self._site.wall_ms(turn.now), outage=True)
            rung = without_answer(poll.way, billing, known, self._site.options.signed_metering_required)
        self._rulings.carry_out(request, rung, poll, turn)

    def _way(self, request: Request) -> Way:
        registry = self._site.registry
        services = {each.id: each.services for each in registry}
        return way_for(request.token, request.connectors, services, self._site.options.cards, registry.billing.id)

    def _claims(self, rung: Rung) -> bool:
        """The parent of the card is known, by the word of who keeps the connector."""
        parent = rung.verdict.parent if rung.verdict is not None else None
        return self._site.parent_for_claims(rung.authority, parent) is not None

    def _refuse(self, connectors: list[Connector], token: IdToken, why: str, turn: Turn) -> None:
        self._rulings.refuse([each.id for each in connectors], token, why, turn)

    def _at(self, connector: ConnectorId) -> Connector | None:
        return self._connectors.get(connector)
