import pytest

from hal.simulator.devices.controller import duty_of_amps


@pytest.mark.parametrize(
    ("amps", "duty_percent"), [(6, 10), (10, 16.67), (13, 21.67), (16, 26.67), (20, 33.33), (32, 53.33), (63, 89.2)]
)
def test_duty_cycle_of_an_offer(amps: float, duty_percent: float) -> None:
    assert duty_of_amps(amps) == pytest.approx(duty_percent, abs=0.01)
