"""What is well-formed in a profile and yet cannot be meant: refused here, because nothing else would ever tell.

`profile_reader` sees each key by itself; these rules look at how they go together. Each failure names the key and the
way out, like every other error of a profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hal.api import UNITS, ContactorFeedback, ContactorKind, LockConfirmation
from hal.profile import BoardProfile, KeyPart, MeterProfile, Profile, ReaderProfile, Register, Write
from hal.registers import DECADE_FLOATS, INTEGERS, ValueType, encode
from hal.signing_part import SigningPart
from hal.toml_table import Table

LEAST_A, MOST_A = 6.0, 80.0
"""What a duty cycle can say (IEC 61851-1 A.2.2)."""
_BITS, _WORDS = {1, 2}, {3, 4}


def check(top: Table, profile: Profile) -> None:
    """Raises `ProfileError` for the first thing that cannot be meant."""
    _registers(top.table("registers"), profile)
    if isinstance(profile, BoardProfile):
        _board(top, profile)
    elif isinstance(profile, MeterProfile):
        _meter(top, profile)
    elif isinstance(profile, ReaderProfile) and profile.same_card_s <= 0:
        raise top.table("reader").error("same_card_s", "give more than 0: a card that stays is one presentation")


# --------------------------------------------------------------------------------------------------- registers


def _registers(table: Table, profile: Profile) -> None:
    for one in profile.registers.values():
        wrong = _wrong_with(one, profile)
        if wrong:
            raise table.error(one.name, wrong)
        for other in profile.registers.values():
            if other is not one and _overlap(one, other):
                raise table.error(other.name, f"overlaps register {one.name!r} ({one.address}, {one.count} long)")


def _wrong_with(one: Register, profile: Profile) -> str:
    functions = set(one.functions)
    if not (functions <= _BITS or functions <= _WORDS):
        return "its functions are of bits (1, 2) and of words (3, 4); give one kind"
    if one.is_bit and one.type is not ValueType.BOOL:
        return "a coil or discrete input has type = 'bool'"
    if one.access.value != "r" and not functions & {1, 3}:
        return "only a coil (1) or a holding register (3) can be written; give access = 'r'"
    if one.scale <= 0:
        return f"scale = {one.scale:g}; give more than 0"
    if one.count > profile.limits.max_read:
        return f"is {one.count} long, and limits.max_read is {profile.limits.max_read}"
    power = profile.registers.get(one.exponent or "")
    if one.exponent is not None and (power is None or power.type not in (ValueType.INT16, ValueType.UINT16)):
        return f"exponent = {one.exponent!r}; name a register of type 'int16' that holds the power of ten"
    if one.measurand is not None and one.unit != UNITS[one.measurand]:
        unit = UNITS[one.measurand]
        return f"unit = {one.unit!r}; choose scale so that the value is in {unit!r}, and give unit = {unit!r}"
    return ""


def _overlap(one: Register, other: Register) -> bool:
    same_table = bool(set(one.functions) & set(other.functions))
    apart = one.address + one.count <= other.address or other.address + other.count <= one.address
    return same_table and not apart


def _bits(table: Table, key: str, positions: Iterable[int], register: Register) -> None:
    if register.type in (ValueType.ASCII, ValueType.FLOAT32, ValueType.BOOL, *DECADE_FLOATS):
        raise table.error(key, f"register {register.name!r} is {register.type}; bits are of integers")
    beyond = [one for one in positions if not 0 <= one < 16 * register.count]
    if beyond:
        raise table.error(key, f"bit {beyond[0]} is not in register {register.name!r}")


def _values(table: Table, key: str, writes: Sequence[Write], profile: Profile, current_a: float | None = None) -> None:
    for one in writes:
        register = profile.registers[one.register]
        value = current_a if one.value is None else one.value
        if value is None:
            raise table.error(key, "give a number; 'current' has a meaning in offer.grant only")
        try:
            encode(value, register.type, register.order, register.scale)
        except ValueError as error:
            raise table.error(key, f"register {one.register!r}: {error}") from None


# ------------------------------------------------------------------------------------------------------ boards


def _board(top: Table, board: BoardProfile) -> None:
    _pilot(top.table("pilot"), board)
    _offer(top.table("offer"), board)
    _contactor(top.table("contactor"), board)
    _values(top, "setup", board.setup, board)
    for table, word in zip(top.tables("faults"), board.faults, strict=True):
        _bits(table, "bits", word.bits, board.registers[word.register])
    if board.lock is not None:
        _lock(top.table("lock"), board)
    if board.key is not None:
        _key(top.table("key"), board.key, board.registers[board.key.register])
    if board.light is not None:
        _values(top.table("light"), "enable", board.light.enable, board)
    if board.dead_man is not None:
        _dead_man(top.table("dead_man"), board)


def _pilot(table: Table, board: BoardProfile) -> None:
    text = board.registers[board.pilot.register].type is ValueType.ASCII
    if text is not (board.pilot.letters is None):
        raise table.error("register", "a text needs text = true, a number needs letters")
    missing = {"A", "B", "C"} - set((board.pilot.letters or dict(enumerate("ABC"))).values())
    if missing:
        raise table.error("letters", f"{', '.join(sorted(missing))} missing: the car would not be seen to come or go")
    sees_pwm = text or board.pilot.advertised is not None
    aux = board.contactor.kind is ContactorKind.AUTONOMOUS and board.contactor.feedback is ContactorFeedback.AUX
    if not sees_pwm and not aux:
        raise table.error("advertised", "missing; without it nobody knows whether the board offers a current")


def _offer(table: Table, board: BoardProfile) -> None:
    offer = board.offer
    if not LEAST_A <= offer.minimum_a <= offer.maximum_a <= MOST_A:
        raise table.error("minimum_a", f"give {LEAST_A:g} <= minimum_a <= maximum_a <= {MOST_A:g}")
    if offer.refresh_s <= 0:
        raise table.error("refresh_s", "give more than 0 seconds")
    _values(table, "grant", offer.grant, board, offer.maximum_a)
    _values(table, "withdraw", offer.withdraw, board)
    granted = {one.register: one.value for one in offer.grant}
    if not any(one.register in granted and granted[one.register] != one.value for one in offer.withdraw):
        raise table.error("withdraw", "it takes back nothing of what grant writes")


def _contactor(table: Table, board: BoardProfile) -> None:
    contactor = board.contactor
    _values(table, "close", contactor.close, board)
    _values(table, "open", contactor.open, board)
    if contactor.bit is not None:
        if contactor.register is None:
            raise table.error("bit", "a bit of which register? give register")
        _bits(table, "bit", (contactor.bit,), board.registers[contactor.register])


def _lock(table: Table, board: BoardProfile) -> None:
    lock = board.lock
    assert lock is not None
    if lock.locked == lock.unlocked:
        raise table.error("unlocked", "is the same as locked")
    for key, value in (("locked", lock.locked), ("unlocked", lock.unlocked), ("rest", lock.rest)):
        _values(table, key, (Write(lock.register, value),), board)
    if lock.position is not None and lock.position_bit is not None:
        _bits(table, "position_bit", (lock.position_bit,), board.registers[lock.position])
    if lock.fault_register is not None:
        _bits(table, "fault_bits", lock.fault_bits, board.registers[lock.fault_register])
    if lock.confirmation is LockConfirmation.NO_FAULT_AFTER_MS and not lock.fault_bits:
        raise table.error("fault_bits", "missing; without them every lock would count as locked")


def _key(table: Table, key: KeyPart, register: Register) -> None:
    if key.bit is not None:
        _bits(table, "bit", (key.bit,), register)
    elif register.type is ValueType.ASCII:
        raise table.error("register", f"register {register.name!r} is a text; a key is a number or a bit of one")


def _dead_man(table: Table, board: BoardProfile) -> None:
    dead_man = board.dead_man
    assert dead_man is not None
    if not dead_man.arm:
        raise table.error("arm", "missing; a dead-man that nobody arms is none")
    _values(table, "arm", dead_man.arm, board)
    if dead_man.dead_man.timeout_s <= board.offer.refresh_s:
        raise table.error("timeout_s", f"must be longer than offer.refresh_s ({board.offer.refresh_s:g} s)")
    if not 0 <= dead_man.dead_man.fallback_a <= board.offer.maximum_a:
        raise table.error("fallback_a", f"give 0 to {board.offer.maximum_a:g}")


# ------------------------------------------------------------------------------------------------------ meters


def _meter(top: Table, meter: MeterProfile) -> None:
    if meter.rating_a <= 0:
        raise top.error("rating_a", "give more than 0 ampere")
    if meter.signing is not None:
        _signing(top.table("signing"), meter, meter.signing)
    seen: dict[object, str] = {}
    for one in meter.registers.values():
        if one.measurand is None:
            continue
        if one.type in (ValueType.ASCII, ValueType.BOOL):
            raise top.table("registers").error(one.name, f"a measurand is a number, not {one.type}")
        other = seen.setdefault((one.measurand, one.phase), one.name)
        if other != one.name:
            raise top.table("registers").error(one.name, f"measures the same as register {other!r}")


def _signing(table: Table, meter: MeterProfile, part: SigningPart) -> None:
    words, clock = part.command, part.clock
    area = part.identification
    written: tuple[tuple[Table, str, str, tuple[int, ...]], ...] = (
        (table.table("command"), "register", words.register, (words.begin, words.end)),
        (table.table("clock"), "high", clock.high, (0xFFFF,)),
        (table.table("clock"), "low", clock.low, (0xFFFF,)),
        (table.table("clock"), "zone", clock.zone, (-720, 840)),
        (table.table("clock"), "status", clock.status, (clock.told,)),
        (table, "identification_length", part.identification_length, (area.octets,)),
        *((table.table("settings"), name, name, (value,)) for name, value in part.settings.items()),
    )
    for where, key, name, values in written:
        _values(where, key, [Write(name, value) for value in values], meter)
    read = (
        (table.table("command"), "state", words.state),
        (table.table("command"), "status", words.status),
        (table.table("clock"), "status", clock.status),
        (table, "dataset_length", part.dataset_length),
        (table, "signature_length", part.signature_length),
    )
    for where, key, name in read:
        if meter.registers[name].type not in INTEGERS:
            raise where.error(key, f"register {name!r} is {meter.registers[name].type}; give one of integers")
    for key in ("identification", "dataset", "signature", "public_key"):
        found = getattr(part, key)
        if found.address + found.words > 0x10000:
            raise table.error(key, f"ends at {found.address + found.words}, and the last address is 65535")
