"""The three runs of the cases: what differs without a reason in the tables is a failure, what they say is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.parts import Part, Present
from tests.certification.tool import Tool, examine

pytestmark = pytest.mark.rule("two-upstreams.TU05")


async def asks_for_nothing_and_fails(tool: Tool) -> None:
    raise AssertionError("the case went otherwise")


async def starts_remotely(tool: Tool) -> None:
    tool.rig.plug()
    await tool.wait(2)
    await tool.ask(tool.backend.remote_start("04A1", 1), "Accepted")


@pytest.mark.parametrize("part", list(Part), indirect=True)
def test_a_failure_that_no_table_explains_stays_one(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the case went otherwise"):
        examine(tmp_path, asks_for_nothing_and_fails)


@pytest.mark.parametrize("part", [Part.MANAGEMENT], indirect=True)
def test_what_the_table_refuses_explains_why_a_case_ends(tmp_path: Path) -> None:
    examine(tmp_path, starts_remotely)


@pytest.mark.parametrize("part", [Part.MANAGEMENT], indirect=True)
def test_what_the_table_refuses_must_be_refused(tmp_path: Path) -> None:
    """As if a backend without Billing had been let start."""

    async def starts_as_the_primary(tool: Tool) -> None:
        tool.backend = tool.rig.primary
        await starts_remotely(tool)

    with pytest.raises(AssertionError, match="RemoteStartTransaction is refused by the table and was answered"):
        examine(tmp_path, starts_as_the_primary)
    assert Present.part is Part.MANAGEMENT
