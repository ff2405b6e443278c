"""A station for the tests of the dialect, and the schemas of the `ocpp` package as the judge of what we send."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from agent.ocpp.v16.dialect import V16
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.options import ConnectorOptions, StationOptions
from hal.api import Capabilities, ContactorFeedback, ContactorKind, LockConfirmation, Measurand, Phase

MEASURED: tuple[tuple[Measurand, Phase | None], ...] = (
    (Measurand.ENERGY_ACTIVE_IMPORT, None),
    (Measurand.POWER_ACTIVE_IMPORT, None),
    *((Measurand.CURRENT_IMPORT, phase) for phase in (Phase.L1, Phase.L2, Phase.L3)),
    *((Measurand.VOLTAGE, phase) for phase in (Phase.L1, Phase.L2, Phase.L3)),
)


def station(connectors: int = 2, captive: bool = False) -> StationOptions:
    """A station of that many connectors."""
    capabilities = Capabilities(
        contactor=ContactorKind.AUTONOMOUS,
        contactor_feedback=ContactorFeedback.STATE,
        lock=None if captive else LockConfirmation.POSITION,
        cable_rating=not captive,
        dead_man=None,
        light=False,
        measurands=MEASURED,
        minimum_current_a=6.0,
        maximum_current_a=32.0,
        worst_opening_ms=500,
    )
    return StationOptions(
        connectors=tuple(
            ConnectorOptions(ConnectorId(number), capabilities, captive_cable=captive)
            for number in range(1, connectors + 1)
        ),
        readers={},
        vendor="Vendor",
        model="Model",
        serial_number="SN-1",
        firmware_version="0.1.0",
    )


@pytest.fixture
def dialect() -> V16:
    return V16(station())


@cache
def _validator(name: str) -> Any:
    spec = find_spec("ocpp")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "v16" / "schemas" / f"{name}.json"
    return Draft4Validator(json.loads(path.read_text(encoding="utf-8-sig")))


def assert_valid(name: str, payload: Mapping[str, Any]) -> None:
    """The payload is strictly valid by the schema of that name."""
    _validator(name).validate(json.loads(json.dumps(payload)))


@pytest.fixture
def valid() -> Callable[[str, Mapping[str, Any]], None]:
    return assert_valid


@pytest.fixture
def make_station() -> Callable[..., StationOptions]:
    return station
