"""What somebody standing before the station can do, for scenarios."""

from __future__ import annotations

from typing import Any

from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition
from hal.simulator.plant import Plant

CARD = "04A1B2C3D4E5F6"


class Driver:
    """What somebody standing before the station can do."""

    plant: Plant

    def plug(self, connector: int = 1, **car: Any) -> None:
        """A car arrives; `car` as in `CarOptions`."""
        self.plant.connector(connector).plug_in(CarOptions(**car))

    def unplug(self, connector: int = 1) -> None:
        """The car goes."""
        self.plant.connector(connector).plug_out()

    def card(self, token: str = CARD, reader: str | None = None) -> None:
        """A card is held to a reader."""
        self.plant.sync()
        self.plant.present_card(token, reader)

    def pause(self, paused: bool = True, connector: int = 1) -> None:
        """The car stops asking for power, or asks again."""
        self.plant.connector(connector).pause(paused)

    def fault(self, condition: str, active: bool = True, connector: int = 1) -> None:
        """Break something, or mend it; names as in the control interface of the plant."""
        self.plant.set_condition(connector, Condition(condition), active)

    def closed(self, connector: int = 1) -> bool:
        """The contactor is closed right now."""
        return bool(self.plant.connector(connector).contactor.closed)
