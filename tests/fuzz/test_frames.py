"""Thousands of frames over one live link: each request is answered once and properly, and nothing else happens."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.fuzz.hostile import frames
from tests.fuzz.live import LiveStation, examples, live_station
from tests.fuzz.schemas import flaw
from tests.fuzz.strategies import Frame

SEED = 16
COUNTS = [
    pytest.param(100, SEED, 60.0, id="100"),
    pytest.param(2000, SEED, 200.0, id="2000", marks=pytest.mark.sweep),
    pytest.param(20_000, None, 2000.0, id="20000", marks=pytest.mark.nightly),
]
"""How many examples, with which seed (None: another every time), and for how long at most."""
PAUSE_EVERY, PAUSE_S = 50, 30.0
LONGEST_ID = 36


def readable_id(text: str) -> str | None:
    """The message id of a request that must be answered; None where no answer can be asked for."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(frame, list) or len(frame) < 2 or type(frame[0]) is not int or frame[0] != 2:
        return None
    return frame[1] if _is_id(frame[1]) else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_ID and value.isascii() and value.isprintable()


def judge(text: str, expected_id: str | None, answers: list[list[Any]]) -> None:
    """One proper answer where one is due; where none is due, at most a refusal."""
    if expected_id is None:
        assert [answer[0] for answer in answers] in ([], [4]), answers
        return
    assert [answer[1] for answer in answers] == [expected_id], answers
    frame = json.loads(text)
    action = frame[2] if len(frame) > 2 else None
    assert flaw(action if isinstance(action, str) else "", answers[0]) == ""


AN_UPDATE = 1
"""The task of an update that waits for its date."""


def shoot(live: LiveStation, count: int, chance: int) -> None:
    """So many frames, one after the other."""
    number = 0

    @examples(count, chance)
    @given(frames())
    def one(frame: Frame) -> None:
        nonlocal number
        number += 1
        text = frame.numbered(number)
        expected_id = readable_id(text)
        links = live.links()
        judge(text, expected_id, live.send(text, expected_id))
        assert live.links() == links
        live.check_alive()
        if number % PAUSE_EVERY == 0:
            live.pass_time(PAUSE_S)
            live.rig.management.ledger.frames.clear()

    one()


@pytest.mark.rule("ocpp16.J08")
@pytest.mark.rule("security.ATK-15")
@pytest.mark.parametrize(("count", "chance", "real_limit_s"), COUNTS)
def test_every_request_is_answered_once_and_no_frame_does_harm(
    tmp_path: Path, count: int, chance: int | None, real_limit_s: float
) -> None:
    chance = random.SystemRandom().getrandbits(32) if chance is None else chance
    print(f"seed {chance}")
    with live_station(tmp_path, real_limit_s) as live:
        shoot(live, 20, chance)  # what is made once and kept is made now
        before, tasks = live.objects(), live.tasks()
        shoot(live, count, chance)
        live.pass_time(PAUSE_S)
        live.check_idle()
        grown = live.objects() - before
        assert live.tasks() <= tasks + AN_UPDATE
        assert sum(grown.values()) < 1000, grown
