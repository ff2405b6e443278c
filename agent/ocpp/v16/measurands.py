"""Measurands, units and phases as OCPP 1.6 spells them, and configured lists of them.

Theory of operation
-------------------
`MEASURANDS` maps ours to theirs and holds the unit on the wire; an empty unit is left out, since the standard has none
for it ("OCPP 1.6 7.45"). A configured measurand may carry a phase (`Voltage.L1`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from agent.vocabulary.options import Selection
from hal.api import INTERVAL_OF, Measurand, Phase

MEASURANDS: Final[Mapping[Measurand, tuple[str, str]]] = {
    Measurand.ENERGY_ACTIVE_IMPORT: ("Energy.Active.Import.Register", "Wh"),
    Measurand.ENERGY_ACTIVE_EXPORT: ("Energy.Active.Export.Register", "Wh"),
    Measurand.ENERGY_REACTIVE_IMPORT: ("Energy.Reactive.Import.Register", "varh"),
    Measurand.ENERGY_REACTIVE_EXPORT: ("Energy.Reactive.Export.Register", "varh"),
    Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL: ("Energy.Active.Import.Interval", "Wh"),
    Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL: ("Energy.Active.Export.Interval", "Wh"),
    Measurand.ENERGY_REACTIVE_IMPORT_INTERVAL: ("Energy.Reactive.Import.Interval", "varh"),
    Measurand.ENERGY_REACTIVE_EXPORT_INTERVAL: ("Energy.Reactive.Export.Interval", "varh"),
    Measurand.POWER_ACTIVE_IMPORT: ("Power.Active.Import", "W"),
    Measurand.POWER_ACTIVE_EXPORT: ("Power.Active.Export", "W"),
    Measurand.POWER_REACTIVE_IMPORT: ("Power.Reactive.Import", "var"),
    Measurand.POWER_REACTIVE_EXPORT: ("Power.Reactive.Export", "var"),
    Measurand.POWER_FACTOR: ("Power.Factor", ""),
    Measurand.POWER_OFFERED: ("Power.Offered", "W"),
    Measurand.CURRENT_IMPORT: ("Current.Import", "A"),
    Measurand.CURRENT_EXPORT: ("Current.Export", "A"),
    Measurand.CURRENT_OFFERED: ("Current.Offered", "A"),
    Measurand.VOLTAGE: ("Voltage", "V"),
    Measurand.FREQUENCY: ("Frequency", ""),
    Measurand.TEMPERATURE: ("Temperature", "Celcius"),  # the schema's spelling, which every backend takes
    Measurand.STATE_OF_CHARGE: ("SoC", "Percent"),
}
_BY_NAME: Final[Mapping[str, Measurand]] = {name: measurand for measurand, (name, _) in MEASURANDS.items()}
_TO_NEUTRAL: Final = frozenset({Measurand.VOLTAGE})
"""Measured between a conductor and neutral: phase `L1-N`."""
_ENERGIES: Final = frozenset(m for m, (name, _) in MEASURANDS.items() if name.startswith("Energy."))
_ALWAYS: Final = frozenset({Measurand.ENERGY_ACTIVE_IMPORT, Measurand.CURRENT_OFFERED, Measurand.POWER_OFFERED})


def reportable(measured: Iterable[tuple[Measurand, Phase | None]]) -> frozenset[tuple[Measurand, Phase | None]]:
    """What can be configured where a meter gives these: also what the station offers, and what registers counted."""
    given = frozenset(measured) | {(measurand, None) for measurand in _ALWAYS}
    return given | {(INTERVAL_OF[measurand], phase) for measurand, phase in given if measurand in INTERVAL_OF}


def phase_text(measurand: Measurand, phase: Phase) -> str:
    """The phase of a value on the wire."""
    if measurand in _TO_NEUTRAL and phase is not Phase.N:
        return f"{phase.value}-N"
    return phase.value


def value_text(measurand: Measurand, value: float) -> str:
    """A value as the string that the standard asks for: energy whole, others with three decimals at most."""
    if measurand in _ENERGIES:
        return str(round(value))
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def selections_text(selections: Iterable[Selection]) -> str:
    """A list of configured measurands as a configuration value."""
    return ",".join(_selection_text(selection) for selection in selections)


def read_selections(text: str, supported: Collection[Measurand]) -> tuple[Selection, ...]:
    """The configured measurands of a value; blanks around items are ignored (errata 3.44).

    Raises ValueError, naming the item, for an unknown or unsupported measurand, an unknown phase and a repeat.
    """
    found: list[Selection] = []
    for item in [part.strip() for part in text.split(",")] if text.strip() else []:
        selection = _read_selection(item)
        if selection is None or selection.measurand not in supported:
            raise ValueError(f"measurand {item!r} is not supported")
        if selection in found:
            raise ValueError(f"measurand {item!r} is given twice")
        found.append(selection)
    return tuple(found)


def _selection_text(selection: Selection) -> str:
    name = MEASURANDS[selection.measurand][0]
    return name if selection.phase is None else f"{name}.{selection.phase.value}"


def _read_selection(item: str) -> Selection | None:
    if item in _BY_NAME:
        return Selection(_BY_NAME[item])
    name, _, suffix = item.rpartition(".")
    phase = suffix.removesuffix("-N") if _BY_NAME.get(name) in _TO_NEUTRAL else suffix
    if name not in _BY_NAME or phase not in Phase.__members__:
        return None
    return Selection(_BY_NAME[name], Phase(phase))
