from __future__ import annotations

import pytest

from hal.simulator.settings import PlantSettingsError, default_settings, from_factory
from hal.simulator.wire.line import LineFormat

FACTORY = """
format = 1

[station]
vendor = "Example"

[[bus]]
name = "evse"
port = "/run/x/evse"
baud = 19200
parity = "E"

[[bus]]
name = "meters"
port = "/run/x/meters"

[[connector]]
id = 1
board = "phoenix_ev_cc_basic"
bus = "evse"
unit = 5
maximum_current_a = 32
captive_cable = true

[connector.meter]
profile = "eastron_sdm630"
bus = "meters"
unit = 7

[[connector]]
id = 2
board = "viridian_epc2plus"
bus = "evse"

[[reader]]
name = "front"
profile = "rdm6300"
port = "/run/x/front"
connectors = [2]
"""


def test_a_factory_file() -> None:
    settings = from_factory(FACTORY)
    evse, meters = settings.buses
    assert (evse.name, evse.port, evse.line_format) == ("evse", "/run/x/evse", LineFormat(19200, "E"))
    assert meters.line_format is None
    first, second = settings.outlets
    assert (first.board, first.board_unit, first.meter, first.meter_bus, first.meter_unit) == (
        "phoenix_ev_cc_basic",
        5,
        "eastron_sdm630",
        "meters",
        7,
    )
    assert (first.captive_cable, second.captive_cable) == (True, False)
    assert (second.board_unit, second.meter_bus) == (None, "evse")
    (reader,) = settings.readers
    assert (reader.name, reader.profile, reader.connectors) == ("front", "rdm6300", (2,))


def test_absent_keys_have_defaults() -> None:
    settings = from_factory("[[bus]]\n[[connector]]\n[[connector]]\n[[reader]]\n")
    assert [outlet.id for outlet in settings.outlets] == [1, 2]
    assert settings.readers[0].connectors == (1, 2)
    assert settings.outlets[0].start_wh != settings.outlets[1].start_wh


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[bus]]\n[[connector]]\nboard = "acme"\n', ("connector.board", "'acme'", "viridian_epc2plus")),
        ('[[bus]]\n[[connector]]\nbus = "x"\n', ("connector.bus", "'x'", "[[bus]]")),
        ('[[bus]]\n[[connector]]\n[[reader]]\nprofile = "x"\n', ("reader.profile", "'x'", "pn532_uart")),
        ("[connector]\nid = 1\n", ("connector", "[[connector]]")),
    ],
)
def test_a_file_that_cannot_be_a_plant(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(PlantSettingsError) as caught:
        from_factory(text)
    assert all(word in str(caught.value) for word in words)


def test_too_many_connectors() -> None:
    with pytest.raises(PlantSettingsError, match="connectors: 65"):
        default_settings(65)
