"""Which devices the plant can be, by the names of their profiles: the line to add for another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hal.simulator.devices.eastron import Sdm72v2, Sdm630
from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.devices.iskra import IskraMeter
from hal.simulator.devices.phoenix import PhoenixBasic, StatusFunction
from hal.simulator.devices.pn532 import Pn532
from hal.simulator.devices.rdm6300 import Rdm6300
from hal.simulator.devices.reader import CardReader
from hal.simulator.physics.house import House
from hal.simulator.physics.outlet import Outlet
from hal.simulator.wire.line import LineFormat
from hal.simulator.wire.modbus import ModbusUnit


@dataclass(frozen=True, slots=True)
class BoardChoices:
    """What can be chosen about boards."""

    time_scale: float = 1.0
    status_function: StatusFunction = StatusFunction.BOTH


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of Modbus device as it comes from its factory."""

    line_format: LineFormat
    unit: int


BOARDS: Mapping[str, Kind] = {
    "viridian_epc2plus": Kind(LineFormat(19200, "E"), 101),
    "phoenix_ev_cc_basic": Kind(LineFormat(9600), 1),
}
METERS: Mapping[str, Kind] = {
    "eastron_sdm72dm_v2": Kind(LineFormat(9600), 1),
    "eastron_sdm630": Kind(LineFormat(9600), 1),
    "iskra_wm3m4c": Kind(LineFormat(115200), 33),
}
METER_CLASSES: Mapping[str, Callable[[Outlet, int], ModbusUnit]] = {
    "eastron_sdm72dm_v2": lambda outlet, unit: Sdm72v2(outlet, unit_id=unit),
    "eastron_sdm630": lambda outlet, unit: Sdm630(outlet, unit_id=unit),
    "iskra_wm3m4c": lambda outlet, unit: IskraMeter(outlet),
}
GRID_METERS: Mapping[str, Callable[[House, int], ModbusUnit]] = {
    "eastron_sdm72dm_v2": lambda house, unit: Sdm72v2(house, unit_id=unit),
    "eastron_sdm630": lambda house, unit: Sdm630(house, unit_id=unit),
}
"""Those that can be put behind the main fuse."""
READERS: Mapping[str, Callable[[str, LineFormat], CardReader]] = {"pn532_uart": Pn532, "rdm6300": Rdm6300}
READER_FORMATS: Mapping[str, LineFormat] = {"pn532_uart": LineFormat(115200), "rdm6300": LineFormat(9600)}


def make_board(name: str, outlet: Outlet, unit: int, choices: BoardChoices) -> Epc2Plus | PhoenixBasic:
    """A board on an outlet, of a name in `BOARDS`."""
    board: Epc2Plus | PhoenixBasic
    if name == "viridian_epc2plus":
        board = Epc2Plus(outlet, unit_id=unit, time_scale=choices.time_scale)
    else:
        board = PhoenixBasic(outlet, status_function=choices.status_function)
    outlet.board = board
    return board


def make_meter(name: str, outlet: Outlet, unit: int) -> ModbusUnit:
    """A meter on an outlet, of a name in `METERS`."""
    return METER_CLASSES[name](outlet, unit)
