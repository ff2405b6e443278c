"""Text comes back exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.store.squeeze import expand, squeeze
from agent.vocabulary.events import ReadingContext, Sample, TransactionSampled
from agent.vocabulary.ids import TransactionId, UpstreamId
from tests.rig.sessions import WHERE, moment, render, values_at


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert expand(squeeze(text)) == text


def test_a_lone_surrogate_comes_back() -> None:
    assert expand(squeeze("\ud800")) == "\ud800"


def test_a_frame_of_meter_values_shrinks_to_a_third() -> None:
    event = TransactionSampled(
        TransactionId("t"), WHERE, Sample(moment(1, 60_000), 5, values_at(5), ReadingContext.SAMPLE_PERIODIC)
    )
    frame = render(UpstreamId("management"), event, "5f0c2f5e-6a35-4f2e-9d43-9c2a0e3fd10b", "70001", 0)
    assert frame is not None
    assert len(squeeze(frame)) < len(frame) / 3


def test_no_changed_byte_ever_gives_another_text() -> None:
    text = '[2,"id","StopTransaction",{"transactionId":17,"meterStop":1830}]'
    blob = squeeze(text)
    for at in range(len(blob)):
        for bit in (1, 128):
            damaged = blob[:at] + bytes([blob[at] ^ bit]) + blob[at + 1 :]
            try:
                assert expand(damaged) == text  # padding behind the last bit
            except ValueError:
                continue


@pytest.mark.parametrize("blob", [b"", b"\x01", None, "text", squeeze("abc" * 50)[:-2]])
def test_what_is_no_blob_is_refused(blob: object) -> None:
    with pytest.raises(ValueError, match=r"blob"):
        expand(blob)
