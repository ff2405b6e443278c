"""Every kind of server and client certificate against real TLS servers: for each its verdict and security event."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from agent.credentials.access import Access, ClientFiles
from agent.credentials.tls import Judgement
from agent.links.dialler import Dialler
from agent.links.ports import LinkRefused
from agent.vocabulary.security import SecurityEventKind as Event
from tests.rig.certificates import ROOT, STATION, Issued, Wish, context_of, issue
from tests.rig.tls_server import TlsServer

pytestmark = pytest.mark.rung3

SUBPROTOCOL = "ocpp1.6"


def at(year: int) -> datetime.datetime:
    return datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)


def wall_ms(year: int) -> int:
    return round(at(year).timestamp() * 1000)


NOW, RELEASED = wall_ms(2026), wall_ms(2025)

Chain = tuple[Issued, ...]
"""The leaf, and what the server sends behind it."""


@dataclass(frozen=True)
class Cast:
    """Who issues certificates here. Made once: keys take their time."""

    root: Issued = field(default_factory=lambda: issue(replace(ROOT, key="rsa2048")))
    other: Issued = field(default_factory=lambda: issue(replace(ROOT, common_name="root of another upstream")))
    weak: Issued = field(default_factory=lambda: issue(replace(ROOT, common_name="weak root", key="rsa1024")))

    old: Issued = field(default_factory=lambda: issue(replace(ROOT, end=at(2025))))

    @cached_property
    def newer(self) -> Issued:
        """A root that is signed by another one."""
        return issue(replace(ROOT, common_name="newer root"), self.other)

    def server(self, **wish: Any) -> Chain:
        return (issue(replace(Wish(), **wish), self.root),)

    def below(self, authority: dict[str, Any], sends: bool = True, **wish: Any) -> Chain:
        """A server below an intermediate of its own."""
        between = issue(replace(ROOT, common_name="intermediate", **authority), self.root)
        leaf = issue(replace(Wish(), **wish), between)
        return (leaf, between) if sends else (leaf,)

    def two_below(self) -> Chain:
        """Two intermediates, of which the upper one may have none below."""
        upper = issue(replace(ROOT, common_name="upper", path_length=0), self.root)
        lower = issue(replace(ROOT, common_name="lower"), upper)
        return issue(Wish(), lower), lower, upper

    def client(self, **wish: Any) -> Issued:
        return issue(replace(STATION, **wish), self.root)


@dataclass(frozen=True)
class Row:
    """One certificate: what happens, in a word of the refusal (empty: a link), and which security event it is."""

    name: str
    says: str = ""
    event: Event | None = None
    server: Callable[[Cast], Chain] = Cast.server
    client: Callable[[Cast], Issued | None] | None = None
    """The server wants a client certificate, and this is what the station has."""
    wrong_key: bool = False
    host: str = "localhost"
    now_ms: int | None = NOW
    adjust: Callable[[ssl.SSLContext], None] = lambda context: None
    trusts: Callable[[Cast], tuple[Issued, ...]] = lambda cast: (cast.root,)


def tls_1_1_only(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def tls_1_2_only(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def cbc_only(context: ssl.SSLContext) -> None:
    tls_1_2_only(context)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:AES128-SHA@SECLEVEL=0")


def dhe_only(context: ssl.SSLContext) -> None:
    tls_1_2_only(context)
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384@SECLEVEL=0")


def ocpp_suites(context: ssl.SSLContext) -> None:
    tls_1_2_only(context)
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")


def rsa_suites(context: ssl.SSLContext) -> None:
    tls_1_2_only(context)
    context.set_ciphers("AES128-GCM-SHA256:AES256-GCM-SHA384")


BAD = Event.INVALID_CENTRAL_SYSTEM_CERTIFICATE
NOT_US = Event.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM
WEAK = Event.INVALID_TLS_CIPHER_SUITE
OURS = Event.INVALID_CHARGE_POINT_CERTIFICATE

ROWS = (
    # ------------------------------------------------------------------------------------ the server's certificate
    Row("good"),
    Row("expired", "expired", BAD, lambda c: c.server(end=at(2025))),
    Row("not yet valid", "not yet valid", BAD, lambda c: c.server(begin=at(2027))),
    Row("expired root", "expired", BAD, lambda c: (issue(Wish(), c.old),), trusts=lambda c: (c.old,)),
    Row("expired intermediate", "expired", BAD, lambda c: c.below({"end": at(2025)})),
    Row("wrong host", "mismatch", BAD, lambda c: c.server(common_name="other", names=("other.example",))),
    Row("another address", "mismatch", BAD, lambda c: c.server(names=("127.0.0.2",)), host="127.0.0.1"),
    Row("wrong purpose", "purpose", BAD, lambda c: c.server(purposes=("client",))),
    Row("self-signed", "self-signed", BAD, lambda c: (issue(Wish()),)),
    Row("unknown root", "unable to get local issuer", BAD, lambda c: (issue(Wish(), issue(ROOT)),)),
    Row("root of another upstream", "unable to get local issuer", BAD, lambda c: (issue(Wish(), c.other),)),
    Row("RSA of 1024 bits", "too weak", BAD, lambda c: c.server(key="rsa1024")),
    Row("root of RSA 1024", "too weak", BAD, lambda c: (issue(Wish(), c.weak),), trusts=lambda c: (c.weak,)),
    Row("elliptic key of 192 bits", "too weak", BAD, lambda c: c.below({"key": "ec192"})),
    Row("signed with SHA-1", "too weak", BAD, lambda c: c.server(sha1=True)),
    Row("name outside the constraints", "permitted subtree", BAD, lambda c: c.below({"permitted": ("example.com",)})),
    Row("name within the constraints", server=lambda c: c.below({"permitted": ("localhost",)}, names=("localhost",))),
    Row("address by address", server=lambda c: c.server(names=("127.0.0.1",)), host="127.0.0.1"),
    Row("wildcard", server=lambda c: c.server(names=("*.cpo.example",)), host="ocpp.cpo.example"),
    Row("wildcard two deep", "mismatch", BAD, lambda c: c.server(names=("*.example",)), host="ocpp.cpo.example"),
    Row("intermediate sent", server=lambda c: c.below({})),
    Row("root signed by an older one", server=lambda c: (issue(Wish(), c.newer),), trusts=lambda c: (c.newer, c.other)),
    Row("older root is gone", server=lambda c: (issue(Wish(), c.newer),), trusts=lambda c: (c.newer,)),
    Row("intermediate missing", "unable to get local issuer", BAD, lambda c: c.below({}, sends=False)),
    Row("path too long", "path length", BAD, Cast.two_below),
    Row("signed by what is no authority", "invalid CA", BAD, lambda c: c.below({"authority": False})),
    Row("common name only", server=lambda c: c.server(names=())),
    Row("common name only, and wrong", "mismatch", BAD, lambda c: c.server(names=(), common_name="other")),
    Row("names only", server=lambda c: c.server(common_name="Central System 1")),
    Row("common name right, names wrong", "mismatch", BAD, lambda c: c.server(names=("other.example",))),
    Row("dot at the end", server=lambda c: c.server(names=("ocpp.cpo.example",)), host="ocpp.cpo.example."),
    # ----------------------------------------------------------------------------------------------- versions, suites
    Row("TLS 1.1 only", "version of TLS", Event.INVALID_TLS_VERSION, adjust=tls_1_1_only),
    Row("CBC suites only", "cipher suites", WEAK, adjust=cbc_only),
    Row(
        "DHE suites only",
        "cipher suites",
        Event.INVALID_TLS_CIPHER_SUITE,
        lambda c: c.server(key="rsa2048"),
        adjust=dhe_only,
    ),
    Row("the elliptic suites of OCPP", adjust=ocpp_suites),
    Row("the RSA suites of OCPP", server=lambda c: c.server(key="rsa2048"), adjust=rsa_suites),
    # ----------------------------------------------------------------------------------------------------- the clock
    Row("clock unknown, good chain", now_ms=None),
    Row("clock unknown, expired before the release", "expired", BAD, lambda c: c.server(end=at(2024)), now_ms=None),
    Row("clock unknown, begun after the release", server=lambda c: c.server(begin=at(2030)), now_ms=None),
    Row("clock at 1970, expired before the release", "expired", BAD, lambda c: c.server(end=at(2024)), now_ms=0),
    # --------------------------------------------------------------------------------------- our own certificate
    Row("client: good", client=Cast.client),
    Row("client: good, TLS 1.2", client=Cast.client, adjust=tls_1_2_only),
    Row("client: none", "there is none", OURS, client=lambda c: None),
    Row("client: expired", "expired", NOT_US, client=lambda c: c.client(end=at(2021))),
    Row("client: expired, TLS 1.2", "expired", NOT_US, client=lambda c: c.client(end=at(2021)), adjust=tls_1_2_only),
    Row("client: wrong purpose", "kind not taken", NOT_US, client=lambda c: c.client(purposes=("server",))),
    Row("client: unknown issuer", "who issued", NOT_US, client=lambda c: issue(STATION, c.other)),
    Row("client: self-signed", "who issued", NOT_US, client=lambda c: issue(STATION)),
    Row("client: mismatched key", "KEY_VALUES_MISMATCH", OURS, client=Cast.client, wrong_key=True),
    Row("client: weak key", "EE_KEY_TOO_SMALL", OURS, client=lambda c: c.client(key="rsa1024")),
    Row("client: SHA-1", "MD_TOO_WEAK", OURS, client=lambda c: c.client(sha1=True)),
    Row("client: wrong name", "HTTP 403", NOT_US, client=lambda c: c.client(common_name="SN2")),
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast()


class FixedAccess:
    """Credentials that stay, and what was said about them."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.anchors: list[str] = []

    def present(self) -> Access:
        return self.access

    def begin(self) -> Access:
        return self.access

    def refused(self, cause: str, http_status: int | None) -> None:
        """Nothing else is known."""

    def worked(self, anchor: str = "") -> None:
        self.anchors.append(anchor)


@pytest.mark.rule("ocpp16.Z03")
@pytest.mark.rule("ocpp16.Z04")
@pytest.mark.rule("ocpp16.Z05")
@pytest.mark.rule("security.ATK-9")
@pytest.mark.rule("product.H9")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_each_certificate_gets_its_verdict_and_its_event(row: Row, cast: Cast, tmp_path: Path) -> None:
    events: list[Event] = []
    with TlsServer(_server(row, cast), _only_sn1 if row.client else _anybody) as server:
        accesses = FixedAccess(replace(_access(row, cast, tmp_path), url=f"wss://{row.host}:{server.port}/ocpp"))
        judgement = Judgement(lambda: row.now_ms, RELEASED)
        tell = lambda kind, text: events.append(kind)  # noqa: E731
        dialler = Dialler(accesses, SUBPROTOCOL, _to(server.port), judgement, tell)
        refusals = [asyncio.run(_attempt(dialler)) for _ in range(2)]
    assert [str(refusal) == "" for refusal in refusals] == [row.says == ""] * 2, refusals
    assert row.says in refusals[0]
    assert events == ([row.event] if row.event else [])  # told once
    assert set(accesses.anchors) == (set() if row.says else {row.trusts(cast)[0].name})
    assert bool(server.requests) == (row.says in ("", "HTTP 403"))  # a server that fails gets no request to read


async def _attempt(dialler: Dialler) -> str:
    """One attempt: how it was refused; empty if it was not."""
    try:
        link = await dialler()
    except LinkRefused as refused:
        return str(refused)
    await link.close(1001, "")
    return ""


def test_there_are_thirty_rows_and_more() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 30


def _server(row: Row, cast: Cast) -> ssl.SSLContext:
    chain = row.server(cast)
    context = context_of("".join(one.pem for one in chain), chain[0].key_pem)
    row.adjust(context)
    if row.client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=cast.root.pem)
    return context


def _access(row: Row, cast: Cast, folder: Path) -> Access:
    roots = folder / "roots.pem"
    roots.write_text("".join(root.pem for root in row.trusts(cast)))
    own = row.client(cast) if row.client else None
    client = None
    if own is not None:
        (folder / "own.pem").write_text(own.pem)
        (folder / "own.key").write_text(cast.other.key_pem if row.wrong_key else own.key_pem)
        client = ClientFiles(str(folder / "own.pem"), str(folder / "own.key"))
    return Access("", "CP1", 3 if row.client else 2, trust_files=(str(roots),), public_roots=False, client=client)


def _to(port: int) -> Callable[[str, int], Any]:
    async def open_socket(host: str, wanted: int) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
        return made

    return open_socket


def _only_sn1(certificate: Mapping[str, Any], request: str) -> int:
    return 101 if (("commonName", "SN1"),) in certificate["subject"] else 403


def _anybody(certificate: Mapping[str, Any], request: str) -> int:
    return 101
