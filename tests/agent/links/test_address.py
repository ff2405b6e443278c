"""What is dialled, and what is refused to be dialled."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.credentials.passwords import key_forms
from agent.links.address import AddressError, Dial, Endpoint, basic_header, dial, encoded_identity
from agent.vocabulary.ids import Secret


@pytest.mark.rule("ocpp16.J01")
@pytest.mark.parametrize(
    ("url", "identity", "dialled"),
    [
        ("ws://a.example/ocpp", "CP1", Dial("ws://a.example/ocpp/CP1", "a.example", 80, False)),
        ("ws://a.example/ocpp/", "CP1", Dial("ws://a.example/ocpp/CP1", "a.example", 80, False)),
        ("wss://a.example", "CP1", Dial("wss://a.example/CP1", "a.example", 443, True)),
        ("wss://a.example:8443/x", "CP1", Dial("wss://a.example:8443/x/CP1", "a.example", 8443, True)),
        ("ws://[2001:db8::1]:9000/x", "CP1", Dial("ws://[2001:db8::1]:9000/x/CP1", "2001:db8::1", 9000, False)),
        ("ws://a/o", "RDAM 123", Dial("ws://a/o/RDAM%20123", "a", 80, False)),
        ("ws://a/o", "a/b?c#d%e:f", Dial("ws://a/o/a%2Fb%3Fc%23d%25e%3Af", "a", 80, False)),
        ("ws://a/o", "Zürich", Dial("ws://a/o/Z%C3%BCrich", "a", 80, False)),
    ],
)
def test_the_identity_follows_the_endpoint_encoded(url: str, identity: str, dialled: Dial) -> None:
    assert dial(Endpoint(url, identity)) == dialled


@pytest.mark.rule("product.H7")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        (" ws://a/o", "character 1 "),
        ("ws://a/o ", "character 9 "),
        ("ws://a b/o", "character 7 "),
        ("ws://a\u200b/o", "character 7 "),
        ("ws://a\u00a0/o", "character 7 "),
        ("ws://a/\n", "character 8 "),
        ("ws://a/\x1b", "character 8 "),
        ("ws://ä/o", "character 6 "),
        ("http://a/o", "ws://"),
        ("ws:///o", "ws://"),
        ("a.example/o", "ws://"),
        ("ws://user:password@a/o", "own field"),
        ("ws://user@a/o", "own field"),
        ("ws://a/o?x=1", "leave out"),
        ("ws://a/o#x", "leave out"),
        ("ws://a:99999/o", "ws://"),
        ("ws://a:port/o", "ws://"),
        ("", "ws://"),
    ],
)
def test_an_endpoint_that_cannot_be_meant_is_refused_with_field_and_remedy(url: str, says: str) -> None:
    with pytest.raises(AddressError) as found:
        dial(Endpoint(url, "CP1"))
    assert found.value.field == "url"
    assert says in str(found.value)
    assert found.value.remedy


@pytest.mark.rule("product.H7")
@pytest.mark.parametrize("identity", ["", " CP", "CP ", "C\u200bP", "C\u00a0P", "C\tP", "\ufeffCP"])
def test_an_identity_with_invisible_characters_is_refused(identity: str) -> None:
    with pytest.raises(AddressError) as found:
        encoded_identity(identity)
    assert found.value.field == "identity"


@pytest.mark.rule("ocpp16.J15")
def test_the_header_holds_the_bytes_of_a_hex_key() -> None:
    """The example of OCPP-J 1.6 section 6.2."""
    forms = key_forms(Secret("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"))
    assert basic_header("AL1000", forms[0]) == "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    assert (
        basic_header("AL1000", forms[1])
        == "Basic " + base64.b64encode(b"AL1000:0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF").decode()
    )


@pytest.mark.rule("ocpp16.J15")
@pytest.mark.parametrize("text", ["a plain password", "0" * 31, "0" * 33, "0" * 42, "0g" * 16])
def test_anything_else_is_text(text: str) -> None:
    assert key_forms(Secret(text)) == (text.encode(),)


def test_a_colon_would_end_the_user_name() -> None:
    with pytest.raises(AddressError, match="character 3 is a colon"):
        basic_header("CP:1", b"x")


def test_an_endpoint_prints_no_password() -> None:
    assert "topsecret" not in repr(Endpoint("ws://a", "CP1", Secret("topsecret")))


@given(st.text())
def test_any_identity_is_encoded_or_refused(identity: str) -> None:
    try:
        encoded = encoded_identity(identity)
    except (AddressError, UnicodeEncodeError):
        return
    assert encoded.isascii()
    assert not set(encoded) & set("/?# :@")
