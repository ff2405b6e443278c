"""Charging profiles where they meet a session: how a connector is judged by them, and what a remote start brings."""

from __future__ import annotations

from agent.station.evse.connector import Connector
from agent.station.power.composite import Use
from agent.station.turn import Turn


def profile_use(connector: Connector, turn: Turn) -> Use:
    """How the connector is used now. Without a transaction: as if one began this instant."""
    site, options = connector.site, connector.options
    sharing = len(site.running | {connector.id})
    now_ms = site.wall_ms(turn.now)
    if connector.transaction is None:
        return Use(connector.id, options.phases, None, now_ms, sharing)
    record = connector.transaction.record
    begun_ms = record.started_at.wall_ms
    if now_ms is not None and record.started_at.boot == turn.now.boot:
        begun_ms = now_ms - turn.now_ms + record.started_at.monotonic_ms
    return Use(connector.id, options.phases, record.id, begun_ms, sharing)
