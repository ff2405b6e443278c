"""The scripted backend: it answers as told, keeps every frame, and survives what the package does not."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections import deque
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.rig.backend import ScriptedBackend
from tests.rig.certificates import client_context, make_authority, server_context
from tests.rig.script import Delayed, Fails, HangsUp, Says, Script, Silent
from tests.rig.virtual_time import now_s, run_virtual

START = {"connectorId": 1, "idTag": "04A1", "meterStart": 1000, "timestamp": "2026-01-01T00:00:10.000Z"}
STOP = {"transactionId": 2000, "meterStop": 1500, "timestamp": "2026-01-01T01:00:10.000Z", "reason": "Remote"}
METER_VALUES = {
    "connectorId": 1,
    "transactionId": 2000,
    "meterValue": [
        {
            "timestamp": "2026-01-01T00:30:00.000Z",
            "sampledValue": [{"value": "1.25", "unit": "kWh"}, {"value": "9", "phase": "L2"}],
        }
    ],
}


class Station:
    """A byte-level station: frames in, frames out."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def ask(self, action: str, payload: Any, message_id: str = "", within_s: float = 5) -> Any:
        await self.link.send(json.dumps([2, message_id or str(uuid.uuid4()), action, payload]))
        return json.loads(await asyncio.wait_for(self.link.recv(), within_s))


async def station(backend: ScriptedBackend, **options: Any) -> Station:
    options.setdefault("subprotocols", ["ocpp1.6"])
    link = await connect(f"{backend.url}/CP1", compression=None, ping_interval=None, proxy=None, **options)
    return Station(link)


def primary(**options: Any) -> ScriptedBackend:
    return ScriptedBackend("primary", first_transaction_id=2000, **options)


def test_a_session_fills_the_ledger() -> None:
    async def main() -> None:
        async with primary(script=Script(cards={"04a1": "Accepted", "DEAD": "Blocked"})) as backend:
            cp = await station(backend)
            boot = await cp.ask("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            assert boot[2]["status"] == "Accepted"
            assert boot[2]["currentTime"].startswith("2026-01-01T00:00:0")
            assert (await cp.ask("Authorize", {"idTag": "04A1"}))[2]["idTagInfo"]["status"] == "Accepted"
            assert (await cp.ask("Authorize", {"idTag": "dead"}))[2]["idTagInfo"]["status"] == "Blocked"
            start = await cp.ask("StartTransaction", START, "m1")
            again = await cp.ask("StartTransaction", START, "m1")
            assert start[2]["transactionId"] == again[2]["transactionId"] == 2000
            await cp.ask("MeterValues", METER_VALUES)
            status = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
            assert (await cp.ask("StatusNotification", status))[2] == {}
            assert (await cp.ask("StopTransaction", STOP))[0] == 3
            await cp.link.close()

        ledger = backend.ledger
        assert [(s.foreign_id, s.meter_start_wh, s.id_tag) for s in ledger.starts()] == [(2000, 1000, "04A1")]
        assert ledger.resends() == ledger.resends("StartTransaction") == 1
        assert [(s.foreign_id, s.meter_stop_wh, s.reason, s.answered) for s in ledger.stops()] == [
            (2000, 1500, "Remote", True)
        ]
        assert [v.energy_wh for v in ledger.meter_values(2000)] == [1250.0]
        assert ledger.status(1) == "Charging"
        assert not ledger.errors()
        assert not ledger.contradictions()
        assert not backend.complaints

    run_virtual(main())


def test_same_id_with_other_bytes_is_a_contradiction() -> None:
    async def main() -> None:
        async with primary(script=Script(remembers=False)) as backend:
            cp = await station(backend)
            await cp.ask("StartTransaction", START, "m1")
            await cp.ask("StartTransaction", {**START, "meterStart": 1001}, "m1")
            await cp.link.close()
        assert len(backend.ledger.contradictions()) == 2
        assert backend.ledger.foreign_ids("m1") == [2000, 2001]

    run_virtual(main())


def test_moods() -> None:
    async def main() -> None:
        async with primary(script=Script(boot=deque(["Pending", "Rejected"]))) as backend:
            cp = await station(backend)
            boot = {"chargePointVendor": "V", "chargePointModel": "M"}
            answers = [(await cp.ask("BootNotification", boot))[2]["status"] for _ in range(3)]
            assert answers == ["Pending", "Rejected", "Accepted"]
            backend.script.next_time("Heartbeat", Fails("GenericError"), Says({"odd": 1}), Delayed(25), Silent())
            assert (await cp.ask("Heartbeat", {}))[:3:2] == [4, "GenericError"]
            assert (await cp.ask("Heartbeat", {}))[2] == {"odd": 1}
            began_s = now_s()
            assert "currentTime" in (await cp.ask("Heartbeat", {}, within_s=30))[2]
            assert now_s() - began_s == pytest.approx(25, abs=0.01)
            with pytest.raises(TimeoutError):
                await cp.ask("Heartbeat", {}, within_s=100)
            backend.script.next_time("Heartbeat", HangsUp())
            with pytest.raises(ConnectionClosed):
                await cp.ask("Heartbeat", {})
            await cp.link.close()

    run_virtual(main())


def test_bad_frames_leave_the_desk_alive() -> None:
    async def main() -> None:
        async with primary() as backend:
            cp = await station(backend)
            for text in ('[2,"a",[],{}]', "[" * 3000, "{}", '[2,"x","NoSuchAction",{}]', '[2,"y","Heartbeat",{"a":1}]'):
                await cp.link.send(text)
            refused = [json.loads(await cp.link.recv())[1] for _ in range(2)]
            assert refused == ["x", "y"]
            assert (await cp.ask("Heartbeat", {}))[0] == 3
            await cp.link.close()
        assert len(backend.ledger.errors()) == 2

    run_virtual(main())


def test_commands_reach_the_station() -> None:
    async def main() -> None:
        async with primary(call_timeout_s=5) as backend:
            cp = await station(backend)

            async def answer(payload: dict[str, Any]) -> None:
                message = json.loads(await cp.link.recv())
                await cp.link.send(json.dumps([3, message[1], payload]))

            for ask, name in (
                (backend.remote_start("04A1", 1), "Accepted"),
                (backend.remote_stop(2000), "Rejected"),
                (backend.unlock(1), "UnlockFailed"),
                (backend.change_availability(0, "Inoperative"), "Scheduled"),
                (backend.reset("Hard"), "Accepted"),
                (backend.change_configuration("HeartbeatInterval", "60"), "RebootRequired"),
                (backend.clear_cache(), "Rejected"),
            ):
                status, _ = await asyncio.gather(ask, answer({"status": name}))
                assert status == name
            rows = {"configurationKey": [{"key": "K", "readonly": False, "value": "1"}], "unknownKey": ["U"]}
            found, _ = await asyncio.gather(backend.get_configuration("K", "U"), answer(rows))
            assert found == ({"K": ("1", False)}, ["U"])
            with pytest.raises(TimeoutError):
                await backend.unlock(1)
            await cp.link.close()

    run_virtual(main())


def test_who_is_let_in() -> None:
    async def main() -> None:
        async with primary(password=b"\x01secret-key-16-by") as backend:
            header = base64.b64encode(b"CP1:\x01secret-key-16-by").decode()
            cp = await station(backend, additional_headers={"Authorization": f"Basic {header}"})
            await cp.link.close()
            with pytest.raises(InvalidStatus, match="401"):
                await station(backend)
            backend.script.http_status = 503
            with pytest.raises(InvalidStatus, match="503"):
                await station(backend)
        assert [status for _, status in backend.handshakes] == [200, 401, 503]

    run_virtual(main())


def test_over_tls() -> None:
    authority = make_authority()

    async def main() -> None:
        async with primary(ssl=server_context(authority)) as backend:
            assert backend.url.startswith("wss://")
            cp = await station(backend, ssl=client_context(authority), server_hostname="localhost")
            for _ in range(20):
                assert (await cp.ask("Heartbeat", {}, within_s=0.5))[0] == 3
                await asyncio.sleep(60)
            await cp.link.close()

    run_virtual(main())


def test_stop_and_start_keep_the_port() -> None:
    async def main() -> None:
        backend = primary()
        await backend.start()
        port = backend.port
        cp = await station(backend)
        await backend.stop()
        with pytest.raises(ConnectionClosed):
            await cp.link.recv()
        await backend.start()
        assert backend.port == port
        await backend.stop()

    run_virtual(main())
