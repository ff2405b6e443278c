"""TOML -> `hal.profile`: every key is known, every reference is to a register that is there, or the file is refused.

`find` looks a profile up by its id, first in the folders of the plan, then among those shipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hal import profile_parts as parts
from hal.api import Measurand, Phase
from hal.profile import (
    Access,
    BoardProfile,
    CardProtocol,
    Limits,
    MeterProfile,
    Probe,
    Profile,
    ReaderProfile,
    Register,
)
from hal.profile_checks import check
from hal.profile_signing import signing
from hal.registers import ValueType, WordOrder, word_count
from hal.serial_port import SerialSettings
from hal.toml_table import ProfileError, Table, load

SHIPPED = Path(__file__).parent / "profiles"
KINDS = ("board", "meter", "reader")


def shipped_ids() -> tuple[str, ...]:
    """The ids of all profiles that come with the program."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*/*.toml")))


def find(profile_id: str, folders: Sequence[str] = ()) -> Profile:
    """Read a profile by its id. Raises `ProfileError` naming what there is when there is no such profile."""
    for folder in (*(Path(one) for one in folders), SHIPPED):
        for path in (folder / f"{profile_id}.toml", *sorted(folder.glob(f"*/{profile_id}.toml"))):
            if path.is_file():
                return read(path)
    raise ProfileError(f"no profile {profile_id!r}; there are {', '.join(shipped_ids())}")


def find_board(profile_id: str, folders: Sequence[str] = ()) -> BoardProfile:
    """As `find`, and it must be a board."""
    found = find(profile_id, folders)
    if not isinstance(found, BoardProfile):
        raise ProfileError(f"profile {profile_id!r} is not one of a board")
    return found


def find_meter(profile_id: str, folders: Sequence[str] = ()) -> MeterProfile:
    """As `find`, and it must be a meter."""
    found = find(profile_id, folders)
    if not isinstance(found, MeterProfile):
        raise ProfileError(f"profile {profile_id!r} is not one of a meter")
    return found


def find_reader(profile_id: str, folders: Sequence[str] = ()) -> ReaderProfile:
    """As `find`, and it must be a card reader."""
    found = find(profile_id, folders)
    if not isinstance(found, ReaderProfile):
        raise ProfileError(f"profile {profile_id!r} is not one of a card reader")
    return found


def read(path: Path) -> Profile:
    """Read one file. Raises `ProfileError` with file, line, key and remedy."""
    table = load(path)
    kind = table.text("kind")
    if kind == "board":
        profile: Profile = _board(table)
    elif kind == "meter":
        profile = _meter(table)
    elif kind == "reader":
        profile = _reader(table)
    else:
        raise table.error("kind", f"{kind!r} is not known; known: {', '.join(KINDS)}")
    table.close()
    if profile.id != path.stem:
        raise table.error("id", f"{profile.id!r} must be the name of the file, {path.stem!r}")
    check(table, profile)
    return profile


class _Common:
    """What all kinds of profile share, read once from the top table."""

    def __init__(self, table: Table) -> None:
        self.id = table.text("id")
        self.title = table.text("title")
        self.sources = table.texts("sources")
        self.limitations = table.texts("limitations")
        self.serial, self.unit = _serial(table.table("serial"))
        self.assumptions = _names(table.table("assumptions"))
        self.limits = _limits(table.table("limits"))
        order = table.choice("word_order", WordOrder, WordOrder.BIG)
        self.registers = _registers(table.table("registers"), order)
        self.probe = _probe(table, self.registers)


def _names(table: Table) -> dict[str, str]:
    found = {key: table.text(key) for key in table.keys}
    table.close()
    return found


def _serial(table: Table) -> tuple[SerialSettings, int]:
    parity = table.text("parity", "N")
    if parity not in ("N", "E", "O"):
        raise table.error("parity", f"{parity!r} is not known; known: N, E, O")
    settings = SerialSettings(
        baud=table.integer("baud", low=300, high=1_000_000),
        parity=parity,
        stop_bits=table.integer("stop_bits", 1, low=1, high=2),
    )
    unit = table.integer("unit", 1, low=1, high=247)
    table.close()
    return settings, unit


def _limits(table: Table) -> Limits:
    found = Limits(
        max_read=table.integer("max_read", 125, low=1, high=125),
        max_write=table.integer("max_write", 123, low=1, high=123),
        gap_ms=table.integer("gap_ms", 20, low=0, high=1000),
        even_starts=table.flag("even_starts"),
        largest_hole=table.integer("largest_hole", 0, low=0, high=100),
    )
    table.close()
    return found


def _registers(table: Table, order: WordOrder) -> dict[str, Register]:
    found = {name: _register(name, table.table(name), order) for name in table.keys}
    table.close()
    return found


def _register(name: str, table: Table, order: WordOrder) -> Register:
    kind = table.choice("type", ValueType)
    fixed = word_count(kind)
    count = table.integer("count", fixed if fixed is not None else 1, low=1, high=125)
    if fixed is not None and count != fixed:
        raise table.error("count", f"{kind} takes {fixed}")
    functions = table.integers("function")
    if not functions or any(one not in (1, 2, 3, 4) for one in functions):
        raise table.error("function", "give 1 (coil), 2 (discrete input), 3 (holding) or 4 (input), or a list of them")
    found = Register(
        name=name,
        functions=functions,
        address=table.integer("address", low=0, high=65535),
        type=kind,
        count=count,
        scale=table.number("scale", 1),
        unit=table.text("unit", ""),
        access=table.choice("access", Access, Access.READ),
        order=table.choice("word_order", WordOrder, order),
        absent=table.integer("absent", None),
        optional=table.flag("optional"),
        slow=table.flag("slow"),
        exponent=table.text("exponent", None),
        single_write=table.flag("single_write"),
        measurand=table.choice("measurand", Measurand, None),
        phase=table.choice("phase", Phase, None),
        note=table.text("note", ""),
    )
    table.close()
    return found


def _probe(top: Table, registers: Mapping[str, Register]) -> Probe | None:
    if "probe" not in top:
        return None
    table = top.table("probe")
    pattern = table.text("pattern", None)
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise table.error("pattern", f"is no regular expression: {error}") from None
    found = Probe(
        register=parts.known_register(table, "register", registers),
        minimum=table.number("minimum", None),
        maximum=table.number("maximum", None),
        pattern=pattern,
    )
    table.close()
    return found


def _board(top: Table) -> BoardProfile:
    common = _Common(top)
    registers = common.registers
    return BoardProfile(
        id=common.id,
        title=common.title,
        serial=common.serial,
        unit=common.unit,
        sources=common.sources,
        assumptions=common.assumptions,
        limitations=common.limitations,
        limits=common.limits,
        probe=common.probe,
        registers=registers,
        pilot=parts.pilot(top.table("pilot"), registers),
        offer=parts.offer(top.table("offer"), registers),
        contactor=parts.contactor(top.table("contactor"), registers),
        cable=parts.cable(top.table("cable"), registers) if "cable" in top else None,
        lock=parts.lock(top.table("lock"), registers) if "lock" in top else None,
        light=parts.light(top.table("light"), registers) if "light" in top else None,
        key=parts.key(top.table("key"), registers) if "key" in top else None,
        state_of_charge=(
            parts.state_of_charge(top.table("state_of_charge"), registers) if "state_of_charge" in top else None
        ),
        faults=tuple(parts.fault_word(one, registers) for one in top.tables("faults")),
        dead_man=parts.dead_man(top.table("dead_man"), registers) if "dead_man" in top else None,
        setup=parts.writes(top, "setup", registers),
    )


def _meter(top: Table) -> MeterProfile:
    common = _Common(top)
    wanted = (Measurand.ENERGY_ACTIVE_IMPORT, None)
    if not any((one.measurand, one.phase) == wanted for one in common.registers.values()):
        raise top.error("registers", "no register has measurand = 'energy_active_import' without a phase")
    return MeterProfile(
        id=common.id,
        title=common.title,
        serial=common.serial,
        unit=common.unit,
        sources=common.sources,
        assumptions=common.assumptions,
        limitations=common.limitations,
        limits=common.limits,
        probe=common.probe,
        registers=common.registers,
        rating_a=top.number("rating_a"),
        signing=signing(top.table("signing"), common.registers) if "signing" in top else None,
    )


def _reader(top: Table) -> ReaderProfile:
    common = _Common(top)
    table = top.table("reader")
    found = ReaderProfile(
        id=common.id,
        title=common.title,
        serial=common.serial,
        unit=common.unit,
        sources=common.sources,
        assumptions=common.assumptions,
        limitations=common.limitations,
        protocol=top.choice("protocol", CardProtocol),
        answer_ms=table.integer("answer_ms", 100, low=1, high=10_000),
        listen_ms=table.integer("listen_ms", 5000, low=100, high=60_000),
        same_card_s=table.number("same_card_s", 3),
        tries=table.integer("tries", 3, low=1, high=10),
    )
    table.close()
    return found
