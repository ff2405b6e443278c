"""How a connector looks from outside: its condition, for the upstreams, and its light. Both follow from the facts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.station.evse.connector import Connector
from agent.station.evse.faults import Reaction
from agent.station.evse.session import SessionState
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.events import ChargingState, Condition
from agent.vocabulary.ids import STATION
from agent.vocabulary.moments import Moment
from hal.api import Fault, LightPattern

REFUSED_MS = 3000
_AUTHORISED = frozenset({SessionState.WAITING_CAR, SessionState.LOCKING, SessionState.READING})


def charging_state(connector: Connector) -> ChargingState:
    """Of a running transaction (OCPP 1.6 4.9): energy, or who holds it back. Both: the station does."""
    facts = connector.facts
    if connector.state is not SessionState.RUNNING:
        return ChargingState.EV_CONNECTED if facts.plugged else ChargingState.IDLE
    if not facts.plugged:
        return ChargingState.SUSPENDED_EV
    if connector.limit.current_a is None:
        return ChargingState.SUSPENDED_EVSE
    if facts.asking and (facts.contactor_closed or not facts.has_feedback):
        return ChargingState.CHARGING
    transaction = connector.transaction
    started = transaction is not None and transaction.has_charged
    if facts.asking:
        return ChargingState.EV_CONNECTED if not started else ChargingState.CHARGING
    return ChargingState.SUSPENDED_EV


def condition(connector: Connector, now: Moment) -> Condition:
    """The condition of a connector; whose hold it is, is added for each upstream."""
    transaction = connector.transaction if connector.state is SessionState.RUNNING else None
    fault, warning = faults(connector)
    holds = connector.site.holds
    shown = fault or warning
    return Condition(
        connector.id,
        now,
        operative=holds.operative(connector.id),
        fault=fault,
        warning=warning,
        detail=connector.faults.detail(shown) if shown else "",
        reserved=connector.id in connector.site.reserved,
        plugged=connector.facts.plugged,
        authorised=connector.state in _AUTHORISED or connector.asked,
        transaction=transaction.record.id if transaction else None,
        transaction_at=transaction.record.started_at if transaction else None,
        charging=charging_state(connector),
        has_charged=transaction.has_charged if transaction else False,
        ev_disconnected=transaction is not None and not connector.facts.plugged,
        finishing=_finishing(connector),
    )


def station_condition(site: Site, now: Moment) -> Condition:
    """The condition of connector 0."""
    fault = next((f for f in site.faults if f is Fault.EMERGENCY_STOP), None)
    warning = next((f for f in site.faults if f is not fault), None)
    shown = fault or warning
    return Condition(
        STATION,
        now,
        operative=site.holds.operative(STATION),
        fault=fault,
        warning=warning,
        detail=site.faults.get(shown, "") if shown else "",
        list_conflict=site.list_conflict,
    )


def faults(connector: Connector) -> tuple[Fault | None, Fault | None]:
    """The fault that stops charging, and the one that does not; a silent meter only warns while charging goes on."""
    stopping = connector.faults.has(Reaction.END, Reaction.PAUSE, Reaction.CONTROLLER)
    meter = connector.faults.has(Reaction.METER)
    other = connector.faults.has(Reaction.WARN)
    if stopping is None and meter is not None and connector.state is not SessionState.RUNNING:
        return meter, other
    return stopping, meter or other


def _finishing(connector: Connector) -> bool:
    if connector.state is SessionState.STOPPING:
        return connector.facts.plugged or connector.lock.engaged
    if connector.state is SessionState.FINISHED:
        return True
    return connector.state is SessionState.RECOVERING or connector.kept is not None


class LightState(StrEnum):
    FAULT = "fault"
    OUT_OF_SERVICE = "out_of_service"
    REFUSED = "refused"
    ASKING = "asking"
    CHARGING = "charging"
    PAUSED = "paused"
    PREPARING = "preparing"
    FINISHED = "finished"
    OFFLINE = "offline"
    FREE = "free"


LIGHTS: Mapping[LightState, LightPattern] = {
    LightState.FAULT: LightPattern.FAULT,
    LightState.OUT_OF_SERVICE: LightPattern.UNAVAILABLE,
    LightState.REFUSED: LightPattern.REFUSED,
    LightState.ASKING: LightPattern.CARD_READ,
    LightState.CHARGING: LightPattern.CHARGING,
    LightState.PAUSED: LightPattern.PAUSED,
    LightState.PREPARING: LightPattern.PREPARING,
    LightState.FINISHED: LightPattern.FINISHED,
    LightState.OFFLINE: LightPattern.OFFLINE,
    LightState.FREE: LightPattern.FREE,
}


def light_state(connector: Connector, turn: Turn) -> LightState:
    """The first that applies, most urgent first."""
    if faults(connector)[0] is not None:
        return LightState.FAULT
    refusal = connector.last_refusal
    if refusal is not None and not turn.reached(refusal.at.monotonic_ms + REFUSED_MS):
        return LightState.REFUSED
    if connector.asked:
        return LightState.ASKING
    if connector.state is SessionState.RUNNING:
        charging = charging_state(connector) is ChargingState.CHARGING
        return LightState.CHARGING if charging else LightState.PAUSED
    if _finishing(connector):
        return LightState.FINISHED
    if not connector.site.holds.operative(connector.id):
        return LightState.OUT_OF_SERVICE
    if connector.state is not SessionState.FREE:
        return LightState.PREPARING
    return LightState.FREE if connector.site.registry.billing.reachable else LightState.OFFLINE
