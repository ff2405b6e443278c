"""What a password may mean, and in which order what is known is tried."""

from __future__ import annotations

import pytest

from agent.credentials.passwords import Form, Remembered, Source, candidates, key_forms
from agent.vocabulary.ids import Secret

HEX = "000102030405060708090a0b0c0d0e0f"
TEXT = Secret("a plain password")


@pytest.mark.rule("product.N15")
def test_live_previous_and_provisioned_are_tried_in_this_order() -> None:
    known = candidates(Secret("l" * 16), Secret("p" * 16), TEXT)
    assert [one.source for one in known] == [Source.LIVE, Source.PREVIOUS, Source.PROVISIONED]
    assert [one.key for one in known] == [b"l" * 16, b"p" * 16, b"a plain password"]


@pytest.mark.rule("product.N15")
def test_hex_is_tried_decoded_then_as_text_and_no_key_twice() -> None:
    known = candidates(Secret(HEX), Secret(HEX), TEXT)
    assert [(one.source, one.form) for one in known] == [
        (Source.LIVE, Form.DECODED),
        (Source.LIVE, Form.TEXT),
        (Source.PROVISIONED, Form.TEXT),
    ]
    assert known[0].key == bytes(range(16))


@pytest.mark.rule("product.N15")
def test_what_worked_last_comes_first_and_the_rest_stays_in_order() -> None:
    known = candidates(Secret(HEX), None, TEXT, Remembered(Source.PROVISIONED, Form.TEXT))
    assert [one.source for one in known] == [Source.PROVISIONED, Source.LIVE, Source.LIVE]


def test_what_is_remembered_and_gone_changes_nothing() -> None:
    known = candidates(None, None, TEXT, Remembered(Source.LIVE, Form.TEXT))
    assert [one.source for one in known] == [Source.PROVISIONED]


def test_with_no_password_there_is_nothing_to_try() -> None:
    assert candidates(None, None, None) == ()


@pytest.mark.rule("ocpp16.Z08")
def test_no_candidate_prints_its_key() -> None:
    assert "plain" not in repr(candidates(TEXT, None, None))


def test_the_value_of_the_certification_test_is_taken_decoded_first() -> None:
    """A hex value of 38 digits."""
    assert key_forms(Secret(b"OCA_OCTT_admin_test".hex()))[0] == b"OCA_OCTT_admin_test"
