"""What a meter signed against what the backends were told of it: the meter's own memory and OCPP, no code of ours.

A record is put together by hand from what the plant's meter gave: the dataset as it is, the signature without the
zeros that are too much.
"""

from __future__ import annotations

from typing import Any

from hal.simulator.devices.iskra import IDLE, IskraMeter, Signed
from tests.rig.backend import ScriptedBackend
from tests.rig.station_rig import StationRig

ISKRA = "iskra_wm3m4c"


def meter_of(rig: StationRig, connector: int = 1) -> IskraMeter:
    """The meter of the plant."""
    meter = rig.plant.meters[connector]
    assert isinstance(meter, IskraMeter)
    return meter


def record_of(signed: Signed) -> str:
    """The record that verifiers take."""
    shown = b""
    for number in (signed.signature[5:37], signed.signature[40:72]):
        short = b"\0" + number if number[0] >= 0x80 else number.lstrip(b"\0")
        shown += bytes((2, len(short))) + short
    signature = (bytes((0x30, len(shown))) + shown).hex()
    return "OCMF|" + signed.dataset.decode() + '|{"SD":"' + signature + '"}'


def told(backend: ScriptedBackend) -> dict[int, list[dict[str, Any]]]:
    """By transaction of this backend: the signed values in its stop."""
    found: dict[int, list[dict[str, Any]]] = {}
    for frame in backend.ledger.calls("StopTransaction"):
        values = [one for data in frame.payload.get("transactionData", []) for one in data["sampledValue"]]
        signed = [one for one in values if one.get("format") == "SignedData"]
        found[frame.payload["transactionId"]] = signed
    return found


def texts(backend: ScriptedBackend) -> list[str]:
    """All signed values that a backend has got, one for each transaction that has one."""
    return [one["value"] for values in told(backend).values() for one in values]


def judge(rig: StationRig) -> None:
    """The law: one end for each begin, every session with energy is signed, and everybody has the same, to the byte."""
    meter = meter_of(rig)
    assert meter.state == IDLE, "the meter has a session that nobody ended"
    assert meter.begun == len(meter.signed), f"{meter.begun} begins and {len(meter.signed)} ends"
    records = [record_of(one) for one in meter.signed]
    first = texts(rig.backends[0])
    assert set(first) <= set(records), "a signed value that the meter never gave"
    assert len(set(first)) == len(first), "one signed value for two transactions"
    for backend in rig.backends:
        assert texts(backend) == first, f"{backend.name} has other signed values"
        for stop in backend.ledger.stops():
            energy_wh = stop.meter_stop_wh - _start_wh(backend, stop.foreign_id)
            values = told(backend)[stop.foreign_id]
            assert values or energy_wh == 0, f"{energy_wh} Wh of {backend.name} {stop.foreign_id} are not signed"


def _start_wh(backend: ScriptedBackend, transaction: int) -> int:
    return next(one.meter_start_wh for one in backend.ledger.starts() if one.foreign_id == transaction)
