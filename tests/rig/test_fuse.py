"""The fuse blows where it is told."""

from __future__ import annotations

import pytest

from tests.rig.fuse import End, Fuse, Fused, PowerCut


class Lamp:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on(self) -> None:
        self.seen.append("on")

    def off(self) -> None:
        self.seen.append("off")


def test_a_fuse_blows_before_its_effect_and_stays_blown() -> None:
    lamp, fuse, blown = Lamp(), Fuse(at=1), []
    fuse.on_blow.append(lambda: blown.append(True))
    wrapped = Fused(lamp, fuse, ["on"], "lamp")
    wrapped.on()
    wrapped.off()
    for _ in range(2):
        with pytest.raises(PowerCut, match=r"before effect 1: lamp\.on"):
            wrapped.on()
    assert (lamp.seen, fuse.burnt, blown) == (["on", "off"], ["lamp.on"], [True])


def test_a_fuse_without_a_place_only_counts() -> None:
    lamp, fuse = Lamp(), Fuse()
    wrapped = Fused(lamp, fuse, ["on", "off"])
    for _ in range(3):
        wrapped.on()
        wrapped.off()
    assert len(fuse.burnt) == 6
    assert not fuse.blown


def test_a_fuse_may_be_told_the_name_of_its_effect() -> None:
    lamp, fuse = Lamp(), Fuse("lamp.off", End.KILL)
    wrapped = Fused(lamp, fuse, ["on", "off"], "lamp")
    wrapped.on()
    with pytest.raises(PowerCut, match=r"before effect 1: lamp\.off"):
        wrapped.off()


def test_a_fuse_that_is_not_armed_neither_counts_nor_blows() -> None:
    lamp, fuse = Lamp(), Fuse(at=0)
    fuse.armed = False
    wrapped = Fused(lamp, fuse, ["on"], "lamp")
    wrapped.on()
    fuse.armed = True
    with pytest.raises(PowerCut):
        wrapped.on()
    assert (lamp.seen, fuse.burnt) == (["on"], [])


def test_a_counting_fuse_knows_where_something_is_unsynced() -> None:
    lamp, fuse, dirty = Lamp(), Fuse(), [False, True, False]
    fuse.is_unsynced = lambda: dirty.pop(0)
    wrapped = Fused(lamp, fuse, ["on"])
    for _ in range(3):
        wrapped.on()
    assert fuse.unsynced == [1]
