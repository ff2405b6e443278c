"""Transfers both ways that break at every stage: told for what they are, and nothing is left but a head start."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.host import connections
from agent.host.connections import Cut
from agent.host.destination import Destination, read_destination
from agent.host.download import download
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder
from agent.host.upload import upload
from agent.host.upload_order import Order, UploadFailed
from agent.settings.transfers import Allowance
from agent.vocabulary.uploads import UploadStatus
from tests.agent.host.broken_servers import CLOSE, RESET, STALL, Break, FtpSource, Source, serving, serving_ftp
from tests.agent.host.file_servers import tcp_server
from tests.rig.certificates import ROOT, Issued, Wish, context_of, issue

pytestmark = [pytest.mark.rung3, pytest.mark.usefixtures("tidy")]

CONTENT = bytes(range(256)) * 1024
LENGTH = len(CONTENT)
HERE = frozenset(Allowance)
CUT = "cut"
"""Besides reset, closed and silent: silent, and given up from outside."""
HOWS = (RESET, CLOSE, STALL, CUT)
Context = Callable[[], ssl.SSLContext]
OFFSETS = (0, 1, LENGTH // 2, LENGTH - 1)


def stages(scheme: str, put: bool) -> list[tuple[str, int]]:
    """Everywhere that a transfer can break."""
    if scheme.startswith("http"):
        secure = ["handshake"] if scheme == "https" else []
        single = ["connect", *secure, "request", "answer", "status", *([] if put else ["headers"])]
        return [(stage, 0) for stage in single] + [("body", offset) for offset in OFFSETS]
    secure = ["AUTH", "PBSZ", "PROT"] if scheme == "ftps" else []
    single = ["welcome", *secure, "USER", "PASS", "TYPE", *([] if put else ["SIZE", "MDTM"]), "PASV"]
    return [(stage, 0) for stage in (*single, "STOR" if put else "RETR")] + [("data", offset) for offset in OFFSETS]


def cases(put: bool) -> list[Any]:
    """Each stage in one way, in turn, and nightly in every way."""
    found = []
    for first, scheme in enumerate(("http", "https", "ftp", "ftps")):
        for turn, (stage, offset) in enumerate(stages(scheme, put), first):
            for how in HOWS:
                marks = [] if how == HOWS[turn % len(HOWS)] else [pytest.mark.nightly]
                name = f"{scheme}-{stage}-{offset}-{how}"
                found.append(pytest.param(scheme, stage, offset, how, id=name, marks=marks))
    return found


@dataclass
class Station:
    """Who transfers, and the servers about it."""

    folder: Path
    root: Issued
    context: Context

    def order(self, place: Destination) -> DownloadOrder:
        return DownloadOrder(place, self.folder / "down", HERE, self.context, free_floor_bytes=0)

    def left(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "down").iterdir())

    @contextmanager
    def server(self, scheme: str, broken: Break) -> Iterator[tuple[Destination, Source | FtpSource, Path]]:
        """Its place, how it is going, and the folder that it serves."""
        own = issue(Wish(), self.root)
        (served := self.folder / "served").mkdir()
        (served / "x").write_bytes(CONTENT)
        if scheme.startswith("http"):
            contexts = [context_of(own.pem, own.key_pem)] if scheme == "https" else []
            with serving(Source(CONTENT, [broken], contexts)) as source:
                yield place(scheme, source.port), source, served
            return
        (pem := self.folder / "server.pem").write_text(own.pem + own.key_pem)
        with serving_ftp(FtpSource([broken]), served, pem if scheme == "ftps" else None) as ftp:
            yield place(scheme, ftp.port), ftp, served


def place(scheme: str, port: int) -> Destination:
    return read_destination(f"{scheme}://station:hunter2@localhost:{port}/x", HERE)


@pytest.fixture
def station(tmp_path: Path, root: Issued, trusting: Context) -> Station:
    return Station(tmp_path, root, trusting)


@contextmanager
def patience(how: str, server: Source | FtpSource, cut: Cut, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little for the silent, much for the others; and whoever is given up from outside is, once it is silent."""
    monkeypatch.setattr(connections, "STALL_S", 0.1 if how == STALL else 20.0)
    begun = time.monotonic()

    def give_up() -> None:
        if server.silent.wait(5):
            cut.cut()

    thread = threading.Thread(target=give_up if how == CUT else lambda: None)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        server.over.set()
        monkeypatch.setattr(connections, "STALL_S", 20.0)
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize(("scheme", "stage", "offset", "how"), cases(put=False))
def test_a_download_that_breaks_is_told_and_the_next_one_brings_the_file(
    station: Station, monkeypatch: pytest.MonkeyPatch, scheme: str, stage: str, offset: int, how: str
) -> None:
    cut = Cut()
    with station.server(scheme, Break(stage, STALL if how == CUT else how, offset)) as (where, server, _):
        order = station.order(where)
        with patience(how, server, cut, monkeypatch), pytest.raises(DownloadFailed) as caught:
            download(order, cut)
        assert caught.value.cause is cause_of(scheme, stage, how), caught.value
        assert not caught.value.lasting
        assert "hunter2" not in str(caught.value)
        part, surely = ["download.mark", "download.part"], how in (CLOSE, STALL)
        assert station.left() in ([part] if offset and surely else [part, []] if offset else [[]])
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT
    assert station.left() == ["download"]


def cause_of(scheme: str, stage: str, how: str) -> DownloadCause:
    if how in (STALL, CUT):
        return DownloadCause.STALLED if how == STALL else DownloadCause.CUT
    if (scheme, stage, how) == ("http", "status", CLOSE):
        return DownloadCause.PROTOCOL  # five letters and an end in good order: that is no HTTP
    return DownloadCause.CONNECTION


@pytest.mark.parametrize(("scheme", "stage", "offset", "how"), cases(put=True))
def test_an_upload_that_breaks_is_told_and_the_next_one_is_whole(
    station: Station, monkeypatch: pytest.MonkeyPatch, scheme: str, stage: str, offset: int, how: str
) -> None:
    cut = Cut()
    before = sorted(station.folder.rglob("*"))
    with station.server(scheme, Break(stage, STALL if how == CUT else how, offset)) as (where, server, served):
        order = Order(where, CONTENT[::-1], HERE, station.context)
        with patience(how, server, cut, monkeypatch), pytest.raises(UploadFailed) as caught:
            upload(order, cut)
        no_http = (scheme, stage, how) == ("http", "status", CLOSE)
        assert caught.value.status is (UploadStatus.BAD_MESSAGE if no_http else UploadStatus.FAILED), caught.value
        assert not caught.value.lasting
        assert "hunter2" not in str(caught.value)
        upload(order, Cut())
        if scheme.startswith("ftp"):
            assert (served / "x").read_bytes() == CONTENT[::-1]
    new = {file.name for file in station.folder.rglob("*")} - {file.name for file in before}
    assert new <= {"served", "x", "server.pem"}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps"])
def test_nobody_there_is_told_both_ways(station: Station, scheme: str) -> None:
    with tcp_server(lambda connection: None) as port:
        where = place(scheme, port)
    with pytest.raises(DownloadFailed, match="refused") as down:
        download(station.order(where), Cut())
    assert down.value.cause is DownloadCause.CONNECTION
    assert station.left() == []
    with pytest.raises(UploadFailed, match="refused"):
        upload(Order(where, CONTENT, HERE, station.context), Cut())


GARBAGE = b"\0" * 200


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("scheme", ["https", "ftps"])
def test_what_speaks_no_tls_is_told_both_ways_before_a_password(station: Station, scheme: str) -> None:
    heard: list[bytes] = []

    def speak(connection: Any) -> None:
        if scheme == "ftps":
            connection.sendall(b"220 x\r\n")
            heard.append(connection.recv(100))
            connection.sendall(b"234 x\r\n")
        heard.append(connection.recv(4096))
        connection.sendall(GARBAGE)
        connection.recv(4096)

    with tcp_server(speak) as port:
        where = place(scheme, port)
        with pytest.raises(DownloadFailed, match="TLS failed") as down:
            download(station.order(where), Cut())
        with pytest.raises(UploadFailed, match="TLS failed"):
            upload(Order(where, CONTENT, HERE, station.context), Cut())
    assert down.value.cause is DownloadCause.TLS
    assert not any(b"hunter2" in line for line in heard)
    assert station.left() == []


@pytest.mark.usefixtures("impatient")
def test_a_certificate_that_changes_between_uploads_is_judged_anew(station: Station) -> None:
    good, other = issue(Wish(), station.root), issue(Wish(), issue(ROOT))
    with serving(Source(b"", contexts=[context_of(one.pem, one.key_pem) for one in (good, other)])) as source:
        order = Order(place("https", source.port), CONTENT, HERE, station.context)
        upload(order, Cut())
        with pytest.raises(UploadFailed, match="TLS failed"):
            upload(replace(order, content=b"secret"), Cut())
    assert source.bodies == [CONTENT]
