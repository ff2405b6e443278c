from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition
from hal.simulator.plant import Plant
from hal.simulator.watch import render
from hal.simulator.wire.bus import BusFaults


def test_the_view_shows_what_matters() -> None:
    plant = Plant()
    plant.connector(1).plug_in(CarOptions(soc=40))
    plant.set_condition(1, Condition.LOCK_JAM, True)
    plant.set_bus("bus1", BusFaults(online=False))
    text = render(plant.state())
    for word in ("40.0 %", "1234567 Wh", "open", "bus1 is offline", "lock_jam"):
        assert word in text
