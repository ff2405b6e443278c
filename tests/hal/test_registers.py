"""Words to values and back: types, word order, scale, and what counts as no value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hal.registers import Value, ValueType, WordOrder, bit, decode, encode

BIG, LITTLE = WordOrder.BIG, WordOrder.LITTLE


@pytest.mark.parametrize(
    ("words", "kind", "order", "scale", "value"),
    [
        ([0x0001], ValueType.BOOL, BIG, 1, 1),
        ([0xFFFF], ValueType.UINT16, BIG, 1, 65535),
        ([0xFFFF], ValueType.INT16, BIG, 1, -1),
        ([0x08FD], ValueType.UINT16, BIG, 0.1, 230.1),
        ([0x0001, 0x0002], ValueType.UINT32, BIG, 1, 65538),
        ([0x0002, 0x0001], ValueType.UINT32, LITTLE, 1, 65538),
        ([0xFFFF, 0xFFFE], ValueType.INT32, BIG, 1, -2),
        ([0x4366, 0x0000], ValueType.FLOAT32, BIG, 1, 230.0),
        ([0x0000, 0x4366], ValueType.FLOAT32, LITTLE, 1, 230.0),
        ([0x4232], ValueType.ASCII, BIG, 1, "B2"),
        ([0x4500], ValueType.ASCII, BIG, 1, "E"),
        ([0xFE00, 0x59D8], ValueType.T5, BIG, 1, 230.0),
        ([0xFEFF, 0xFFFF], ValueType.T5, BIG, 1, 167772.15),
        ([0x0200, 0x0007], ValueType.T5, BIG, 1, 700.0),
        ([0xFEFF, 0xFFFF], ValueType.T6, BIG, 1, -0.01),
        ([0xFD00, 0x3E80], ValueType.T6, BIG, 1, 16.0),
        ([0x3E80, 0xFD00], ValueType.T6, LITTLE, 1, 16.0),
        ([0x7FC0, 0x0000], ValueType.FLOAT32, BIG, 1, None),
        ([0x7F80, 0x0000], ValueType.FLOAT32, BIG, 1, None),
        ([0xFF80, 0x0000], ValueType.FLOAT32, BIG, 1000, None),
    ],
)
def test_decode(words: list[int], kind: ValueType, order: WordOrder, scale: float, value: Value) -> None:
    assert decode(words, kind, order, scale) == value


def test_a_sentinel_is_no_value() -> None:
    assert decode([0xFFFF], ValueType.UINT16, absent=0xFFFF) is None
    assert decode([0x8000, 0], ValueType.INT32, absent=0x80000000) is None
    assert decode([0xFFFE], ValueType.UINT16, absent=0xFFFF) == 0xFFFE


def test_a_wrong_number_of_words_is_an_error() -> None:
    with pytest.raises(ValueError, match="takes 2 words, got 1"):
        decode([1], ValueType.FLOAT32)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (-1, ValueType.UINT16),
        (65536, ValueType.UINT16),
        (1, ValueType.ASCII),
        (1, ValueType.T5),
        (1e39, ValueType.FLOAT32),
    ],
)
def test_what_does_not_fit_is_an_error(value: float, kind: ValueType) -> None:
    with pytest.raises(ValueError, match=r"does not fit|read-only"):
        encode(value, kind)


@given(some.integers(-(2**31), 2**31 - 1), some.sampled_from(WordOrder))
def test_integers_come_back(value: int, order: WordOrder) -> None:
    assert decode(encode(value, ValueType.INT32, order), ValueType.INT32, order) == value


@given(some.floats(width=32, allow_nan=False, allow_infinity=False), some.sampled_from(WordOrder))
def test_floats_come_back(value: float, order: WordOrder) -> None:
    assert decode(encode(value, ValueType.FLOAT32, order), ValueType.FLOAT32, order) == value


def test_scale_is_undone() -> None:
    assert encode(16.0, ValueType.UINT16, scale=0.1) == (160,)


def test_bits() -> None:
    assert bit(0b100, 2)
    assert not bit(0b100, 1)
    assert not bit(None, 0)
    assert not bit("4", 2)
