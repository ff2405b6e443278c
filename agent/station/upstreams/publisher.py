"""Tells each upstream how connectors are, whenever that changes; and lights the lamps.

A connector is told of once its pilot was seen, a fault is known, or three seconds have passed since the start: before
that, nothing true could be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.station.evse.connector import Connector
from agent.station.evse.view import LIGHTS, condition, faults, light_state, station_condition
from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.fanout import Delivery, EventKind, delivery
from agent.vocabulary.effects import Publish, Show
from agent.vocabulary.events import Condition, ConditionChanged
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.moments import Moment
from hal.api import LightPattern

SETTLING_MS = 3000
NEVER = Moment(0, 0)


class Publisher:
    """Remembers what was told last."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._told: dict[tuple[UpstreamId, ConnectorId], Condition] = {}
        self._started_ms: int | None = None
        self.lights: dict[ConnectorId, LightPattern] = {}

    def publish(self, turn: Turn) -> None:
        """Tell what changed."""
        if self._started_ms is None:
            self._started_ms = turn.now_ms
        settled = turn.reached(self._started_ms + SETTLING_MS)
        self._tell_all(station_condition(self._site, NEVER), turn)
        for connector in self._connectors.values():
            if settled or connector.facts.pilot_known or faults(connector)[0] is not None:
                self._tell_all(condition(connector, NEVER), turn)
            self._light(connector, turn)

    def _tell_all(self, timeless: Condition, turn: Turn) -> None:
        """Tell every upstream that knows it otherwise; the instant of a condition is when it became so."""
        for upstream in self._site.registry:
            held_by_other = self._site.holds.held_by_other(timeless.connector, upstream.id)
            seen = replace(timeless, held_by_other=True) if held_by_other else timeless
            if self._told.get((upstream.id, seen.connector)) == seen:
                continue
            event = ConditionChanged(replace(seen, at=turn.now))
            if delivery(EventKind.CONDITION, upstream) is Delivery.LIVE:
                self._told[upstream.id, seen.connector] = seen
                turn.add(Publish(upstream.id, event))

    def _light(self, connector: Connector, turn: Turn) -> None:
        pattern = LIGHTS[light_state(connector, turn)]
        if connector.options.capabilities.light and self.lights.get(connector.id) is not pattern:
            turn.add(Show(connector.id, pattern))
        self.lights[connector.id] = pattern
