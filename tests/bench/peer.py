"""A station made of the `ocpp` package as shipped: two upstreams, no hardware, nothing stored. The yardstick of budgets
1 and 2. Run as a process of its own: `python -m tests.bench.peer URL URL`."""

from __future__ import annotations

import asyncio
import sys

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import AvailabilityStatus
from websockets.asyncio.client import connect

ENTRY = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
ENTRIES = [{"key": f"Key{number:02d}OfTheStation", "readonly": False, "value": "300"} for number in range(45)]
"""About as much as the agent has to tell."""


class Peer(ChargePoint):  # type: ignore[misc]
    """Boots and answers what is measured."""

    @on("GetConfiguration")  # type: ignore[untyped-decorator]
    def get_configuration(self, key: list[str] | None = None) -> call_result.GetConfiguration:
        return call_result.GetConfiguration(configuration_key=[ENTRY] if key else ENTRIES)

    @on("ChangeAvailability")  # type: ignore[untyped-decorator]
    def change_availability(self, **_: object) -> call_result.ChangeAvailability:
        return call_result.ChangeAvailability(status=AvailabilityStatus.accepted)


async def serve_one(url: str) -> None:
    """One upstream for ever."""
    async with connect(f"{url}/PEER", subprotocols=["ocpp1.6"], compression=None, proxy=None) as socket:  # type: ignore[list-item]
        peer = Peer("PEER", socket)
        reading = asyncio.create_task(peer.start())
        await peer.call(call.BootNotification(charge_point_model="peer", charge_point_vendor="peer"))
        await reading


async def main() -> None:
    """Both upstreams side by side."""
    await asyncio.gather(*(serve_one(url) for url in sys.argv[1:]))


if __name__ == "__main__":
    asyncio.run(main())
