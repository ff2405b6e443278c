"""What stations often get wrong on the wire: ids, calls that cross, schemas, and answers to what they do not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from tests.fuzz.schemas import request
from tests.rig.ledger import RECEIVED
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import back, begin, end, play, wait

EVERYTHING = {
    "MeterValueSampleInterval": 5,
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage",
    "StopTxnSampledData": "Energy.Active.Import.Register",
}


async def asked(rig: StationRig, action: str, payload: dict[str, Any]) -> list[Any]:
    """The answer to a call of the primary, as it crossed the wire."""
    message_id = f"asked-{len(rig.primary.ledger.frames)}"
    await rig.primary.send_text(json.dumps([2, message_id, action, payload]))
    answers = rig.primary.ledger.answers
    await rig.until(lambda: answers(message_id, RECEIVED), within_s=10, what=f"an answer to {action}")
    (answer,) = answers(message_id, RECEIVED)
    return list(json.loads(answer.text))


@pytest.mark.rule("ocpp16.M8")
def test_one_call_is_under_way_at_a_time_and_calls_of_the_peer_are_answered_meanwhile(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.always["StartTransaction"] = rig.primary.script.always["MeterValues"] = Delayed(3)
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until(lambda: rig.primary.ledger.calls("StartTransaction"), within_s=20, what="the start")
        began_s = rig.primary.time_s()
        known, _ = await rig.primary.get_configuration("HeartbeatInterval")
        assert known
        assert rig.primary.time_s() - began_s < 0.5  # while its own call waits
        await rig.until_status("Charging")
        await wait(12)
        await end(rig)
        waiting: str | None = None
        for frame in rig.primary.ledger.frames:
            if frame.direction == RECEIVED and frame.is_call:
                assert waiting is None, f"{frame.action} while {waiting} waits"
                waiting = frame.message_id
            elif not frame.is_call and frame.message_id == waiting:
                waiting = None

    play(tmp_path, story, RigOptions(primary_keys={"MeterValueSampleInterval": 5}))


@pytest.mark.rule("ocpp16.M9")
def test_no_message_id_is_used_for_two_messages_over_reconnects_and_restarts(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.cutters["primary"].cut()
        await wait(20)
        await back(rig, rig.kill())
        await back(rig, rig.power_cut())
        await begin(rig)
        await end(rig)
        for backend in rig.backends:
            assert backend.ledger.contradictions() == []  # what comes again under its id is the same to the byte
            assert {UUID(call.message_id).version for call in backend.ledger.calls()} == {4}
            assert {call.connection for call in backend.ledger.calls()} > {1}

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M13")
def test_everything_that_is_said_in_a_session_fits_its_schema_to_the_letter(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(12)
        rig.fault("residual_current")
        await wait(5)
        rig.fault("residual_current", False)
        await rig.until_delivered(1)
        rig.unplug()
        await wait(310)  # a heartbeat
        said = rig.primary.ledger.calls()
        wanted = {"BootNotification", "StatusNotification", "Authorize", "StartTransaction", "MeterValues"}
        assert wanted | {"StopTransaction", "Heartbeat"} <= {call.action for call in said}
        for call in said:
            jsonschema.Draft7Validator(request(call.action)).validate(call.payload)
            assert "Celsius" not in call.text

    play(tmp_path, story, RigOptions(primary_keys=EVERYTHING))


@pytest.mark.rule("ocpp16.M19")
def test_configuration_is_answered_in_the_words_of_the_standard(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        change = rig.primary.change_configuration
        assert await change("NumberOfConnectors", "3") == "Rejected"  # known, and not to be written
        assert await change("NoSuchKey", "1") == "NotSupported"
        assert await change("HeartbeatInterval", "900") == "Accepted"  # at once, with no reboot
        assert await change("LocalPreAuthorize", "TRUE") == "Accepted"
        assert await change("LocalPreAuthorize", "1") == "Rejected"
        assert await change("MeterValueSampleInterval", "-1") == "Rejected"
        known, unknown = await rig.primary.get_configuration("LocalPreAuthorize", "NoSuchKey", "heartbeatinterval")
        assert known == {"LocalPreAuthorize": ("true", False), "HeartbeatInterval": ("900", False)}
        assert unknown == ["NoSuchKey"]

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M20")
def test_an_action_that_nobody_knows_and_one_that_we_lack_each_get_their_answer(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert (await asked(rig, "MakeCoffee", {}))[2] == "NotImplemented"
        assert (await asked(rig, "UpdateFirmware", UPDATE))[2] == "NotSupported"
        assert (await asked(rig, "Reset", {"type": "Warm"}))[2] == "PropertyConstraintViolation"
        assert (await asked(rig, "DataTransfer", {"vendorId": "example.vendor"}))[2] == {"status": "UnknownVendorId"}

    play(tmp_path, story, RigOptions(firmware='legacy = "never"'))


UPDATE = {"location": "https://files.example/", "retrieveDate": "2026-01-01T00:00:00Z"}
"""Firmware comes by other ways than a backend."""
