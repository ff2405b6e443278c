"""The local authorization list from both sides: who may send it, what it decides, and what survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ocpp.exceptions import OCPPError
from ocpp.v16 import call

from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, begin, end, play, wait


async def send(backend: ScriptedBackend, version: int, *cards: tuple[str, str | None], kind: str = "Full") -> str:
    """SendLocalList: the status. A card with None leaves the list."""
    rows: list[dict[str, Any]] = [
        {"id_tag": card} if status is None else {"id_tag": card, "id_tag_info": {"status": status}}
        for card, status in cards
    ]
    request = call.SendLocalList(list_version=version, update_type=kind, local_authorization_list=rows)
    return await backend.status_of(request)


async def version(backend: ScriptedBackend) -> int:
    """GetLocalListVersion."""
    return int((await backend.call(call.GetLocalListVersion()))["list_version"])


def asked(backend: ScriptedBackend) -> int:
    """How many cards it was asked about."""
    return len(backend.ledger.calls("Authorize"))


@pytest.mark.rule("ocpp16.U02")
@pytest.mark.rule("ocpp16.U01")
def test_a_listed_card_charges_without_being_asked_about_where_that_is_allowed(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await send(rig.primary, 1, (CARD.lower(), "Accepted")) == "Accepted"
        await begin(rig)
        assert asked(rig.primary) == 1  # LocalPreAuthorize is off
        await end(rig)
        assert await rig.primary.change_configuration("LocalPreAuthorize", "true") == "Accepted"
        await begin(rig)
        assert asked(rig.primary) == 1
        await end(rig, sessions=2)
        assert await version(rig.primary) == 1

    play(tmp_path, story, offline_cards=frozenset({CARD.casefold()}))


@pytest.mark.rule("ocpp16.X60")
@pytest.mark.rule("ocpp16.U05")
def test_offline_the_list_decides_and_a_blocked_card_is_refused_though_unknown_ones_are_not(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.primary.change_configuration("AllowOfflineTxForUnknownId", "true") == "Accepted"
        assert await send(rig.primary, 1, (CARD, "Accepted"), (OTHER_CARD, "Blocked")) == "Accepted"
        await rig.primary.stop()
        await rig.power_cut()  # the list survives it
        await wait(20)
        rig.plug()
        await wait(5)
        rig.card(OTHER_CARD)
        await wait(15)
        assert not rig.closed()
        rig.card(CARD)
        await wait(15)
        assert rig.closed()
        await rig.primary.start()
        await end(rig)

    play(tmp_path, story, offline_cards=frozenset({CARD.casefold()}))


@pytest.mark.rule("product.P6")
@pytest.mark.rule("ocpp16.U24")
def test_only_the_billing_upstream_has_a_list(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await send(rig.management, 1, (OTHER_CARD, "Accepted")) == "NotSupported"
        assert await version(rig.management) == -1
        features, _ = await rig.management.get_configuration("SupportedFeatureProfiles", "LocalAuthListEnabled")
        assert features == {"SupportedFeatureProfiles": ("Core,FirmwareManagement,SmartCharging,RemoteTrigger", True)}
        features, _ = await rig.primary.get_configuration("SupportedFeatureProfiles")
        assert features == {
            "SupportedFeatureProfiles": (
                "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
                True,
            )
        }
        assert await version(rig.primary) == 0

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.U21")
@pytest.mark.rule("ocpp16.U22")
@pytest.mark.rule("ocpp16.U24")
def test_versions_and_a_list_that_is_switched_off(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        operator = rig.management
        assert await send(operator, 5, (CARD, "Accepted")) == "Accepted"
        assert await send(operator, 5, (OTHER_CARD, "Accepted"), kind="Differential") == "VersionMismatch"
        assert await send(operator, 6, (OTHER_CARD, "Accepted"), kind="Differential") == "Accepted"
        assert await send(operator, 7, ("A", "Accepted"), ("a", "Accepted")) == "Failed"
        assert await version(operator) == 6
        assert await operator.change_configuration("LocalAuthListEnabled", "false") == "Accepted"
        assert await version(operator) == -1
        assert await send(operator, 8, (CARD, "Accepted")) == "NotSupported"
        with pytest.raises(OCPPError):
            await operator.call(call.SendLocalList(list_version="x", update_type="Full"))

    play(tmp_path, story, RigOptions(primary=False))


@pytest.mark.rule("ocpp16.U06")
@pytest.mark.rule("ocpp16.U07")
def test_an_answer_against_the_list_is_told_as_a_conflict_of_the_station(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await send(rig.primary, 1, (CARD, "Blocked")) == "Accepted"
        await begin(rig)  # online the operator's word counts
        await rig.until(lambda: rig.primary.ledger.statuses(0)[-1].error_code == "LocalListConflict", within_s=5)
        assert rig.primary.ledger.statuses(0)[-1].status == "Available"
        assert await send(rig.primary, 2, (CARD, "Accepted"), kind="Differential") == "Accepted"
        await rig.until(lambda: rig.primary.ledger.statuses(0)[-1].error_code == "NoError", within_s=5)
        await end(rig)

    play(tmp_path, story)
