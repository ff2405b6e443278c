"""Messages on demand in a house of two backends: sent to who asked, in their place among those of the transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.backend import ScriptedBackend
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, end, play, wait


def came(backend: ScriptedBackend, action: str) -> int:
    """How many such requests of the station."""
    return len(backend.ledger.calls(action))


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.S22")
@pytest.mark.rule("two-upstreams.TU04")
def test_only_who_asked_is_told(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await wait(20)
        before = came(rig.management, "StatusNotification")
        assert await rig.primary.trigger("StatusNotification") == "Accepted"
        assert await rig.primary.trigger("DiagnosticsStatusNotification") == "Accepted"
        assert await rig.primary.extended_trigger("LogStatusNotification") == "Accepted"
        assert await rig.primary.trigger("MeterValues") == "Accepted"
        await wait(5)
        assert came(rig.primary, "StatusNotification") == before + 2
        assert came(rig.primary, "DiagnosticsStatusNotification") == 1
        assert came(rig.primary, "LogStatusNotification") == 1
        assert came(rig.primary, "MeterValues") == 1
        assert came(rig.management, "StatusNotification") == before
        assert came(rig.management, "DiagnosticsStatusNotification") == 0
        assert came(rig.management, "LogStatusNotification") == 0
        assert came(rig.management, "MeterValues") == 0

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X39")
@pytest.mark.rule("two-upstreams.TU04")
def test_values_of_a_transaction_go_under_the_id_of_each_and_behind_its_start(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        backends = (rig.primary, rig.management)
        for backend in backends:
            assert await backend.change_configuration("MeterValueSampleInterval", "0") == "Accepted"
        await begin(rig)
        for backend in backends:
            assert await backend.trigger("MeterValues", 1) == "Accepted"
        await end(rig)
        for backend in backends:
            (started,) = backend.ledger.starts()
            assert started.foreign_id is not None
            (value,) = backend.ledger.meter_values(started.foreign_id)
            ours = [frame.action for frame in backend.ledger.frames if frame.is_call and "Transaction" in frame.action]
            assert ours == ["StartTransaction", "StopTransaction"]
            order = [f.action for f in backend.ledger.frames if f.action in (*ours, "MeterValues")]
            assert order == ["StartTransaction", "MeterValues", "StopTransaction"]
            assert value

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.B03")
@pytest.mark.rule("ocpp16.B09")
def test_a_backend_that_holds_the_station_pending_is_served_and_ends_that_by_a_boot(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.boot.append("Pending")
        rig.management.script.interval_s = 3600
        await rig.power_cut()
        await wait(30)
        statuses = came(rig.management, "StatusNotification")
        boots = came(rig.management, "BootNotification")
        assert await rig.management.trigger("StatusNotification", 1) == "Accepted"
        assert await rig.management.trigger("Heartbeat") == "Accepted"
        assert await rig.management.trigger("MeterValues", 1) == "Accepted"
        await wait(5)
        assert came(rig.management, "StatusNotification") == statuses + 1
        assert came(rig.management, "MeterValues") == 1
        assert await rig.management.trigger("BootNotification") == "Accepted"
        await wait(5)
        assert came(rig.management, "BootNotification") == boots + 1
        assert came(rig.management, "StatusNotification") == statuses + 3
        assert await rig.management.trigger("BootNotification") == "Rejected"

    play(tmp_path, story, RigOptions())
