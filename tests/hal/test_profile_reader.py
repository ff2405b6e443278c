"""Profiles: those shipped can be read; a bad one is refused with file, line, key and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hal.profile import BoardProfile, MeterProfile
from hal.profile_reader import SHIPPED, find, find_board, find_meter, find_reader, read, shipped_ids
from hal.toml_table import ProfileError

EPC = (SHIPPED / "boards" / "viridian_epc2plus.toml").read_text()
SDM = (SHIPPED / "meters" / "eastron_sdm630.toml").read_text()
ISKRA = (SHIPPED / "meters" / "iskra_wm3m4c.toml").read_text()
PN532 = (SHIPPED / "readers" / "pn532_uart.toml").read_text()


@pytest.mark.parametrize("profile_id", shipped_ids())
def test_shipped_profiles_say_where_they_come_from(profile_id: str) -> None:
    profile = find(profile_id)
    assert profile.sources
    assert profile.limitations
    if isinstance(profile, (BoardProfile, MeterProfile)):
        assert profile.assumptions
        assert profile.probe


BAD = [
    ("misspelt part", EPC, "confirm_ms = 1000", "confrim_ms = 1000", "lock.confrim_ms", "nearest known: confirm_ms"),
    ("unknown part", EPC, "[cable]", "[cabel]", "cabel", "nearest known: cable"),
    ("unknown register key", EPC, 'unit = "V" }', 'unti = "V" }', "registers.voltage.unti", "nearest known: unit"),
    ("wrong type", EPC, "baud = 19200", 'baud = "19200"', "serial.baud", "is not an integer"),
    ("true is no number", EPC, "tries = 3", "tries = true", "lock.tries", "True is not an integer"),
    ("out of range", EPC, "tries = 3", "tries = 0", "lock.tries", "give 1 to 10"),
    ("unknown value", EPC, 'feedback = "state"', 'feedback = "stat"', "contactor.feedback", "nearest known: state"),
    ("unknown letter", EPC, '4 = "F" }', '4 = "G" }', "pilot.letters.4", "known: A, B"),
    ("unknown register", EPC, 'register = "cable_amps"', 'register = "pp"', "cable.register", "no register 'pp'"),
    ("read-only", EPC, 'register = "lock_control"', 'register = "voltage"', "lock.register", "is read-only"),
    ("unknown fault", EPC, '0 = "diode"', '0 = "diod"', "faults.bits.0", "nearest known: diode"),
    ("missing pattern", EPC, "paused = [0, 128, 255]\n", "", "light.patterns.paused", "missing"),
    ("bad color", EPC, "paused = [0, 128, 255]", "paused = [0, 128]", "light.patterns.paused", "[red, green, blue]"),
    ("no current", EPC, 'value = "current"', "value = 6", "offer.grant", "'current'"),
    ("missing key", EPC, "minimum_a = 6\n", "", "offer.minimum_a", "missing; give a number"),
    ("function", SDM, "function = 4, address = 52", "function = 7, address = 52", "registers.power.function", "give 1"),
    ("no energy", SDM, 'measurand = "energy_active_import"', 'note = "x"', "registers", "energy_active_import"),
    ("unknown kind", SDM, 'kind = "meter"', 'kind = "metre"', "kind", "known: board, meter, reader"),
    ("form", ISKRA, 'form = "ocmf"', 'form = "ocfm"', "signing.form", "known: ocmf"),
    ("key", ISKRA, 'public_key_prefix = "30', 'public_key_prefix = "3', "signing.public_key_prefix", "hexadecimal"),
    ("status", ISKRA, '128 = "bad time"', 'x = "bad time"', "signing.command.refusals.x", "must be a number"),
    ("same command", ISKRA, "end = 0x7200", "end = 0x4200", "signing.command.end", "same as begin"),
    ("state twice", ISKRA, "idle = [0]", "idle = [1]", "signing.command.idle", "in active too"),
    ("interrupted", ISKRA, "interrupted = [2, 3]", "interrupted = [4]", "signing.command.interrupted", "in active"),
    ("done twice", ISKRA, "done = 15", "done = 128", "signing.command.done", "in refusals too"),
    ("no setting", ISKRA, "algorithm = 0 }", "algorithmus = 0 }", "signing.settings.algorithmus", "can be written"),
    (
        "read-only",
        ISKRA,
        'register = "command"',
        'register = "command_status"',
        "signing.command.register",
        "read-only",
    ),
    ("protocol", PN532, 'protocol = "pn532"', 'protocol = "pn533"', "protocol", "nearest known: pn532"),
]


@pytest.mark.parametrize(("text", "old", "new", "key", "remedy"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_profile_is_refused(tmp_path: Path, text: str, old: str, new: str, key: str, remedy: str) -> None:
    assert old in text
    path = tmp_path / (re.findall(r'^id = "(.*)"', text, re.M)[0] + ".toml")
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ProfileError) as refused:
        read(path)
    message = str(refused.value)
    assert message.startswith(f"{path}, line ")
    assert f" {key}: " in message
    assert remedy in message
    line = int(message.split("line ")[1].split(":")[0])
    if new:
        assert new.splitlines()[0] in path.read_text().splitlines()[line - 1] or key in ("offer.grant", "registers")


def test_the_line_is_that_of_the_right_table(tmp_path: Path) -> None:
    path = tmp_path / "viridian_epc2plus.toml"
    path.write_text(EPC.replace("fallback_a = 0", "fallbak_a = 0"))
    with pytest.raises(ProfileError, match=r"dead_man\.fallback_a: missing") as refused:
        read(path)
    line = int(str(refused.value).split("line ")[1].split(":")[0])
    assert path.read_text().splitlines()[line - 1] == "[dead_man]"


def test_no_toml_and_no_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("id = ")
    for name in ("x.toml", "y.toml"):
        with pytest.raises(ProfileError, match=str(tmp_path / name)):
            read(tmp_path / name)


def test_the_id_is_the_name_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(EPC)
    with pytest.raises(ProfileError, match="must be the name of the file, 'other'"):
        read(tmp_path / "other.toml")


def test_a_folder_of_the_plan_goes_before_those_shipped(tmp_path: Path) -> None:
    (tmp_path / "viridian_epc2plus.toml").write_text(EPC.replace('title = "', 'title = "Our own '))
    assert find_board("viridian_epc2plus", [str(tmp_path)]).title.startswith("Our own ")
    assert not find_board("viridian_epc2plus").title.startswith("Our own ")


def test_unknown_and_wrong_kinds_are_told() -> None:
    with pytest.raises(ProfileError, match="no profile 'epc'; there are eastron_sdm630"):
        find("epc")
    for wrong in (find_board, find_meter, find_reader):
        with pytest.raises(ProfileError, match="is not one of a"):
            wrong("rdm6300" if wrong is not find_reader else "eastron_sdm630")
