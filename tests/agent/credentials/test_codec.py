"""Holdings survive the disk; what is damaged is told apart."""

from __future__ import annotations

import pytest

from agent.credentials.codec import CodecError, parse, render
from agent.credentials.holdings import ClientCertificate, Holdings, Root, Trial
from agent.credentials.passwords import Form, Remembered, Source
from agent.vocabulary.ids import Secret

FULL = Holdings(
    live=Secret("live password 16"),
    previous=Secret("before that 1234"),
    remembered=Remembered(Source.PREVIOUS, Form.TEXT),
    profile=2,
    profile_basis=1,
    trial=Trial(3, 2),
    roots=(Root("aa", True), Root("bb")),
    base_trusted=False,
    certificates=(ClientCertificate("n", 1, 2, 3, True), ClientCertificate("m", 0, 9)),
    pending_key="k",
    renewal_tried_ms=7,
)


@pytest.mark.parametrize("holdings", [Holdings(), FULL])
def test_what_is_written_is_read_back(holdings: Holdings) -> None:
    assert parse(render(holdings)) == holdings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        render(FULL).replace('"live"', '"life"'),
        render(FULL).replace('"format": 1', '"format": 9'),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        parse(text)


@pytest.mark.rule("ocpp16.Z08")
def test_a_refusal_quotes_no_password() -> None:
    with pytest.raises(CodecError) as found:
        parse(render(FULL).replace('"trial": {', '"trial": {"x": 1,'))
    assert "password" not in str(found.value)
    assert "password" not in repr(FULL)
