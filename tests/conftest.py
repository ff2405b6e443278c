"""What every test gets: the markers' meaning, and the tier of whole folders."""

from __future__ import annotations

import pytest

STORIES = (
    "cardless",
    "change_of_operator",
    "charging_profiles",
    "credentials",
    "cut_installs",
    "cut_updates",
    "fanout",
    "faults",
    "firmware",
    "held_cables",
    "history",
    "isolation",
    "local_list",
    "model",
    "outages",
    "parked",
    "races",
    "roles",
    "reservations",
    "resets",
    "retiring",
    "security_events",
    "several_authorities",
    "start_stop_races",
    "statuses",
    "triggers",
    "uploads",
)
"""Scenarios besides sessions, cards, commands, meters, disks and power cuts."""
IN_EVERY_TEST_RUN = (
    "tests/certification/",
    "tests/interoperability/",
    "tests/fuzz/",
    *(f"tests/scenarios/test_{story}.py" for story in STORIES),
    "tests/agent/ocpp/test_wire.py::test_reading_is_total",
    "tests/agent/ocpp/v16/test_confirmations.py::test_whatever",
    "tests/agent/ocpp/v16/test_status_traces.py::test_no_life",
    "tests/agent/station/test_fixpoint.py",
    "tests/agent/station/test_safety.py::test_the_oracle_objects",
    "tests/agent/store/test_past.py",
    "tests/agent/store/test_salvage.py::test_any_damaged_page",
    "tests/agent/store/test_security_log.py::test_damage",
    "tests/hal/simulator/test_with_boards.py",
    "tests/hal/test_against_plant.py",
)
"""Stories by the dozen, and what looks at every corner: for `make test`; `make quick` has enough without them."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(id): the rule or statement that this test carries, as in tests/rules.toml")
    config.addinivalue_line("markers", "certification(id): the certification case, as in tests/certification/cases.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(IN_EVERY_TEST_RUN):
            item.add_marker("long")
