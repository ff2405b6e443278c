"""A fuse that burns at a chosen effect: for power cuts at every boundary between two effects.

`Fuse` counts effects as they are performed and blows before the n-th. Wrap the doors of the engine with `Fused`, run a
scenario once with a fuse that never blows to learn how many effects there are, then once for each of them.

What happens then is the fuse's `End`: the supply fails and the disk keeps what was synced; or it fails and the disk
keeps a random part of later writes as well; or only the process dies, and everything written is there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any


class End(StrEnum):
    """How a life of the agent ends when the fuse blows."""

    CUT = "cut"
    TORN = "torn"
    KILL = "kill"


class PowerCut(BaseException):
    """The power is gone. Not an `Exception`: nobody can handle it."""


class Fuse:
    """Counts effects and blows before the one with number `at` (from 0), or before the first of that name.

    `at` None: it never blows, and counts.
    """

    def __init__(self, at: int | str | None = None, end: End = End.CUT, chance: random.Random | None = None) -> None:
        """`chance` decides what a torn disk keeps."""
        self.at = at
        self.end = end
        self.chance = chance or random.Random(at)
        self.burnt: list[str] = []
        """The names of the effects that were performed."""
        self.blown = False
        self.armed = True
        """While it is not armed, effects pass uncounted."""
        self.unsynced: list[int] = []
        """Of a fuse that only counts: the boundaries at which the disk has got more since the one before, unsynced."""
        self.is_unsynced: Callable[[], bool] = lambda: False
        self.on_blow: list[Callable[[], None]] = []

    def burn(self, name: str) -> None:
        """An effect is about to be performed. Raises PowerCut instead of the chosen one, and of all after it."""
        if not self.armed:
            return
        if self.at is None and self.is_unsynced():
            self.unsynced.append(len(self.burnt))
        if self.blown or self.at in (len(self.burnt), name):
            if not self.blown:
                self.blown = True
                for call in self.on_blow:
                    call()
            raise PowerCut(f"before effect {len(self.burnt)}: {name}")
        self.burnt.append(name)


class Fused:
    """Stands for an object and burns a fuse before each of the named methods; everything else passes."""

    def __init__(self, target: Any, fuse: Fuse, methods: Iterable[str], label: str = "") -> None:
        self._target = target
        self._fuse = fuse
        self._methods = frozenset(methods)
        self._label = label or type(target).__name__

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name not in self._methods:
            return value

        def burning(*arguments: Any, **options: Any) -> Any:
            self._fuse.burn(f"{self._label}.{name}")
            return value(*arguments, **options)

        return burning
