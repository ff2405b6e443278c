from __future__ import annotations

import json

import pytest

from agent.control.rendering import render_result
from agent.control.station_time import local_text
from agent.control.tables import security_log_text, sessions_text, status_text, table, upstreams_text
from agent.control.views import FirmwareView, LinkView, PendingView, StatusView, UpstreamsView, UpstreamView
from agent.settings.installer import Change
from agent.vocabulary.events import Condition
from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.overview import ConnectorOverview, ForeignId, StationOverview, UpstreamOverview
from agent.vocabulary.upstreams import Role, UpstreamKind

M = UpstreamId("management")
CONNECTOR = ConnectorOverview(
    ConnectorId(1),
    "charging",
    Condition(ConnectorId(1), Moment(1, 1)),
    TransactionId("t"),
    (ForeignId(M, "41"),),
    "04***",
    power_w=11_040.0,
    energy_wh=1_250,
    offered_a=16.0,
    limit_a=16.0,
    limit_reason="cable",
)
OVERVIEW = StationOverview((CONNECTOR,), (UpstreamOverview(M, "Maker", Role.BILLING, True, Registration.ACCEPTED),))
STATUS = StatusView(
    OVERVIEW,
    (LinkView(M, "wss://m/", "W-1", queued=3),),
    "Example",
    "Wall",
    "W-1",
    PendingView((Change("set primary ws://p/ as P1", "root", 1_700_000_000_000),), UpstreamId("primary-1")),
    ("active.toml:3: bad",),
    wall_ms=1_700_000_000_000,
    restarts={"primary": 2},
    firmware=FirmwareView("1.0.0", "1.1.0 in slot b is tried at the next boot", "asked for by management: it is here"),
)


def shown(status: StatusView) -> str:
    return status_text(json.loads(render_result(status))["result"])


def test_status_tells_what_an_installer_looks_for() -> None:
    text = shown(STATUS)
    for part in ("11040 W", "1250 Wh", "16 A cable", "management:41", "04***", "Accepted", "wss://m/ as W-1"):
        assert part in text
    when = local_text(1_700_000_000_000)
    assert f"PENDING: set primary ws://p/ as P1 (by root, {when}); a reboot applies it" in text
    assert "PROBLEM: active.toml:3: bad" in text
    assert "primary was started again 2 times" in text
    firmware = "firmware 1.0.0; 1.1.0 in slot b is tried at the next boot"
    assert f"{firmware}\nupdate asked for by management: it is here" in text
    assert "2023-11-14T22:13:20.000Z" in text
    assert "SAFE MODE" not in text


@pytest.mark.rule("product.A12")
def test_every_upstream_has_a_line_with_its_role_and_state_in_plain_words() -> None:
    views = (
        UpstreamView(M, "Maker", UpstreamKind.MANAGEMENT, Role.DATA_AND_CONTROL, "connected for 3 s", "wss://m/", "W"),
        UpstreamView(UpstreamId("operator-2"), "Energy", UpstreamKind.OPERATOR, Role.DATA_AND_CONTROL, "401", "u", "i"),
        UpstreamView(UpstreamId("primary-1"), "Cpo", UpstreamKind.PRIMARY, Role.BILLING, "waiting", "u", "i", queued=7),
    )
    pending = PendingView((Change("Billing to Maker", "somebody"),), M)
    answer = json.loads(render_result(UpstreamsView(views, pending)))["result"]
    text = upstreams_text(answer)
    for part in ("management, Data & Control", "operator, Data & Control", "primary, Billing", "connected for 3 s"):
        assert part in text
    assert text.endswith("PENDING: Billing to Maker (by somebody); a reboot applies it")


def test_safe_mode_and_a_storage_fault_stand_above_everything() -> None:
    text = shown(StatusView(StationOverview((), (), storage_healthy=False), (), safe_mode=True))
    assert "SAFE MODE" in text
    assert "STORAGE FAULT" in text


def test_what_another_release_does_not_send_is_shown_as_nothing() -> None:
    assert "station" in status_text({})
    assert "No sessions." in sessions_text([])
    assert "-" in sessions_text([{}])


def test_a_session_has_a_line_for_each_upstream() -> None:
    session = {
        "transaction": {
            "where": {"evse": 1, "connector": 2},
            "token": "04***",
            "started_at": {"boot": 1, "monotonic_ms": 5, "wall_ms": 1_700_000_000_000},
            "meter_start_wh": 100,
            "last_energy_wh": 150,
            "meter_stop_wh": 175,
            "stop_reason": "Remote",
        },
        "receipts": [
            {"upstream": "management", "start": "acknowledged", "stop": "queued", "waiting": 1, "foreign_id": "41"},
            {"upstream": "primary-1", "start": "parked", "stop": "none", "parked": 1, "why": "GenericError"},
        ],
    }
    lines = sessions_text([session]).split("\n")
    started = local_text(1_700_000_000_000)
    assert lines[1].startswith(f"2          04***  {started}  -        0.075  Remote  management  41")
    assert lines[1].endswith("start acknowledged, stop queued, 1 waiting")
    assert "primary-1" in lines[2]
    assert "GenericError" in lines[2]


def test_no_value_can_break_a_table() -> None:
    assert "\x1b" not in table(("a",), [["\x1b[31m\n"]])


def test_the_security_log_ends_with_what_became_of_its_chain() -> None:
    event = {"kind": "ResetOrReboot", "at": {"wall_ms": 1_700_000_000_000}, "tech_info": "SoftReset", "upstream": None}
    log = {"lines": [{"sequence": 7, "event": event}], "check": {"lines": 3, "first": 5, "last": 7, "breaks": []}}
    text = security_log_text(log)
    assert "7     2023-11-14T22:13:20.000Z  ResetOrReboot  -         SoftReset" in text
    assert text.endswith("3 lines, 5 to 7: the chain holds")
    log["check"] = {"lines": 3, "first": 5, "last": 9, "breaks": [6, 9]}
    assert security_log_text(log).endswith("BROKEN at line 6, 9")
    assert security_log_text({}).endswith("0 lines, 0 to 0: the chain holds")
