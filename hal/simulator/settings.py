"""What the plant consists of, from the factory file of a station or from the command line.

The plant reads the same `[[bus]]`, `[[connector]]` (with `[connector.meter]`) and `[[reader]]` tables as the agent and
ignores everything else in the file. What is absent gets a default, so that a short file makes a whole plant.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hal.simulator.devices.catalogue import BOARDS, GRID_METERS, METERS, READERS
from hal.simulator.wire.line import LineFormat

DEFAULT_BOARD, DEFAULT_METER, DEFAULT_READER = "viridian_epc2plus", "eastron_sdm72dm_v2", "pn532_uart"
START_WH = 1_234_567.0
REGISTER_STEP_WH = 111_111.0
"""Each connector's meter starts with a reading of its own."""
MOST_CONNECTORS = 64


class PlantSettingsError(ValueError):
    """A setting that cannot be used: field, value and fix are in the text."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field}: {value!r} cannot be used; {fix}")


@dataclass(frozen=True, slots=True)
class BusSettings:
    """One RS-485 line."""

    name: str
    port: str = ""
    """Path at which its pseudo-terminal is linked; empty: by its name in the folder for ports."""
    line_format: LineFormat | None = None
    """None: as the boards on it come from their factory."""


@dataclass(frozen=True, slots=True)
class OutletSettings:
    """One connector with its devices."""

    id: int
    board: str = DEFAULT_BOARD
    board_bus: str = "bus1"
    board_unit: int | None = None
    """None: unit of the board's own factory setting, counted on for the next of its kind on the bus."""
    meter: str = DEFAULT_METER
    meter_bus: str = "bus1"
    meter_unit: int | None = None
    captive_cable: bool = False
    start_wh: float = START_WH


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """One card reader on a line of its own."""

    name: str
    profile: str = DEFAULT_READER
    port: str = ""
    connectors: tuple[int, ...] = ()
    baud: int | None = None


@dataclass(frozen=True, slots=True)
class GridSettings:
    """The meter behind the main fuse."""

    meter: str
    bus: str
    unit: int


@dataclass(frozen=True, slots=True)
class PlantSettings:
    """Everything a plant is built of."""

    buses: tuple[BusSettings, ...]
    outlets: tuple[OutletSettings, ...]
    readers: tuple[ReaderSettings, ...]
    time_scale: float = 1.0
    """Plant seconds in one second of the loop; communication time-outs stay on the loop's time."""
    phoenix_status_function: str = "both"
    grid: GridSettings | None = None


def default_settings(
    connectors: int = 1,
    board: str = DEFAULT_BOARD,
    meter: str = DEFAULT_METER,
    reader: str = DEFAULT_READER,
    *,
    captive_cable: bool = False,
) -> PlantSettings:
    """A plant with everything on one bus and one reader for all connectors. Raises PlantSettingsError."""
    if not 1 <= connectors <= MOST_CONNECTORS:
        raise PlantSettingsError("connectors", connectors, f"use 1 to {MOST_CONNECTORS}")
    ids = range(1, connectors + 1)
    outlets = tuple(
        OutletSettings(i, board, "bus1", None, meter, "bus1", None, captive_cable, _start_wh(i)) for i in ids
    )
    settings = PlantSettings((BusSettings("bus1"),), outlets, (ReaderSettings("reader1", reader, "", tuple(ids)),))
    _check(settings)
    return settings


def from_factory(text: str) -> PlantSettings:
    """Read a factory file. Raises PlantSettingsError, or tomllib.TOMLDecodeError if it is no TOML."""
    document = tomllib.loads(text)
    outlets = tuple(_outlet(table, at) for at, table in enumerate(_tables(document, "connector"), 1))
    buses = tuple(_bus(table, at) for at, table in enumerate(_tables(document, "bus"), 1))
    all_ids = tuple(outlet.id for outlet in outlets)
    readers = tuple(_reader(table, at, all_ids) for at, table in enumerate(_tables(document, "reader"), 1))
    settings = PlantSettings(buses, outlets, readers, grid=_grid(document.get("grid")))
    _check(settings)
    return settings


def _bus(table: Mapping[str, Any], at: int) -> BusSettings:
    line_format = None
    if "baud" in table:
        line_format = LineFormat(int(table["baud"]), str(table.get("parity", "N")), int(table.get("stop_bits", 1)))
    return BusSettings(str(table.get("name", f"bus{at}")), str(table.get("port", "")), line_format)


def _outlet(table: Mapping[str, Any], at: int) -> OutletSettings:
    meter = table.get("meter", {})
    bus = str(table.get("bus", "bus1"))
    connector = int(table.get("id", at))
    return OutletSettings(
        id=connector,
        board=str(table.get("board", DEFAULT_BOARD)),
        board_bus=bus,
        board_unit=table.get("unit"),
        meter=str(meter.get("profile", DEFAULT_METER)),
        meter_bus=str(meter.get("bus", bus)),
        meter_unit=meter.get("unit"),
        captive_cable=bool(table.get("captive_cable", False)),
        start_wh=_start_wh(connector),
    )


def _reader(table: Mapping[str, Any], at: int, all_ids: tuple[int, ...]) -> ReaderSettings:
    return ReaderSettings(
        name=str(table.get("name", f"reader{at}")),
        profile=str(table.get("profile", DEFAULT_READER)),
        port=str(table.get("port", "")),
        connectors=tuple(table.get("connectors", all_ids)),
        baud=table.get("baud"),
    )


def _grid(table: Mapping[str, Any] | None) -> GridSettings | None:
    if table is None:
        return None
    meter = table.get("meter", {})
    profile = str(meter.get("profile", DEFAULT_METER))
    _check_known("grid.meter.profile", profile, GRID_METERS)
    return GridSettings(profile, str(meter.get("bus", "bus1")), int(meter.get("unit", METERS[profile].unit)))


def _tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PlantSettingsError(name, tables, f"write it as [[{name}]]")
    return tables


def _start_wh(connector: int) -> float:
    return START_WH + REGISTER_STEP_WH * (connector - 1)


def _check(settings: PlantSettings) -> None:
    buses = {bus.name for bus in settings.buses}
    for outlet in settings.outlets:
        _check_known("connector.board", outlet.board, BOARDS)
        _check_known("connector.meter.profile", outlet.meter, METERS)
        for bus in (outlet.board_bus, outlet.meter_bus):
            if bus not in buses:
                raise PlantSettingsError("connector.bus", bus, f"add it as [[bus]]; there are: {', '.join(buses)}")
    for reader in settings.readers:
        _check_known("reader.profile", reader.profile, READERS)


def _check_known(field: str, value: str, known: Mapping[str, object]) -> None:
    if value not in known:
        raise PlantSettingsError(field, value, f"the plant can be: {', '.join(sorted(known))}")
