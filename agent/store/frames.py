"""When a frame is written: at insert if all is known, else in the commit that brings what it waits for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from agent.store.boots import Boots
from agent.store.codec import event_from_json, to_json
from agent.store.damage import Damage
from agent.store.names import UpstreamNumbers
from agent.store.outbox import Content, Outbox, StoredRow, parse_row
from agent.store.receipts import Receipts
from agent.store.squeeze import squeeze
from agent.store.unframed import Unframed
from agent.vocabulary.events import TransactionEvent, TransactionSampled, TransactionStarted
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.security import SecurityEvent

Render = Callable[[UpstreamId, TransactionEvent | SecurityEvent, str, str | None, int | None], str | None]
"""(upstream, event, message id, foreign id, wall offset of the event's boot) -> frame, or None while it must wait.

A security event has no foreign id."""


def kind_of(event: TransactionEvent) -> RowKind:
    """The kind of row that holds this event."""
    if isinstance(event, TransactionStarted):
        return RowKind.START
    return RowKind.SAMPLE if isinstance(event, TransactionSampled) else RowKind.STOP


def moment_of(event: TransactionEvent) -> Moment:
    """When the event happened."""
    return event.sample.at if isinstance(event, TransactionSampled) else event.at


class Frames:
    """Fills outbox rows. All methods run inside a transaction."""

    def __init__(
        self,
        render: Render,
        outbox: Outbox,
        unframed: Unframed,
        receipts: Receipts,
        upstreams: UpstreamNumbers,
        boots: Boots,
        damage: Damage,
    ) -> None:
        self._render = render
        self._outbox = outbox
        self._unframed = unframed
        self._receipts = receipts
        self._upstreams = upstreams
        self._boots = boots
        self._damage = damage

    def content(self, upstream: int, number: int | None, message_id: str, event: TransactionEvent) -> Content:
        """What a new row holds: its frame, or its event if the frame cannot be written yet. Raises ValueError."""
        frame = self._frame(upstream, number, message_id, event)
        return (squeeze(to_json(event)), None) if frame is None else (None, squeeze(frame))

    def write_followers(self, start: StoredRow) -> None:
        """A start is answered or given up: write what waited for its foreign id."""
        if start.number is not None:
            self._write_all(self._unframed.behind(start))

    def write_boot(self, boot: int) -> None:
        """The wall time of a boot is known: write what waited for it."""
        self._write_all(self._unframed.of_boot(boot))

    def waiting_boots(self) -> dict[int, int]:
        """The boots for whose wall time rows may wait, each with the monotonic time of the last of them."""
        return {boot: self._last_moment(boot) for boot in self._unframed.boots()}

    def _last_moment(self, boot: int) -> int:
        latest = 0
        for raw in self._unframed.of_boot(boot):
            with contextlib.suppress(ValueError):
                latest = max(latest, moment_of(_event(parse_row(raw))).monotonic_ms)
        return latest

    def _write_all(self, rows: list[Any]) -> None:
        for raw in rows:
            try:
                stored = parse_row(raw)
                frame = self._frame(stored.upstream, stored.number, stored.message_id, _event(stored))
            except ValueError as error:
                self._damage.set_aside("outbox", raw[-1], error)
                self._outbox.finish(raw[1], raw[0])
                continue
            if frame is not None:
                self._unframed.fill(stored.row, (None, squeeze(frame)))

    def _frame(self, upstream: int, number: int | None, message_id: str, event: TransactionEvent) -> str | None:
        foreign_id = None
        if number is not None and not isinstance(event, TransactionStarted):
            foreign_id = self._receipts.id_for_frames(number, upstream)
        offset_ms = self._boots.offset(moment_of(event).boot)
        try:
            return self._render(self._upstreams.id(upstream), self._timed(event), message_id, foreign_id, offset_ms)
        except Exception as error:  # a renderer that trips over one event must not keep the others from the disk
            raise ValueError(f"no frame can be written: {error!r}") from error

    def _timed(self, value: Any) -> Any:
        """The event with the wall time of all its moments: a stop may carry samples of earlier boots."""
        if isinstance(value, Moment):
            return value if value.wall_ms is not None else value.with_offset(self._boots.offset(value.boot))
        if isinstance(value, tuple):
            return tuple(self._timed(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            changes = {f.name: self._timed(getattr(value, f.name)) for f in fields(value)}
            return replace(value, **changes)
        return value


def _event(stored: StoredRow) -> TransactionEvent:
    if stored.event is None:
        raise ValueError("neither frame nor event")
    return event_from_json(stored.event)
