"""Certification, Security: passwords, and the security profile that is raised and never lowered."""

from __future__ import annotations

import base64
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.certification.messages import status, stop
from tests.certification.security import (
    CENTRAL_SYSTEM,
    PASSWORD,
    Secured,
    certified,
    examine_secured,
    reconnected,
)
from tests.certification.tool import Tool, examine_from_boot
from tests.rig.station_rig import StationRig

NEW_PASSWORD = "4F43415F4F4354545F61646D696E5F74657374"
NEW_KEY = b"OCA_OCTT_admin_test"
with_password = pytest.mark.parametrize("profile", [1, 2])


def basic(key: bytes) -> str:
    """The header for this key."""
    return "Basic " + base64.b64encode(b"CP1:" + key).decode()


@with_password
@pytest.mark.certification("TC_073_CS")
@pytest.mark.rule("ocpp16.Z10")
def test_tc_073_a_new_password_is_used_at_once_and_from_then_on(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        tool.backend.password = NEW_KEY  # from the next handshake on
        await tool.ask(tool.backend.change_configuration("AuthorizationKey", NEW_PASSWORD), "Accepted")
        await reconnected(tool, 2)
        assert [one.authorization for one in tool.backend.handshakes_in_full] == [
            basic(PASSWORD.encode()),
            basic(NEW_KEY),
        ]
        known, unknown = await tool.backend.get_configuration("AuthorizationKey")
        assert unknown or known["AuthorizationKey"][0] is None
        await tool.expect_nothing()
        tool.backend.drop()
        await reconnected(tool, 3)
        assert tool.backend.handshakes_in_full[-1].authorization == basic(NEW_KEY)

    examine_secured(tmp_path, profile, script)


@with_password
@pytest.mark.certification("TC_073_CS")
@pytest.mark.rule("ocpp16.Z10")
def test_tc_073_a_new_password_costs_a_transaction_nothing(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        await tool.configure({"MeterValueSampleInterval": "5"})
        transaction = await tool.charge()
        tool.backend.password = b"nobody knows this"
        await tool.ask(tool.backend.change_configuration("AuthorizationKey", NEW_PASSWORD), "Accepted")
        await tool.wait(30)
        assert not tool.backend.connected.is_set()
        assert tool.rig.closed()
        tool.backend.password = NEW_KEY
        await reconnected(tool, 2, within_s=600)
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        times = [datetime.fromisoformat(value.timestamp) for value in tool.backend.ledger.meter_values(transaction)]
        assert {round((later - earlier).total_seconds()) for earlier, later in pairwise(times)} == {5}
        await tool.leave()

    examine_secured(tmp_path, profile, script)


@pytest.mark.parametrize("profile", [0, 1, 2])
@pytest.mark.certification("TC_083_CS")
@pytest.mark.rule("ocpp16.Z12")
def test_tc_083_the_security_profile_is_raised_and_used_at_once(tmp_path: Path, profile: int) -> None:
    higher = profile + 1

    async def script(tool: Tool, secured: Secured) -> None:
        await prepared_for(higher, tool, secured)
        changed = await tool.backend.change_configuration("SecurityProfile", str(higher))
        assert changed in ("Accepted", "RebootRequired")
        await tool.backend.stop()
        secured.prepare(tool.rig, higher)
        await tool.backend.start()
        links = tool.backend.connections
        await reconnected(tool, links + 1, within_s=120)
        last = tool.backend.handshakes_in_full[-1]
        assert bool(last.tls_version) == (higher >= 2)
        assert (last.authorization is not None) == (higher in (1, 2))
        assert bool(last.certificate) == (higher == 3)
        known, _ = await tool.backend.get_configuration("SecurityProfile")
        assert known["SecurityProfile"][0] == str(higher)

    examine_secured(tmp_path, profile, script)


async def prepared_for(profile: int, tool: Tool, secured: Secured) -> None:
    """The station gets what a profile needs above the one before."""
    if profile == 1:
        await tool.ask(tool.backend.change_configuration("AuthorizationKey", PASSWORD), "Accepted")
    elif profile == 2:
        await tool.ask(tool.backend.install_certificate(CENTRAL_SYSTEM, secured.root.pem), "Accepted")
    else:
        await certified(tool, secured)


@pytest.mark.parametrize("profile", [1, 2, 3])
@pytest.mark.certification("TC_084_CS")
@pytest.mark.rule("ocpp16.Z01")
@pytest.mark.rule("ocpp16.Z12")
def test_tc_084_the_security_profile_is_never_lowered(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        for lower in range(profile + 1):
            await tool.ask(tool.backend.change_configuration("SecurityProfile", str(lower)), "Rejected")
        known, _ = await tool.backend.get_configuration("SecurityProfile")
        assert known["SecurityProfile"][0] == str(profile)
        await tool.expect_nothing()
        assert tool.backend.connections == 1

    examine_secured(tmp_path, profile, script)


@with_password
@pytest.mark.parametrize("password", [PASSWORD, NEW_PASSWORD + "ff"])
@pytest.mark.certification("TC_085_CS")
def test_tc_085_the_header_holds_identity_and_password(tmp_path: Path, profile: int, password: str) -> None:
    key = PASSWORD.encode() if password == PASSWORD else bytes.fromhex(password)
    secured = Secured.make(tmp_path)

    async def script(tool: Tool) -> None:
        await tool.boot()
        (only,) = tool.backend.handshakes_in_full
        kind, _, text = str(only.authorization).partition(" ")
        assert kind == "Basic"
        user, _, sent = base64.b64decode(text, validate=True).partition(b":")
        assert (user, sent) == (b"CP1", key)
        tool.backend.drop()
        await reconnected(tool, 2)
        assert tool.backend.handshakes_in_full[-1].authorization == only.authorization

    def prepare(rig: StationRig) -> None:
        secured.prepare(rig, profile)
        rig.management.password = key

    examine_from_boot(tmp_path, script, secured.options(profile, password=password), prepare)
