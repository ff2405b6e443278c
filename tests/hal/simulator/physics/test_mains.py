import pytest

from hal.simulator.physics.mains import EnergyRegister, Mains


def test_voltage_wanders_a_little_and_always_the_same_way() -> None:
    mains = Mains()
    seen = [mains.volts(second, (0, 0, 0)) for second in range(200)]
    assert seen == [Mains().volts(second, (0, 0, 0)) for second in range(200)]
    assert all(228 < volts < 232 for phases in seen for volts in phases)
    assert len({phases[0] for phases in seen}) > 50


def test_voltage_gives_way_under_load() -> None:
    mains = Mains()
    assert mains.volts(0, (32, 0, 0))[0] < mains.volts(0, (0, 0, 0))[0]


def test_register_counts_fractions_of_a_watt_hour() -> None:
    register = EnergyRegister(100)
    for _ in range(36000):
        register.count((1, 0, 0), 0.1)
    assert register.energy_wh == pytest.approx(101)
