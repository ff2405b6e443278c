"""Budget 8: a write that is torn. Of the lazy log and of the WAL, every length that a file may be left with is tried.

A record is complete when its last byte is there; every complete one has to come back, in order, and nothing of the one
that is torn. What is behind the tear is missing, or it is the zeros that the files were laid out with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.store.database import PAGE_SIZE, Database
from agent.store.wal import FRAME_HEADER, HEADER
from tests.bench.report import Figure, Say
from tests.rig.memory_folder import memory_folder

RECORDS = 5
STRIDE_QUICK = 13
NAME = "state.db"
INSERT = "INSERT INTO meta (name, value) VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Whole:
    """The files of a process that died, which of them is torn, and where in it each record ends."""

    files: dict[str, bytes]
    torn: str
    ends: list[int]


@dataclass(slots=True)
class Found:
    """What came of all the tears."""

    offsets: int = 0
    complete: int = 0
    """Records that were complete, over all offsets."""
    recovered: int = 0
    wrong: int = 0
    """Offsets at which something else came back than the complete records."""


def torn_writes(say: Say, quick: bool) -> list[Figure]:
    """A row for each of the two files."""
    stride = STRIDE_QUICK if quick else 1
    figures = []
    for what, make in (("the lazy log", _lazy), ("the WAL", _barriers)):
        with memory_folder() as folder:
            found = _tear_everywhere(make(folder / "made"), folder, stride)
        text = f"{found.offsets:,} offsets, {found.recovered:,} of {found.complete:,} complete records recovered"
        say(f"{what}: {text}")
        kept = not found.wrong and found.recovered == found.complete > 0
        figures.append(Figure("8", f"torn write of {what}", "every complete record", text, kept))
    return figures


def _lazy(folder: Path) -> Whole:
    def end(database: Database) -> int:
        return int(database._log._position)

    return _written(folder, f"{NAME}-lazy", barrier=False, end=end)


def _barriers(folder: Path) -> Whole:
    def end(database: Database) -> int:
        return HEADER + database.wal_frames() * (PAGE_SIZE + FRAME_HEADER)

    return _written(folder, f"{NAME}-wal", barrier=True, end=end)


def _written(folder: Path, torn: str, *, barrier: bool, end: Callable[[Database], int]) -> Whole:
    """A database whose tables are made, with so many records in the file in question, as a kill leaves it."""
    folder.mkdir()
    database = Database(folder / NAME)
    database.open()
    database.close()
    database.open()
    ends = []
    for number in range(RECORDS):
        with database.transaction(barrier):
            for part in range(3):
                database.execute(INSERT, (_name(number, part), part))
        ends.append(end(database))
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    database.abandon()
    return Whole(files, torn, ends)


def _tear_everywhere(whole: Whole, folder: Path, stride: int) -> Found:
    found = Found()
    content = whole.files[whole.torn]
    for offset in range(0, whole.ends[-1] + 1, stride):
        complete = sum(end <= offset for end in whole.ends)
        for rest in (b"", bytes(len(content) - offset)):
            names = set(_opened(whole, folder / "torn", content[:offset] + rest))
            expected = {_name(number, part) for number in range(complete) for part in range(3)}
            found.complete += complete
            found.recovered += sum(_name(number, 0) in names for number in range(complete))
            found.wrong += names != expected
        found.offsets += 1
    return found


def _opened(whole: Whole, folder: Path, torn: bytes) -> Iterator[str]:
    """The records that a database finds in these files."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name, content in whole.files.items():
        (folder / name).write_bytes(torn if name == whole.torn else content)
    database = Database(folder / NAME)
    database.open()
    try:
        yield from (row[0] for row in database.rows("SELECT name FROM meta WHERE name GLOB 'torn-*'"))
    finally:
        database.abandon()


def _name(number: int, part: int) -> str:
    return f"torn-{number:02}-{part}"
