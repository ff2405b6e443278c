"""Profiles that are well-formed and cannot be meant: each is refused with its key and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.profile_reader import SHIPPED, read, shipped_ids
from hal.toml_table import ProfileError

CANNOT_BE_MEANT = [
    (
        "exponent of nothing",
        "iskra_wm3m4c",
        'exponent = "energy_import_exponent"',
        'exponent = "energy_exponent"',
        "registers.energy_import: exponent = 'energy_exponent'; name a register of type 'int16'",
    ),
    (
        "time beyond its register",
        "iskra_wm3m4c",
        'address = 7055, type = "uint16"',
        'address = 7055, type = "int16"',
        "signing.clock.low: register 'time_low'",
    ),
    (
        "setting beyond its register",
        "iskra_wm3m4c",
        "settings = { algorithm = 0 }",
        "settings = { zone = 40000 }",
        "signing.settings.zone: register 'zone'",
    ),
    (
        "zone without a sign",
        "iskra_wm3m4c",
        'address = 7053, type = "int16"',
        'address = 7053, type = "uint16"',
        "signing.clock.zone: register 'zone'",
    ),
    (
        "a state that is a text",
        "iskra_wm3m4c",
        'transaction_state = { function = 3, address = 7000, type = "uint16" }',
        'transaction_state = { function = 3, address = 7000, type = "ascii", count = 1 }',
        "signing.command.state: register 'transaction_state' is ascii",
    ),
    (
        "an area beyond the last address",
        "iskra_wm3m4c",
        "address = 7612, words = 250",
        "address = 65500, words = 250",
        "signing.dataset: ends at 65750",
    ),
    # what is wrong, profile, text, replaced by, what the error says
    (
        "scale 0",
        "eastron_sdm72dm_v2",
        'scale = 1000, unit = "Wh", measurand = "energy_active_import"',
        'scale = 0, unit = "Wh", measurand = "energy_active_import"',
        "registers.energy_import: scale = 0",
    ),
    (
        "scale negative",
        "eastron_sdm72dm_v2",
        'scale = 1000, unit = "Wh", measurand = "energy_active_import"',
        'scale = -1000, unit = "Wh", measurand = "energy_active_import"',
        "registers.energy_import: scale = -1000",
    ),
    (
        "scale nan",
        "eastron_sdm72dm_v2",
        'scale = 1000, unit = "Wh", measurand = "energy_active_import"',
        'scale = nan, unit = "Wh", measurand = "energy_active_import"',
        "registers.energy_import.scale: nan is not a number",
    ),
    (
        "kWh unscaled",
        "eastron_sdm72dm_v2",
        'scale = 1000, unit = "Wh", measurand = "energy_active_import"',
        'unit = "kWh", measurand = "energy_active_import"',
        "registers.energy_import: unit = 'kWh'",
    ),
    (
        "overlap",
        "eastron_sdm72dm_v2",
        "address = 74",
        "address = 73",
        "registers.energy_export: overlaps register 'energy_import'",
    ),
    (
        "two energies",
        "eastron_sdm72dm_v2",
        'measurand = "energy_active_export"',
        'measurand = "energy_active_import"',
        "registers.energy_export: measures the same as register 'energy_import'",
    ),
    ("key beyond", "phoenix_ev_cc_basic", "bit = 0\n", "bit = 16\n", "bit 16 is not in register 'digital_in'"),
    (
        "key of text",
        "phoenix_ev_cc_basic",
        'register = "digital_in"\nbit = 0',
        'register = "iec_state"',
        "register 'iec_state' is a text; a key is a number",
    ),
    (
        "state of charge in volt",
        "viridian_epc2plus",
        "[dead_man]",
        '[state_of_charge]\nregister = "voltage"\n[dead_man]',
        "state_of_charge.register: unit = 'V'; choose scale so that 100 is full",
    ),
    ("rating nan", "eastron_sdm72dm_v2", "rating_a = 100", "rating_a = nan", "rating_a: nan"),
    ("rating 0", "eastron_sdm72dm_v2", "rating_a = 100", "rating_a = 0", "rating_a: give more than 0"),
    (
        "rw input register",
        "viridian_epc2plus",
        "set_current = { function = 3",
        "set_current = { function = 4",
        "registers.set_current: only a coil",
    ),
    (
        "coil as uint16",
        "phoenix_ev_cc_basic",
        'enable = { function = 1, address = 20000, type = "bool"',
        'enable = { function = 1, address = 20000, type = "uint16"',
        "registers.enable: a coil",
    ),
    (
        "bool in holding",
        "viridian_epc2plus",
        'error_code = { function = 3, address = 14, type = "uint16"',
        'error_code = { function = 3, address = 14, type = "bool"',
        "faults.bits: register",
    ),
    (
        "mixed functions",
        "phoenix_ev_cc_basic",
        "pp_amps = { function = [4, 3]",
        "pp_amps = { function = [4, 1]",
        "registers.pp_amps: its functions",
    ),
    ("no letter A", "viridian_epc2plus", '0 = "A", 1', "1", "pilot.letters: A missing"),
    ("no advertised", "viridian_epc2plus", 'advertised = "advertised_amps"', "", "pilot.advertised: missing"),
    ("minimum 1 A", "viridian_epc2plus", "minimum_a = 6", "minimum_a = 1", "offer.minimum_a: give 6"),
    ("max<min", "viridian_epc2plus", "maximum_a = 32", "maximum_a = 5", "offer.minimum_a: give 6"),
    (
        "withdraw elsewhere",
        "viridian_epc2plus",
        'withdraw = [{ register = "charge_disable", value = 0 }, { register = "set_current", value = 0 }]',
        'withdraw = [{ register = "led_r", value = 0 }]',
        "offer.withdraw: it takes back nothing",
    ),
    (
        "withdraw = grant",
        "phoenix_ev_cc_basic",
        'withdraw = [{ register = "enable", value = 0 }]',
        'withdraw = [{ register = "enable", value = 1 }]',
        "offer.withdraw: it takes back nothing",
    ),
    (
        "setup current",
        "phoenix_ev_cc_basic",
        'register = "cfg_ccr"\nvalue = 0',
        'register = "cfg_ccr"\nvalue = "current"',
        "setup: give a number",
    ),
    ("lock same", "viridian_epc2plus", "unlocked = 2", "unlocked = 1", "lock.unlocked: is the same as locked"),
    (
        "fault bits empty",
        "phoenix_ev_cc_basic",
        "fault_bits = [6, 7, 8]",
        "fault_bits = []",
        "lock.fault_bits: missing",
    ),
    (
        "fault bit 40",
        "phoenix_ev_cc_basic",
        'bits = { 0 = "residual_current" }',
        'bits = { 40 = "residual_current" }',
        "faults.bits: bit 40",
    ),
    (
        "fault word text",
        "phoenix_ev_cc_basic",
        'register = "error_bits_high"\nbits',
        'register = "serial_number"\nbits',
        "faults.bits: register",
    ),
    ("contactor bit 20", "phoenix_ev_cc_basic", "bit = 3\n", "bit = 20\n", "contactor.bit: bit 20"),
    (
        "arm empty",
        "viridian_epc2plus",
        'arm = [{ register = "comm_timeout_ms", value = 10000 }, { register = "fallback_amps", value = 0 }]',
        "",
        "dead_man.arm: missing",
    ),
    ("refresh>deadman", "viridian_epc2plus", "refresh_s = 3", "refresh_s = 30", "dead_man.timeout_s: must be longer"),
    ("same_card_s 0", "rdm6300", "same_card_s = 3", "same_card_s = 0", "reader.same_card_s: give more"),
    (
        "value too big",
        "viridian_epc2plus",
        '{ register = "comm_timeout_ms", value = 10000 }',
        '{ register = "comm_timeout_ms", value = 100000 }',
        "dead_man.arm: register",
    ),
    (
        "max_read small",
        "phoenix_ev_cc_basic",
        "max_read = 20",
        "max_read = 4",
        "registers.order_designation: is 16 long",
    ),
    ("refresh 0", "viridian_epc2plus", "refresh_s = 3", "refresh_s = 0", "offer.refresh_s: give more"),
    ("unlock value text", "viridian_epc2plus", "unlocked = 2", "unlocked = 70000", "lock.unlocked: register"),
]


@pytest.mark.parametrize(
    ("profile_id", "old", "new", "said"), [row[1:] for row in CANNOT_BE_MEANT], ids=[row[0] for row in CANNOT_BE_MEANT]
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, profile_id: str, old: str, new: str, said: str) -> None:
    text = next(SHIPPED.glob(f"*/{profile_id}.toml")).read_text()
    assert old in text
    path = tmp_path / f"{profile_id}.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ProfileError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}, line ")
    assert said in str(refused.value)


@pytest.mark.parametrize("profile_id", shipped_ids())
def test_what_is_shipped_can_be_meant(profile_id: str) -> None:
    assert read(next(SHIPPED.glob(f"*/{profile_id}.toml"))).id == profile_id
