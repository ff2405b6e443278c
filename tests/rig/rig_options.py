"""What kind of station `StationRig` puts together, as the factory file says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.settings.services import ServiceSettings


@dataclass(frozen=True, slots=True)
class RigOptions:
    """What kind of station is under test."""

    connectors: int = 1
    board: str = "viridian_epc2plus"
    meter: str = "eastron_sdm72dm_v2"
    reader: str = "pn532_uart"
    captive_cable: bool = False
    primary: bool = True
    """A primary is configured; else management is Billing."""
    operators: int = 0
    """Further operators, in the Data & Control role."""
    station: dict[str, Any] = field(default_factory=dict)
    """Further values of `[station]`."""
    connector: dict[str, Any] = field(default_factory=dict)
    """Further values of each `[[connector]]`."""
    meter_values: dict[str, Any] = field(default_factory=dict)
    """Further values of each `[connector.meter]`."""
    management: dict[str, Any] = field(default_factory=dict)
    """Further values of `[management]`: security profile, password, trust ..."""
    management_keys: dict[str, Any] = field(default_factory=lambda: {"MeterValueSampleInterval": 30})
    primary_keys: dict[str, Any] = field(default_factory=lambda: {"MeterValueSampleInterval": 20})
    operator_keys: dict[str, Any] = field(default_factory=lambda: {"MeterValueSampleInterval": 40})

    services: ServiceSettings = field(default_factory=ServiceSettings)
    """Who is asked about whose card."""
    supply: str = ""
    """The sections `[[feed]]` and `[grid]`."""
    transfers: str = ""
    """The section `[transfers]`."""
    firmware: str = ""
    """The section `[firmware]`."""

    def scheme(self, backend: str) -> str:
        """How a backend is dialled: from security profile 2 on by wss."""
        return "wss" if backend == "management" and self.management.get("security", 0) >= 2 else "ws"

    def factory(self, management_url: str) -> str:
        """The factory file as text."""
        station = {"vendor": "Rig", "model": "Rig", **self.station}
        parts = ["[station]", *_rows(station), '[[bus]]\nname = "bus1"\nport = "bus1"\nbaud = 19200\nparity = "E"']
        for number in range(1, self.connectors + 1):
            board = {"id": number, "board": self.board, "bus": "bus1", "maximum_current_a": 16}
            board |= {"phases": 3, "captive_cable": self.captive_cable}
            board |= {"unit": 100 + number, **self.connector}
            meter = {"profile": self.meter, "bus": "bus1", "unit": number, **self.meter_values}
            parts += ["[[connector]]", *_rows(board), "[connector.meter]", *_rows(meter)]
        reader = {"name": "reader1", "profile": self.reader, "port": "reader1"}
        parts += ["[[reader]]", *_rows(reader | {"connectors": list(range(1, self.connectors + 1))})]
        parts += [self.supply] if self.supply else []
        parts += ["[transfers]", self.transfers] if self.transfers else []
        parts += ["[firmware]", self.firmware] if self.firmware else []
        parts += ["[management]", *_rows({"url": management_url, "identity": "CP1", **self.management})]
        parts += ["[options.management]", *_rows(self.management_keys)]
        parts += ["[options.primary]", *_rows(self.primary_keys)]
        parts += ["[options.operator]", *_rows(self.operator_keys)]
        return "\n".join(parts) + "\n"


def _rows(values: dict[str, Any]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in values.items()]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
