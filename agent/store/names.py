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
        self._known: dict[int, UpstreamId] | None = None

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._known = None

    def known(self, upstream: UpstreamId) -> int | None:
        """The number of an upstream, or None if it never had anything stored."""
        self._load()
        return self._numbers.get(upstream)

    def number(self, upstream: UpstreamId) -> int:
        """The number of an upstream, given now if it has none. Inside a transaction."""
        ids = self._load()
        number = self._numbers.get(upstream)
        if number is None:
            number = max(ids, default=0) + 1
            self._database.execute("INSERT INTO upstreams (number, id) VALUES (?, ?)", (number, upstream))
            self._database.execute(
                "INSERT OR REPLACE INTO cursors (upstream, row, id) VALUES (?, 0, ?)", (number, upstream)
            )
            self._numbers[upstream], ids[number] = number, upstream
        return number

    def id(self, number: int) -> UpstreamId:
        """The upstream behind a number. Raises ValueError if nobody is."""
        ids = self._load()
        if number not in ids:
            raise ValueError(f"no upstream has the number {number}")
        return ids[number]

    def id_or_lost(self, number: int) -> UpstreamId:
        """Like `id`, with a name that no upstream has if nobody is behind the number."""
        return self._load().get(number) or UpstreamId(f"lost-{number}")

    def all(self) -> list[tuple[int, UpstreamId]]:
        """Every upstream that ever had anything stored."""
        return sorted(self._load().items())

    def _load(self) -> dict[int, UpstreamId]:
        if self._known is None:
            rows = self._database.rows("SELECT number, id FROM upstreams")
            self._known = {number: UpstreamId(text) for number, text in rows}
            self._numbers = {upstream: number for number, upstream in self._known.items()}
        return self._known
