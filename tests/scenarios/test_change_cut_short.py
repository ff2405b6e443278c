"""A change of the primary is cut short at every step, of a file, of a record, of a frame: it is done, or it is not.

The tale: somebody charges while management is Billing; management sets a primary and resets the station; the primary
authorises the next one. Wherever the power fails or the process dies, after it exactly one upstream is Billing, the
settings are wholly the old or wholly the new ones, management is where it was, and each backend has been told of its
own sessions once: the first is management's alone.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.settings.files import storage
from agent.settings.settings import Settings
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.upstreams import Role
from tests.rig.fuse import End, Fuse, PowerCut
from tests.rig.rig_options import RigOptions
from tests.rig.sweep import report
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import SAME_CARD_S, begin, wait
from tests.scenarios.test_change_of_operator import Filed, ask

CALLS = ("write", "fsync", "replace")
"""The calls by which settings reach the disk."""
SAMPLE = 2
SAMPLE_SEED = 20261121


class FileSteps:
    """Stands for `os` where settings are written, and lets the power fail before the call with number `at`."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.armed = False
        self.seen = 0
        self.blown = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return partial(self._step, real) if name in CALLS else real

    def _step(self, real: Any, *arguments: Any) -> Any:
        if self.armed and (self.blown or self.seen == self.at):
            self.blown = True
            raise PowerCut(f"before call {self.seen}")
        self.seen += self.armed
        return real(*arguments)


class Changing(Filed):
    """Remembers with what it was started, each time, and judges it."""

    def __init__(self, folder: Path, fuse: Fuse) -> None:
        super().__init__(folder, RigOptions(primary=False), fuse=fuse)
        self.started: list[Settings] = []
        self.primary.on_frame = partial(self._arrived, "primary")

    def settings(self) -> Settings:
        """What the agent starts with."""
        found = super().settings()
        ids = [one.id for one in found.upstreams]
        assert (found.usable, found.problems) == (True, ())
        assert (ids, found.billing) in (([MANAGEMENT], MANAGEMENT), ([MANAGEMENT, "primary-1"], "primary-1"))
        assert [found.role(one) for one in ids].count(Role.BILLING) == 1
        if len(ids) > 1:
            assert (found.upstreams[1].url, found.upstreams[1].identity) == (self.primary.url, "CP1")
        assert not self.started or found.upstreams[0] == self.started[0].upstreams[0], (
            "management's address is as it was"
        )
        self.started.append(found)
        return found


async def set_primary(rig: Changing) -> None:
    """Management sets a primary, and the reset applies it."""
    await ask(rig.management, "SetPrimary", url=rig.primary.url, identity="CP1")
    assert await rig.management.reset("Hard") == "Accepted"
    await rig.restarted()
    await rig.until(lambda: rig.primary.ledger.status(1), within_s=60, what="statuses at the primary")


async def tell(rig: Changing, files: FileSteps, fuse: Fuse) -> None:
    """The tale up to the cut, if it comes; then what fell is got up again and the change is made."""
    await rig.ready()
    await begin(rig)
    rig.arm()
    files.armed = True
    telling = asyncio.ensure_future(set_primary(rig))
    while not (telling.done() or files.blown or fuse.blown):
        await wait(0.05)
    if not (files.blown or fuse.blown):
        await telling
        files.armed = fuse.armed = False
        return
    telling.cancel()
    with suppress(BaseException):
        await telling
    files.armed = False
    await (rig.recover(down_s=1) if fuse.blown else rig.power_cut(off_s=1))
    await rig.until(lambda: rig.management.connected.is_set(), within_s=60, what="management again")
    await wait(5)
    if rig.started[-1].billing == MANAGEMENT:
        await set_primary(rig)
    await rig.until(lambda: rig.primary.ledger.status(1), within_s=60, what="statuses at the primary")


async def charge_with_the_primary(rig: Changing) -> None:
    """The next driver is the primary's."""
    await rig.until(lambda: rig.management.ledger.stops(), within_s=60, what="the end of the first session")
    rig.unplug()
    await wait(SAME_CARD_S)
    await begin(rig)
    await wait(SAME_CARD_S)
    rig.card()
    await rig.until(lambda: rig.primary.ledger.stops(), within_s=120, what="the stop at the primary")
    await rig.until_delivered(2)


def judge(rig: Changing) -> None:
    """Each backend has its own sessions, each once."""
    first, second = (rig.management.ledger.deduplicated("StartTransaction")[n].payload["timestamp"] for n in (0, 1))
    assert first != second
    for backend, wanted in ((rig.management, [first, second]), (rig.primary, [second])):
        ledger = backend.ledger
        starts = [one.payload["timestamp"] for one in ledger.deduplicated("StartTransaction")]
        assert starts == wanted, f"{backend.name} was told of {starts}"
        assert len(ledger.deduplicated("StopTransaction")) == len(wanted)
        assert ledger.contradictions() == []
    assert rig.started[-1].billing == "primary-1"


def visit(folder: Path, files: FileSteps, fuse: Fuse) -> bool:
    """Tell it and judge. True if it was cut short."""
    folder.mkdir()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(report)
        async with Changing(folder, fuse) as rig, rig.primary:
            await tell(rig, files, fuse)
            await charge_with_the_primary(rig)
            judge(rig)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "os", files)
        run_virtual(main(), real_limit_s=60)
    return files.blown or fuse.blown


def unarmed(at: int | None = None, end: End = End.CUT) -> Fuse:
    """A fuse that the tale arms."""
    fuse = Fuse(at, end)
    fuse.armed = False
    return fuse


def steps(folder: Path) -> tuple[int, int]:
    """How many steps of files, and of all the rest, the tale has."""
    files, fuse = FileSteps(), unarmed()
    assert not visit(folder / "whole", files, fuse)
    assert files.seen > 8
    assert len(fuse.burnt) > 20
    return files.seen, len(fuse.burnt)


def cuts(folder: Path) -> Iterator[tuple[FileSteps, Fuse]]:
    """Every step."""
    of_files, of_effects = steps(folder)
    for at in range(of_files):
        yield FileSteps(at), unarmed()
    for at in range(of_effects):
        for end in (End.CUT, End.KILL):
            yield FileSteps(), unarmed(at, end)


@pytest.mark.rule("INV-1")
@pytest.mark.rule("two-upstreams.RC02")
@pytest.mark.rule("two-upstreams.RC07")
def test_some_steps(tmp_path: Path) -> None:
    chance = random.Random(SAMPLE_SEED)
    of_files, of_effects = steps(tmp_path)
    for number, at in enumerate(sorted(chance.sample(range(of_files), SAMPLE))):
        assert visit(tmp_path / f"f{number}", FileSteps(at), unarmed())
    for number, at in enumerate(sorted(chance.sample(range(of_effects), SAMPLE))):
        assert visit(tmp_path / f"e{number}", FileSteps(), unarmed(at, [End.CUT, End.KILL][number % 2]))


@pytest.mark.nightly
@pytest.mark.rule("INV-1")
def test_every_step(tmp_path: Path) -> None:
    found = []
    for number, (files, fuse) in enumerate(cuts(tmp_path)):
        try:
            visit(tmp_path / str(number), files, fuse)
        except AssertionError as error:
            found.append(f"file step {files.at}, effect {fuse.at}, {fuse.end}: {error}")
    assert not found, "\n\n".join(found[:10])
