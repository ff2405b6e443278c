"""Makes the overview that people see, from the parts of the station."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.station.authorization.inquiries import MANY_STRANGERS
from agent.station.evse.connector import Connector
from agent.station.evse.view import condition
from agent.station.reasons import blocked_by, holds_of, ladder_of
from agent.station.site import Site
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.moments import Moment
from agent.vocabulary.outage import mode_of
from agent.vocabulary.overview import ConnectorOverview, ForeignId, StationOverview, UpstreamOverview
from hal.api import LightPattern, Measurand

UNKNOWN_CARDS = "these cards are not known to the Billing operator"


def build_overview(
    site: Site, connectors: Mapping[ConnectorId, Connector], lights: Mapping[ConnectorId, LightPattern], now: Moment
) -> StationOverview:
    """The whole station at one instant."""
    return StationOverview(
        tuple(_connector(site, connector, lights.get(connector.id), now) for connector in connectors.values()),
        tuple(UpstreamOverview(u.id, u.name, u.role, u.connected, u.registration) for u in site.registry),
        site.storage_healthy,
        site.restarting is not None,
        mode_of(site.registry.billing.options),
        site.registry.billing.options.free_vend_energy_wh,
        site.options.signed_metering_required,
        (UNKNOWN_CARDS,) if len(site.strangers) >= MANY_STRANGERS else (),
    )


def _connector(site: Site, connector: Connector, light: LightPattern | None, now: Moment) -> ConnectorOverview:
    transaction, latest = connector.transaction, connector.meter.latest
    token = transaction.record.token if transaction else None
    if connector.authorisation is not None:
        token = connector.authorisation.token
    own = transaction.record.id if transaction else None
    foreign = tuple(ForeignId(u.id, u.ids.get(own)) for u in site.registry) if own is not None else ()
    return ConnectorOverview(
        connector.id,
        connector.state.value,
        replace(
            condition(connector, now), held_by_other=site.holds.held_by_other(connector.id, site.registry.billing.id)
        ),
        own,
        foreign,
        token.masked if token else None,
        latest.value(Measurand.POWER_ACTIVE_IMPORT) if latest else None,
        transaction.energy_wh if transaction else None,
        latest.energy_wh if latest else None,
        connector.energy.offered_a,
        connector.limit.current_a,
        connector.limit.reason,
        light,
        connector.kept.why if connector.kept else ("contactor welded" if connector.welded() else ""),
        ladder_of(connector, now),
        holds_of(site, connector),
        blocked_by(connector) or "",
        connector.last_refusal.why if connector.last_refusal is not None else "",
        connector.last_refusal.at if connector.last_refusal is not None else None,
        connector.signing.public_key,
    )
