"""The part `[signing]` of a meter's profile, out of TOML. Called by `profile_reader`; errors are `ProfileError`."""

from __future__ import annotations

from collections.abc import Mapping

from hal.profile import Register
from hal.profile_parts import known_register
from hal.signing_part import Area, ClockWords, CommandWords, SigningForm, SigningPart
from hal.toml_table import Table

LONGEST_AREA = 2048


def signing(table: Table, registers: Mapping[str, Register]) -> SigningPart:
    """The whole part."""
    prefix = table.text("public_key_prefix", "")
    if not _is_hexadecimal(prefix):
        raise table.error("public_key_prefix", f"{prefix!r} is not hexadecimal")
    found = SigningPart(
        form=table.choice("form", SigningForm),
        command=_command(table.table("command"), registers),
        clock=_clock(table.table("clock"), registers),
        identification=_area(table.table("identification"), writable=True),
        identification_length=known_register(table, "identification_length", registers, writable=True),
        settings=_settings(table.table("settings"), registers),
        dataset=_area(table.table("dataset")),
        dataset_length=known_register(table, "dataset_length", registers),
        signature=_area(table.table("signature")),
        signature_length=known_register(table, "signature_length", registers),
        public_key=_area(table.table("public_key")),
        public_key_prefix=prefix,
    )
    table.close()
    return found


def _command(table: Table, registers: Mapping[str, Register]) -> CommandWords:
    words = table.table("refusals")
    found = CommandWords(
        register=known_register(table, "register", registers, writable=True),
        begin=table.integer("begin", low=0, high=0xFFFF),
        end=table.integer("end", low=0, high=0xFFFF),
        status=known_register(table, "status", registers),
        done=table.integer("done"),
        under_way=table.integers("under_way"),
        refusals={_number(words, key): words.text(key) for key in words.keys},
        state=known_register(table, "state", registers),
        idle=table.integers("idle"),
        active=table.integers("active"),
        interrupted=table.integers("interrupted", ()),
        settle_ms=table.integer("settle_ms", 1000, low=0, high=10_000),
        longest_ms=table.integer("longest_ms", 15_000, low=100, high=60_000),
        poll_ms=table.integer("poll_ms", 50, low=1, high=1000),
    )
    if found.begin == found.end:
        raise table.error("end", "is the same as begin")
    if set(found.idle) & set(found.active):
        raise table.error("idle", "has a value that is in active too")
    if not set(found.interrupted) <= set(found.active):
        raise table.error("interrupted", "name values that are in active")
    if found.done in (*found.under_way, *found.refusals):
        raise table.error("done", "is in under_way or in refusals too")
    table.close()
    return found


def _clock(table: Table, registers: Mapping[str, Register]) -> ClockWords:
    found = ClockWords(
        high=known_register(table, "high", registers, writable=True),
        low=known_register(table, "low", registers, writable=True),
        zone=known_register(table, "zone", registers, writable=True),
        status=known_register(table, "status", registers, writable=True),
        lost=table.integer("lost"),
        told=table.integer("told"),
    )
    table.close()
    return found


def _area(table: Table, writable: bool = False) -> Area:
    found = Area(
        function=3 if writable else table.integer("function", 3, low=3, high=4),
        address=table.integer("address", low=0, high=65535),
        words=table.integer("words", low=1, high=LONGEST_AREA),
    )
    table.close()
    return found


def _settings(table: Table, registers: Mapping[str, Register]) -> dict[str, int]:
    for name in table.keys:
        register = registers.get(name)
        if register is None or register.access.value == "r":
            raise table.error(name, "is no register in [registers] that can be written")
    return {name: table.integer(name, low=0, high=0xFFFF) for name in table.keys}


def _number(table: Table, key: str) -> int:
    if not key.isdecimal():
        raise table.error(key, "the key must be a number")
    return int(key)


def _is_hexadecimal(text: str) -> bool:
    try:
        return bytes.fromhex(text).hex() == text.lower()
    except ValueError:
        return False
