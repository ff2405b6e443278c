"""Backends that nobody here wrote serve the real agent: two sessions, commands, a reset; nobody finds fault with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from agent.settings.settings import UpstreamRequest
from agent.vocabulary.ids import Secret
from tests.peers.ocpp_rpc_backend import INSTALLED, OcppRpcBackend, needs_node
from tests.peers.package_backend import PackageBackend
from tests.peers.peer import IDENTITY, PASSWORD, Peer
from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions
from tests.rig.source_tree import ROOT
from tests.rig.virtual_time import until
from tests.scenarios.real_house import RealHouse

pytestmark = [pytest.mark.rung3]

FIRST_CARD, SECOND_CARD = "04A1B2C3D4E501", "04A1B2C3D4E502"
KEYS = {"MeterValueSampleInterval": 1}
SAMPLES = 2
LOCKED = Limits(margin_s=3.0, unlock_s=40.0, fault_s=1.0)


class PeerHouse(RealHouse):
    """A station of real processes whose primary is somebody else's backend, behind a password."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(RigOptions(management_keys=KEYS, primary_keys=KEYS))
        self.peer = peer
        self.primary = peer
        self.backends = (self.management, peer)

    def primary_request(self) -> UpstreamRequest:
        """How the installer sets it."""
        return UpstreamRequest(self.peer.url, IDENTITY, security=1, password=Secret(PASSWORD), name="Primary")


async def charge(house: PeerHouse, card: str, sessions: int) -> int:
    """A car and a card come, power flows, samples are told; the transaction id that the peer gave."""
    ledger = house.peer.ledger
    await house.plug()
    await house.card(card)
    await house.until(house.closed, 15, "charging")
    await house.until(lambda: len(ledger.starts()) == sessions and ledger.starts()[-1].foreign_id, 10, "the start")
    foreign_id = ledger.starts()[-1].foreign_id
    assert foreign_id is not None
    await house.until(lambda: len(ledger.meter_values(foreign_id)) >= SAMPLES, 10, "samples")
    return foreign_id


async def leave(house: PeerHouse, sessions: int) -> None:
    """The session has ended at both backends; the car goes."""
    await house.until(house.open, 10, "open")
    await house.until(house.delivered, 15, "delivered")
    assert [len(backend.ledger.stops()) for backend in house.backends] == [sessions, sessions]
    await house.unplug()
    await house.until(lambda: house.peer.ledger.status(1) == "Available", 15, "free again")


async def configure(house: PeerHouse) -> None:
    """Keys are read, written and read back."""
    every = (await house.peer.ask("GetConfiguration"))["configurationKey"]
    assert {"HeartbeatInterval", "NumberOfConnectors", "SupportedFeatureProfiles"} <= {row["key"] for row in every}
    key = "ConnectionTimeOut"
    assert await house.peer.ask("ChangeConfiguration", key=key, value="45") == {"status": "Accepted"}
    assert await house.peer.ask("GetConfiguration", key=[key, "Nonsense"]) == {
        "configurationKey": [{"key": key, "readonly": False, "value": "45"}],
        "unknownKey": ["Nonsense"],
    }


async def reset(house: PeerHouse) -> None:
    """The agent starts again and tells it."""
    boots, statuses = (len(house.peer.ledger.calls(action)) for action in ("BootNotification", "StatusNotification"))
    assert await house.peer.ask("Reset", type="Soft") == {"status": "Accepted"}
    await house.until(lambda: len(house.peer.ledger.calls("BootNotification")) == boots + 1, 15, "a new boot")
    told = statuses + 2
    await house.until(lambda: len(house.peer.ledger.calls("StatusNotification")) >= told, 15, "its statuses")
    await house.until(lambda: len(house.connected) == 2, 15, "both backends connected")


async def two_sessions(house: PeerHouse) -> None:
    """The story, with a reset between the sessions."""
    await house.ready()
    foreign_id = await charge(house, FIRST_CARD, sessions=1)
    assert await house.peer.ask("RemoteStopTransaction", transactionId=foreign_id) == {"status": "Accepted"}
    await leave(house, sessions=1)
    await configure(house)
    await reset(house)
    foreign_id = await charge(house, SECOND_CARD, sessions=2)
    assert await house.peer.ask("RemoteStopTransaction", transactionId=foreign_id) == {"status": "Accepted"}
    await leave(house, sessions=2)


async def serve(make: Callable[[str], Peer]) -> None:
    """One peer serves the story, and everything that was said is looked at."""
    async with PeerHouse(make("primary")) as house:
        await two_sessions(house)
        assert house.peer.complaints == []
        assert house.management.complaints == []
        assert [backend.ledger.errors() for backend in house.backends] == [[], []]
        assert [stop.reason for stop in house.peer.ledger.stops()] == ["Remote", "Remote"]
        assert [start.id_tag for start in house.peer.ledger.starts()] == [FIRST_CARD, SECOND_CARD]
        await house.check(LOCKED)


def test_the_ocpp_rpc_package_in_strict_mode_serves_two_sessions() -> None:
    needs_node()
    asyncio.run(serve(OcppRpcBackend))


def test_the_central_system_of_the_ocpp_package_serves_two_sessions() -> None:
    asyncio.run(serve(PackageBackend))


def test_ocpp_rpc_complains_of_what_its_schemas_forbid() -> None:
    """Strictness is not merely hoped for: a frame with an extra field is a complaint."""
    needs_node()

    async def main() -> None:
        async with OcppRpcBackend("primary") as peer:
            url = peer.url.replace("//", f"//{IDENTITY}:{PASSWORD.replace(':', '%3A')}@")
            async with connect(f"{url}/{IDENTITY}", subprotocols=[Subprotocol("ocpp1.6")]) as station:
                await station.send(json.dumps([2, "1", "Heartbeat", {"extra": 1}]))
                assert json.loads(await station.recv())[:2] == [4, "1"]
                await until(lambda: len(peer.complaints) == 2, within_s=5)
        assert peer.complaints[0].startswith("strictValidationFailure: their Heartbeat request")

    asyncio.run(main())


def test_the_pinned_packages_name_no_registry() -> None:
    assert "resolved" not in (ROOT / "tests/peers/package-lock.json").read_text(encoding="utf-8")
    assert INSTALLED.name in (ROOT / ".gitignore").read_text(encoding="utf-8")
