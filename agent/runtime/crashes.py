"""Counts crashes, so that a station that keeps dying ends in safe mode instead of a loop of grants and deaths.

Theory of operation
-------------------
The file says whether the last run ended in order. A run that finds "still running" of the *same* boot follows a crash
(an exception, a kill, the watchdog); one of another boot follows a power cut or reboot, which is no crash. The
monotonic times of the crashes of this boot are kept; the third within ten minutes means safe mode. `judge` is
pure; `CrashFile` is its file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

WINDOW_S = 600.0
DEFAULT_LIMIT = 3


@dataclass(frozen=True, slots=True)
class RunMark:
    """What the crash file holds."""

    boot: str
    running: bool
    crashes_s: tuple[float, ...] = ()
    """Monotonic seconds at which runs of this boot found that the one before them had crashed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a starting run learns from the mark of the last one."""

    mark: RunMark
    """To be written before anything else happens."""
    after_crash: bool
    safe_mode: bool


def judge(last: RunMark | None, boot: str, now_s: float, limit: int = DEFAULT_LIMIT) -> Verdict:
    """Decide what this start follows and whether it must be in safe mode. `limit` 0: never."""
    if last is None or last.boot != boot:
        return Verdict(RunMark(boot, running=True), after_crash=False, safe_mode=False)
    recent = tuple(at for at in last.crashes_s if 0 <= now_s - at < WINDOW_S)
    crashes = (*recent, now_s) if last.running else recent
    mark = RunMark(boot, running=True, crashes_s=crashes[-32:])
    return Verdict(mark, after_crash=last.running, safe_mode=last.running and 0 < limit <= len(crashes))


class CrashFile:
    """`crashes.json` in the state folder. What cannot be read counts as a first start; a full disk stops nothing."""

    def __init__(self, state: str) -> None:
        self._path = Path(state) / "crashes.json"

    def read(self) -> RunMark | None:
        """The mark of the last run, or None if there is none that can be read."""
        try:
            held = json.loads(self._path.read_text("utf-8"))
            crashes = tuple(float(at) for at in held["crashes_s"])
            return RunMark(str(held["boot"]), bool(held["running"]), crashes)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, mark: RunMark) -> None:
        """Replace the mark. Raises OSError. Not synced: a power cut makes a new boot, where it counts for nothing."""
        beside = self._path.with_name(f".{self._path.name}.new")
        held = {"boot": mark.boot, "running": mark.running, "crashes_s": list(mark.crashes_s)}
        beside.write_text(json.dumps(held), "utf-8")
        os.replace(beside, self._path)

    def start(self, boot: str, now_s: float, limit: int) -> Verdict:
        """Called first thing by a starting agent. Raises OSError if the mark cannot be written."""
        verdict = judge(self.read(), boot, now_s, limit)
        self.write(verdict.mark)
        return verdict

    def end(self, mark: RunMark) -> None:
        """Called last thing by an agent that ends on purpose. Raises OSError."""
        self.write(RunMark(mark.boot, running=False, crashes_s=mark.crashes_s))
