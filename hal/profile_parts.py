"""The parts of a board's profile, out of TOML: pilot, cable, offer, contactor, lock, light, key, faults and so on."""

from __future__ import annotations

from collections.abc import Mapping

from hal.api import ContactorFeedback, ContactorKind, DeadMan, Fault, LightPattern, LockConfirmation, PilotState
from hal.profile import (
    Access,
    CablePart,
    ContactorPart,
    DeadManPart,
    FaultWord,
    KeyPart,
    LightPart,
    LockPart,
    OfferPart,
    PilotPart,
    Register,
    StateOfChargePart,
    Write,
)
from hal.registers import ValueType
from hal.toml_table import Table, member


def known_register(table: Table, key: str, registers: Mapping[str, Register], writable: bool = False) -> str:
    """The name of a register that is there (and may be written)."""
    name = table.text(key)
    register = registers.get(name)
    if register is None:
        raise table.error(key, f"there is no register {name!r} in [registers]")
    if writable and (register.access is Access.READ or register.type is ValueType.ASCII):
        raise table.error(key, f"register {name!r} is read-only; give it access = 'rw'")
    return name


def _maybe(table: Table, key: str, registers: Mapping[str, Register]) -> str | None:
    return known_register(table, key, registers) if key in table else None


def writes(table: Table, key: str, registers: Mapping[str, Register]) -> tuple[Write, ...]:
    """A list of `{ register, value }`."""
    return tuple(_write(one, registers) for one in table.tables(key))


def _write(table: Table, registers: Mapping[str, Register]) -> Write:
    found = Write(known_register(table, "register", registers, writable=True), table.number_or_word("value", "current"))
    table.close()
    return found


def pilot(table: Table, registers: Mapping[str, Register]) -> PilotPart:
    """The part `[pilot]`."""
    letters = None if table.flag("text") else _letters(table)
    found = PilotPart(
        register=known_register(table, "register", registers),
        letters=letters,
        advertised=_maybe(table, "advertised", registers),
        ventilation=table.flag("ventilation"),
    )
    table.close()
    return found


def _letters(table: Table) -> dict[int, str]:
    mapping = table.table("letters")
    if not mapping.keys:
        raise table.error("letters", "missing; give { number = 'letter', ... } or text = true")
    return {_number(mapping, key): mapping.choice(key, PilotState).value for key in mapping.keys}


def _number(table: Table, key: str) -> int:
    try:
        return int(key, 0)
    except ValueError:
        raise table.error(key, "the key must be a number") from None


def cable(table: Table, registers: Mapping[str, Register]) -> CablePart:
    """The part `[cable]`."""
    found = CablePart(
        register=known_register(table, "register", registers),
        ratings=table.integers("ratings"),
        open=table.integers("open", ()),
        short=table.integers("short", ()),
    )
    table.close()
    return found


def offer(table: Table, registers: Mapping[str, Register]) -> OfferPart:
    """The part `[offer]`."""
    found = OfferPart(
        minimum_a=table.number("minimum_a"),
        maximum_a=table.number("maximum_a"),
        grant=writes(table, "grant", registers),
        withdraw=writes(table, "withdraw", registers),
        refresh_s=table.number("refresh_s", 10),
    )
    for key, wanted in (("grant", found.grant), ("withdraw", found.withdraw)):
        if not wanted:
            raise table.error(key, "missing; give a list of { register, value }")
    if not any(one.value is None for one in found.grant):
        raise table.error("grant", "no value is 'current'")
    if any(one.value is None for one in found.withdraw):
        raise table.error("withdraw", "give numbers; 'current' has no meaning here")
    table.close()
    return found


def contactor(table: Table, registers: Mapping[str, Register]) -> ContactorPart:
    """The part `[contactor]`."""
    found = ContactorPart(
        kind=table.choice("kind", ContactorKind),
        feedback=table.choice("feedback", ContactorFeedback),
        close=writes(table, "close", registers),
        open=writes(table, "open", registers),
        register=_maybe(table, "register", registers),
        bit=table.integer("bit", None, low=0, high=31),
        inverted=table.flag("inverted"),
        feedback_wait_ms=table.integer("feedback_wait_ms", 1000, low=0, high=10_000),
    )
    if found.kind is ContactorKind.COMMANDED and not (found.close and found.open):
        raise table.error("close", "a commanded contactor needs both close and open")
    if found.feedback is ContactorFeedback.AUX and found.register is None:
        raise table.error("register", "missing; an auxiliary contact needs the register it is read from")
    table.close()
    return found


def lock(table: Table, registers: Mapping[str, Register]) -> LockPart:
    """The part `[lock]`."""
    found = LockPart(
        confirmation=table.choice("confirmation", LockConfirmation),
        register=known_register(table, "register", registers, writable=True),
        locked=table.integer("locked"),
        unlocked=table.integer("unlocked"),
        confirm_ms=table.integer("confirm_ms", 1000, low=0, high=30_000),
        tries=table.integer("tries", 3, low=1, high=10),
        pulse_ms=table.integer("pulse_ms", 0, low=0, high=5000),
        rest=table.integer("rest", 0),
        position=_maybe(table, "position", registers),
        position_bit=table.integer("position_bit", None, low=0, high=31),
        position_inverted=table.flag("position_inverted"),
        fault_register=_maybe(table, "fault_register", registers),
        fault_bits=table.integers("fault_bits", ()),
    )
    if found.confirmation is LockConfirmation.POSITION and found.position is None:
        raise table.error("position", "missing; name the register that shows the position")
    if found.confirmation is LockConfirmation.NO_FAULT_AFTER_MS and found.fault_register is None:
        raise table.error("fault_register", "missing; name the register whose bits show a lock that failed")
    table.close()
    return found


def light(table: Table, registers: Mapping[str, Register]) -> LightPart:
    """The part `[light]`."""
    patterns = table.table("patterns")
    found = LightPart(
        red=known_register(table, "red", registers, writable=True),
        green=known_register(table, "green", registers, writable=True),
        blue=known_register(table, "blue", registers, writable=True),
        enable=writes(table, "enable", registers),
        patterns={member(patterns, key, key, LightPattern): _color(patterns, key) for key in patterns.keys},
    )
    for pattern in LightPattern:
        if pattern not in found.patterns:
            raise patterns.error(pattern.value, "missing; give [red, green, blue]")
    table.close()
    return found


def _color(table: Table, key: str) -> tuple[int, int, int]:
    values = table.integers(key)
    if len(values) != 3 or not all(0 <= one <= 65535 for one in values):
        raise table.error(key, "give [red, green, blue]")
    return values[0], values[1], values[2]


def key(table: Table, registers: Mapping[str, Register]) -> KeyPart:
    """The part `[key]`."""
    found = KeyPart(
        register=known_register(table, "register", registers),
        bit=table.integer("bit", None, low=0, high=31),
        inverted=table.flag("inverted"),
    )
    table.close()
    return found


def state_of_charge(table: Table, registers: Mapping[str, Register]) -> StateOfChargePart:
    """The part `[state_of_charge]`."""
    found = StateOfChargePart(known_register(table, "register", registers))
    unit = registers[found.register].unit
    if unit != "Percent":
        raise table.error("register", f"unit = {unit!r}; choose scale so that 100 is full, and give unit = 'Percent'")
    table.close()
    return found


def fault_word(table: Table, registers: Mapping[str, Register]) -> FaultWord:
    """One of `[[faults]]`."""
    bits = table.table("bits")
    found = FaultWord(
        register=known_register(table, "register", registers),
        bits={_number(bits, key): bits.choice(key, Fault) for key in bits.keys},
        other=table.flag("other"),
    )
    table.close()
    return found


def dead_man(table: Table, registers: Mapping[str, Register]) -> DeadManPart:
    """The part `[dead_man]`."""
    found = DeadManPart(
        dead_man=DeadMan(timeout_s=table.number("timeout_s"), fallback_a=table.number("fallback_a")),
        arm=writes(table, "arm", registers),
    )
    table.close()
    return found
