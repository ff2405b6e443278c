"""Security events to one upstream: each until it is answered, and none that holds the rest up."""

from __future__ import annotations

import pytest

from agent.links.notices import LONGEST_RETRY_S, RETRY_S, NoticeDelivery
from agent.vocabulary.inputs import Input, NoticeAnswered
from agent.vocabulary.outbox import NoticeRow
from tests.agent.links.conftest import UPSTREAM

ROW = NoticeRow("n1", "frame")


def notices() -> tuple[NoticeDelivery, list[Input]]:
    told: list[Input] = []
    one = NoticeDelivery(UPSTREAM, told.append)
    one.head(ROW)
    return one, told


def test_an_answer_settles_a_notice_once_and_the_next_one_follows() -> None:
    one, told = notices()
    assert one.due(0) == ROW
    for _ in range(2):
        one.answered("n1")
    one.answered("n2")
    assert told == [NoticeAnswered(UPSTREAM, "n1")]
    assert one.due(10**9) is None
    one.head(NoticeRow("n2", "frame"))
    assert one.due(0) == NoticeRow("n2", "frame")
    one.head(None)
    assert one.due(0) is None


def test_one_without_a_frame_waits() -> None:
    one, _ = notices()
    one.head(NoticeRow("n2", None))
    assert one.due(0) is None
    assert one.next_deadline() is None


def test_the_wait_after_a_time_out_grows_to_an_hour() -> None:
    one, told = notices()
    waits = []
    for _ in range(8):
        one.unanswered("n1", 0)
        deadline = one.next_deadline()
        assert deadline is not None
        assert one.due(deadline - 1) is None
        assert one.due(deadline) == ROW
        waits.append(deadline // 1000)
    assert waits[:3] == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S]
    assert waits[-1] == LONGEST_RETRY_S
    assert told == []


def test_a_lost_link_says_nothing_the_first_time_and_something_from_then_on() -> None:
    one, _ = notices()
    one.cut("n1", 0)
    assert one.due(0) == ROW
    one.cut("n1", 0)
    assert one.due(0) is None
    assert one.due(10**9) == ROW


@pytest.mark.parametrize("row", [None, NoticeRow("n2", "frame")])
def test_another_head_begins_anew(row: NoticeRow | None) -> None:
    one, _ = notices()
    one.unanswered("n1", 0)
    one.head(row)
    assert one.due(0) == row
    assert one.next_deadline() is None
