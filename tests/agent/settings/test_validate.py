from __future__ import annotations

import random
from dataclasses import replace

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.pem import check_certificates, check_client_certificate, check_client_key
from agent.settings.uplinks import check_interface, check_proxy, check_proxy_login, proxy_place
from agent.settings.validate import (
    check_address,
    check_distinct,
    check_identity,
    check_password,
    check_url,
    normal_url,
)
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

GOOD = UpstreamAddress(UpstreamId("primary-1"), "Operator", "ws://cpms.example/ocpp", "CP-1", SecurityProfile.UNSECURED)
MUTUAL: dict[str, object] = {
    "url": "wss://cpms.example/",
    "security": SecurityProfile.MUTUAL_TLS,
    "certificate": "own.pem",
    "key": "own.key",
}
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
        ({"certificate": "own.pem", "key": "own.key"}, "certificate"),
        ({"key": "own.key"}, "key"),
        ({**MUTUAL, "url": "ws://cpms.example/"}, "url"),
        ({**MUTUAL, "password": Secret("0123456789abcdef")}, "password"),
        ({**MUTUAL, "certificate": "", "key": ""}, "certificate"),
        ({**MUTUAL, "key": ""}, "key"),
        ({"interface": "eth 0"}, "interface"),
        ({"proxy": "proxy:3128"}, "proxy"),
        ({"proxy_login": Secret("user:password")}, "proxy_login"),
        ({"proxy": "http://proxy:3128", "proxy_login": Secret("user")}, "proxy_login"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(changes: dict[str, object], field: str) -> None:
    problems = check_address(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert [problem.field for problem in problems] == [field]


@pytest.mark.rule("product.H8")
def test_a_client_certificate_needs_no_password_and_allows_a_colon_in_the_identity() -> None:
    assert check_address(replace(GOOD, **MUTUAL, identity="a:b", trust="roots.pem")) == ()  # type: ignore[arg-type]


@pytest.mark.rule("product.N9")
@pytest.mark.parametrize("text", ["eth0", "wwan0", "br-lan", "eth0.100", "192.0.2.7", "2001:db8::7"])
def test_an_interface_is_a_name_or_an_address(text: str) -> None:
    assert check_interface(text) is None


@pytest.mark.rule("product.N9")
@pytest.mark.parametrize("text", ["", "eth0 ", "a/b", "..", "x" * 16, "eth0:1", "ü", "1.2.3", "2001:db8::x"])
def test_any_other_interface_is_refused_with_a_remedy(text: str) -> None:
    complaint = check_interface(text)
    assert complaint is not None
    assert complaint.remedy


@pytest.mark.rule("product.N9")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://proxy.example:3128", ("proxy.example", 3128)),
        ("http://192.0.2.7:80", ("192.0.2.7", 80)),
        ("http://[2001:db8::7]:8080", ("2001:db8::7", 8080)),
    ],
)
def test_a_proxy_has_a_host_and_a_port(text: str, place: tuple[str, int]) -> None:
    assert check_proxy(text) is None
    assert proxy_place(text) == place


@pytest.mark.rule("product.N9")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "http://proxy",
        "http://proxy:",
        "http://proxy:0",
        "http://[::1]",
        "http://proxy:3128/",
        "http://proxy:3128/x?y",
        "http://canary:canary@proxy:3128",
        "http:// proxy:3128",
        "canary:canary@proxy:3128",
    ],
)
def test_any_other_proxy_is_refused_and_no_password_quoted(text: str) -> None:
    complaint = check_proxy(text)
    assert complaint is not None
    assert complaint.remedy
    assert "canary" not in complaint.message


@pytest.mark.rule("product.N9")
def test_a_login_is_user_and_password_and_is_never_quoted() -> None:
    assert check_proxy_login("user:pass:word") is None
    for text in ("", "canary", "canary:", ":canary", "canary :x", "canary:é", "canary:" + "x" * 255):
        complaint = check_proxy_login(text)
        assert complaint is not None
        assert "canary" not in complaint.message + complaint.remedy


KEY = PEM.replace("CERTIFICATE", "PRIVATE KEY")


@pytest.mark.rule("product.H8")
@pytest.mark.parametrize("pem", [KEY, KEY.replace("PRIVATE KEY", "EC PRIVATE KEY"), "comment\n" + KEY])
def test_a_client_key_is_one_key(pem: str) -> None:
    assert check_client_key(pem) is None


@pytest.mark.rule("product.H8")
@pytest.mark.parametrize(
    "pem",
    [
        "",
        "hello",
        PEM,
        KEY + KEY,
        KEY + PEM,
        KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        KEY.replace("MIIB", "Proc-Type: 4,ENCRYPTED"),
        KEY.replace("END", "ENDE"),
        KEY + "x" * 20_000,
    ],
)
def test_anything_else_is_no_client_key(pem: str) -> None:
    complaint = check_client_key(pem)
    assert complaint is not None
    assert "MIIB" not in complaint.message


@pytest.mark.rule("product.H8")
@pytest.mark.parametrize(
    "pem",
    [KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), KEY.replace("MIIB", "Proc-Type: 4,ENCRYPTED\n\nMIIB")],
)
def test_a_key_with_a_passphrase_is_told_as_such(pem: str) -> None:
    complaint = check_client_key(pem)
    assert complaint is not None
    assert "passphrase" in complaint.remedy


@pytest.mark.rule("product.H8")
def test_a_client_certificate_comes_without_its_key() -> None:
    assert check_client_certificate(PEM * 2) is None
    for pem in ("", " ", "hello", PEM + KEY, PEM * 1_000):
        assert check_client_certificate(pem) is not None


@pytest.mark.parametrize("url", ["WS://CPMS.example:80/ocpp/", "ws://cpms.example/ocpp"])
@pytest.mark.rule("two-upstreams.RC11")
def test_the_same_url_and_identity_as_another_is_refused_however_it_is_written(url: str) -> None:
    others = (replace(GOOD, id=UpstreamId("operator-1"), identity="other"), replace(GOOD, id=MANAGEMENT))
    assert check_distinct(replace(GOOD, url=url), others)
    assert not check_distinct(replace(GOOD, url=url, identity="cp-1"), others)
    assert not check_distinct(replace(GOOD, url="ws://cpms.example/OCPP"), others)


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
