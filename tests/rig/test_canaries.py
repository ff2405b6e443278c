"""What is private to one backend is found on another one's wire and in the log, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from tests.rig.canaries import leaks
from tests.rig.ledger import RECEIVED, SENT, Ledger
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import play

pytestmark = pytest.mark.rule("security.ATK-28")

PRIVATE: list[tuple[str, dict[str, Any], str]] = [
    ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "00112233445566778899"}, "00112233445566778899"),
    ("DataTransfer", {"vendorId": "x", "data": 'said "in" private'}, 'said "in" private'),
    ("SendLocalList", {"listVersion": 1, "localAuthorizationList": [{"idTag": "NEVERSHOWN"}]}, "NEVERSHOWN"),
    ("GetDiagnostics", {"location": "ftp://user:word@files/"}, "ftp://user:word@files/"),
    ("GetLog", {"logType": "SecurityLog", "log": {"remoteLocation": "https://files/one"}}, "https://files/one"),
    ("InstallCertificate", {"certificate": "-" * 100 + "MIIBcertificate" * 4}, "MIIBcertificate" * 4),
]


@dataclass
class Party:
    name: str
    password: bytes | None = None
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.name)


@dataclass
class Life:
    log: str = ""


@dataclass
class Scene:
    backends: list[Party] = field(default_factory=lambda: [Party("management"), Party("primary")])
    lives: list[Life] = field(default_factory=lambda: [Life()])


@pytest.mark.parametrize(("action", "payload", "canary"), PRIVATE, ids=[action for action, _, _ in PRIVATE])
def test_what_crosses_is_found(action: str, payload: dict[str, Any], canary: str) -> None:
    scene = Scene()
    management, primary = scene.backends
    primary.ledger.add(1, SENT, json.dumps([2, "1", action, payload]))
    management.ledger.add(3, RECEIVED, json.dumps([2, "2", "DataTransfer", {"data": "nothing"}]))
    assert leaks(scene) == []
    management.ledger.add(4, RECEIVED, json.dumps([2, "3", "DataTransfer", {"data": f"it said {canary}"}]))
    assert ["was sent to management" in leak for leak in leaks(scene)] == [True]
    assert canary not in str(leaks(scene))
    scene.lives[0].log = f"so it said {json.dumps(canary)[1:-1]}"
    assert len(leaks(scene)) == 2


def test_a_card_of_a_list_may_be_told_once_it_was_shown_here() -> None:
    scene = Scene()
    management, primary = scene.backends
    primary.ledger.add(1, SENT, json.dumps([2, "1", *PRIVATE[2][:2]]))
    started = json.dumps([2, "2", "StartTransaction", {"idTag": "NEVERSHOWN"}])
    management.ledger.add(2, RECEIVED, started)
    assert len(leaks(scene)) == 1
    primary.ledger.add(2, RECEIVED, started)
    assert leaks(scene) == []


def test_a_password_and_a_parent_are_private_as_well() -> None:
    scene = Scene()
    management, primary = scene.backends
    primary.password = b"correct horse"
    primary.ledger.add(1, SENT, json.dumps([3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": "PARENT7"}}]))
    assert leaks(scene) == []
    management.ledger.add(2, RECEIVED, json.dumps([2, "2", "DataTransfer", {"data": "correct horse, PARENT7"}]))
    assert len(leaks(scene)) == 2


@pytest.mark.rule("INV-8")
def test_nothing_of_what_one_backend_entrusts_to_the_station_crosses(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for backend in rig.backends:
            text = f"canary of {backend.name}"
            await backend.change_configuration("AuthorizationKey", text.encode().hex())
            await backend.call(call.DataTransfer(vendor_id="rig", data=text))
            cards = [{"id_tag": f"NO{backend.name}"[:20], "id_tag_info": {"status": "Accepted"}}]
            await backend.call(call.SendLocalList(list_version=5, update_type="Full", local_authorization_list=cards))
            await backend.get_diagnostics(f"http://{backend.name}:word@files.example/")
            await backend.get_log(f"http://{backend.name}:word@files.example/")
            backend.script.parents["04A1B2C3D4E5F6"] = f"PARENT{backend.name}"[:20]
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("Charging")
        rig.unplug()
        await rig.until_delivered(1)
        for backend in rig.backends:
            await backend.get_configuration()
        assert leaks(rig) == []
        rig.management.ledger.add(1, RECEIVED, json.dumps([2, "x", "DataTransfer", {"data": "PARENTprimary"}]))
        assert leaks(rig) == ["the parent of a card of primary was sent to management"]
        rig.management.ledger.frames.pop()

    play(tmp_path, story)


def test_a_rig_asks_for_leaks_when_it_ends(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await rig.primary.call(call.DataTransfer(vendor_id="rig", data="a private word"))
        rig.management.ledger.add(1, RECEIVED, json.dumps([2, "x", "DataTransfer", {"data": "a private word"}]))

    with pytest.raises(AssertionError, match="the private message of primary was sent to management"):
        play(tmp_path, story)
