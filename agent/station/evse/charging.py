"""Charging profiles where they meet a session: how a connector is judged by them, and what a remote start brings."""

from __future__ import annotations

from agent.station.evse.connector import Connector
from agent.station.power.composite import Use
from agent.station.turn import Turn


def profile_now_ms(connector: Connector, turn: Turn) -> int:
    """The time by which profiles are judged.

    Before anybody ever told the time it is that since the boot: a schedule that is relative to its transaction counts
    all the same, one with a date lies ahead.
    """
    wall_ms = connector.site.wall_ms(turn.now)
    return turn.now_ms if wall_ms is None else wall_ms


def profile_use(connector: Connector, turn: Turn) -> Use:
    """How the connector is used now. Without a transaction: as if one began this instant."""
    options = connector.options
    now_ms = profile_now_ms(connector, turn)
    if connector.transaction is None:
        return Use(connector.id, options.phases, None, now_ms)
    record = connector.transaction.record
    if record.started_at.boot == turn.now.boot:
        begun_ms = now_ms - turn.now_ms + record.started_at.monotonic_ms
    else:  # a start of a former boot that cannot be told, or seems to lie ahead, counts from now
        begun_ms = min(record.started_at.wall_ms or now_ms, now_ms)
    return Use(connector.id, options.phases, record.id, begun_ms)
