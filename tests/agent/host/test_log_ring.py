"""The last lines of the log in memory."""

from __future__ import annotations

import io

from agent.host.log_ring import LogRing
from agent.host.logs import Log


def test_the_oldest_lines_go_when_it_is_full() -> None:
    ring = LogRing(lambda: None, largest=13)
    for number in range(10):
        ring.keep(f"line {number}")
    assert ring.lines() == ["- line 8", "- line 9"]


def test_lines_of_a_time_are_shown_and_those_without_a_time_always() -> None:
    times: list[int | None] = [None, 1_000, 2_000, 3_000]
    ring = LogRing(lambda: times.pop(0))
    for word in "abcd":
        ring.keep(word)
    assert [line[-1] for line in ring.lines(2_000)] == ["a", "c", "d"]
    assert [line[-1] for line in ring.lines(None, 2_000)] == ["a", "b", "c"]
    assert ring.lines(1_000, 1_000)[1] == "1970-01-01T00:00:01.000Z b"


def test_every_line_of_the_log_goes_there_without_its_level() -> None:
    stream, copied = io.StringIO(), list[str]()
    log = Log(stream, prefixes=True)
    log.copy_to(copied.append)
    log("agent.ready")
    assert copied == ["agent.ready: the station is ready"]
    assert stream.getvalue() == "<6>agent.ready: the station is ready\n"
