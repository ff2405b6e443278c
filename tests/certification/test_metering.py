"""Certification, Core: meter values, sampled and aligned with the clock."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.certification.messages import message
from tests.certification.tool import Tool, examine
from tests.rig.ledger import Frame

INTERVAL_S = 20
MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage")
UNITS = {"Energy.Active.Import.Register": "Wh", "Power.Active.Import": "W", "Current.Import": "A", "Voltage": "V"}


def element(frame: Frame) -> dict[str, Any]:
    """The one element of a MeterValues."""
    (only,) = frame.payload["meterValue"]
    return dict(only)


def at(frame: Frame) -> datetime:
    """The instant of its values."""
    return datetime.fromisoformat(element(frame)["timestamp"])


def check_values(frame: Frame, context: str, measurands: tuple[str, ...]) -> None:
    """Every measurand that was asked for, in its unit, as text, of this context."""
    values = element(frame)["sampledValue"]
    assert {value["measurand"] for value in values} == set(measurands)
    assert {value["context"] for value in values} == {context}
    assert all(float(value["value"]) >= 0 for value in values)
    assert all(value["unit"] in (UNITS[value["measurand"]], "k" + UNITS[value["measurand"]]) for value in values)


@pytest.mark.parametrize("selected", [MEASURANDS, MEASURANDS[:1]], ids=["four measurands", "energy alone"])
@pytest.mark.certification("TC_070_CS")
@pytest.mark.rule("ocpp16.X35")
def test_tc_070_sampled_values_come_at_their_interval(tmp_path: Path, selected: tuple[str, ...]) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        started = datetime.fromisoformat(tool.backend.ledger.starts()[0].timestamp)
        wanted = message("MeterValues", connectorId=1, transactionId=transaction)
        samples = [await tool.expect(wanted, within_s=INTERVAL_S + 5) for _ in range(4)]
        for sample in samples:
            check_values(sample, "Sample.Periodic", selected)
        instants = [started, *map(at, samples)]
        steps = [(later - earlier).total_seconds() for earlier, later in pairwise(instants)]
        assert steps == pytest.approx([INTERVAL_S] * 4, abs=0.5)

    keys = {"MeterValueSampleInterval": str(INTERVAL_S), "MeterValuesSampledData": ",".join(selected)}
    examine(tmp_path, script, keys={**keys, "ClockAlignedDataInterval": "0"})


@pytest.mark.certification("TC_071_CS")
@pytest.mark.rule("ocpp16.X36")
def test_tc_071_aligned_values_lie_on_the_clock(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        wanted = message("MeterValues", connectorId=1, transactionId=transaction)
        samples = [await tool.expect(wanted, within_s=INTERVAL_S + 5) for _ in range(4)]
        for sample in samples:
            check_values(sample, "Sample.Clock", MEASURANDS)
        midnight = at(samples[0]).replace(hour=0, minute=0, second=0, microsecond=0)
        offsets = [(at(sample) - midnight).total_seconds() % INTERVAL_S for sample in samples]
        assert [min(offset, INTERVAL_S - offset) for offset in offsets] == pytest.approx([0] * 4, abs=0.5)
        steps = [(at(later) - at(earlier)).total_seconds() for earlier, later in pairwise(samples)]
        assert steps == pytest.approx([INTERVAL_S] * 3, abs=0.5)

    keys = {"ClockAlignedDataInterval": str(INTERVAL_S), "MeterValuesAlignedData": ",".join(MEASURANDS)}
    examine(tmp_path, script, keys={**keys, "MeterValueSampleInterval": "0"})
