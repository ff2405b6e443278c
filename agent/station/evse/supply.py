"""Supply: how much a connector may be offered now, and why not more.

The one place where a running session, the faults, the lock and the limits meet; `energy` carries out what comes of it.
"""

from __future__ import annotations

from agent.station.evse.charging import profile_now_ms, profile_use
from agent.station.evse.connector import Connector
from agent.station.evse.faults import Reaction
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Transaction
from agent.station.power.limits import Contribution, Limit, Source, effective
from agent.station.turn import Turn


def supply(connector: Connector, turn: Turn) -> None:
    """Open for a fault, else offer what may be offered."""
    energy = connector.energy
    if connector.faults.has(Reaction.END, Reaction.PAUSE) is not None:
        energy.open_now(turn)
    connector.limit = limit_of(connector, turn)
    energy.pursue(connector.limit.current_a, turn)
    transaction = connector.transaction
    if transaction is not None and energy.offered_a is not None and connector.facts.asking:
        closed = connector.facts.contactor_closed
        transaction.has_charged = transaction.has_charged or closed is True or not connector.facts.has_feedback


def limit_of(connector: Connector, turn: Turn) -> Limit:
    """What may be offered now, and why not more."""
    against = against_power(connector)
    if against is not None:
        return Limit(None, against)
    return effective(contributions(connector, turn), connector.options.capabilities.minimum_current_a)


def against_power(connector: Connector) -> str | None:
    """Why nothing may be offered, whatever the limits; None if they decide."""
    transaction = connector.transaction
    if connector.state is not SessionState.RUNNING or transaction is None:
        return "no transaction"
    return _against_offering(connector, transaction)


def _against_offering(connector: Connector, transaction: Transaction) -> str | None:
    fault = connector.faults.has(Reaction.END, Reaction.PAUSE, Reaction.CONTROLLER)
    if fault is not None:
        return f"fault: {fault.value}"
    if not connector.facts.plugged:
        return "the cable is out"
    if not connector.lock.holds:
        return "the lock is not confirmed"
    if transaction.suspended_as_invalid:
        return "the card was not accepted"
    if transaction.at_cap:
        return "the energy cap without an answer of the operator is reached"
    return connector.signing.against(transaction.record)


def contributions(connector: Connector, turn: Turn) -> list[Contribution]:
    """Every upper bound that counts for this connector now: its own, those of the station, and its share."""
    site = connector.site
    share = site.shares.get(connector.id)
    return [*own_contributions(connector, turn), *site.bounds, *([share] if share is not None else [])]


def own_contributions(connector: Connector, turn: Turn) -> list[Contribution]:
    """Every upper bound that is of this connector alone."""
    site = connector.site
    capabilities = connector.options.capabilities
    found = [Contribution(capabilities.maximum_current_a, "hardware")]
    if capabilities.cable_rating and not connector.options.captive_cable:
        rating = connector.facts.cable_a
        why = "cable rating" if rating else "the rating of the cable is not known"
        found.append(Contribution(rating or 0, why, Source.CABLE))
    if connector.id in site.installer:
        found.append(Contribution(site.installer[connector.id], "set for the connector on the spot", Source.INSTALLER))
    use, now_ms = profile_use(connector, turn), profile_now_ms(connector, turn)
    found.extend(connector.profile_limit.contributions(use, now_ms, turn))
    return found
