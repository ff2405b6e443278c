"""May somebody at the station do this? The permission table says, as it does for upstreams; nothing else has a view.

Theory of operation
-------------------
Every request of the control socket passes `permit` before it is carried out. `KINDS` says which row of the table it is;
what only looks, and changes nothing of the station, has no row. Nobody at the station is the authority of a
transaction, so that one which runs is always another's. A refusal is told in the words of the table.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.control import card_requests, protocol
from agent.control.protocol import Request, refuse
from agent.station.upstreams.permissions import Situation, Verb, permission
from agent.vocabulary.commands import CommandKind
from agent.vocabulary.ids import STATION
from agent.vocabulary.overview import StationOverview
from agent.vocabulary.upstreams import Asker

KINDS: Mapping[type[Request], CommandKind | None] = {
    protocol.Status: None,
    protocol.Watch: None,
    protocol.Sessions: None,
    protocol.Export: None,
    protocol.Upstreams: None,
    protocol.Catalogue: None,
    protocol.Why: None,
    protocol.SecurityLog: None,
    protocol.Dump: None,
    card_requests.Services: None,
    card_requests.Decisions: None,
    protocol.SetPrimary: CommandKind.ASK_OPERATORS,
    protocol.RemovePrimary: CommandKind.ASK_OPERATORS,
    protocol.AddOperator: CommandKind.ASK_OPERATORS,
    protocol.RemoveOperator: CommandKind.ASK_OPERATORS,
    protocol.SetBilling: CommandKind.ASK_OPERATORS,
    protocol.DiscardPending: CommandKind.ASK_OPERATORS,
    protocol.Reboot: CommandKind.RESET_HARD,
    protocol.ClearLatch: CommandKind.CLEAR_LATCH,
    protocol.ClearHold: CommandKind.CLEAR_HOLD,
    protocol.SetLimit: CommandKind.SET_LIMIT,
    protocol.Reoffer: CommandKind.REOFFER,
    protocol.DeleteSessions: CommandKind.DELETE_RECORDS,
    protocol.ClearSecurityLog: CommandKind.DELETE_RECORDS,
    card_requests.EditServices: CommandKind.EDIT_SERVICES,
    card_requests.SetOutageMode: CommandKind.SET_OUTAGE_MODE,
}
"""The row of every request; None: it only looks."""


def permit(request: Request, overview: StationOverview) -> None:
    """Raises RefusedError where the table refuses this to somebody at the station as it is now."""
    kind = KINDS[type(request)]
    if kind is None:
        return
    decision = permission(Asker.PAGE, kind, situation(request, overview))
    if decision.verb is Verb.REFUSE:
        raise refuse("command", decision.reason, "ask whoever may; ROLES.md says who that is")


def situation(request: Request, overview: StationOverview) -> Situation:
    """Whether a transaction runs where the request touches the station."""
    match request:
        case protocol.ClearLatch(connector) | protocol.ClearHold(_, connector) | protocol.SetLimit(connector):
            touched = [each for each in overview.connectors if connector in (STATION, each.id)]
        case protocol.Reboot():
            touched = list(overview.connectors)
        case _:
            touched = []
    running = any(each.transaction is not None for each in touched)
    return Situation.FOREIGN_TRANSACTION if running else Situation.NO_TRANSACTION
