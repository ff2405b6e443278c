"""The floors of the house, read from the syntax tree: who may import whom, who may touch the world."""

from __future__ import annotations

import pytest

from tests.rig import source_tree as house

CODE = house.modules("agent", "hal")


def test_imports_point_down() -> None:
    assert house.wrong_floors(CODE) == []


def test_hal_stands_alone() -> None:
    assert house.wrong_hal_imports(CODE) == []


def test_pure_rooms_are_pure() -> None:
    assert house.impurities(CODE) == []


def test_third_party_packages_are_confined() -> None:
    assert house.loose_packages(CODE) == []


def test_no_module_imports_itself_through_others() -> None:
    assert house.cycles(CODE) == []


def test_the_oracle_knows_nothing_of_the_agent() -> None:
    judges = [m for m in house.modules("tests") if m.name.startswith(("tests.rig.oracle", "tests.rig.ledger"))]
    assert judges
    assert [(m.path, i) for m in judges for i in m.imports if i.partition(".")[0] in {"agent", "hal"}] == []


WRONG = [
    (house.wrong_floors, "agent.station.mind", "import agent.store.database"),
    (house.wrong_floors, "agent.store.journal", "from agent.links import link"),
    (house.wrong_floors, "agent.links.link", "def f():\n    from agent.station.station import Station"),
    (house.wrong_floors, "agent.ocpp.rpc", "import agent.station.station"),
    (house.wrong_floors, "agent.nowhere.thing", ""),
    (house.wrong_hal_imports, "agent.runtime.engine", "from hal.bus import Bus"),
    (house.wrong_hal_imports, "agent.app", "import hal.simulator"),
    (house.wrong_hal_imports, "hal.bus", "from agent.vocabulary import ids"),
    (house.wrong_hal_imports, "hal.simulator.slave", "from hal.registers import words"),
    (house.wrong_hal_imports, "hal.safe_off", "import serial"),
    (house.impurities, "agent.station.mind", "import time"),
    (house.impurities, "agent.vocabulary.moments", "import datetime\nx = datetime.datetime.now()"),
    (house.impurities, "agent.settings.fields", "open('x')"),
    (house.impurities, "hal.api", "import asyncio"),
    (house.loose_packages, "agent.links.upstream", "import websockets"),
    (house.loose_packages, "agent.runtime.engine", "import cryptography.x509"),
    (house.loose_packages, "agent.runtime.engine", "import numpy"),
    (house.loose_packages, "agent.host.notify", "import pymodbus"),
]


@pytest.mark.parametrize(("law", "name", "source"), WRONG, ids=[f"{w[0].__name__}-{w[1]}" for w in WRONG])
def test_each_law_sees_a_breach(law: object, name: str, source: str) -> None:
    assert callable(law)
    assert law([house.module_of(name, source)])


def test_a_cycle_is_seen() -> None:
    code = [
        house.module_of("agent.links.link", "import agent.links.backoff"),
        house.module_of("agent.links.backoff", "from agent.links.link import x"),
    ]
    assert house.cycles(code) == ["agent.links.backoff <-> agent.links.link"]


def test_relative_imports_count() -> None:
    module = house.module_of("agent.store.journal", "from ..ocpp.v16 import keys\nfrom . import errors")
    assert any(name.startswith("agent.ocpp") for name in module.imports)
    assert any(name.startswith("agent.store") for name in module.imports)
