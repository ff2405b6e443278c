"""What is still kept for an upstream that is no longer configured, and when it goes.

Theory of operation
-------------------
What a removed upstream was never sent stays for ninety days: it may be configured again, or somebody may want it for
the books. Days are counted, one at the most each time the wall time has moved on by one: a clock that is wrong by years
for an hour must not cost a bill. Nothing is counted, and nothing written, while nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.store.damage import Report
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.outbox import Outbox
from agent.store.receipts import Receipts
from agent.vocabulary.ids import UpstreamId

KEPT_DAYS = 90
DAY_MS = 24 * 3_600_000
_OWNED = (
    "outbox",
    "parked",
    "notices",
    "cache",
    "options",
    "holds",
    "accepted",
    "profiles",
    "reservations",
    "lists",
    "list_entries",
)
"""Every table whose rows belong to an upstream, but for its number itself."""


class Retention:
    """Counts days and forgets. `age` runs inside a transaction; `is_due` does not write."""

    def __init__(
        self, database: Database, upstreams: UpstreamNumbers, outbox: Outbox, receipts: Receipts, report: Report
    ) -> None:
        self._database = database
        self._upstreams = upstreams
        self._outbox = outbox
        self._receipts = receipts
        self._report = report

    def is_due(self, configured: Collection[UpstreamId], wall_ms: int) -> bool:
        """`age` would write something."""
        return any(self._change(number, name in configured, wall_ms) for number, name in self._upstreams.all())

    def age(self, configured: Collection[UpstreamId], wall_ms: int) -> bool:
        """Count the day for everyone who is removed, and forget what was kept long enough; True if anything was."""
        forgotten = False
        for number, name in self._upstreams.all():
            change = self._change(number, name in configured, wall_ms)
            if change is None:
                continue
            days, mark = change
            if days >= KEPT_DAYS:
                self._forget(number, name)
                forgotten, mark = True, ""
            self._note(number, mark)
        return forgotten

    def _change(self, number: int, configured: bool, wall_ms: int) -> tuple[int, str] | None:
        """Days and note as they should be from now on; None: they are."""
        found = self._database.row("SELECT value FROM meta WHERE name = ?", (_key(number),))
        if configured:
            return None if found is None else (0, "")
        days, since_ms = _parse(found[0]) if found else (0, None)
        if since_ms is None:
            return (0, f"0 {wall_ms}") if self._has_anything(number) else None
        if 0 <= wall_ms - since_ms < DAY_MS:
            return None
        days += wall_ms > since_ms
        return days, f"{days} {wall_ms}"

    def _has_anything(self, number: int) -> bool:
        return any(
            self._database.row(f"SELECT 1 FROM {table} WHERE upstream = ? LIMIT 1", (number,)) for table in _OWNED
        )

    def _note(self, number: int, mark: str) -> None:
        if not mark:
            self._database.execute("DELETE FROM meta WHERE name = ?", (_key(number),))
            return
        self._database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_key(number), mark),
        )

    def _forget(self, number: int, name: UpstreamId) -> None:
        depth = self._outbox.depth(number)
        self._receipts.drop_undelivered(number)
        for table in _OWNED:
            self._database.execute(f"DELETE FROM {table} WHERE upstream = ?", (number,))
        self._report(f"{name} was removed {KEPT_DAYS} days ago: {depth} messages that it never got are dropped")


def _key(number: int) -> str:
    return f"removed:{number}"


def _parse(stored: object) -> tuple[int, int | None]:
    try:
        days, since_ms = str(stored).split()
        return int(days), int(since_ms)
    except ValueError:
        return 0, None
