"""Connectors that need no card: free ones start by the cable, those with a key switch while the key is on.

The key is a level, not a button: a cable that comes while it is on starts a session, turning it off ends the session
with `Local`. After a session that somebody else ended, the key has to be turned off and on again, as a free
connector has to be plugged anew; what only a death of the agent ended begins again by itself. Whether such connectors
may charge before the Billing upstream has ever accepted the station is an option (OCPP 1.6 4.2 leaves it open).
"""

from __future__ import annotations

from agent.station.authorization.ladder import Authorisation
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.turn import Turn
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import IdToken, IdTokenType
from agent.vocabulary.options import AuthorisePolicy
from agent.vocabulary.records import LadderStep

FREE_TOKEN = IdToken("FREE", IdTokenType.NO_AUTHORIZATION)
KEY_TOKEN = IdToken("KEY", IdTokenType.LOCAL)
_BEFORE_START = frozenset({SessionState.WAITING_CAR, SessionState.LOCKING, SessionState.READING})


def by_itself(connector: Connector) -> bool:
    """A cable starts a session here with no further question."""
    match connector.options.authorise:
        case AuthorisePolicy.FREE:
            return True
        case AuthorisePolicy.KEY_INPUT:
            return connector.facts.key_on is True
        case AuthorisePolicy.CARD:
            return False


def authorise_by_itself(connector: Connector, turn: Turn) -> None:
    """Authorise, unless nothing may start here now."""
    site = connector.site
    billing = site.registry.billing
    if connector.refusal is not None or connector.kept is not None:
        return
    if not (site.options.free_before_accepted or billing.ever_accepted):
        return
    free = connector.options.authorise is AuthorisePolicy.FREE
    stage, rule = ("free", "free_connector") if free else ("key", "key_on")
    trigger = Trigger.CABLE_PLUGGED_IN if free else Trigger.AUTHORIZED
    token = token_of(connector)
    step = LadderStep(turn.now, connector.id, token.masked, stage, None, None, "Accepted", rule)
    authorisation = Authorisation(token, billing.id, trigger, step, offline=not billing.reachable)
    connector.authorise(authorisation, turn)


def key_seen(connector: Connector, on: bool, turn: Turn) -> None:
    """The key was turned, or its position is known for the first time."""
    facts = connector.facts
    was_on, facts.key_on = facts.key_on, on
    if connector.options.authorise is not AuthorisePolicy.KEY_INPUT:
        return
    if on:
        if was_on is False and connector.state is SessionState.FINISHED:
            authorise_by_itself(connector, turn)
    elif was_on:
        _end(connector, turn)


def by_key(connector: Connector) -> bool:
    """What is authorised, runs or waits for recovery here was begun by the key."""
    if connector.options.authorise is not AuthorisePolicy.KEY_INPUT:
        return False
    record = connector.record
    token = connector.authorisation.token if connector.authorisation else record.token if record else None
    return token_of(connector).matches(token)


def token_of(connector: Connector) -> IdToken:
    """The tag that such a connector reports."""
    default = FREE_TOKEN if connector.options.authorise is AuthorisePolicy.FREE else KEY_TOKEN
    return connector.options.free_token or default


def _end(connector: Connector, turn: Turn) -> None:
    if connector.state in _BEFORE_START:
        connector.abandon("the key was turned off", turn)
        return
    record = connector.record
    stop = Stop(StopReason.LOCAL, Trigger.STOP_AUTHORIZED, record.token if record is not None else None)
    connector.stop_recovered(stop, turn)
    connector.stop(stop, turn)
