"""The certification tool is strict, and says what it saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.messages import ABSENT, absent_or, authorize, message, one_of, present, start, status
from tests.certification.tool import Script, Tool, examine
from tests.rig.driver import CARD
from tests.rig.script import Fails


def failure(folder: Path, script: Script) -> str:
    """Why a case fails that must fail."""
    with pytest.raises(AssertionError) as failed:
        examine(folder, script)
    return str(failed.value)


def test_a_field_that_differs_is_named_and_the_ledger_is_shown(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.expect(status(1, "Charging"))

    why = failure(tmp_path, script)
    assert "status is 'Preparing', not 'Charging'" in why
    assert '"status":"Preparing"' in why.partition("management:")[2]


def test_what_comes_too_early_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.wait(2)
        tool.rig.card()
        await tool.expect(authorize(CARD))

    assert "expected Authorize" in failure(tmp_path, script)


def test_what_does_not_come_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.expect(status(1, "Preparing"), within_s=3)

    assert "not within 3 s: expected StatusNotification" in failure(tmp_path, script)


def test_what_comes_unasked_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.expect_nothing()

    assert "nothing was expected, but StatusNotification came" in failure(tmp_path, script)


def test_an_answer_that_is_not_allowed_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.remote_stop(1), "Accepted")

    assert "answered 'Rejected', allowed is 'Accepted'" in failure(tmp_path, script)


def test_a_consequence_before_its_answer_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.wait(2)
        await tool.ask(tool.backend.clear_cache(), "Accepted")
        await tool.expect(status(1, "Preparing"))

    assert "before the answer of the station that it follows from" in failure(tmp_path, script)


def test_an_error_that_the_case_did_not_ask_for_fails(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.backend.script.next_time("StatusNotification", Fails())
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))

    assert "CALLERROR" in failure(tmp_path, script)


def test_messages_may_swap_only_where_they_may(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.wait(2)
        tool.rig.card()
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        await tool.expect_in_any_order(start(CARD), status(1, "Charging"))

    examine(tmp_path, script)


def test_fields_may_be_conditions() -> None:
    wanted = message("A", a=one_of(1, 2), b=absent_or("x"), c=present(), d=ABSENT)
    assert wanted.differences("A", {"a": 2, "c": 0}) == []
    assert wanted.differences("A", {"a": 1, "b": "x", "c": None}) == []
    assert len(wanted.differences("A", {"a": 3, "b": "y", "d": 1})) == 4
    assert wanted.differences("B", {}) == ["it is B"]
