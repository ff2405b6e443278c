"""Management changes the operators by messages of its own, and an upstream moves its own URL: staged, then in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from agent.settings import files
from agent.settings.locations import Locations
from agent.settings.settings import Settings
from tests.rig.backend import ScriptedBackend
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import wait


class Filed(StationRig):
    """A station whose settings lie on the disk, as in the field; the primary is there, and nobody knows of it yet."""

    def settings(self) -> Settings:
        """What the agent starts with: what is staged in one boot applies in the next."""
        run = self._folder / "run"
        run.mkdir(exist_ok=True)
        (run / "factory.toml").write_text(self.options.factory(self._url("management")))
        locations = Locations(str(run / "factory.toml"), str(run / "settings"), str(self.store.folder), str(run))
        return files.load(locations, f"boot{self.boot}")


async def ask(backend: ScriptedBackend, message: str, **data: Any) -> tuple[str, dict[str, Any]]:
    """Status and data of a message of ours."""
    request = call.DataTransfer(vendor_id="stationd", message_id=message, data=json.dumps(data))
    answer = await backend.call(request)
    return answer["status"], json.loads(answer.get("data") or "{}")


@pytest.mark.rule("product.A13")
@pytest.mark.rule("product.P2")
@pytest.mark.rule("two-upstreams.RC07")
def test_management_sets_and_removes_the_primary_and_nobody_else_may(tmp_path: Path) -> None:
    async def story() -> None:
        async with Filed(tmp_path, RigOptions(primary=False)) as rig, rig.primary as primary:
            management = rig.management
            await rig.ready()
            place = {"url": primary.url, "identity": "CP1", "name": "Operator"}
            status, data = await ask(management, "SetPrimary", **place)
            assert (status, data["status"]) == ("Accepted", "RebootRequired")
            assert data["pending"]["primary"] == primary.url
            assert data["pending"]["changes"][0]["by"] == "management"
            shown, _ = await management.get_configuration("stationd.BillingUpstream", "stationd.PendingChange")
            assert shown["stationd.BillingUpstream"] == ("management", True)
            assert primary.url in str(shown["stationd.PendingChange"])
            status, data = await ask(management, "SetPrimary", **place)
            assert (status, data["problems"][0]["field"]) == ("Rejected", "primary")
            await wait(30)
            assert primary.connections == 0, "it is staged and nothing more"

            assert await management.reset("Hard") == "Accepted"
            await rig.restarted()
            await rig.until(lambda: primary.ledger.status(1), within_s=60, what="statuses at the primary")
            status, data = await ask(management, "ListUpstreams")
            roles = {one["id"]: (one["kind"], one["role"]) for one in data["upstreams"]}
            assert roles == {"management": ("management", "data_and_control"), "primary-1": ("primary", "billing")}
            for message in ("ListUpstreams", "RemovePrimary", "Nonsense"):
                assert await ask(primary, message) == ("UnknownVendorId", {})
            shown, unknown = await primary.get_configuration("stationd.BillingUpstream")
            assert (shown, unknown) == ({}, ["stationd.BillingUpstream"])

            status, data = await ask(management, "RemovePrimary", word="yes")
            assert (status, data["problems"][0]["field"]) == ("Rejected", "word")
            assert (await ask(management, "Nonsense"))[0] == "UnknownMessageId"
            assert (await ask(management, "RemovePrimary", word="delete"))[1]["status"] == "RebootRequired"
            before = primary.connections
            await rig.power_cut(off_s=1)
            await rig.until(lambda: management.connected.is_set(), within_s=60)
            await wait(60)
            assert primary.connections == before, "it is owed nothing, so it is not dialled again"
            shown, _ = await management.get_configuration("stationd.BillingUpstream", "stationd.PendingChange")
            assert shown == {"stationd.BillingUpstream": ("management", True), "stationd.PendingChange": ("", True)}

    run_virtual(story(), real_limit_s=60)


@pytest.mark.rule("product.A4")
@pytest.mark.rule("product.A5")
@pytest.mark.rule("product.A13")
def test_a_backoffice_is_set_by_the_name_that_management_has_pushed_and_stays_known(tmp_path: Path) -> None:
    async def story() -> None:
        async with Filed(tmp_path, RigOptions(primary=False)) as rig, rig.primary as primary:
            management = rig.management
            await rig.ready()
            assert (await ask(management, "PutCatalogueEntry", name="City Power", url=primary.url))[0] == "Accepted"
            status, data = await ask(management, "SetPrimary", url="Nowhere", identity="CP1")
            assert (status, data["problems"][0]["field"]) == ("Rejected", "url")
            assert "City Power" in data["problems"][0]["fix"]
            status, data = await ask(management, "SetPrimary", url="city power", identity="CP1")
            assert data["pending"]["primary"] == primary.url
            assert (await ask(management, "DiscardPending"))[1] == {"status": "Accepted"}
            assert (await ask(management, "SetPrimary", url="city power", identity="CP1"))[0] == "Accepted"
            await rig.power_cut(off_s=1)
            await rig.until(lambda: primary.ledger.status(1), within_s=60)
            await ask(management, "RemovePrimary", word="delete")
            await ask(management, "RemoveCatalogueEntry", name="City Power")
            await rig.power_cut(off_s=1)
            await rig.until(lambda: management.connected.is_set(), within_s=60)
            await wait(5)
            status, data = await ask(management, "ListCatalogue")
            assert data["catalogue"] == [{"name": "City Power", "url": primary.url, "source": "station"}]

    run_virtual(story(), real_limit_s=60)


@pytest.mark.rule("product.N10")
@pytest.mark.rule("two-upstreams.RC09")
@pytest.mark.parametrize("accepts", [True, False])
def test_an_upstream_moves_its_own_url_and_is_found_at_the_old_one_if_the_new_never_accepts(
    tmp_path: Path, accepts: bool
) -> None:
    async def story() -> None:
        async with (
            Filed(tmp_path, RigOptions(primary=False)) as rig,
            ScriptedBackend("new", first_transaction_id=9000) as new,
        ):
            old = rig.management
            await rig.ready()
            if not accepts:
                new.script.http_status = 404
            assert await old.change_configuration("stationd.OwnUrl", "wss://new.example/ocpp") == "Rejected"
            assert await old.change_configuration("stationd.OwnUrl", new.url) == "RebootRequired"
            await wait(30)
            assert new.handshakes == []
            await rig.power_cut(off_s=1)
            if accepts:
                await moved(rig, new)
            else:
                await moved_back(rig, new)

    async def moved(rig: Filed, new: ScriptedBackend) -> None:
        await rig.until(lambda: new.ledger.status(1), within_s=60, what="statuses at the new URL")
        await wait(1000)
        shown, _ = await new.get_configuration("stationd.OwnUrl")
        assert shown == {"stationd.OwnUrl": (new.url, False)}
        connections = rig.management.connections
        await rig.power_cut(off_s=1)
        await rig.until(lambda: new.connected.is_set(), within_s=60)
        await wait(1000)
        assert rig.management.connections == connections, "the old one is forgotten"

    async def moved_back(rig: Filed, new: ScriptedBackend) -> None:
        old = rig.management
        await wait(800)
        assert len(new.handshakes) > 3
        assert not old.connected.is_set()
        await rig.until(lambda: old.connected.is_set(), within_s=300, what="the old URL is dialled again")
        await wait(30)
        told = [one.payload["type"] for one in old.ledger.calls("SecurityEventNotification")]
        assert "stationd.OwnUrlAbandoned" in told
        tries = len(new.handshakes)
        await rig.power_cut(off_s=1)
        await rig.until(lambda: old.connected.is_set(), within_s=60)
        await wait(60)
        assert len(new.handshakes) == tries

    run_virtual(story(), real_limit_s=60)
