"""Power cuts for the store: what a disk would hold at any instant.

The rig is a folder with the files of a `Database`. At each sync it keeps a copy of them; `cut()` gives a new folder as
a cut at this instant leaves it: what was synced last, for sure, and of what was written since either nothing or a
random part, by sectors of 512 bytes, as a disk may have kept it.

    rig = CrashStore(tmp_path)
    store = rig.store(render)              # or Store(Database(rig.path, on_sync=rig.synced), render)
    store.open("boot-1"); ...
    after = rig.cut()                      # or rig.cut(random.Random(7)): with a random part of later writes
    store.abandon()
    store = after.store(render); store.open("boot-2")
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from agent.store.damage import Report
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.frames import Render
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId

NAME = "state.db"
BESIDE = ("credentials", "firmware")
"""Folders beside the database that are not of the store."""
SECTOR = 512


class CrashStore:
    """One folder with a database, and the copy of it at its last sync."""

    def __init__(
        self,
        folder: Path,
        on_sync: Callable[[], None] | None = None,
        before_sync: Callable[[], None] | None = None,
    ) -> None:
        """`before_sync` is called when everything is written and before it counts as synced: what it raises passes."""
        self.folder = folder
        self.path = folder / NAME
        self.syncs = 0
        """How many syncs there were so far."""
        self._on_sync = on_sync
        self._before_sync = before_sync
        self._made: Store | None = None
        self._durable: dict[str, bytes] = {}
        self._asked: dict[str, bytes | None] = {}
        self._cuts = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._keep()

    def store(self, render: Render, report: Report | None = None, kind: type[Store] = Store) -> Store:
        """A store on this folder whose syncs the rig sees."""
        database = Database(self.path, on_sync=self.synced)
        self._made = kind(database, render) if report is None else kind(database, render, report)
        return self._made

    def abandon(self) -> None:
        """Let go of the store that was made last: for one that never came into the hands of its owner."""
        if self._made is not None:
            self._made.abandon()

    def synced(self) -> None:
        """The hook of `Database`: all files are on the disk as they are now."""
        if self._before_sync is not None:
            self._before_sync()
        self.syncs += 1
        self._keep()
        if self._on_sync is not None:
            self._on_sync()

    def cut(self, chance: random.Random | None = None) -> CrashStore:
        """The folder after a power cut now. With `chance`, a random part of the writes since the last sync is kept."""
        self._cuts += 1
        after = self.folder.with_name(f"{self.folder.name}-cut{self._cuts}")
        shutil.rmtree(after, ignore_errors=True)
        after.mkdir()
        for name, content in self._durable.items():
            (after / name).write_bytes(content if chance is None else self._mix(name, content, chance))
        for name in BESIDE:  # their files are synced one by one as they are written
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, after / name)
        return CrashStore(after, self._on_sync, self._before_sync)

    def newly_written(self) -> bool:
        """Something unsynced was written since this was asked last: a cut now may keep a part of it."""
        present = {name: self._content(name) for name in self._durable}
        changed = present not in (self._durable, self._asked)
        self._asked = present
        return changed

    def kill(self) -> CrashStore:
        """The folder after the process died and the system lived: everything written is there."""
        self._keep()
        return self.cut()

    def _keep(self) -> None:
        self._durable = {file.name: file.read_bytes() for file in self.folder.iterdir() if file.is_file()}

    def _content(self, name: str) -> bytes | None:
        present = self.folder / name
        return present.read_bytes() if present.exists() else None

    def _mix(self, name: str, old: bytes, chance: random.Random) -> bytes:
        new = self._content(name) or old
        mixed = bytearray(old.ljust(len(new), b"\0"))
        for at in range(0, len(new), SECTOR):
            if new[at : at + SECTOR] != old[at : at + SECTOR] and chance.random() < 0.5:
                mixed[at : at + SECTOR] = new[at : at + SECTOR]
        if name.endswith("-wal") and new[16:24] != old[16:24]:
            mixed[:32] = new[:32]  # SQLite syncs the header of a WAL that begins anew before anything else of it
        return bytes(mixed)


class FailingStore(Store):
    """A store whose commits and syncs fail while `failing` is set."""

    failing = False
    attempts = 0

    def commit(self, records: list[Record] | tuple[Record, ...]) -> frozenset[UpstreamId]:  # type: ignore[override]
        """Fail, or commit."""
        self.attempts += 1
        if self.failing:
            raise StoreError("disk full (of the rig)")
        return super().commit(records)

    def sync(self) -> None:
        """Fail, or sync."""
        if self.failing:
            raise StoreError("disk full (of the rig)")
        super().sync()
