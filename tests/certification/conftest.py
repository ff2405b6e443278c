"""Folders of cases lie in memory where the system has such a place; and each case is run three times.

With management alone in every test run; as the primary, and as management beside one, in the nightly one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.certification.parts import Part, Present
from tests.scenarios.conftest import tmp_path

__all__ = ["tmp_path"]

HIS_OWN_LINK = ("test_profiles", "test_tls", "test_certificates")
"""What examines the link of management itself: with the primary as the tool there is nothing to examine."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("certification"):
        name = metafunc.module.__name__.rpartition(".")[2]
        parts = [part for part in Part if part is not Part.PRIMARY or name not in HIS_OWN_LINK]
        marked = [pytest.param(p, marks=[] if p is Part.ALONE else [pytest.mark.nightly], id=p.name) for p in parts]
        metafunc.parametrize("part", marked, indirect=True)


@pytest.fixture(autouse=True)
def part(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whom the tool plays in this test."""
    Present.part = getattr(request, "param", Part.ALONE)
    yield
    Present.part = Part.ALONE
