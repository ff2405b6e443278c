"""Power cuts, and deaths of the process, at every boundary between two effects; and defects that these must find."""

from __future__ import annotations

import functools
import gc
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ocpp.messages
import pytest

from hal import boards
from tests.rig import defects
from tests.rig.fuse import End, Fuse
from tests.rig.sweep import Tale, counted, visit
from tests.scenarios.acts import BOARDS
from tests.scenarios.tales import SESSION, SLOW_DISK, TALES

SAMPLE = 8
SAMPLE_SEED = 20260101
SEEDS = range(1, 6)
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")
STOP_ARRIVES = "management.receives StopTransaction"
Visit = tuple[Tale, Fuse]
_COUNTED: dict[tuple[str, int], Fuse] = {}

AT_NIGHT = (("_resumption", End.CUT), ("_slow_disk", End.KILL), ("_slow_disk", End.TORN))
"""What only the long counts sweep (a torn disk with nothing to tear is a bare cut)."""
SWEPT = [(tale, end) for tale in TALES for end in End if (tale.tell.__name__, end) not in AT_NIGHT]


def name_of(value: Tale | End) -> str:
    """For the id of a test."""
    return value.value if isinstance(value, End) else value.tell.__name__.strip("_")


on_each_tale = pytest.mark.parametrize("tale", TALES, ids=name_of)


def once_per_shape(validate: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """Validates a message unless one that differs in ids and numbers only was right before."""
    right: set[tuple[str, str, str]] = set()

    def checked(message: Any, version: str) -> None:
        shape = (type(message).__name__, message.action, NUMBERS.sub("0", json.dumps(message.payload)))
        if shape not in right:
            validate(message, version)
            right.add(shape)

    return checked


@pytest.fixture(autouse=True, scope="module")
def _short_lives() -> Iterator[None]:
    """Hundreds of lives that are alike: the same is not read, validated or searched for garbage in each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ocpp.messages, "_validate_payload", once_per_shape(ocpp.messages._validate_payload))
        for name in ("find_board", "find_meter", "find_reader"):
            patch.setattr(boards, name, functools.cache(getattr(boards, name)))
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()


def places(folder: Path, tale: Tale, end: End, seed: int = 1) -> list[int]:
    """The boundaries of a tale; for a torn disk those at which there is something to tear."""
    key = (tale.name, seed)
    if key not in _COUNTED:
        _COUNTED[key] = counted(folder / f"{tale.tell.__name__}-{seed}", tale, seed)
    fuse = _COUNTED[key]
    return fuse.unsynced if end is End.TORN else list(range(len(fuse.burnt)))


def sweep(folder: Path, visits: Iterable[Visit], seed: int = 1, broken: Mapping[str, Any] | None = None) -> list[str]:
    """Visit all; what was found."""
    found = []
    for number, (tale, fuse) in enumerate(visits):
        place = folder / str(number)
        try:
            visit(place, tale, fuse, seed, broken)
        except AssertionError as error:
            found.append(str(error))
        shutil.rmtree(place, ignore_errors=True)
    return found


def told(found: list[str]) -> str:
    """The first findings, for an assertion."""
    return f"{len(found)} places:\n" + "\n\n".join(found[:10])


@pytest.mark.sweep
@pytest.mark.parametrize(("tale", "end"), SWEPT, ids=name_of)
@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
@pytest.mark.rule("INV-3")
@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-11")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("ocpp16.X75")
@pytest.mark.rule("ocpp16.X77")
def test_every_boundary(tmp_path: Path, tale: Tale, end: End) -> None:
    ats = places(tmp_path, tale, end)
    assert ats
    found = sweep(tmp_path, [(tale, Fuse(at, end)) for at in ats])
    assert not found, told(found)


@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
def test_some_boundaries(tmp_path: Path) -> None:
    chance = random.Random(SAMPLE_SEED)
    visits = [
        (tale, Fuse(chance.choice(places(tmp_path, tale, end)), end))
        for tale, end in chance.sample([(tale, end) for tale in TALES for end in End], SAMPLE)
    ]
    found = sweep(tmp_path, visits)
    assert not found, told(found)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", SEEDS)
@on_each_tale
@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
def test_every_boundary_with_other_chances(tmp_path: Path, tale: Tale, seed: int) -> None:
    chance = random.Random(seed)
    tale = replace(tale, name=f"{tale.name} ({seed})", options=replace(tale.options, board=BOARDS[seed % 2]))
    visits = [
        (tale, Fuse(at, end, random.Random(chance.random())))
        for end in (End.TORN, End.KILL)
        for at in places(tmp_path, tale, End.CUT, seed)
    ]
    found = sweep(tmp_path, visits, seed)
    assert not found, told(found)


DEFECTS: Mapping[str, tuple[Mapping[str, Any], Tale, str, str]] = {
    "PowerBeforeRecord": (defects.POWER_BEFORE_RECORD, SLOW_DISK, "hardware.withdraw", "before any synced record"),
    "NoBarrier": (defects.NO_BARRIER, SLOW_DISK, "hardware.withdraw", "before any synced record"),
    "NoGrantCheck": (defects.NO_GRANT_CHECK, SLOW_DISK, STOP_ARRIVES, "outside any transaction"),
    "NoStoredFrame": (defects.NO_STORED_FRAME, SESSION, STOP_ARRIVES, "came again with other bytes"),
}
"""The defect, a tale in which it matters, the boundary to blow at, and what the oracle then says."""


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("end", [End.CUT, End.KILL])
@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
def test_a_defect_is_found(tmp_path: Path, name: str, end: End) -> None:
    broken, tale, before, finding = DEFECTS[name]
    assert sweep(tmp_path / "right", [(tale, Fuse(before, end))]) == []
    found = sweep(tmp_path / "wrong", [(tale, Fuse(before, end))], broken=broken)
    assert [finding in text and "the oracle found" in text for text in found] == [True], told(found)
