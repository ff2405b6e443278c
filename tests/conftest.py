"""What every test gets: the markers' meaning, and no more."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(id): the rule or statement that this test carries, as in tests/rules.toml")
    config.addinivalue_line("markers", "certification(id): the certification case, as in tests/certification/cases.py")
