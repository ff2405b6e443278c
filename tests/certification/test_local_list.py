"""Certification, LocalAuthListManagement: the list of the operator, its versions, and a session without a question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from tests.certification.messages import status, stop
from tests.certification.tool import FAMILY_CARD, OTHER_CARD, Tool, examine
from tests.rig.driver import CARD

LISTED = frozenset({CARD.casefold()})
"""The oracle is told whom the list lets charge."""
LISTS = {"LocalAuthListEnabled": "true"}
NO_LISTS = {"LocalAuthListEnabled": "false"}
KNOWN = {**LISTS, "LocalPreAuthorize": "true", "AuthorizeRemoteTxRequests": "true"}


def sending(tool: Tool, version: int, *cards: str, kind: str = "Full") -> Any:
    """SendLocalList with cards that are accepted: the status."""
    rows = [{"id_tag": card, "id_tag_info": {"status": "Accepted"}} for card in cards]
    return tool.backend.status_of(
        call.SendLocalList(list_version=version, update_type=kind, local_authorization_list=rows)
    )


async def version(tool: Tool) -> int:
    """GetLocalListVersion."""
    return int((await tool.backend.call(call.GetLocalListVersion()))["list_version"])


@pytest.mark.certification("TC_042_1_CS")
@pytest.mark.rule("ocpp16.U24")
def test_tc_042_1_where_there_is_no_list_its_version_says_so(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(version(tool), -1)
        await tool.expect_nothing()

    examine(tmp_path, script, keys=NO_LISTS)


@pytest.mark.certification("TC_042_2_CS")
@pytest.mark.rule("ocpp16.U20")
def test_tc_042_2_an_empty_list_has_version_0(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 1), "Accepted")
        await tool.ask(version(tool), 0)
        await tool.expect_nothing()

    examine(tmp_path, script, keys=LISTS)


@pytest.mark.certification("TC_043_CS")
@pytest.mark.rule("ocpp16.U20")
@pytest.mark.rule("ocpp16.U21")
def test_tc_043_a_list_is_sent_and_changed(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 4, CARD, OTHER_CARD), "Accepted")
        await tool.ask(version(tool), 4)
        await tool.ask(sending(tool, 5, FAMILY_CARD, kind="Differential"), "Accepted")
        await tool.ask(version(tool), 5)
        await tool.ask(sending(tool, 2, CARD), "Accepted")  # a full list may go back
        await tool.ask(version(tool), 2)
        await tool.expect_nothing()

    examine(tmp_path, script, keys=LISTS)


@pytest.mark.certification("TC_043_1_CS")
@pytest.mark.rule("ocpp16.U24")
def test_tc_043_1_where_there_is_no_list_none_can_be_sent(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 1, CARD), "NotSupported", "CALLERROR NotSupported")
        await tool.expect_nothing()

    examine(tmp_path, script, keys=NO_LISTS)


@pytest.mark.certification("TC_043_2_CS")
@pytest.mark.rule("ocpp16.U21")
@pytest.mark.parametrize("older", [4, 5])
def test_tc_043_2_an_update_that_is_not_newer_changes_nothing(tmp_path: Path, older: int) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 5, CARD), "Accepted")
        await tool.ask(sending(tool, older, OTHER_CARD, kind="Differential"), "VersionMismatch")
        await tool.ask(version(tool), 5)
        await tool.expect_nothing()

    examine(tmp_path, script, keys=LISTS)


@pytest.mark.certification("TC_043_3_CS")
@pytest.mark.rule("ocpp16.U22")
@pytest.mark.rule("ocpp16.U23")
@pytest.mark.parametrize("kind", ["Full", "Differential"])
def test_tc_043_3_a_list_that_cannot_be_kept_changes_nothing(tmp_path: Path, kind: str) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 5, CARD), "Accepted")
        await tool.ask(sending(tool, 6, OTHER_CARD, OTHER_CARD.lower(), kind=kind), "Failed")
        await tool.ask(version(tool), 5)
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect_charging()  # the old list still counts
        await tool.expect_nothing()

    examine(tmp_path, script, keys=KNOWN, offline_cards=LISTED)


@pytest.mark.certification("TC_008_CS")
@pytest.mark.rule("ocpp16.U02")
@pytest.mark.parametrize("remotely", [True, False], ids=["remote start", "card"])
def test_tc_008_a_card_of_the_list_starts_without_being_asked_about(tmp_path: Path, remotely: bool) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(sending(tool, 1, CARD), "Accepted")
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        if remotely:
            await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        else:
            tool.rig.card()
        transaction = await tool.expect_charging()
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        await tool.leave()

    examine(tmp_path, script, keys=KNOWN, offline_cards=LISTED)
