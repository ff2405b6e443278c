"""Times for people: the zone of the station both ways, over the change of clocks too."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from agent.control.station_time import local_ms, local_text

LONDON = ZoneInfo("Europe/London")
SUMMER, WINTER = 1_782_864_000_000, 1_795_219_200_000


@pytest.mark.rule("product.N14")
def test_a_time_is_shown_as_on_the_clock_at_the_wall_with_its_distance_from_utc() -> None:
    assert local_text(SUMMER, LONDON) == "2026-07-01 01:00:00+01:00"
    assert local_text(WINTER, LONDON) == "2026-11-21 00:00:00+00:00"
    assert local_text(WINTER + 999, UTC) == "2026-11-21 00:00:00+00:00"


def test_a_date_begins_at_midnight_of_the_station() -> None:
    assert local_ms("2026-07-01", LONDON) == SUMMER - 3_600_000
    assert local_ms(" 2026-11-21 ", LONDON) == WINTER
    assert local_ms("2026-11-21T08:00", LONDON) == WINTER + 8 * 3_600_000
    assert local_ms("2026-11-21T00:00:00Z") == WINTER
    assert local_ms(local_text(WINTER)) == WINTER, "the zone of the system, both ways"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1950-01-01", "21.11.2026"])
def test_what_is_no_date_is_refused_with_what_fits(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-21"):
        local_ms(text)
