"""Security events that upstreams are still to be told: one queue for each, beside its outbox.

Theory of operation
-------------------
Like a row of the outbox, a row here holds the event until its frame can be written, and from then on the frame, which
never changes. A row goes when it is answered. Each queue is bounded, since an upstream may be away for years: a full
one loses its oldest event that is not critical, and only without such a one its oldest. How many rows a queue has is
remembered: that an upstream has nothing to be told is the rule, and costs no question to the database.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.store.boots import Boots
from agent.store.codec import from_json, to_json
from agent.store.damage import Damage, Report
from agent.store.database import Database
from agent.store.names import UpstreamNumbers, pack_id, unpack_id
from agent.store.outbox import Content
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import NoticeRow
from agent.vocabulary.records import EnqueueNotice
from agent.vocabulary.security import CRITICAL, SecurityEvent

KEPT = 200
"""Rows of one queue."""

RenderNotice = Callable[[UpstreamId, SecurityEvent, str, int | None], str | None]
"""(upstream, event, message id, wall offset of the event's boot) -> frame, or None while the time is unknown."""


class Notices:
    """The queues of all upstreams. Writing methods run inside a transaction."""

    def __init__(
        self,
        database: Database,
        render: RenderNotice,
        upstreams: UpstreamNumbers,
        boots: Boots,
        damage: Damage,
        report: Report,
        kept: int = KEPT,
    ) -> None:
        self._database = database
        self._render = render
        self._upstreams = upstreams
        self._boots = boots
        self._damage = damage
        self._report = report
        self._kept = kept
        self._depths: dict[int, int] | None = None

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._depths = None

    def add(self, entry: EnqueueNotice) -> None:
        """Append to the queue of an upstream; make room first if it is full."""
        upstream, event = self._upstreams.number(entry.upstream), entry.event
        depths = self._counted()
        if depths.get(upstream, 0) >= self._kept:
            self._make_room(upstream, entry.upstream)
        try:
            content = self._content(entry.upstream, event, entry.message_id)
        except ValueError as error:
            self._damage.set_aside("notices", to_json(event), error)
            return
        newest = self._database.row("SELECT coalesce(max(row), 0) FROM notices")
        row = (newest[0] if newest else 0) + 1
        self._database.execute(
            "INSERT INTO notices (row, upstream, message, boot, critical, event, frame) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                upstream,
                pack_id(entry.message_id),
                event.at.boot,
                event.kind in CRITICAL,
                *content,
            ),
        )
        depths[upstream] = depths.get(upstream, 0) + 1

    def head(self, upstream: int) -> NoticeRow | None:
        """The oldest row of a queue. Raises ValueError if it cannot be read."""
        if not self._counted().get(upstream):
            return None
        found = self._first(upstream)
        if found is None:
            return None
        return NoticeRow(unpack_id(found[1]), None if found[2] is None else expand(found[2]))

    def drop_head(self, upstream: int, why: ValueError) -> None:
        """Set an unreadable head aside."""
        found = self._first(upstream)
        if found is not None:
            self._damage.set_aside("notices", found[2] or found[3], why)
            self._delete(upstream, found[0])

    def drop(self, upstream: int, message_id: str) -> None:
        """It was answered. Nothing happens for one that is not there (any more)."""
        found = self._database.row(
            "SELECT row FROM notices WHERE upstream = ? AND message = ?", (upstream, pack_id(message_id))
        )
        if found is not None:
            self._delete(upstream, found[0])

    def write_boot(self, boot: int) -> None:
        """The wall time of a boot is known: write what waited for it."""
        for row, number, message, blob in self._waiting("WHERE boot = ? AND frame IS NULL", (boot,)):
            try:
                upstream = self._upstreams.id(number)
                frame = self._content(upstream, from_json(SecurityEvent, expand(blob)), unpack_id(message))
            except ValueError as error:
                self._damage.set_aside("notices", blob, error)
                self._delete(number, row)
            else:
                self._database.execute("UPDATE notices SET event = ?, frame = ? WHERE row = ?", (*frame, row))

    def waiting_boots(self) -> dict[int, int]:
        """The boots for whose wall time rows wait, each with the monotonic time of the last of them."""
        latest: dict[int, int] = {}
        for _, _, _, blob in self._waiting("WHERE frame IS NULL"):
            try:
                at = from_json(SecurityEvent, expand(blob)).at
            except ValueError:
                continue
            latest[at.boot] = max(at.monotonic_ms, latest.get(at.boot, 0))
        return latest

    def _content(self, upstream: UpstreamId, event: SecurityEvent, message_id: str) -> Content:
        try:
            frame = self._render(upstream, event, message_id, self._boots.offset(event.at.boot))
        except Exception as error:  # a renderer that trips over one event must not keep the others from the disk
            raise ValueError(f"no frame can be written: {error!r}") from error
        return (squeeze(to_json(event)), None) if frame is None else (None, squeeze(frame))

    def _make_room(self, number: int, upstream: UpstreamId) -> None:
        found = self._database.row(
            "SELECT row FROM notices WHERE upstream = ? ORDER BY critical, row LIMIT 1", (number,)
        )
        if found is not None:
            self._delete(number, found[0])
            self._report(f"{upstream} is not told a security event of old: {self._kept} newer ones wait for it")

    def _delete(self, upstream: int, row: int) -> None:
        if self._database.execute("DELETE FROM notices WHERE row = ?", (row,)):
            depths = self._counted()
            depths[upstream] = max(0, depths.get(upstream, 0) - 1)

    def _first(self, upstream: int) -> Row | None:
        return self._database.row(
            "SELECT row, message, frame, event FROM notices WHERE upstream = ? ORDER BY row LIMIT 1", (upstream,)
        )

    def _waiting(self, where: str, key: tuple[int, ...] = ()) -> list[Row]:
        return self._database.rows(f"SELECT row, upstream, message, event FROM notices {where} ORDER BY row", key)

    def _counted(self) -> dict[int, int]:
        if self._depths is None:
            self._depths = dict(self._database.rows("SELECT upstream, count(*) FROM notices GROUP BY upstream"))
        return self._depths
