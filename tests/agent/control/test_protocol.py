from __future__ import annotations

import json
from enum import IntEnum

import pytest

from agent.control import protocol
from agent.control.protocol import RefusedError, command_name, parse_request
from agent.control.rendering import plain, render_refusal, render_result
from agent.settings.settings import UpstreamRequest
from agent.vocabulary.events import Trigger
from agent.vocabulary.ids import ConnectorId, EvseAddress, EvseId, IdToken, Secret, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import TransactionRecord


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"command":"status"}', protocol.Status()),
        ('{"command":"watch","interval_s":0.5}', protocol.Watch(0.5)),
        ('{"command":"sessions"}', protocol.Sessions(20)),
        (
            '{"command":"sessions","limit":7,"since_ms":5,"until_ms":9,"connector":2,"before":"t"}',
            protocol.Sessions(7, 5, 9, 2, "t"),
        ),
        ('{"command":"delete-sessions","before_ms":5,"word":"delete"}', protocol.DeleteSessions(5, "delete")),
        ('{"command":"remove-primary","word":"delete"}', protocol.RemovePrimary("delete")),
        ('{"command":"reboot","wait_for_idle":true}', protocol.Reboot(True)),
        ('{"command":"reboot","drain":true}', protocol.Reboot(False, True)),
        ('{"command":"export","upstream":"p"}', protocol.Export("p")),
        (
            '{"command":"export","upstream":"p","with_cards":true,"behind":7,"limit":3}',
            protocol.Export("p", True, 7, 3),
        ),
        ('{"command":"clear-latch","connector":2}', protocol.ClearLatch(2)),
        ('{"command":"why"}', protocol.Why()),
        ('{"command":"why","connector":2}', protocol.Why(2)),
        ('{"command":"set-limit","connector":0,"current_a":16.5}', protocol.SetLimit(0, 16.5)),
        ('{"command":"set-limit","connector":2,"current_a":null}', protocol.SetLimit(2, None)),
        ('{"command":"clear-hold","upstream":"management","connector":2}', protocol.ClearHold("management", 2)),
        ('{"command":"reoffer"}', protocol.Reoffer("")),
        ('{"command":"reoffer","upstream":"primary-1"}', protocol.Reoffer("primary-1")),
        ('{"command":"security-log"}', protocol.SecurityLog(50)),
        ('{"command":"clear-security-log"}', protocol.ClearSecurityLog()),
        ('{"command":"dump"}', protocol.Dump()),
        ('{"command":"discard-pending"}', protocol.DiscardPending()),
        (
            '{"command":"set-primary","url":"wss://a/","identity":"I","security":2,"password":"p"}',
            protocol.SetPrimary(UpstreamRequest("wss://a/", "I", 2, Secret("p"))),
        ),
        (
            '{"command":"set-primary","url":"wss://a/","identity":"I","security":3,"certificate_pem":"c","key_pem":"k",'
            '"interface":"wwan0","proxy":"http://p:1","proxy_login":"u:p"}',
            protocol.SetPrimary(
                UpstreamRequest(
                    "wss://a/",
                    "I",
                    3,
                    certificate_pem="c",
                    key_pem=Secret("k"),
                    interface="wwan0",
                    proxy="http://p:1",
                    proxy_login=Secret("u:p"),
                )
            ),
        ),
    ],
)
def test_every_command_is_read(line: str, expected: protocol.Request) -> None:
    request = parse_request(line.encode())
    assert request == expected
    assert command_name(request) == json.loads(line)["command"]


def test_the_list_of_commands_is_closed() -> None:
    assert set(protocol.COMMANDS) == {
        "status",
        "catalogue",
        "watch",
        "sessions",
        "delete-sessions",
        "export",
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
        "security-log",
        "clear-security-log",
        "dump",
        "services",
        "services-set",
        "services-reservations",
        "services-route-add",
        "services-route-remove",
        "services-evse",
        "services-card",
        "decisions",
        "outage-mode",
    }


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"", ""),
        (b"hello", ""),
        (b"\xff\xfe", ""),
        (b"[1]", ""),
        (b"null", ""),
        (b"[" * 60_000, ""),
        (b'{"command":"status","x":' + b"9" * 5_000 + b"}", ""),
        (b"{}", "command"),
        (b'{"command":["status"]}', "command"),
        (b'{"command":"eval"}', "command"),
        (b'{"command":"status","x":1}', "x"),
        (b'{"command":"sessions","limit":true}', "limit"),
        (b'{"command":"sessions","limit":0}', "limit"),
        (b'{"command":"sessions","since_ms":-1}', "since_ms"),
        (b'{"command":"sessions","until_ms":null}', "until_ms"),
        (b'{"command":"sessions","connector":0}', "connector"),
        (b'{"command":"delete-sessions","word":"delete"}', "before_ms"),
        (b'{"command":"delete-sessions","before_ms":5}', "word"),
        (b'{"command":"watch","interval_s":NaN}', "interval_s"),
        (b'{"command":"watch","interval_s":0}', "interval_s"),
        (b'{"command":"reboot","wait_for_idle":1}', "wait_for_idle"),
        (b'{"command":"clear-latch"}', "connector"),
        (b'{"command":"remove-primary","word":5}', "word"),
        (b'{"command":"set-primary","identity":"I"}', "url"),
        (b'{"command":"set-primary","url":"u","identity":"' + b"I" * 600 + b'"}', "identity"),
    ],
)
def test_any_other_line_is_refused_naming_field_and_remedy(line: bytes, field: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_request(line)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert problem.remedy
    assert str(problem).isprintable()


class Step(IntEnum):
    QUEUED = 1


def test_an_answer_masks_cards_and_secrets_wherever_they_are() -> None:
    where = EvseAddress(EvseId(1), ConnectorId(1))
    record = TransactionRecord(
        TransactionId("t"), where, IdToken("04CANARY"), UpstreamId("m"), Moment(1, 2), 5, Trigger.AUTHORIZED
    )
    line = render_result({"session": record, "keys": (Secret("canary"),), "step": Step.QUEUED})
    assert b"canary" not in line.lower()
    result = json.loads(line)["result"]
    assert result["session"]["token"] == "04***"
    assert result["session"]["where"] == {"evse": 1, "connector": 1}
    assert result["step"] == "queued"


def test_answers_are_single_lines() -> None:
    line = render_refusal(protocol.refuse("a\nb", "c\u2028d", "e").problems)
    assert line.count(b"\n") == 1
    assert json.loads(line)["errors"][0]["field"] == "a\nb"
    assert plain({1: {2}}) == {"1": [2]}
