"""Values survive the way to JSON and back; newer files are read, damaged ones are named."""

from __future__ import annotations

import json

import pytest

from agent.store.codec import decode, encode, entry_from_plain, event_from_json, from_json, to_json
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    StopReason,
    TransactionSampled,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.ids import IdToken, TransactionId, UpstreamId
from agent.vocabulary.options import Selection
from agent.vocabulary.records import Enqueue, SaveOption, TransactionRecord
from hal.api import Measurand, Phase
from tests.rig.sessions import WHERE, moment, session, values_at

UP = UpstreamId("management")
STOPPED = TransactionStopped(
    TransactionId("t"),
    WHERE,
    moment(1, 5),
    1234,
    StopReason.EV_DISCONNECTED,
    Trigger.EV_DEPARTED,
    IdToken("04AABB"),
    samples=(Sample(moment(1, 2), 1200, values_at(1200), ReadingContext.TRANSACTION_BEGIN),),
)


def test_every_entry_of_a_session_survives() -> None:
    entries = [entry for record in session((UP,), 0) for entry in record.entries]
    assert len(entries) > 20
    for entry in entries:
        assert entry_from_plain(json.loads(json.dumps(encode(entry)))) == entry


def test_an_event_with_nested_samples_survives() -> None:
    assert event_from_json(to_json(STOPPED)) == STOPPED


def test_every_kind_of_option_value_survives() -> None:
    selection = (Selection(Measurand.VOLTAGE, Phase.L1), Selection(Measurand.POWER_ACTIVE_IMPORT))
    for value in (True, 7, "RST", selection):
        saved = SaveOption(UP, "name", value)
        assert from_json(SaveOption, to_json(saved)) == saved


def test_defaults_are_left_out_and_unknown_fields_ignored() -> None:
    plain = encode(STOPPED)
    assert "offline" not in plain
    plain["signature_of_a_later_release"] = {"a": 1}
    assert event_from_json(json.dumps(plain)) == STOPPED


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"meter_stop_wh": "12"}, "meter_stop_wh"),
        ({"meter_stop_wh": True}, "meter_stop_wh"),
        ({"reason": "Bored"}, "reason"),
        ({"at": {"boot": 1}}, "monotonic_ms"),
        ({"samples": {}}, "samples"),
        ({"?": "TransactionTurned"}, "TransactionTurned"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        event_from_json(json.dumps({**encode(STOPPED), **change}))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValueError, match=r"TransactionRecord\.where is missing"):
        decode(TransactionRecord, {"id": "t"})


def test_only_known_kinds_are_stored() -> None:
    with pytest.raises(TypeError, match="set"):
        encode({1, 2})


def test_a_sampled_event_and_its_enqueue_are_tagged() -> None:
    sampled = TransactionSampled(None, WHERE, Sample(moment(1, 2), 1, (), ReadingContext.SAMPLE_CLOCK))
    plain = encode(Enqueue(UP, sampled, "m"))
    assert (plain["?"], plain["event"]["?"]) == ("Enqueue", "TransactionSampled")
    assert entry_from_plain(plain) == Enqueue(UP, sampled, "m")
