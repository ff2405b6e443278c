"""One file to real servers: taken, refused, stalled, broken and lied about."""

from __future__ import annotations

import base64
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.connections import Cut
from agent.host.destination import read_destination
from agent.host.upload import LARGEST_BYTES, upload
from agent.host.upload_order import Order, UploadFailed
from agent.settings.transfers import Allowance
from agent.vocabulary.uploads import UploadStatus
from tests.agent.host.file_servers import ftp_server, tcp_server, web_server
from tests.rig.certificates import ROOT, Issued, Wish, context_of, issue

pytestmark = [pytest.mark.rung3, pytest.mark.usefixtures("impatient")]

LARGE = bytes(range(256)) * 4096
HERE = frozenset(Allowance)
Context = Callable[[], ssl.SSLContext]


def bring(location: str, content: bytes = b"content", context: Context | None = None, cut: Cut | None = None) -> None:
    order = Order(read_destination(location, HERE), content, HERE, context or no_tls)
    upload(order, cut or Cut())


def failure(location: str, content: bytes = b"content", context: Context | None = None) -> UploadFailed:
    with pytest.raises(UploadFailed) as caught:
        bring(location, content, context)
    assert "hunter2" not in str(caught.value)
    return caught.value


def no_tls() -> ssl.SSLContext:
    raise AssertionError("no TLS is wanted here")


# ---------------------------------------------------------------------------------------------------------- http


@pytest.mark.rule("ocpp16.F09")
def test_a_file_is_put_where_it_was_wanted() -> None:
    with web_server() as web:
        bring(f"http://station:hunter2@127.0.0.1:{web.port}/a/b.zip?sig=1", LARGE)
    ((method, path, headers),) = web.requests
    assert (method, path, web.bodies) == ("PUT", "/a/b.zip?sig=1", [LARGE])
    assert headers["Host"] == f"127.0.0.1:{web.port}"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"station:hunter2"


def test_without_a_login_none_is_sent() -> None:
    with web_server() as web:
        bring(f"http://127.0.0.1:{web.port}/x")
    assert "Authorization" not in web.requests[0][2]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, UploadStatus.BAD_MESSAGE),
        (401, UploadStatus.PERMISSION_DENIED),
        (403, UploadStatus.PERMISSION_DENIED),
        (404, UploadStatus.FAILED),
        (405, UploadStatus.NOT_SUPPORTED),
        (500, UploadStatus.FAILED),
    ],
)
def test_what_the_server_refuses_is_told_as_it_meant_it(status: int, told: UploadStatus) -> None:
    with web_server(status) as web:
        assert failure(f"http://station:hunter2@127.0.0.1:{web.port}/x").status is told


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirection_is_followed(status: int) -> None:
    with web_server() as other, web_server(status, {"Location": f"http://127.0.0.1:{other.port}/x"}) as web:
        assert "redirections" in str(failure(f"http://127.0.0.1:{web.port}/x"))
    assert other.requests == []


def test_a_server_that_refuses_early_is_heard() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 403 No\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with tcp_server(refuse) as port:
        assert failure(f"http://127.0.0.1:{port}/x", LARGE).status is UploadStatus.PERMISSION_DENIED


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" * 300])
def test_what_speaks_no_http_is_a_failure(says: bytes) -> None:
    def speak(connection: socket.socket) -> None:
        while b"content" not in connection.recv(65536):
            pass
        connection.sendall(says)

    with tcp_server(speak) as port:
        failure(f"http://127.0.0.1:{port}/x")


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_a_server_that_stalls_is_given_up(scheme: str) -> None:
    over = threading.Event()
    with tcp_server(lambda connection: over.wait(5) and None) as port:
        begun = time.monotonic()
        assert "too long" in str(failure(f"{scheme}://127.0.0.1:{port}/x")) or scheme == "ftp"
        assert time.monotonic() - begun < 20
        over.set()


@pytest.mark.parametrize("scheme", ["http", "https", "ftp"])
def test_a_server_that_drips_is_cut_from_outside(scheme: str, trusting: Context) -> None:
    """Each byte in time, for ever: only the limit of the whole ends it."""
    cut = Cut()
    record = [b"\x16\x03\x03\x3f\xff"] if scheme == "https" else []  # the head of a long record of TLS

    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(record.pop(0) if record else b"2")
            time.sleep(0.05)

    with tcp_server(drip) as port:
        threading.Timer(0.5, cut.cut).start()
        begun = time.monotonic()
        with pytest.raises(UploadFailed):
            bring(f"{scheme}://127.0.0.1:{port}/x", context=trusting, cut=cut)
        assert time.monotonic() - begun < 5


def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in str(failure(f"http://station:hunter2@127.0.0.1:{port}/x"))


def test_what_was_given_up_before_it_began_does_not_begin() -> None:
    cut = Cut()
    cut.cut()
    with web_server() as web, pytest.raises(UploadFailed):
        bring(f"http://127.0.0.1:{web.port}/x", cut=cut)
    assert web.requests == []


def test_a_file_that_is_too_large_does_not_leave() -> None:
    with web_server() as web:
        assert failure(f"http://127.0.0.1:{web.port}/x", bytes(LARGEST_BYTES + 1)).lasting
    assert web.requests == []


# ----------------------------------------------------------------------------------------------------------- tls


def test_over_tls_the_server_must_be_the_one_that_was_named(root: Issued, trusting: Context) -> None:
    good = issue(Wish(), root)
    with web_server(tls=context_of(good.pem, good.key_pem)) as web:
        bring(f"https://localhost:{web.port}/x", LARGE, trusting)
    assert web.bodies == [LARGE]


@pytest.mark.parametrize("wrong", ["name", "root", "expired"])
def test_a_server_that_is_another_gets_nothing(root: Issued, trusting: Context, wrong: str) -> None:
    ended = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)
    wish = {"name": Wish(names=("other.example",)), "root": Wish(), "expired": replace(Wish(), end=ended)}[wrong]
    server = issue(wish, issue(ROOT) if wrong == "root" else root)
    with web_server(tls=context_of(server.pem, server.key_pem)) as web:
        found = failure(f"https://station:hunter2@localhost:{web.port}/x", LARGE, trusting)
    assert "TLS failed" in str(found)
    assert web.requests == []


# ----------------------------------------------------------------------------------------------------------- ftp


@pytest.mark.rule("ocpp16.F09")
def test_a_file_is_stored_over_ftp(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with ftp_server(tmp_path) as port:
        bring(f"ftp://station:hunter2@127.0.0.1:{port}/logs/a%20b.zip", LARGE)
    assert (tmp_path / "logs" / "a b.zip").read_bytes() == LARGE


def test_a_wrong_password_is_told_and_not_repeated(tmp_path: Path) -> None:
    with ftp_server(tmp_path) as port:
        found = failure(f"ftp://station:hunter2-no@127.0.0.1:{port}/x")
    assert found.status is UploadStatus.PERMISSION_DENIED


def test_a_folder_that_nobody_may_write_to_is_told(tmp_path: Path) -> None:
    with ftp_server(tmp_path, permissions="elr") as port:
        found = failure(f"ftp://station:hunter2@127.0.0.1:{port}/x")
    assert found.status is UploadStatus.PERMISSION_DENIED
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_stored_over_ftps(tmp_path: Path, root: Issued, trusting: Context) -> None:
    pytest.importorskip("OpenSSL")
    server = issue(Wish(), root)
    (pem := tmp_path / "server.pem").write_text(server.pem + server.key_pem)
    (folder := tmp_path / "folder").mkdir()
    with ftp_server(folder, tls=pem) as port:
        bring(f"ftps://station:hunter2@localhost:{port}/x", LARGE, trusting)
    assert (folder / "x").read_bytes() == LARGE


def test_over_ftps_another_server_does_not_learn_the_password(tmp_path: Path, trusting: Context) -> None:
    pytest.importorskip("OpenSSL")
    other = issue(Wish(), issue(ROOT))
    (pem := tmp_path / "server.pem").write_text(other.pem + other.key_pem)
    (folder := tmp_path / "folder").mkdir()
    with ftp_server(folder, tls=pem) as port:
        assert "TLS failed" in str(failure(f"ftps://station:hunter2@localhost:{port}/x", LARGE, trusting))
    assert list(folder.iterdir()) == []


def test_the_data_connection_goes_where_the_control_connection_went() -> None:
    """A server that sends the station elsewhere by PASV (CVE-2021-4189)."""
    with web_server() as inside:
        lines: list[bytes] = []

        def speak(connection: socket.socket) -> None:
            connection.sendall(b"220 x\r\n")
            replies = {b"USER": b"331 x", b"PASS": b"230 x", b"TYPE": b"200 x"}
            replies[b"PASV"] = b"227 (127,0,0,9,%d,%d)" % divmod(inside.port, 256)
            for line in connection.makefile("rb"):
                lines.append(line)
                connection.sendall(replies.get(line[:4].strip(), b"502 x") + b"\r\n")

        with tcp_server(speak) as port:
            failure(f"ftp://station:hunter2@127.0.0.1:{port}/x")
    assert b"PASV\r\n" in lines
    assert inside.bodies == []
