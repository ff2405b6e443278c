"""The journal: one row per transaction, the truth from which everything about it can be rebuilt."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields
from typing import Any

from agent.store.codec import decode, encode
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import pack_id, unpack_id
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.ids import TransactionId, UpstreamId
from agent.vocabulary.records import TransactionRecord

_RUNNING, _STOPPED, _STUB = 0, 1, 2
_KNOWN = frozenset(f.name for f in fields(TransactionRecord))


class Journal:
    """Transactions by local id, and the small number that stands for each in other tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[TransactionId, int] = {}
        self._ids: dict[int, TransactionId] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._numbers.clear()
        self._ids.clear()

    def save(self, record: TransactionRecord) -> int:
        """Insert or replace the row; fields that a newer release wrote are kept. Inside a transaction."""
        number = self.known(record.id)
        stopped = _RUNNING if record.stopped_at is None else _STOPPED
        if number is None:
            return self._insert(record.id, stopped, squeeze(_text(record, {})))
        stored = self._database.row("SELECT record FROM transactions WHERE number = ?", (number,))
        blob = squeeze(_text(record, _unknown_fields(stored)))
        self._database.execute(
            "UPDATE transactions SET stopped = ?, record = ? WHERE number = ?", (stopped, blob, number)
        )
        return number

    def known(self, transaction: TransactionId) -> int | None:
        """The number of a transaction, or None if there is no row."""
        number = self._numbers.get(transaction)
        if number is None:
            found = self._database.row("SELECT number FROM transactions WHERE id = ?", (pack_id(transaction),))
            if found is None:
                return None
            number = found[0]
            self._remember(transaction, number)
        return number

    def number(self, transaction: TransactionId) -> int:
        """Like `known`; a transaction without a row gets an empty one, so that its messages are kept all the same."""
        number = self.known(transaction)
        return self._insert(transaction, _STUB, b"") if number is None else number

    def id(self, number: int | None) -> TransactionId | None:
        """The transaction behind a number."""
        if number is None:
            return None
        if number not in self._ids:
            found = self._database.row("SELECT id FROM transactions WHERE number = ?", (number,))
            if found is None:
                return None
            self._remember(TransactionId(unpack_id(found[0])), number)
        return self._ids[number]

    def record(self, number: int) -> TransactionRecord | None:
        """The row with this number, if it can be read."""
        found = self._database.row("SELECT number, record FROM transactions WHERE number = ?", (number,))
        try:
            return None if found is None else _parse(found)
        except ValueError:
            return None

    def running(self, damage: Damage) -> list[TransactionRecord]:
        """Every transaction that has not stopped, oldest first. Inside a transaction."""
        rows = self._database.rows(
            "SELECT number, record FROM transactions WHERE stopped = ? ORDER BY number", (_RUNNING,)
        )
        return damage.readable("transactions", "number", rows, _parse)

    def awaits_stop(self, upstream: UpstreamId) -> bool:
        """A transaction runs that this upstream has authorised or was told of; an unreadable one counts for nobody."""
        rows = self._database.rows("SELECT number, record FROM transactions WHERE stopped = ?", (_RUNNING,))
        for row in rows:
            with contextlib.suppress(ValueError):
                record = _parse(row)
                if upstream in (record.authority, *record.told):
                    return True
        return False

    def newest(self, limit: int) -> list[tuple[int, TransactionRecord]]:
        """The newest transactions first; unreadable ones are left out."""
        rows = self._database.rows(
            "SELECT number, record FROM transactions WHERE stopped <> ? ORDER BY number DESC LIMIT ?", (_STUB, limit)
        )
        found = []
        for row in rows:
            try:
                found.append((row[0], _parse(row)))
            except ValueError:
                continue
        return found

    def places(self) -> list[tuple[int, bytes | str]]:
        """Number and packed id of every transaction, newest first."""
        rows = self._database.rows(
            "SELECT number, id FROM transactions WHERE stopped <> ? ORDER BY number DESC", (_STUB,)
        )
        return [(number, packed) for number, packed in rows]

    def oldest_stopped(self, limit: int) -> list[tuple[int, int]]:
        """Number and wall time of the oldest finished transactions, for the end of their time in the history."""
        rows = self._database.rows(
            "SELECT number, record FROM transactions WHERE stopped = ? ORDER BY number LIMIT ?", (_STOPPED, limit)
        )
        found = []
        for row in rows:
            with contextlib.suppress(ValueError):
                stopped = _parse(row).stopped_at
                if stopped is not None and stopped.wall_ms is not None:
                    found.append((row[0], stopped.wall_ms))
        return found

    def delete(self, number: int) -> None:
        """Forget a transaction. Inside a transaction."""
        self._database.execute("DELETE FROM transactions WHERE number = ?", (number,))
        transaction = self._ids.pop(number, None)
        if transaction is not None:
            self._numbers.pop(transaction, None)

    def _insert(self, transaction: TransactionId, stopped: int, blob: bytes) -> int:
        found = self._database.row("SELECT coalesce(max(number), 0) + 1 FROM transactions")
        number = int(found[0]) if found else 1
        self._database.execute(
            "INSERT INTO transactions (number, id, stopped, record) VALUES (?, ?, ?, ?)",
            (number, pack_id(transaction), stopped, blob),
        )
        self._remember(transaction, number)
        return number

    def _remember(self, transaction: TransactionId, number: int) -> None:
        if len(self._ids) > 64:
            self.forget()
        self._numbers[transaction], self._ids[number] = number, transaction


def _parse(row: Row) -> TransactionRecord:
    return decode(TransactionRecord, json.loads(expand(row[1])))


def _text(record: TransactionRecord, unknown: dict[str, Any]) -> str:
    return json.dumps({**encode(record), **unknown}, separators=(",", ":"), ensure_ascii=False)


def _unknown_fields(stored: Row | None) -> dict[str, Any]:
    try:
        plain = json.loads(expand(stored[0])) if stored else {}
    except ValueError:
        return {}
    return {name: value for name, value in plain.items() if name not in _KNOWN} if isinstance(plain, dict) else {}
