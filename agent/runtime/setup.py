"""From settings and hardware to what station and upstreams start with. Pure; called once by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.ocpp.v16 import keys
from agent.settings.factory import InitialValue
from agent.settings.settings import Settings
from agent.settings.transfers import protocols
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.options import (
    OPTION_BY_NAME,
    ConnectorOptions,
    Origin,
    StationOptions,
    UpstreamOptions,
)
from agent.vocabulary.upstreams import UpstreamSetup
from hal.api import Capabilities

NOT_USABLE = "the installer's settings cannot be read: who may authorise is not known"
SAFE_MODE = "safe mode after repeated crashes: outputs stay off"


@dataclass(frozen=True, slots=True)
class Start:
    """What the station is made from, and what in the factory file could not be used."""

    options: StationOptions
    upstreams: tuple[UpstreamSetup, ...]
    problems: tuple[str, ...]


def prepare(settings: Settings, capabilities: Mapping[int, Capabilities], version: str, safe_mode: bool) -> Start:
    """Options of the station, whose firmware is `version`, and of each upstream; in safe mode of management alone."""
    options = _station(settings, capabilities, version, safe_mode)
    facts = keys.StationFacts.of(options)
    problems: list[str] = []
    own = {
        address.id: initial_options(settings.initial_keys(address.id), facts, address.id, problems.append)
        for address in settings.upstreams
    }
    upstreams = tuple(
        UpstreamSetup(
            address.id,
            settings.role(address.id),
            own[address.id],
            address.name,
            settings.services.asked.get(address.id),
        )
        for address in settings.upstreams
    )
    return Start(_with_operators(options, settings), upstreams, tuple(problems))


def _with_operators(options: StationOptions, settings: Settings) -> StationOptions:
    """What the keys of management tell of all upstreams."""
    primary = settings.primary
    return replace(
        options,
        billing_upstream=settings.billing,
        primary_backoffice=f"{primary.name} {primary.url}" if primary is not None else "",
        further_operators=", ".join(f"{one.id} {one.name}" for one in settings.operators),
        pending_change="" if settings.pending is None else settings.pending.told,
    )


def initial_options(
    values: Mapping[str, InitialValue], facts: keys.StationFacts, upstream: UpstreamId, complain: Callable[[str], None]
) -> UpstreamOptions:
    """The factory's configuration keys as options; one that cannot be used is told, and its default stays."""
    options = UpstreamOptions()
    for name, value in values.items():
        key = keys.find(name)
        row = OPTION_BY_NAME.get(key.option or "") if key else None
        if row is None or row.name in keys.NOT_SET_AS_OPTIONS or not row.writable or not hasattr(options, row.name):
            complain(f"factory file: options of {upstream}: {name} is no key that can be set; remove it")
            continue
        try:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            options = options.with_value(row.name, keys.read_value(row, text, facts), Origin.FACTORY)
        except ValueError as error:
            complain(f"factory file: options of {upstream}: {name} = {value!r}: {error}; its default is used")
    return options


def _station(
    settings: Settings, capabilities: Mapping[int, Capabilities], version: str, safe_mode: bool
) -> StationOptions:
    facts = settings.factory.station
    readers = {r.name: tuple(ConnectorId(c) for c in r.connectors) for r in settings.factory.hardware.readers}
    return StationOptions(
        connectors=_connectors(settings, capabilities),
        readers=readers,
        vendor=facts.vendor,
        model=facts.model,
        serial_number=facts.serial_number,
        firmware_version=version,
        after_power_loss=facts.after_power_loss,
        resume_gap_s=facts.resume_gap_s,
        hard_reset_during_transaction=facts.hard_reset_during_transaction,
        opening_grace_s=facts.opening_grace_s,
        continue_on_storage_fault=facts.continue_on_storage_fault,
        stop_on_meter_fault=facts.stop_on_meter_fault,
        meter_fault_grace_s=facts.meter_fault_grace_s,
        free_before_accepted=facts.free_before_accepted,
        maximum_current_a=facts.maximum_current_a,
        feeds=settings.factory.supply.feeds,
        grid=settings.factory.supply.grid,
        additional_root_check=facts.additional_root_check,
        file_transfers=protocols(settings.factory.transfers),
        firmware=settings.factory.firmware,
        cards=settings.services.settled,
        privacy=settings.factory.privacy,
        pseudonym_key=settings.pseudonym_key,
        charging_refused=SAFE_MODE if safe_mode else "" if settings.usable else NOT_USABLE,
    )


def _connectors(settings: Settings, capabilities: Mapping[int, Capabilities]) -> tuple[ConnectorOptions, ...]:
    return tuple(
        ConnectorOptions(
            connector.id,
            capabilities[connector.id],
            connector.phases,
            connector.captive_cable,
            connector.authorise,
            connector.free_token,
            connector.signed,
        )
        for connector in settings.factory.connectors
    )
