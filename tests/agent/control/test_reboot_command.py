from __future__ import annotations

import json
from typing import Any

import pytest

from agent import stationctl
from agent.control.client import AgentAbsentError
from agent.control.reboot_command import TOLD_S, progress


def drain(waiting: int, left_s: int = 600, busy: bool = False) -> dict[str, Any]:
    return {"upstream": "primary-1", "waiting": waiting, "left_s": left_s, "busy": busy}


class Station:
    """Answers what it is given, one after the other; then it is gone."""

    def __init__(self, *views: dict[str, Any] | None) -> None:
        self.views = list(views)
        self.slept = 0.0

    def call(self, command: str) -> dict[str, Any]:
        assert command == "upstreams"
        if not self.views:
            raise AgentAbsentError("gone")
        return {"upstreams": [], "drain": self.views.pop(0)}

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def lines(self, as_json: bool = False) -> list[str]:
        return list(progress(self.call, self.sleep, as_json))


@pytest.mark.rule("two-upstreams.RC03")
def test_it_tells_what_is_left_and_that_all_is_delivered() -> None:
    station = Station(drain(3, busy=True), drain(2, 599), drain(2, 598), drain(0, 597))
    assert station.lines() == [
        "3 records wait for primary-1; transactions are still to end, and none begins.",
        "2 records wait for primary-1; the station reboots in 9:59 at the latest.",
        "Nothing waits for primary-1 any more; the station reboots.",
        "The station reboots. Everything is delivered.",
    ]


@pytest.mark.rule("two-upstreams.RC03")
def test_while_nothing_changes_it_still_shows_that_it_lives_and_says_what_becomes_of_what_is_left() -> None:
    lines = Station(*[drain(7, 600 - second) for second in range(2 * TOLD_S + 1)]).lines()
    assert ["10:00 at" in lines[0], "9:50 at" in lines[1], "9:40 at" in lines[2], len(lines)] == [True, True, True, 4]
    assert "7 records were left for primary-1: they follow after the reboot" in lines[-1]
    assert "stationctl export primary-1" in lines[-1]


def test_another_order_without_it_ends_the_display() -> None:
    assert Station(drain(1), None).lines()[-1] == "The reboot waits no longer: another order came."


def test_as_json_each_line_is_one_object() -> None:
    lines = [json.loads(line) for line in Station(drain(1), drain(0)).lines(as_json=True)]
    assert [line["drain"]["waiting"] for line in lines] == [1, 0, 0]
    assert lines[-1]["drain"]["ended"] is True


def test_the_command_orders_the_reboot_and_looks_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []

    class Client:
        def __init__(self, path: str) -> None:
            assert path == "/x"

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def call(self, command: str, **fields: object) -> Any:
            asked.append((command, fields))
            if len(asked) > 1:
                raise AgentAbsentError("gone")

    monkeypatch.setattr(stationctl, "Client", Client)
    assert stationctl.main(["reboot", "--drain", "--socket", "/x"]) == 0
    assert asked == [("reboot", {"wait_for_idle": False, "drain": True}), ("upstreams", {})]
    assert "The station reboots." in capsys.readouterr().out
