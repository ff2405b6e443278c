"""Three boards and three meters on one slow line: it cannot carry them all at their pace, and everybody charges."""

from __future__ import annotations

from pathlib import Path

from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, leave, logged, play, wait

CARDS = {1: "04A1B2C3D4E5F6", 2: "04A1B2C3D4E5F7", 3: "04A1B2C3D4E5F8"}
STANDING_S = 60


def test_three_connectors_on_one_line_charge_and_no_meter_is_held_to_be_offline(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert all(logged(rig, "hardware.limitation", f"connector {one}", "Bus 'bus1' at 19200 baud") for one in CARDS)
        for connector, card in CARDS.items():
            await begin(rig, connector, card)
        await wait(STANDING_S)
        assert all(rig.closed(connector) for connector in CARDS)
        for connector in CARDS:
            told = [
                call for call in rig.primary.ledger.calls("MeterValues") if call.payload["connectorId"] == connector
            ]
            assert len(told) >= STANDING_S // 20 - 1
        for connector in CARDS:
            await leave(rig, connector)
        await rig.until_delivered(len(CARDS))
        assert not logged(rig, "station.fault")
        assert not logged(rig, "abandoned")

    play(tmp_path, story, RigOptions(connectors=3))
