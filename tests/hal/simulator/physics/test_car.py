from __future__ import annotations

import pytest

from hal.simulator.physics.car import Car, CarOptions, Letter, amps_of_duty


def live_through(car: Car, from_s: float, to_s: float, duty_percent: float, live: bool) -> None:
    """Let time pass in small steps with the same pilot and supply."""
    steps = round((to_s - from_s) / 0.05)
    for step in range(steps + 1):
        car.update(from_s + step * 0.05, duty_percent, live)


@pytest.mark.parametrize(
    ("duty_percent", "amps"),
    [(100, 0), (0, 0), (5, 0), (7.5, 0), (8, 6), (10, 6), (26.667, 16), (53.333, 32), (85, 51), (89.2, 63), (98, 0)],
)
def test_duty_cycle_as_the_car_reads_it(duty_percent: float, amps: float) -> None:
    assert amps_of_duty(duty_percent) == pytest.approx(amps, abs=0.01)


def test_asks_for_power_once_it_is_offered_current_and_draws_at_most_the_offer() -> None:
    car = Car(CarOptions(amps=32, phases=3), 0)
    live_through(car, 0, 5, 100, False)
    assert car.letter is Letter.B
    live_through(car, 5, 7, 16.667, False)
    assert car.letter is Letter.C
    live_through(car, 7, 10, 16.667, True)
    assert car.currents_a() == pytest.approx((10, 10, 10), abs=0.01)


def test_draws_no_more_than_it_can_and_on_its_phases_only() -> None:
    car = Car(CarOptions(amps=13, phases=1), 0)
    live_through(car, 0, 6, 53.333, True)
    assert car.currents_a() == (13, 0, 0)


def test_waits_for_its_own_timer() -> None:
    car = Car(CarOptions(timer_s=100), 0)
    live_through(car, 0, 99, 26.667, False)
    assert car.letter is Letter.B
    live_through(car, 99, 103, 26.667, False)
    assert car.letter is Letter.C


def test_follows_a_lower_offer_within_three_seconds() -> None:
    car = Car(CarOptions(amps=32), 0)
    live_through(car, 0, 5, 53.333, True)
    live_through(car, 5, 6, 13.333, True)
    assert car.current_a == pytest.approx(32, abs=0.01)
    live_through(car, 6, 8, 13.333, True)
    assert car.current_a == pytest.approx(8, abs=0.01)


def test_drops_its_current_and_then_opens_its_switch_when_the_pilot_goes_off() -> None:
    car = Car(CarOptions(), 0)
    live_through(car, 0, 5, 26.667, True)
    live_through(car, 5, 5.6, 100, True)
    assert (car.current_a, car.letter) == (0, Letter.C)
    live_through(car, 5.6, 6, 100, True)
    assert car.letter is Letter.B


def test_a_stubborn_car_goes_on_drawing_when_the_pilot_goes_off() -> None:
    car = Car(CarOptions(stubborn=True), 0)
    live_through(car, 0, 5, 26.667, True)
    live_through(car, 5, 15, 100, True)
    assert car.letter is Letter.C
    assert car.current_a == pytest.approx(16, abs=0.01)


def test_a_paused_car_goes_back_to_b_and_returns() -> None:
    car = Car(CarOptions(), 0)
    live_through(car, 0, 5, 26.667, True)
    car.paused = True
    live_through(car, 5, 7, 26.667, True)
    assert car.letter is Letter.B
    car.paused = False
    live_through(car, 7, 9, 26.667, True)
    assert car.letter is Letter.C


def test_a_full_battery_stops_asking() -> None:
    car = Car(CarOptions(soc=99, capacity_wh=1000), 0)
    live_through(car, 0, 5, 26.667, True)
    car.charge(9)
    assert (car.soc, car.asks()) == (pytest.approx(99.9), True)
    car.charge(1)
    live_through(car, 5, 6, 26.667, True)
    assert (car.soc, car.letter) == (100, Letter.B)


def test_a_car_that_wants_some_energy_only() -> None:
    car = Car(CarOptions(wanted_wh=500), 0)
    car.charge(500)
    assert not car.asks()


def test_no_current_without_a_live_supply() -> None:
    car = Car(CarOptions(), 0)
    live_through(car, 0, 5, 26.667, True)
    car.update(5.05, 26.667, False)
    assert car.current_a == 0


def test_diode_fails_after_its_time() -> None:
    car = Car(CarOptions(diode_fault_after_s=3), 0)
    live_through(car, 0, 2.9, 100, False)
    assert car.diode_ok
    live_through(car, 2.9, 3.1, 100, False)
    assert not car.diode_ok


def test_ventilation_shows_state_d() -> None:
    car = Car(CarOptions(ventilation=True), 0)
    live_through(car, 0, 2, 26.667, False)
    assert car.letter is Letter.D
