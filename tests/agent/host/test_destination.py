"""Places that a backend names: what is dialled, and what never is."""

from __future__ import annotations

import pytest

from agent.host.destination import Destination, Login, Refused, looked_up, read_destination
from agent.settings.transfers import Allowance
from agent.vocabulary.ids import Secret

EVERYTHING = frozenset(Allowance)
PUBLIC = "https://files.example/logs"


def test_a_place_is_read_in_its_parts() -> None:
    found = read_destination("https://user:p%40ss@files.example:8443/a%20b/?sig=1%2F2#part", frozenset())
    login = Login("user", Secret("p@ss"))
    assert found == Destination("https", "files.example", 8443, "/a%20b/", "?sig=1%2F2", login)
    assert "p@ss" not in repr(found)
    assert found.shown == "https://files.example"


@pytest.mark.parametrize(
    ("location", "port", "path"),
    [
        ("https://h.example", 443, "/"),
        ("HTTPS://h.example?x=1", 443, "/"),
        ("ftps://h.example/up", 21, "/up"),
        ("ftp://h.example:2121/", 2121, "/"),
        ("http://[2001:4860:4860::8888]:80/x", 80, "/x"),
    ],
)
def test_what_is_not_written_has_its_default(location: str, port: int, path: str) -> None:
    found = read_destination(location, EVERYTHING)
    assert (found.port, found.path) == (port, path)


@pytest.mark.rule("ocpp16.F09")
@pytest.mark.parametrize("folder", ["/logs", "/logs/"])
def test_a_file_lies_below_its_folder_and_the_query_stays(folder: str) -> None:
    below = read_destination(f"https://h.example{folder}?sig=1", frozenset()).below("a.zip")
    assert (below.path, below.query) == ("/logs/a.zip", "?sig=1")


NEVER = [
    "",
    "files.example/logs",
    "file:///etc/shadow",
    "gopher://h.example/",
    "https:/h.example",
    "https://",
    "https:///path",
    "https://user@",
    "https://h.example:0/",
    "https://h.example:99999/",
    "https://h.example:-1/",
    "https://h.example\\@127.0.0.1/",
    "https://public.example@evil@127.0.0.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://[::1/",
    "https://h .example/",
    "https://h.example/a b",
    "https://h.example/\r\nHost: x",
    "https://h.example/%0d%0aDELE x",
    "https://h.example/a/../../b",
    "https://h.example/%2e%2e/b",
    "ftps://us%0d%0aer@h.example/x",
    "ftps://user:%00@h.example/x",
    "https://h\u00e4.example/",
    "https://h.example/" + "x" * 2000,
]


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize("location", NEVER)
def test_what_cannot_be_meant_is_refused_whatever_is_allowed(location: str) -> None:
    with pytest.raises(Refused):
        read_destination(location, EVERYTHING)


HIDDEN: list[tuple[str, Allowance]] = [
    ("127.0.0.1", Allowance.LOOPBACK),
    ("127.8.9.1", Allowance.LOOPBACK),
    ("::1", Allowance.LOOPBACK),
    ("::ffff:127.0.0.1", Allowance.LOOPBACK),
    ("2002:7f00:1::", Allowance.LOOPBACK),
    ("64:ff9b::7f00:1", Allowance.LOOPBACK),
    ("169.254.169.254", Allowance.LINK_LOCAL),
    ("fe80::1", Allowance.LINK_LOCAL),
    ("::ffff:169.254.169.254", Allowance.LINK_LOCAL),
    ("10.1.2.3", Allowance.PRIVATE),
    ("172.16.0.1", Allowance.PRIVATE),
    ("192.168.1.1", Allowance.PRIVATE),
    ("100.64.0.1", Allowance.PRIVATE),
    ("fd00::1", Allowance.PRIVATE),
    ("::ffff:10.0.0.1", Allowance.PRIVATE),
]


def written(address: str) -> str:
    return f"https://[{address}]/x" if ":" in address else f"https://{address}/x"


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize(("address", "wanted"), HIDDEN)
def test_an_address_that_is_not_public_needs_its_own_allowance(address: str, wanted: Allowance) -> None:
    with pytest.raises(Refused, match="not allowed here"):
        read_destination(written(address), EVERYTHING - {wanted})
    named = read_destination(PUBLIC, frozenset())
    with pytest.raises(Refused, match="not allowed here"):
        looked_up(named, EVERYTHING - {wanted}, lambda host, port: [address])
    read_destination(written(address), {wanted})
    assert looked_up(named, {wanted}, lambda host, port: [address]) == address


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1"])
def test_an_address_that_nobody_has_is_never_dialled(address: str) -> None:
    with pytest.raises(Refused, match="nobody has"):
        read_destination(written(address), EVERYTHING)


@pytest.mark.parametrize(("scheme", "wanted"), [("http", Allowance.HTTP), ("ftp", Allowance.FTP)])
def test_plain_transport_needs_its_own_allowance(scheme: str, wanted: Allowance) -> None:
    with pytest.raises(Refused, match=f"use {scheme}s"):
        read_destination(f"{scheme}://h.example/x", EVERYTHING - {wanted})
    read_destination(f"{scheme}://h.example/x", {wanted})


@pytest.mark.rule("security.ATK-12")
def test_of_several_addresses_the_first_that_is_allowed_is_dialled_and_asked_for_once() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["10.0.0.1", "8.8.8.8", "8.8.4.4"]

    assert looked_up(read_destination(PUBLIC, frozenset()), frozenset(), resolve) == "8.8.8.8"
    assert asked == [("files.example", 443)]


def test_no_refusal_repeats_a_secret() -> None:
    for location in (
        "gopher://user:hunter2@h.example",
        "ftp://user:hunter2@h.example",
        "https://user:hunter2@10.0.0.1",
    ):
        with pytest.raises(Refused) as caught:
            read_destination(location, frozenset())
        assert "hunter2" not in str(caught.value)
