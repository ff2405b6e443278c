"""Rows straight from the pages of a database file, for tables whose tree can no longer be followed.

Theory of operation
-------------------
A row lies in a leaf page of its table (SQLite file format, 1.6 "B-tree Pages" and 2.1 "Record Format"). Leaf pages are
known by their first byte and hold all of a row but what overflows into a chain of pages. Which table a leaf belongs to
is not written in it; the shape of its rows tells. Pages that were freed still hold old rows: the caller sorts them out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_LEAF = 0x0D
_LARGEST_PAYLOAD = 1 << 20
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def leaf_rows(pages: bytes, page_size: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Every row id with its columns that can be decoded; a column that is the row id itself is None."""
    for number in range(1, len(pages) // page_size + 1):
        page = pages[(number - 1) * page_size : number * page_size]
        header = 100 if number == 1 else 0
        if page[header] != _LEAF:
            continue
        (count,) = struct.unpack_from(">H", page, header + 3)
        for index in range(min(count, page_size // 4)):
            try:
                (at,) = struct.unpack_from(">H", page, header + 8 + 2 * index)
                yield _cell(pages, page, at, page_size)
            except (IndexError, ValueError, struct.error):
                continue


def _cell(pages: bytes, page: bytes, at: int, page_size: int) -> tuple[int, tuple[Any, ...]]:
    size, at = _varint(page, at)
    row, at = _varint(page, at)
    if size > _LARGEST_PAYLOAD:
        raise ValueError("no row is so large")
    local = _local_size(size, page_size)
    payload = page[at : at + local]
    if local < size:
        (next_page,) = struct.unpack_from(">I", page, at + local)
        payload += _overflow(pages, next_page, size - local, page_size)
    if len(payload) != size:
        raise ValueError("cut short")
    return row, tuple(_columns(payload))


def _local_size(size: int, page_size: int) -> int:
    largest = page_size - 35
    if size <= largest:
        return size
    smallest = (page_size - 12) * 32 // 255 - 23
    kept = smallest + (size - smallest) % (page_size - 4)
    return kept if kept <= largest else smallest


def _overflow(pages: bytes, number: int, missing: int, page_size: int) -> bytes:
    found = b""
    while missing > len(found):
        if number == 0 or number * page_size > len(pages):
            raise ValueError("the chain is broken")
        page = pages[(number - 1) * page_size : number * page_size]
        (number,) = struct.unpack_from(">I", page)
        found += page[4:]
    return found[:missing]


def _columns(payload: bytes) -> Iterator[Any]:
    end, at = _varint(payload, 0)
    body = end
    while at < end:
        kind, at = _varint(payload, at)
        value, body = _value(payload, body, kind)
        yield value


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at
    size = _INTEGER_SIZES.get(kind, 8) if kind < 12 else (kind - 12) // 2
    raw = payload[at : at + size]
    if len(raw) != size or kind in (10, 11):
        raise ValueError("cut short")
    if kind == 7:
        return struct.unpack(">d", raw)[0], at + size
    if kind < 7:
        return int.from_bytes(raw, "big", signed=True), at + size
    return (raw if kind % 2 == 0 else raw.decode()), at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(9):
        byte = data[at + index]
        if index == 8:
            return _signed(value << 8 | byte), at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("no integer")


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
