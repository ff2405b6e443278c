"""Short numbers for upstreams, short blobs for UUIDs."""

from __future__ import annotations

import uuid
from typing import Any

from agent.store.database import Database
from agent.vocabulary.ids import UpstreamId


def pack_id(text: str) -> bytes | str:
    """Sixteen bytes for a canonical UUID, the text itself for anything else."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return text
    return value.bytes if str(value) == text else text


def unpack_id(stored: Any) -> str:
    """The id that was packed. Raises ValueError for a damaged one."""
    if isinstance(stored, bytes) and len(stored) == 16:
        return str(uuid.UUID(bytes=stored))
    if isinstance(stored, str):
        return stored
    raise ValueError(f"not an id: {type(stored).__name__}")


class UpstreamNumbers:
    """Which number stands for which upstream. Numbers are given once and never again to another."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[UpstreamId, int] = {}
        self._ids: dict[int, UpstreamId] = {}

    def load(self) -> None:
        """Read the table anew."""
        rows = self._database.rows("SELECT number, id FROM upstreams")
        self._ids = {number: UpstreamId(text) for number, text in rows}
        self._numbers = {upstream: number for number, upstream in self._ids.items()}

    def known(self, upstream: UpstreamId) -> int | None:
        """The number of an upstream, or None if it never had anything stored."""
        return self._numbers.get(upstream)

    def number(self, upstream: UpstreamId) -> int:
        """The number of an upstream, given now if it has none. Inside a transaction."""
        number = self._numbers.get(upstream)
        if number is None:
            number = max(self._ids, default=0) + 1
            self._database.execute("INSERT INTO upstreams (number, id) VALUES (?, ?)", (number, upstream))
            self._numbers[upstream], self._ids[number] = number, upstream
        return number

    def id(self, number: int) -> UpstreamId:
        """The upstream behind a number. Raises ValueError if nobody is."""
        if number not in self._ids:
            raise ValueError(f"no upstream has the number {number}")
        return self._ids[number]

    def all(self) -> list[tuple[int, UpstreamId]]:
        """Every upstream that ever had anything stored."""
        return sorted(self._ids.items())
