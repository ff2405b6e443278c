from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from agent import stationctl
from agent.control.client import AgentAbsentError, CommandRefusedError
from agent.control.session_pages import PAGE
from agent.control.sessions_export import COLUMNS
from agent.control.station_time import local_text
from agent.settings.problems import Problem

COMMANDS = [
    "status",
    "watch",
    "sessions",
    "delete-sessions",
    "upstreams",
    "set-primary",
    "add-operator",
    "remove-primary",
    "remove-operator",
    "set-billing",
    "discard-pending",
    "reboot",
    "clear-latch",
    "why",
    "set-limit",
    "clear-hold",
    "reoffer",
    "receipts",
    "export",
    "security-log",
    "clear-security-log",
    "dump",
    "services",
    "decisions",
    "outage-mode",
]


DELETION = ("delete-sessions", {"before_ms": 1_793_491_200_000, "word": "delete"})
OPERATOR = {"url": "ws://e/", "identity": "I", "name": "Energy", "security": 0, "password": "", "trust_pem": ""}


class FakeAgent:
    """Stands for the socket: notes what is asked and answers as told."""

    def __init__(self, result: object = None, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.result = result
        self.error = error
        self.path = ""

    def __call__(self, path: str) -> FakeAgent:
        self.path = path
        return self

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def call(self, command: str, **fields: object) -> object:
        self.asked.append((command, fields))
        if self.error is not None:
            raise self.error
        return self.result

    def watch(self, interval_s: float) -> Any:
        self.asked.append(("watch", {"interval_s": interval_s}))
        yield self.result
        raise KeyboardInterrupt


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> FakeAgent:
    fake = FakeAgent()
    monkeypatch.setattr(stationctl, "Client", fake)
    return fake


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        stationctl.main([*command.split(), "--help"])
    assert caught.value.code == 0
    assert "usage: stationctl" in capsys.readouterr().out


def test_without_an_agent_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stationctl.main(["status", "--socket", str(tmp_path / "none")]) == stationctl.EXIT_ABSENT
    assert "the agent does not run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "command", "fields"),
    [
        (["status"], "status", {}),
        (["sessions"], "sessions", {"limit": 20}),
        (["sessions", "--limit", "3"], "sessions", {"limit": 3}),
        (["sessions", "--csv"], "sessions", {"limit": PAGE}),
        (["sessions", "--json", "--limit", "3"], "sessions", {"limit": 3}),
        (
            ["sessions", "--since", "2026-11-01T00:00Z", "--until", "2026-11-21T08:00+01:00", "--connector", "2"],
            "sessions",
            {"limit": 20, "since_ms": 1_793_491_200_000, "until_ms": 1_795_244_400_000, "connector": 2},
        ),
        (["delete-sessions", "--before", "2026-11-01T00:00Z", "--yes"], *DELETION),
        (["upstreams"], "upstreams", {}),
        (["remove-primary", "delete"], "remove-primary", {"word": "delete"}),
        (["remove-operator", "Energy", "delete"], "remove-operator", {"operator": "Energy", "word": "delete"}),
        (["set-billing", "management"], "set-billing", {"upstream": "management"}),
        (["add-operator", "ws://e/", "--identity", "I", "--name", "Energy"], "add-operator", OPERATOR),
        (["reboot", "--wait"], "reboot", {"wait_for_idle": True, "drain": False}),
        (["clear-latch", "2"], "clear-latch", {"connector": 2}),
        (["set-limit", "0", "16.5"], "set-limit", {"connector": 0, "current_a": 16.5}),
        (["set-limit", "2", "off"], "set-limit", {"connector": 2, "current_a": None}),
        (["clear-hold", "management"], "clear-hold", {"upstream": "management", "connector": 0}),
        (["clear-hold", "management", "2"], "clear-hold", {"upstream": "management", "connector": 2}),
        (["reoffer"], "reoffer", {"upstream": ""}),
        (["reoffer", "primary-1"], "reoffer", {"upstream": "primary-1"}),
        (["receipts", "--csv"], "sessions", {"limit": 1000}),
        (["receipts", "--limit", "5"], "sessions", {"limit": 5}),
        (["security-log", "--limit", "7"], "security-log", {"limit": 7}),
        (["clear-security-log"], "clear-security-log", {}),
        (["dump"], "dump", {}),
        (["discard-pending"], "discard-pending", {}),
    ],
)
def test_commands_become_requests(
    agent: FakeAgent, arguments: list[str], command: str, fields: dict[str, object]
) -> None:
    agent.result = [] if command == "sessions" else {}
    assert stationctl.main([*arguments, "--socket", "/x"]) == 0
    assert agent.asked == [(command, fields)]
    assert agent.path == "/x"


def test_set_primary_reads_password_and_roots_from_files_and_says_that_a_reboot_applies_it(
    agent: FakeAgent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.result = {"changes": []}
    (tmp_path / "p").write_text("0123456789abcdef\n")
    (tmp_path / "r").write_text("roots")
    arguments = ["set-primary", "wss://a/", "--identity", "I", "--password-file", str(tmp_path / "p")]
    assert stationctl.main([*arguments, "--trust", str(tmp_path / "r")]) == 0
    ((command, fields),) = agent.asked
    assert command == "set-primary"
    assert fields == {
        "url": "wss://a/",
        "identity": "I",
        "name": "",
        "security": 2,
        "password": "0123456789abcdef",
        "trust_pem": "roots",
    }
    output = capsys.readouterr().out
    assert "next boot" in output
    assert "0123456789abcdef" not in output


@pytest.mark.rule("product.H8")
@pytest.mark.rule("product.N9")
def test_set_primary_takes_a_client_certificate_and_the_way_to_the_backend(agent: FakeAgent, tmp_path: Path) -> None:
    for name, text in {"c": "certificate", "k": "key", "l": "user:password\n"}.items():
        (tmp_path / name).write_text(text)
    arguments = ["set-primary", "wss://a/", "--identity", "I", "--interface", "wwan0", "--proxy", "http://p:1"]
    for option, name in {"certificate": "c", "key": "k", "proxy-login-file": "l"}.items():
        arguments += [f"--{option}", str(tmp_path / name)]
    assert stationctl.main(arguments) == 0
    fields = agent.asked[0][1]
    assert {name: fields[name] for name in ("security", "password")} == {"security": 3, "password": ""}
    assert {name: fields[name] for name in ("certificate_pem", "key_pem", "interface", "proxy", "proxy_login")} == {
        "certificate_pem": "certificate",
        "key_pem": "key",
        "interface": "wwan0",
        "proxy": "http://p:1",
        "proxy_login": "user:password",
    }


@pytest.mark.parametrize("option", ["certificate", "key", "proxy-login-file"])
def test_a_file_that_is_not_there_is_told_by_its_option(
    agent: FakeAgent, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["set-primary", "wss://a/", "--identity", "I", f"--{option}", "/nowhere"]
    assert stationctl.main(arguments) == stationctl.EXIT_USAGE
    assert f"--{option}: /nowhere cannot be read" in capsys.readouterr().err
    assert agent.asked == []


def test_a_password_can_come_by_standard_input(agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("0123456789abcdef\nmore"))
    assert stationctl.main(["set-primary", "ws://a/", "--identity", "I", "--password-stdin"]) == 0
    assert agent.asked[0][1]["password"] == "0123456789abcdef"
    assert agent.asked[0][1]["security"] == 1


def test_a_file_that_cannot_be_read_is_told_before_anything_is_asked(
    agent: FakeAgent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["set-primary", "ws://a/", "--identity", "I", "--password-file", str(tmp_path / "none")]
    assert stationctl.main(arguments) == stationctl.EXIT_USAGE
    assert "--password-file" in capsys.readouterr().err
    assert agent.asked == []


def test_removal_without_the_word_is_told(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert stationctl.main(["remove-primary"]) == stationctl.EXIT_USAGE
    assert "remove-primary delete" in capsys.readouterr().err


def test_a_refusal_names_field_and_remedy(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.error = CommandRefusedError((Problem("url", "has a blank", "remove it"),))
    assert stationctl.main(["reboot"]) == stationctl.EXIT_REFUSED
    assert capsys.readouterr().err == "refused: url: has a blank; remove it\n"


def test_an_agent_that_dies_while_watched_is_told(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.error = AgentAbsentError("gone")
    assert stationctl.main(["status"]) == stationctl.EXIT_ABSENT


def test_json_is_for_programs(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.result = {"safe_mode": True}
    assert stationctl.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"safe_mode": True}


def test_watch_shows_each_status_until_interrupted(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.result = {"vendor": "Example"}
    assert stationctl.main(["watch", "--interval", "0.5"]) == 0
    assert "Example" in capsys.readouterr().out
    assert agent.asked == [("watch", {"interval_s": 0.5})]


@pytest.mark.rule("product.N14")
def test_deleting_sessions_wants_the_word(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["delete-sessions", "--before", "2026-11-01T00:00Z"]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert stationctl.main(arguments) == stationctl.EXIT_USAGE
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(
        "builtins.input", lambda question: "delete" if local_text(1_793_491_200_000) in question else ""
    )
    agent.result = {"removed": 12, "kept": 1}
    assert stationctl.main(arguments) == 0
    assert agent.asked == [DELETION]
    assert capsys.readouterr().out == (
        "12 sessions deleted; 1 stay, since they run or an upstream has not got them whole.\n"
    )


@pytest.mark.parametrize(
    "arguments", [["sessions", "--since", "soon"], ["sessions", "--until", "x"], ["delete-sessions", "--before", "x"]]
)
def test_a_date_that_is_none_is_told_before_anything_is_asked(
    agent: FakeAgent, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stationctl.main(arguments) == stationctl.EXIT_USAGE
    assert f"{arguments[1]}: " in capsys.readouterr().err
    assert agent.asked == []


def test_an_export_is_complete_and_says_its_columns(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.result = [{"transaction": {"id": "t", "meter_start_wh": 0, "meter_stop_wh": 1_500}}]
    assert stationctl.main(["sessions", "--csv"]) == 0
    assert capsys.readouterr().out == f"{','.join(COLUMNS)}\nt,,,,,1.500,0,1500,,,\n"
    assert stationctl.main(["sessions", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["energy_kwh"] == 1.5


def test_why_is_told_in_words_or_as_json(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.result = [{"id": 2, "offered_a": None, "limit_reason": "no transaction", "blocked": "out of service"}]
    assert stationctl.main(["why", "2"]) == 0
    assert capsys.readouterr().out == (
        "Connector 2: nothing is offered, since no transaction\n  blocked: out of service\n"
    )
    assert stationctl.main(["why", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == agent.result
    assert agent.asked == [("why", {"connector": 2}), ("why", {})]


def test_receipts_as_json_are_those_of_the_table(agent: FakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    done = {"upstream": "management", "start": "acknowledged", "stop": "acknowledged"}
    waits = {"upstream": "primary-1", "start": "queued", "stop": "none", "waiting": 1, "attempts": 2}
    agent.result = [{"transaction": {"id": "t"}, "receipts": [done, waits]}]
    assert stationctl.main(["receipts", "--json"]) == 0
    (session,) = json.loads(capsys.readouterr().out)
    assert session["receipts"] == [waits]
    assert stationctl.main(["receipts"]) == 0
    assert "start queued, stop none, 1 waiting, 2 failed attempts" in capsys.readouterr().out
