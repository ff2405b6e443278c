import pytest

from hal.simulator.requests import BadRequest, Body


@pytest.mark.parametrize("text", [b"[]", b"{", b"1", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_object(text: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        Body(text)
    assert caught.value.document()["field"] == "body"


def test_an_absent_or_null_field_is_its_default() -> None:
    for text in (b"", b"  ", b"{}", b'{"amps": null}'):
        body = Body(text)
        assert (body.number("amps", 16, 0, 80), body.flag("amps", True), body.optional_number("amps", 0, 1)) == (
            16,
            True,
            None,
        )


@pytest.mark.parametrize("value", [b'"16"', b"-1", b"81", b"true", b"[]", b"NaN"])
def test_a_number_that_cannot_be(value: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        Body(b'{"amps": ' + value + b"}").number("amps", 16, 0, 80)
    assert (caught.value.field, caught.value.status) == ("amps", 400)
    assert "0 to 80" in caught.value.fix


def test_a_share_can_be_true_or_false() -> None:
    body = Body(b'{"a": true, "b": false, "c": 0.25}')
    assert [body.share(name, 0.5, 1) for name in "abcd"] == [1, 0, 0.25, 0.5]


def test_required_fields() -> None:
    with pytest.raises(BadRequest, match="energy_wh"):
        Body(b"{}").required_number("energy_wh", 0, 1)
    with pytest.raises(BadRequest, match="id_token"):
        Body(b'{"id_token": 5}').text("id_token")
