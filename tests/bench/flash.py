"""What a session costs on the device: `python -m tests.bench.flash`. Needs root; else it says "not measured".

A loop device with its own ext4 holds the database; the counters of the block device are read before and after, with a
sync in between. A session of 10 minutes with samples every 60 s and two upstreams is played against the store: start,
two answers to the start, ten samples with two answers each, stop, two answers. `at once` plays it with nothing in
between, so that samples ride on the four barriers; `a minute` syncs before each sample, as the writer does on a real
day; `with notes` also lets the file system write its notes on times of files each minute, as ext4 does unless it is
mounted with `lazytime`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path

from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from tests.rig.sessions import render, session

UPSTREAMS = (MANAGEMENT, UpstreamId("primary"))
WARM_UP, MEASURED = 30, 100


class NotMeasured(Exception):
    """There is no loop device to be had."""


class Pace(Enum):
    """What happens between two samples."""

    AT_ONCE = "at once"
    MINUTE = "a minute"
    WITH_NOTES = "with notes"


@dataclass(frozen=True, slots=True)
class Cost:
    """Mean per session."""

    kilobytes: float
    syncs: float
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted file system and the block device under it."""

    path: Path
    device: str

    def written(self) -> int:
        """Bytes written to the device so far, everything in the page cache included."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            subprocess.run(["sync", "-f", str(self.path)], check=True)
        finally:
            os.close(descriptor)
        stat = Path(f"/sys/block/{self.device}/stat").read_text().split()
        return int(stat[6]) * 512


@contextlib.contextmanager
def volume(block_size: int, options: str = "noatime") -> Iterator[Volume]:
    """A fresh ext4 of 64 MiB on a loop device. Raises NotMeasured where that is not possible."""
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("losetup", "mkfs.ext4", "mount")):
        raise NotMeasured("not measured: needs root, losetup, mkfs.ext4 and mount")
    with tempfile.TemporaryDirectory(prefix="flash-") as folder:
        image, mount = Path(folder, "image"), Path(folder, "mount")
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(64 << 20)
        device = ""
        try:
            _run(
                "mkfs.ext4",
                "-q",
                "-F",
                "-b",
                str(block_size),
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0",
                str(image),
            )
            device = _run("losetup", "--find", "--show", str(image)).strip()
            _run("mount", "-o", options, device, str(mount))
        except subprocess.CalledProcessError as error:
            if device:
                _run("losetup", "-d", device)
            raise NotMeasured(f"not measured: {error.stderr.strip()}") from error
        try:
            yield Volume(mount, Path(device).name)
        finally:
            _run("umount", str(mount))
            _run("losetup", "-d", device)


def measure(page_size: int, wal_kib: int, pace: Pace, block_size: int, options: str = "noatime") -> Cost:
    """Play sessions on a warm store and give the mean."""
    with volume(block_size, options) as disk:
        syncs = 0

        def synced() -> None:
            nonlocal syncs
            syncs += 1

        database = Database(disk.path / "state.db", page_size, wal_kib * 1024, on_sync=synced)
        store = Store(database, render)
        store.open("bench")
        for number in range(WARM_UP):
            _play(store, number, pace, disk)
        before, syncs, begin = disk.written(), 0, time.perf_counter()
        for number in range(WARM_UP, WARM_UP + MEASURED):
            _play(store, number, pace, disk)
        spent = time.perf_counter() - begin
        written = disk.written() - before
        store.close()
    return Cost(written / 1000 / MEASURED, syncs / MEASURED, spent * 1000 / MEASURED)


def _play(store: Store, number: int, pace: Pace, disk: Volume) -> None:
    for record in session(UPSTREAMS, number):
        if pace is not Pace.AT_ONCE and not record.barrier and len(record.entries) > 1:
            store.sync()
            if pace is Pace.WITH_NOTES:
                disk.written()
        store.commit([record])
    store.tidy()


def idle_hour(page_size: int) -> int:
    """Bytes of an hour in which nothing happens but the writer asking for a sync every minute; marks not counted."""
    with volume(4096) as disk:
        store = Store(Database(disk.path / "state.db", page_size), render)
        store.open("bench")
        before = disk.written()
        for _ in range(60):
            store.sync()
            store.tidy()
        after = disk.written()
        store.close()
    return after - before


def mark() -> float:
    """Kilobytes of one time mark."""
    with volume(4096) as disk:
        store = Store(Database(disk.path / "state.db"), render)
        store.open("bench")
        store.mark_time(1)
        before = disk.written()
        for count in range(50):
            store.mark_time(2 + count)
        after = disk.written()
        store.close()
    return (after - before) / 1000 / 50


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", default="512,1024,2048,4096")
    parser.add_argument("--wal", default="256", help="KiB of WAL between checkpoints, comma separated")
    parser.add_argument("--mount", default="noatime", help="mount options; separate sets with a semicolon")
    parser.add_argument("--blocks", default="4096,1024", help="block sizes of the file system")
    options = parser.parse_args(arguments)
    try:
        print("kilobytes and syncs per session")
        print("block  page  WAL KiB" + "".join(f" | {pace.value:>16}" for pace in Pace))
        choices = [map(int, text.split(",")) for text in (options.blocks, options.pages, options.wal)]
        for block, page, wal in product(*choices):
            costs = [measure(page, wal, pace, block, options.mount) for pace in Pace]
            cells = "".join(f" | {cost.kilobytes:7.1f} kB {cost.syncs:5.1f}" for cost in costs)
            print(f"{block:5} {page:5} {wal:8}{cells}", flush=True)
        print(f"idle hour: {idle_hour(512)} bytes; one time mark: {mark():.1f} kB")
    except NotMeasured as error:
        print(error)
    return 0


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
