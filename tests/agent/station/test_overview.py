"""What people see of the station as a whole."""

from __future__ import annotations

import pytest

from agent.station.authorization.inquiries import MANY_STRANGERS
from agent.station.overview import UNKNOWN_CARDS
from agent.vocabulary.records import AuthorizationStatus, Verdict
from tests.agent.station.driver import ACCEPTED, Driver


def warned(driver: Driver) -> bool:
    return UNKNOWN_CARDS in driver.station.overview(driver.now).notices


@pytest.mark.rule("product.P10")
def test_card_after_card_that_billing_does_not_know_is_told_in_plain_words_until_it_knows_one() -> None:
    driver = Driver()
    driver.plug()
    for number in range(MANY_STRANGERS):
        assert not warned(driver)
        driver.card(f"04A1B2C3D4E5{number:02X}")
        driver.verdict(Verdict(AuthorizationStatus.INVALID))
        driver.pass_time(10, meter=False)
    assert warned(driver)
    driver.card("04FFFFFFFFFFFF")
    driver.verdict(ACCEPTED)
    assert not warned(driver)
