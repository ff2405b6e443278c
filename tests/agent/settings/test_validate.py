from __future__ import annotations

import random
from dataclasses import replace

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.validate import (
    check_address,
    check_certificates,
    check_distinct,
    check_identity,
    check_password,
    check_url,
    normal_url,
)
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

GOOD = UpstreamAddress(UpstreamId("primary-1"), "Operator", "ws://cpms.example/ocpp", "CP-1", SecurityProfile.UNSECURED)
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

INVISIBLE = [" ", "\t", "\n", "\r", "\0", "\u00a0", "\u200b", "\u2028", "\u202e", "\ufeff", "\u3000"]


@pytest.mark.parametrize(
    "url",
    [
        "ws://a",
        "wss://cpms.example.com/ocpp/1.6",
        "WS://Example:8080/",
        "wss://10.0.0.1:443/x",
        "ws://[::1]:9000/a",
        "ws://[2001:db8::192.0.2.1]/",
        "wss://xn--bcher-kva.example/%7Eocpp;v=1",
        "ws://host.",
    ],
)
def test_a_url_that_can_be_dialled_is_accepted(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://a/",
        "ws:/a",
        "ws://",
        "ws:///x",
        "ws://user@host/",
        "ws://user:secret@host/",
        "ws://host:0/",
        "ws://host:65536/",
        "ws://host:/",
        "ws://host:12x/",
        "ws://-host/",
        "ws://ho_st/",
        "ws://host..x/",
        "ws://1.2.3/",
        "ws://1.2.3.256/",
        "ws://1.2.3.04/",
        "ws://[::1/",
        "ws://[1::2::3]/",
        "ws://[12345::]/",
        "ws://[1:2:3:4:5:6:7]/",
        "ws://bücher.example/",
        "ws://host/a?b=c",
        "ws://host/a#b",
        "ws://host/%zz",
        "ws://host/%2",
        "ws://host/a\\b",
        'ws://host/a"b',
        "ws://host/<x>",
        "ws://host/../x",
        "ws://host/ü",
        "ws://host/" + "a" * 10_000,
    ],
)
@pytest.mark.rule("security.ATK-2")
def test_any_other_url_is_refused_with_a_remedy(url: str) -> None:
    complaint = check_url(url)
    assert complaint is not None
    assert complaint.remedy


@pytest.mark.parametrize("blank", INVISIBLE)
@pytest.mark.parametrize("position", [0, 9, 13])
@pytest.mark.rule("product.H7")
def test_a_blank_anywhere_in_a_url_is_refused_with_its_position(blank: str, position: int) -> None:
    url = "ws://host/abc"
    complaint = check_url(url[:position] + blank + url[position:])
    assert complaint is not None
    assert f"position {position + 1}" in complaint.message
    assert complaint.message.isprintable()


@pytest.mark.parametrize("blank", INVISIBLE)
@pytest.mark.rule("product.H7")
def test_a_blank_in_an_identity_or_a_password_is_refused_with_its_position(blank: str) -> None:
    for check in (check_identity, check_password):
        complaint = check("abcdefgh" + blank + "ijkl")
        assert complaint is not None
        assert "position 9" in complaint.message


@pytest.mark.rule("security.ATK-2")
def test_random_texts_neither_raise_nor_pass_with_anything_strange() -> None:
    chance = random.Random(1)
    alphabet = "ws:/.%@[]?#0a\\\"' \r\n\0\u2028ü-_"
    for _ in range(20_000):
        text = "ws://" + "".join(chance.choices(alphabet, k=chance.randrange(12)))
        if check_url(text) is None:
            assert text.isascii()
            assert text.isprintable()
            assert not set(text) & set(' ?#\\"')


def test_a_password_in_a_url_is_refused_and_not_quoted() -> None:
    complaint = check_url("ws://user:canary@host/")
    assert complaint is not None
    assert "its own field" in complaint.remedy
    assert "canary" not in complaint.message + complaint.remedy


def test_a_password_is_never_quoted() -> None:
    for text in ("short", "canary canary", "canaryé-canary", "c" * 50):
        complaint = check_password(text)
        assert complaint is not None
        assert text not in complaint.message + complaint.remedy
        assert "canary" not in complaint.message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "wss://cpms.example/"}, "url"),
        ({"security": SecurityProfile.BASIC}, "password"),
        ({"password": Secret("0123456789abcdef")}, "password"),
        ({"security": SecurityProfile.TLS_BASIC, "password": Secret("0123456789abcdef")}, "url"),
        ({"trust": "roots.pem"}, "trust"),
        ({"security": SecurityProfile.BASIC, "password": Secret("0123456789abcdef"), "identity": "a:b"}, "identity"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(changes: dict[str, object], field: str) -> None:
    problems = check_address(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert [problem.field for problem in problems] == [field]


@pytest.mark.parametrize("url", ["WS://CPMS.example:80/ocpp/", "ws://cpms.example/ocpp"])
def test_the_same_url_and_identity_as_management_is_refused_however_it_is_written(url: str) -> None:
    management = replace(GOOD, id=MANAGEMENT)
    assert check_distinct(replace(GOOD, url=url), management)
    assert not check_distinct(replace(GOOD, url=url, identity="cp-1"), management)
    assert not check_distinct(replace(GOOD, url="ws://cpms.example/OCPP"), management)


def test_the_default_port_is_that_of_the_scheme() -> None:
    assert normal_url("wss://a:443/") == normal_url("wss://a") != normal_url("wss://a:80")


@pytest.mark.parametrize(
    "pem",
    ["", "hello", PEM + PEM.replace("CERTIFICATE", "PRIVATE KEY"), PEM.replace("MIIB", "AAAA"), PEM * 1_000],
)
def test_what_is_not_only_certificates_is_refused_as_trust(pem: str) -> None:
    assert check_certificates(pem) is not None


def test_certificates_are_accepted_as_trust() -> None:
    assert check_certificates(PEM * 3) is None
