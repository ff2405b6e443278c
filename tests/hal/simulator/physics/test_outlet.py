"""One connector with an EPC board, on plant time."""

from __future__ import annotations

import pytest

from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.history import History
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition, Conflict, Outlet
from hal.simulator.plant import Plant


def charging(options: CarOptions | None = None) -> tuple[Plant, Outlet]:
    """A plant whose car has been charging at 16 A for a while."""
    plant = Plant()
    outlet = plant.outlets[1]
    outlet.plug_in(options or CarOptions())
    assert isinstance(outlet.board, Epc2Plus)
    outlet.board.write_registers(4, [1, 1, 16])
    plant.tick(10)
    assert outlet.contactor.closed
    return plant, outlet


def opened_after_s(plant: Plant, outlet: Outlet, since_s: float) -> float:
    plant.tick(20)
    assert not outlet.contactor.closed
    return plant.history.of(1, "contactor")[-1].time_s - since_s


def test_a_meter_counts_what_the_car_takes() -> None:
    plant, outlet = charging()
    before_wh, car = outlet.register.energy_wh, outlet.car
    assert car is not None
    taken_wh = car.energy_wh
    plant.tick(3600)
    assert outlet.register.energy_wh - before_wh == pytest.approx(3 * 16 * 229.2 * 0.99, rel=0.01)
    assert car.energy_wh - taken_wh == pytest.approx(outlet.register.energy_wh - before_wh)


def test_energy_does_not_depend_on_how_coarse_the_ticks_are() -> None:
    (coarse, outlet_a), (fine, outlet_b) = charging(), charging()
    coarse.tick(60)
    for _ in range(600):
        fine.tick(0.1)
    assert outlet_a.register.energy_wh == pytest.approx(outlet_b.register.energy_wh, abs=0.1)


@pytest.mark.rule("INV-5")
def test_unplugging_under_load_opens_within_100_ms() -> None:
    plant, outlet = charging()
    outlet.plug_out()
    assert opened_after_s(plant, outlet, 10.0) <= 0.1


@pytest.mark.parametrize(
    "condition",
    [
        Condition.RESIDUAL_CURRENT,
        Condition.DIODE,
        Condition.GROUND,
        Condition.EMERGENCY_STOP,
        Condition.CONTACTOR_STUCK,
    ],
)
@pytest.mark.rule("INV-5")
def test_a_fault_opens_within_100_ms(condition: Condition) -> None:
    plant, outlet = charging()
    outlet.set_condition(condition, True)
    assert opened_after_s(plant, outlet, 10.0) <= 0.1
    assert outlet.board.offered_a == 0


def test_a_cleared_fault_lets_it_charge_again() -> None:
    plant, outlet = charging()
    outlet.set_condition(Condition.RESIDUAL_CURRENT, True)
    plant.tick(5)
    outlet.set_condition(Condition.RESIDUAL_CURRENT, False)
    plant.tick(5)
    assert outlet.contactor.closed


def test_a_car_that_stays_in_c_is_opened_under_load_after_six_seconds() -> None:
    plant, outlet = charging(CarOptions(stubborn=True))
    assert isinstance(outlet.board, Epc2Plus)
    outlet.board.write_registers(5, [0, 0])
    plant.tick(5.9)
    assert outlet.contactor.closed
    assert opened_after_s(plant, outlet, 10.0) == pytest.approx(6.0, abs=0.1)


def test_an_ordinary_car_leaves_c_first_and_no_current_is_cut() -> None:
    plant, outlet = charging()
    assert isinstance(outlet.board, Epc2Plus)
    outlet.board.write_registers(5, [0, 0])
    assert opened_after_s(plant, outlet, 10.0) < 1.5
    opened_s = plant.history.of(1, "contactor")[-1].time_s
    assert plant.history.at(1, "current_a", opened_s - 0.001) == 0


def test_a_welded_contactor_stays_closed_and_is_seen() -> None:
    plant, outlet = charging()
    outlet.set_condition(Condition.CONTACTOR_WELDED, True)
    outlet.plug_out()
    plant.tick(2)
    assert outlet.contactor.closed
    assert outlet.currents_a() == (0, 0, 0)
    outlet.set_condition(Condition.CONTACTOR_WELDED, False)
    plant.tick(1)
    assert not outlet.contactor.closed


def test_a_second_car_at_one_connector_is_a_conflict() -> None:
    plant, outlet = charging()
    with pytest.raises(Conflict, match="a car is plugged"):
        outlet.plug_in(CarOptions())
    assert plant.history.at(1, "plugged", 10) is True


def test_pulled_at_the_car_the_cable_stays_in_a_locked_socket() -> None:
    plant, outlet = charging()
    plant.tick(1)
    outlet.plug_out()
    assert outlet.cable_a == 32
    assert isinstance(outlet.board, Epc2Plus)
    outlet.board.write_registers(4, [2])
    plant.tick(1)
    assert outlet.cable_a is None


def test_a_captive_cable_has_no_lock() -> None:
    outlet = Outlet(1, History(), captive_cable=True)
    assert outlet.lock is None


def test_pause_without_a_car_is_a_conflict() -> None:
    outlet = Plant().outlets[1]
    with pytest.raises(Conflict, match="no car"):
        outlet.pause(True)


@pytest.mark.parametrize(("condition", "volts"), [(Condition.UNDER_VOLTAGE, 172), (Condition.OVER_VOLTAGE, 276)])
def test_mains_outside_their_range(condition: Condition, volts: float) -> None:
    outlet = Plant().outlets[1]
    outlet.set_condition(condition, True)
    assert outlet.volts()[0] == pytest.approx(volts, abs=2)


def test_a_power_cut_opens_and_the_register_stays() -> None:
    plant, outlet = charging()
    plant.set_power(False)
    plant.tick(1)
    register_wh = outlet.register.energy_wh
    plant.tick(60)
    assert not outlet.contactor.closed
    plant.set_power(True)
    plant.tick(60)
    assert (outlet.register.energy_wh, outlet.board.offered_a) == (register_wh, 0)
    assert not outlet.contactor.closed


def test_without_supply_a_welded_contactor_carries_nothing() -> None:
    plant, outlet = charging(CarOptions(stubborn=True))
    outlet.set_condition(Condition.CONTACTOR_WELDED, True)
    plant.set_power(False)
    assert (outlet.contactor.closed, outlet.currents_a()) == (True, (0, 0, 0))
