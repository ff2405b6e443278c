"""Confirmations are read tolerantly: an extra field or a null never costs a transaction id."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ocpp.exchange import BootAnswer, RowAnswer, Unusable
from agent.ocpp.v16.dialect import V16
from agent.vocabulary.ids import IdToken
from agent.vocabulary.inputs import Registration
from agent.vocabulary.options import StationOptions
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import AuthorizationStatus, Verdict

NOW = "2026-05-28T20:26:40.123Z"
NOW_MS = 1_780_000_000_123


@pytest.mark.rule("ocpp16.B02")
@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
def test_a_boot_answer(dialect: V16, status: str) -> None:
    payload = {"status": status, "currentTime": NOW, "interval": 300}
    assert dialect.read_boot(payload) == BootAnswer(Registration(status), 300, NOW_MS)


@pytest.mark.rule("ocpp16.T10")
@pytest.mark.parametrize(
    ("interval", "seconds"), [(300.0, 300), ("300", 300), (-5, 0), (None, 0), (1.5, 0), (True, 0), ([], 0), ("٣", 0)]
)
def test_an_interval_is_read_as_it_comes(dialect: V16, interval: Any, seconds: int) -> None:
    assert dialect.read_boot({"status": "Accepted", "interval": interval}).interval_s == seconds


@pytest.mark.rule("ocpp16.B06")
@pytest.mark.parametrize("payload", [{}, {"status": "accepted"}, {"status": None}, {"status": []}, {"status": {}}])
def test_a_boot_answer_without_a_known_status_is_none(dialect: V16, payload: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        dialect.read_boot(payload)


@pytest.mark.rule("ocpp16.T04")
@pytest.mark.rule("ocpp16.B11")
@pytest.mark.parametrize(
    ("text", "wall_ms"),
    [
        (NOW, NOW_MS),
        ("2026-05-28T22:26:40.123+02:00", NOW_MS),
        ("2026-05-28T20:26:40.1234567Z", NOW_MS),
        ("2026-05-28T20:26:40.123456789+00:00", NOW_MS),
        ("2026-05-28t20:26:40.123z", NOW_MS),
        ("2026-05-28 20:26:40.123Z", NOW_MS),
        ("2026-05-28T15:26:40.123-0500", NOW_MS),
        ("2026-05-29T01:56:40.123+05:30", NOW_MS),
        (" 2026-05-28T20:26:40.123Z ", NOW_MS),
        ("2026-05-28T20:26:40.1Z", NOW_MS - 23),
        ("2024-12-31T23:59:59Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-05-28T25:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9" * 10_000, None),
        ("", None),
        ("2026-05-28T20:26:40", NOW_MS - 123),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("yesterday", None),
        ("0000-00-00T00:00:00Z", None),
        (None, None),
        (1_780_000_000, None),
        ([], None),
    ],
)
def test_a_time_is_believed_if_it_can_be(dialect: V16, text: Any, wall_ms: int | None) -> None:
    assert dialect.read_wall_time({"currentTime": text}) == wall_ms


@pytest.mark.rule("ocpp16.X05")
@pytest.mark.rule("ocpp16.T07")
@pytest.mark.rule("ocpp16.Y07")
def test_a_start_answer_survives_nulls_and_extras(dialect: V16) -> None:
    payload = {
        "transactionId": -3,
        "reservationId": None,
        "vendor": {"x": 1},
        "idTagInfo": {"status": "Accepted", "expiryDate": None, "parentIdTag": "PARENT", "more": []},
    }
    assert dialect.read_row(RowKind.START, payload) == RowAnswer(
        "-3", Verdict(AuthorizationStatus.ACCEPTED, parent=IdToken("PARENT"))
    )


@pytest.mark.rule("ocpp16.T10")
@pytest.mark.parametrize(("value", "text"), [(0, "0"), (5.0, "5"), ("17", "17"), (123456789012345, "123456789012345")])
def test_a_transaction_id_is_read_as_it_comes(dialect: V16, value: Any, text: str) -> None:
    assert dialect.read_row(RowKind.START, {"transactionId": value}) == RowAnswer(text, None)


@pytest.mark.parametrize("value", [None, "", "x", 1.5, True, [1], {"id": 1}, "1-2", "--1", "9" * 5000, 1e300])
def test_a_start_answer_without_an_id_is_none(dialect: V16, value: Any) -> None:
    with pytest.raises(Unusable):
        dialect.read_row(RowKind.START, {"transactionId": value, "idTagInfo": {"status": "Accepted"}})


@pytest.mark.rule("ocpp16.T03")
@pytest.mark.parametrize("status", ["accepted", "ACCEPTED", "Yes", None, [], {}, 1])
def test_only_accepted_is_accepted(dialect: V16, status: Any) -> None:
    assert not dialect.read_authorize({"idTagInfo": {"status": status}}).accepted


@pytest.mark.parametrize("status", list(AuthorizationStatus))
def test_every_status_and_the_expiry_are_read(dialect: V16, status: AuthorizationStatus) -> None:
    payload = {"idTagInfo": {"status": status.value, "expiryDate": NOW, "parentIdTag": ""}}
    assert dialect.read_authorize(payload) == Verdict(status, None, NOW_MS)


@pytest.mark.parametrize("payload", [{}, {"idTagInfo": None}, {"idTagInfo": "Accepted"}, {"idTagInfo": []}])
def test_an_answer_without_id_tag_info(dialect: V16, payload: dict[str, Any]) -> None:
    assert dialect.read_row(RowKind.STOP, payload) == RowAnswer()
    with pytest.raises(Unusable):
        dialect.read_authorize(payload)


EXTRA = {"customData": {"vendorId": "x"}, "note": None, "list": [1]}


@pytest.mark.rule("ocpp16.Y07")
@pytest.mark.parametrize("extra", [{}, EXTRA], ids=["plain", "with extras"])
def test_every_confirmation_is_understood_with_extras_and_nulls(dialect: V16, extra: dict[str, Any]) -> None:
    accepted = Verdict(AuthorizationStatus.ACCEPTED)
    info = {"idTagInfo": {"status": "Accepted", "expiryDate": None, "parentIdTag": None} | extra}
    booted = {"status": "Accepted", "currentTime": None, "interval": None} | extra
    assert dialect.read_boot(booted) == BootAnswer(Registration.ACCEPTED, 0, None)
    assert dialect.read_wall_time({"currentTime": NOW} | extra) == NOW_MS
    assert dialect.read_wall_time({"currentTime": None} | extra) is None
    assert dialect.read_authorize(info | extra) == accepted
    assert dialect.read_row(RowKind.START, {"transactionId": 7} | info | extra) == RowAnswer("7", accepted)
    assert dialect.read_row(RowKind.START, {"transactionId": 7, "idTagInfo": None} | extra) == RowAnswer("7")
    assert dialect.read_row(RowKind.STOP, info | extra) == RowAnswer(verdict=accepted)
    assert dialect.read_row(RowKind.STOP, {"idTagInfo": None} | extra) == RowAnswer()
    assert dialect.read_row(RowKind.SAMPLE, extra) == RowAnswer()
    assert dialect.read_sign_certificate({"status": "Accepted"} | extra)


@pytest.mark.parametrize("status", ["Rejected", "accepted", None, [], {}, True, 1])
def test_only_accepted_means_that_a_certificate_comes(dialect: V16, status: Any) -> None:
    assert not dialect.read_sign_certificate({"status": status})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("status", "currentTime", "interval", "transactionId", "idTagInfo", "expiryDate", "parentIdTag", "other")
TEXTS = st.sampled_from(["Accepted", "Rejected", "Pending", "Blocked", NOW, "1", "300.0", "-1"])
INFO = st.dictionaries(st.sampled_from(FIELDS), JSON | TEXTS, max_size=5)


@pytest.mark.rule("ocpp16.Y07")
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | TEXTS | INFO, max_size=8))
def test_whatever_confirms_a_call_is_read_or_unusable_and_grants_only_what_says_accepted(payload: Any) -> None:
    dialect = V16(StationOptions((), {}))
    for read in (
        dialect.read_boot,
        dialect.read_wall_time,
        dialect.read_authorize,
        dialect.read_sign_certificate,
        *(partial(dialect.read_row, kind) for kind in RowKind),
    ):
        try:
            found = read(payload)
        except Unusable:
            continue
        verdict = found.verdict if isinstance(found, RowAnswer) else found
        if isinstance(verdict, Verdict) and verdict.accepted:
            assert payload["idTagInfo"]["status"] == "Accepted"
        if isinstance(found, BootAnswer) and found.status is Registration.ACCEPTED:
            assert payload["status"] == "Accepted"
