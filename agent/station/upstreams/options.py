"""Options as an upstream sees and writes them: by scope and role, never beyond."""

from __future__ import annotations

from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.permissions import may_see, may_update, may_write
from agent.station.upstreams.registry import OptionsShown, Upstream
from agent.vocabulary.commands import OptionSeen, Result, ResultStatus, SetOption
from agent.vocabulary.effects import OptionsChanged
from agent.vocabulary.firmware import FIRMWARE_FEATURE
from agent.vocabulary.inputs import OutageModeRequested
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import (
    OF_BILLING,
    OF_STATION,
    OPTION_BY_NAME,
    OPTIONS,
    RESERVATION_SERVICE,
    Kind,
    Option,
    OptionValue,
    Origin,
    Scope,
)
from agent.vocabulary.outage import DEFAULT_CAP_WH, PRESETS, OutageMode, forbidden, forbidden_mode
from agent.vocabulary.records import SaveOption

_READABLE = tuple(row for row in OPTIONS if row.kind is not Kind.SECRET and row.scope is not Scope.CONSTANT)


def read_options(site: Site, asker: Upstream) -> tuple[OptionSeen, ...]:
    """All options as this upstream sees them: its own, those of the authority, the shared ones. Never a secret.

    The same tuple until one of them changes: backends ask often, and what is built on it need not be built anew.
    """
    authority, shown = site.registry.billing.options, asker.shown
    if (
        shown is None
        or shown.own is not asker.options
        or shown.authority is not authority
        or shown.shared is not site.options
    ):
        shown = OptionsShown(asker.options, authority, site.options, _read_options(site, asker))
        asker.shown = shown
    return shown.seen


def _read_options(site: Site, asker: Upstream) -> tuple[OptionSeen, ...]:
    holders = dict.fromkeys(OF_STATION, site.options) | dict.fromkeys(OF_BILLING, site.registry.billing.options)
    has = {
        RESERVATION_SERVICE: site.reservations_of == asker.id,
        FIRMWARE_FEATURE: may_update(asker.asker, site.options.firmware),
    }
    features = tuple(OptionSeen(name, True, readonly=True) for name, held in has.items() if held)
    return features + tuple(
        OptionSeen(
            row.name,
            getattr(holders.get(row.scope, asker.options), row.name),
            not may_write(row, asker.asker),
        )
        for row in _READABLE
        if may_see(row, asker.asker)
    )


def write_option(site: Site, asker: Upstream, command: SetOption, turn: Turn) -> Result:
    """Write one option: stored before it is answered. Refused by scope and role, or out of bounds."""
    row = OPTION_BY_NAME.get(command.name)
    if row is None or row.kind is Kind.SECRET or not may_see(row, asker.asker):
        return Result(ResultStatus.NOT_SUPPORTED, "no such option here")
    if not may_write(row, asker.asker):
        why = f"{row.name} may not be written by this upstream"
        turn.note(StationNote.COMMAND_REFUSED, f"set_option: {why}", upstream=asker.id)
        return Result(ResultStatus.REJECTED, why)
    if not fits(row, command.value):
        return Result(ResultStatus.REJECTED, f"{row.name}: value out of its bounds {row.minimum} to {row.maximum}")
    if (forbids := forbidden(site.options.signed_metering_required, row.name, command.value)) is not None:
        turn.note(StationNote.COMMAND_REFUSED, f"set_option: {row.name}: {forbids}", upstream=asker.id)
        return Result(ResultStatus.REJECTED, forbids)
    if row.scope in OF_STATION:
        site.options = site.options.with_value(row.name, command.value, Origin.OCPP)
        turn.record(SaveOption(None, row.name, command.value), barrier=True)
        concerned = list(site.registry)
        turn.note(StationNote.OPTION_WRITTEN, f"{row.name} by {asker.name}", upstream=asker.id)
    else:
        owner = site.registry.billing if row.scope in OF_BILLING else asker
        owner.options = owner.options.with_value(row.name, command.value, Origin.OCPP)
        turn.record(SaveOption(owner.id, row.name, command.value), barrier=True)
        concerned = [owner]
    for upstream in concerned:
        turn.add(OptionsChanged(upstream.id))
    return Result(ResultStatus.ACCEPTED)


def set_outage_mode(site: Site, given: OutageModeRequested, turn: Turn) -> None:
    """Write the keys of an outage mode, as if Billing had; all of them, or none where the station may not."""
    billing, values = site.registry.billing, dict[str, OptionValue](PRESETS[given.mode].values)
    if given.mode is OutageMode.FREE_VEND:
        values["free_vend_energy_wh"] = given.cap_wh or billing.options.free_vend_energy_wh or DEFAULT_CAP_WH
    against = forbidden_mode(site.options.signed_metering_required, given.mode)
    if against is not None:
        turn.note(StationNote.COMMAND_REFUSED, f"outage mode {given.mode.value}: {against}")
        return
    for name, value in values.items():
        billing.options = billing.options.with_value(name, value, Origin.INSTALLER)
        turn.record(SaveOption(billing.id, name, value), barrier=True)
    turn.note(StationNote.OPTION_WRITTEN, f"outage mode {given.mode.value} by {given.who}", upstream=billing.id)
    turn.add(OptionsChanged(billing.id))


def fits(row: Option, value: OptionValue) -> bool:
    """The value is of the row's kind and within its bounds."""
    match row.kind:
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and row.minimum <= value <= row.maximum
        case Kind.MEASURANDS:
            return isinstance(value, tuple)
        case _:
            return isinstance(value, str)
