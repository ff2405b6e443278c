"""What every test gets: the markers' meaning, and the tier of whole folders."""

from __future__ import annotations

import pytest

IN_EVERY_TEST_RUN = ("tests/certification/", "tests/interoperability/", "tests/fuzz/")
"""Folders of whole stories, one after another: for `make test`; `make quick` has stories enough."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(id): the rule or statement that this test carries, as in tests/rules.toml")
    config.addinivalue_line("markers", "certification(id): the certification case, as in tests/certification/cases.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(IN_EVERY_TEST_RUN):
            item.add_marker("long")
