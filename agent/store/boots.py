"""Boots of the system: their numbers, the wall offset of each, and why the agent last ended on purpose.

Theory of operation
-------------------
A moment taken before the wall time was known gets it later from the offset of its boot. A boot that ended without ever
learning the time would keep its rows waiting for ever; so when a later boot learns it, the earlier ones get an
estimate: as if no time had passed from the last moment of the one to the beginning of the next. It is never later than
the truth and keeps the order.
"""

from __future__ import annotations

from agent.store.database import Database
from agent.vocabulary.events import StopReason

_RESTART = "restart_reason"
_FAILED_RESETS = "failed_resets"
_COUNT = "boots"
"""The number of the newest boot a second time, on another page: a number must never come twice."""


class Boots:
    """The table of boots. `current` is the one we are in, after `enter`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.current = 0

    def enter(self, boot_id: str, opened_ms: int) -> bool:
        """Count this boot if it is a new one; False for a restart within the same. Inside a transaction."""
        newest = self._database.row("SELECT boot, boot_id FROM boots ORDER BY boot DESC LIMIT 1")
        if newest is not None and newest[1] == boot_id:
            self.current = newest[0]
            return False
        counted = self._database.row("SELECT value FROM meta WHERE name = ?", (_COUNT,))
        known = [found[0] for found in (newest, counted) if found is not None and isinstance(found[0], int)]
        self.current = max(known, default=0) + 1
        self._set(_COUNT, self.current)
        self._database.execute(
            "INSERT INTO boots (boot, boot_id, opened_ms) VALUES (?, ?, ?)", (self.current, boot_id, opened_ms)
        )
        return True

    def offset(self, boot: int) -> int | None:
        """Wall minus monotonic time of a boot in milliseconds, or None while unknown."""
        found = self._database.row("SELECT offset_ms FROM boots WHERE boot = ?", (boot,))
        return found[0] if found else None

    def fix(self, boot: int, offset_ms: int) -> bool:
        """Set the offset once; False if it was known already. Inside a transaction."""
        known = self._database.row("SELECT 1 FROM boots WHERE boot = ?", (boot,))
        if known is None:
            self._database.execute(
                "INSERT INTO boots (boot, boot_id, opened_ms, offset_ms) VALUES (?, '', 0, ?)", (boot, offset_ms)
            )
            return True
        changed = self._database.execute(
            "UPDATE boots SET offset_ms = ?, estimated = 0 WHERE boot = ? AND (offset_ms IS NULL OR estimated = 1)",
            (offset_ms, boot),
        )
        return changed > 0

    def estimate(self, boot: int, last_ms: int) -> bool:
        """Give a finished boot, whose last moment is `last_ms`, an offset from the next that has one."""
        later = self._database.row(
            "SELECT opened_ms + offset_ms FROM boots WHERE boot > ? AND offset_ms IS NOT NULL ORDER BY boot LIMIT 1",
            (boot,),
        )
        if later is None or boot >= self.current or self.offset(boot) is not None:
            return False
        self.fix(boot, later[0] - last_ms)
        self._database.execute("UPDATE boots SET estimated = 1 WHERE boot = ?", (boot,))
        return True

    def note_restart(self, reason: StopReason) -> None:
        """The agent is about to end on purpose. Inside a transaction."""
        self._set(_RESTART, reason.value)

    def take_restart(self) -> StopReason | None:
        """Why the last run ended, if on purpose; told once. Inside a transaction."""
        found = self._database.row("SELECT value FROM meta WHERE name = ?", (_RESTART,))
        if found is None:
            return None
        self._database.execute("DELETE FROM meta WHERE name = ?", (_RESTART,))
        return next((reason for reason in StopReason if reason.value == found[0]), None)

    def count_failed_resets(self, same_boot: bool, reason: StopReason | None) -> int:
        """How often in a row a hard reset did not come about, this start included. Inside a transaction."""
        if not same_boot or reason is not StopReason.HARD_RESET:
            self._database.execute("DELETE FROM meta WHERE name = ?", (_FAILED_RESETS,))
            return 0
        found = self._database.row("SELECT value FROM meta WHERE name = ?", (_FAILED_RESETS,))
        count = (found[0] if found and isinstance(found[0], int) else 0) + 1
        self._set(_FAILED_RESETS, count)
        return count

    def _set(self, name: str, value: int | str) -> None:
        self._database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
