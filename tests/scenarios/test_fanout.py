"""Every event of the fan-out table over real links: who is told of it, and who is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.station.upstreams.fanout import FANOUT, Delivery, EventKind
from agent.vocabulary.commands import TriggerKind
from agent.vocabulary.firmware import FirmwareState, FirmwareStatus
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import FirmwareProgressed, SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.upstreams import Asker
from tests.rig.backend import ScriptedBackend
from tests.rig.file_server import FileServer
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import begin, end, wait
from tests.scenarios.test_roles import Seat, seats

E = EventKind
LONELY = SecurityEventKind.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM
OF_A_LINK = SecurityEventKind.INVALID_TLS_VERSION
DOWNLOADING = FirmwareState(FirmwareStatus.DOWNLOADING)
OF_THE_STATION = SecurityEventKind.TAMPER_DETECTION_ACTIVATED


def security(backend: ScriptedBackend, kind: SecurityEventKind, about: str) -> bool:
    calls = backend.ledger.calls("SecurityEventNotification")
    return any(f.payload["type"] == kind.value and f.payload.get("techInfo") == about for f in calls)


def heard(seat: Seat, others: list[Seat]) -> set[EventKind]:
    """What this backend was told of, by rows of the table."""
    ledger = seat.backend.ledger
    values = ledger.meter_values()
    rows = {
        E.STARTED: ledger.calls("StartTransaction"),
        E.STOPPED: ledger.calls("StopTransaction"),
        E.SAMPLED: [value for value in values if value.foreign_id is not None],
        E.SAMPLED_OUTSIDE: [value for value in values if value.foreign_id is None],
        E.CONDITION: ledger.calls("StatusNotification"),
        E.OWN_JOB: [f for f in ledger.calls("LogStatusNotification") if f.payload["requestId"] == _request(seat)],
        E.OTHER_UPDATE: seat.asker is not Asker.OPERATOR and ledger.calls("FirmwareStatusNotification"),
        E.OTHER_UPLOAD: [f for f in ledger.calls("LogStatusNotification") if f.payload["requestId"] != _request(seat)],
        E.SECURITY_OF_STATION: security(seat.backend, OF_THE_STATION, "station"),
        E.SECURITY_OF_OWN_LINK: security(seat.backend, OF_A_LINK, seat.upstream),
        E.SECURITY_OF_OTHER_LINK: any(security(seat.backend, OF_A_LINK, other.upstream) for other in others),
        E.SECURITY_FOR_MANAGEMENT: security(seat.backend, LONELY, "lonely"),
    }
    assert set(rows) == set(EventKind)
    return {kind for kind, found in rows.items() if found}


def _request(seat: Seat) -> int:
    return sum(seat.upstream.encode())


async def everything_happens(rig: StationRig) -> None:
    """One session, an upload for each, an update of the operator, and security events of the station and each link."""
    everybody = seats(rig)
    for seat in everybody:
        assert await seat.backend.change_configuration("ClockAlignedDataInterval", "30") == "Accepted"
    await wait(70)
    await begin(rig)
    await wait(60)
    await end(rig)
    for seat in everybody:
        await seat.backend.get_log("https://files.example/up", request_id=_request(seat))
        rig.agent.agent.post(SecurityEventSeen(OF_A_LINK, seat.upstream, UpstreamId(seat.upstream)))
    operator = everybody[-1].upstream
    rig.agent.agent.post(SecurityEventSeen(LONELY, "lonely", operator))
    rig.agent.agent.post(FirmwareProgressed(operator, TriggerKind.FIRMWARE_STATUS, DOWNLOADING, "an-update"))
    rig.agent.agent.post(SecurityEventSeen(OF_THE_STATION, "station"))
    await wait(120)


@pytest.mark.rule("product.A9")
@pytest.mark.rule("security.ATK-28")
@pytest.mark.parametrize("primary", [True, False])
def test_each_is_told_of_what_the_table_says_and_of_nothing_else(tmp_path: Path, primary: bool) -> None:
    async def main() -> None:
        options = RigOptions(primary=primary, operators=1)
        async with StationRig(tmp_path, options, defects={"upload": FileServer()}) as rig:
            await rig.ready()
            await everything_happens(rig)
            everybody = seats(rig)
            assert everybody[-1].backend.ledger.calls("FirmwareStatusNotification"), "its own update"
            for seat in everybody:
                others = [other for other in everybody if other is not seat]
                expected = {kind for kind in EventKind if FANOUT[kind, seat.asker] is not Delivery.NONE}
                assert heard(seat, others) == expected, seat.asker
            rig.check()

    run_virtual(main(), real_limit_s=60)
