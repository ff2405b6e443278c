"""What the control socket can do about limits and holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.control.protocol import refuse
from agent.settings.problems import quoted
from agent.settings.settings import Settings
from agent.vocabulary.ids import STATION, ConnectorId, UpstreamId
from agent.vocabulary.inputs import HoldCleared, Input, LimitSet
from agent.vocabulary.overview import ConnectorOverview, StationOverview

LEAST_A = 6.0
"""Less cannot be offered to a car (IEC 61851-1 A.2.2)."""


@dataclass(frozen=True, slots=True)
class LimitsDesk:
    """Asks the station, and tells it."""

    settings: Settings
    overview: Callable[[], StationOverview]
    post: Callable[[Input], None]

    def why(self, connector: int | None) -> tuple[ConnectorOverview, ...]:
        """The connectors with their ladders, holds and what blocks them."""
        if connector is not None:
            self._known(connector)
        return tuple(each for each in self.overview().connectors if connector in (None, each.id))

    def set_limit(self, connector: int, current_a: float | None) -> str:
        """Set what a connector, or (0) the station, may take; the factory file is what is there, and never exceeded."""
        where = "the station" if connector == STATION else f"connector {connector}"
        if connector != STATION:
            self._known(connector)
        most_a = self._most()[ConnectorId(connector)]
        if current_a is not None and not LEAST_A <= current_a <= most_a:
            raise refuse(
                "current_a",
                f"{current_a:g} A is not possible for {where}",
                f"use {LEAST_A:g} to {most_a:g} A, or off; to stop charging take it out of service",
            )
        self.post(LimitSet(ConnectorId(connector), current_a))
        return f"{where}: " + ("no limit of its own" if current_a is None else f"at most {current_a:g} A on each phase")

    def clear_hold(self, upstream: str, connector: int) -> str:
        """End the hold of an upstream that cannot be reached."""
        found = next((each for each in self.overview().upstreams if upstream in (each.id, each.name)), None)
        if found is None:
            known = ", ".join(each.id for each in self.overview().upstreams)
            raise refuse("upstream", f"{quoted(upstream)} is no upstream of this station", f"use one of: {known}")
        if found.connected:
            raise refuse("upstream", f"{found.name} is connected", "let it make the connector operative itself")
        if connector != STATION:
            self._known(connector)
        self.post(HoldCleared(UpstreamId(found.id), ConnectorId(connector)))
        return f"{found.name} no longer holds {'anything' if connector == STATION else f'connector {connector}'}"

    def _known(self, connector: int) -> None:
        known = [each.id for each in self.settings.factory.connectors]
        if ConnectorId(connector) not in known:
            raise refuse("connector", f"{connector} is no connector of this station", f"use one of {known}")

    def _most(self) -> Mapping[ConnectorId, float]:
        plans = self.settings.factory.hardware.connectors
        most = {ConnectorId(each.id): each.maximum_current_a for each in plans}
        whole_a = self.settings.factory.supply.maximum_current_a
        return {STATION: sum(most.values()) if whole_a is None else whole_a, **most}
