"""One file from real servers: whole, resumed, refused and lied about, and what is left of it on the disk."""

from __future__ import annotations

import base64
import os
import ssl
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.host import connections, download_file
from agent.host.connections import Cut
from agent.host.destination import Refused, read_destination
from agent.host.download import download
from agent.host.download_file import clear
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder
from agent.settings.transfers import Allowance
from tests.agent.host.broken_servers import (
    CLOSE,
    RESET,
    Break,
    FtpSource,
    Source,
    answer,
    serving,
    serving_ftp,
)
from tests.agent.host.file_servers import tcp_server
from tests.rig.certificates import ROOT, Issued, Wish, context_of, issue

pytestmark = [pytest.mark.rung3, pytest.mark.usefixtures("impatient", "tidy")]

CONTENT = bytes(range(256)) * 1024
HALF = len(CONTENT) // 2
Context = Callable[[], ssl.SSLContext]


@pytest.fixture
def order(tmp_path: Path) -> DownloadOrder:
    """From nowhere yet."""
    place = read_destination("https://x.example/", ())
    everywhere = frozenset(Allowance)
    return DownloadOrder(place, tmp_path / "down", everywhere, no_tls, free_floor_bytes=0)


def no_tls() -> ssl.SSLContext:
    raise AssertionError("no TLS is wanted here")


def at(order: DownloadOrder, location: str, **changes: Any) -> DownloadOrder:
    return replace(order, destination=read_destination(location, order.allowed), **changes)


def fails(order: DownloadOrder, cause: DownloadCause, cut: Cut | None = None) -> DownloadFailed:
    with pytest.raises(DownloadFailed) as caught:
        download(order, cut or Cut())
    assert caught.value.cause is cause, caught.value
    assert "hunter2" not in str(caught.value)
    assert not order.file.exists()
    return caught.value


def left(order: DownloadOrder) -> list[str]:
    return sorted(file.name for file in order.folder.iterdir()) if order.folder.exists() else []


PART = ["download.mark", "download.part"]


# ------------------------------------------------------------------------------------------------------------ whole


@pytest.mark.rule("security.ATK-13")
def test_a_file_is_brought_into_the_folder_under_a_name_of_ours(order: DownloadOrder) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(Source(CONTENT)) as source:
        order = at(order, f"http://station:hunter2@127.0.0.1:{source.port}/%2fetc%2fpasswd?a=1")
        order = replace(order, progress=lambda kept, whole: told.append((kept, whole)))
        download(order, Cut())
    (headers,) = source.requests
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"station:hunter2"
    assert headers["host"] == f"127.0.0.1:{source.port}"
    assert "range" not in headers
    assert order.file.read_bytes() == CONTENT
    assert left(order) == ["download"]
    assert stat.S_IMODE(order.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(order.folder.stat().st_mode) == 0o700
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_a_file_in_chunks_without_a_length_is_whole_at_its_last_chunk(order: DownloadOrder) -> None:
    chunks = b"8000\r\n" + CONTENT[:0x8000] + b"\r\n1\r\nx\r\n"
    head = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(
        Source(b"", answers=[lambda headers: head + chunks + b"0\r\n\r\n", lambda headers: head + chunks])
    ) as s:
        order = at(order, f"http://127.0.0.1:{s.port}/x")
        download(order, Cut())
        assert order.file.read_bytes() == CONTENT[:0x8000] + b"x"
        fails(order, DownloadCause.CONNECTION)
    assert left(order) == []


def test_over_tls_a_file_comes_from_the_one_that_was_named(
    order: DownloadOrder, root: Issued, trusting: Context
) -> None:
    good, other = issue(Wish(), root), issue(Wish(), issue(ROOT))
    tls = [context_of(one.pem, one.key_pem) for one in (good, other)]
    with serving(Source(CONTENT, contexts=tls)) as source:
        order = at(order, f"https://localhost:{source.port}/x", context=trusting)
        download(order, Cut())
        assert order.file.read_bytes() == CONTENT
        assert "TLS failed" in str(fails(order, DownloadCause.TLS))
    assert left(order) == []


@pytest.mark.parametrize("tls", [False, True])
def test_a_file_is_retrieved_over_ftp_and_ftps(
    order: DownloadOrder, tmp_path: Path, root: Issued, trusting: Context, tls: bool
) -> None:
    (folder := tmp_path / "served").mkdir()
    (folder / "a b.bin").write_bytes(CONTENT)
    server = issue(Wish(), root)
    (pem := tmp_path / "server.pem").write_text(server.pem + server.key_pem)
    with serving_ftp(FtpSource(), folder, pem if tls else None) as source:
        scheme = "ftps" if tls else "ftp"
        order = at(order, f"{scheme}://station:hunter2@localhost:{source.port}/a%20b.bin", context=trusting)
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT
    assert left(order) == ["download"]


def test_a_file_of_an_earlier_job_does_not_stay(order: DownloadOrder) -> None:
    with serving(Source(b"one")) as source:
        download(at(order, f"http://127.0.0.1:{source.port}/x"), Cut())
        source.content = b"two"
        source.breaks.append(Break("answer", RESET))
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.CONNECTION)
    assert left(order) == []


# ---------------------------------------------------------------------------------------------------------- resumed


@pytest.mark.rule("ocpp16.F09")
@pytest.mark.parametrize("names", [{"etag": '"v1"'}, {"etag": "", "modified": "Thu, 01 Jan 2026 00:00:00 GMT"}])
def test_a_download_goes_on_where_it_broke_off(order: DownloadOrder, names: dict[str, str]) -> None:
    told: list[int] = []
    with serving(Source(CONTENT, [Break("body", RESET, HALF), Break("answer", RESET)], **names)) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x", progress=lambda kept, whole: told.append(kept))
        fails(order, DownloadCause.CONNECTION)
        kept = (order.folder / "download.part").stat().st_size
        assert 0 < kept <= HALF
        assert left(order) == PART
        fails(order, DownloadCause.CONNECTION)
        assert left(order) == PART
        told.clear()
        download(order, Cut())
    assert source.requests[-1]["range"] == f"bytes={kept}-"
    assert source.requests[-1]["if-range"] in names.values()
    assert told[0] == kept
    assert order.file.read_bytes() == CONTENT
    assert left(order) == ["download"]


@pytest.mark.rule("ocpp16.F09")
@pytest.mark.parametrize("tls", [False, True])
def test_over_ftp_a_download_goes_on_where_it_broke_off(
    order: DownloadOrder, tmp_path: Path, root: Issued, trusting: Context, tls: bool
) -> None:
    (folder := tmp_path / "served").mkdir()
    (folder / "x").write_bytes(CONTENT)
    server = issue(Wish(), root)
    (pem := tmp_path / "server.pem").write_text(server.pem + server.key_pem)
    with serving_ftp(FtpSource([Break("data", CLOSE, HALF)]), folder, pem if tls else None) as source:
        scheme = "ftps" if tls else "ftp"
        order = at(order, f"{scheme}://station:hunter2@localhost:{source.port}/x", context=trusting)
        fails(order, DownloadCause.CONNECTION)
        assert left(order) == PART
        download(order, Cut())
    assert f"REST {HALF}" in source.lines
    assert order.file.read_bytes() == CONTENT


@pytest.mark.parametrize("what", ["size", "time", "refused", "unknown"])
def test_over_ftp_what_changed_or_cannot_go_on_begins_anew(order: DownloadOrder, tmp_path: Path, what: str) -> None:
    (folder := tmp_path / "served").mkdir()
    (file := folder / "x").write_bytes(CONTENT)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    source = FtpSource([Break("data", CLOSE, HALF)], refused={"refused": ("REST",), "unknown": ("MDTM",)}.get(what, ()))
    with serving_ftp(source, folder) as source:
        order = at(order, f"ftp://station:hunter2@127.0.0.1:{source.port}/x")
        fails(order, DownloadCause.CONNECTION)
        assert left(order) == ([] if what == "unknown" else PART)
        if what == "size":
            file.write_bytes(CONTENT[::-1] + b"more")
            os.utime(file, (1_700_000_000, 1_700_000_000))
        elif what == "time":
            file.write_bytes(CONTENT[::-1])
        download(order, Cut())
    assert order.file.read_bytes() == file.read_bytes()


def broken_off(order: DownloadOrder, source: Source) -> DownloadOrder:
    source.breaks.insert(0, Break("body", RESET, HALF))
    order = at(order, f"http://127.0.0.1:{source.port}/x")
    fails(order, DownloadCause.CONNECTION)
    assert left(order) == PART
    return order


WRONG_RANGES = [
    {"Content-Range": ""},
    {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"},
    {"Content-Range": f"bytes KEPT-{len(CONTENT) - 2}/{len(CONTENT)}"},
    {"Content-Range": f"bytes KEPT-{len(CONTENT) - 1}/*"},
    {"Content-Range": f"bytes KEPT-{len(CONTENT)}/{len(CONTENT) + 1}"},
    {"Content-Range": f"bytes KEPT-{len(CONTENT) - 1}/{len(CONTENT)}", "ETag": '"v2"'},
    {"Content-Range": f"bytes KEPT-{len(CONTENT) - 1}/{len(CONTENT)}", "Content-Length": "5"},
]


@pytest.mark.parametrize("headers", WRONG_RANGES)
def test_a_server_that_does_not_truly_go_on_is_asked_for_the_whole(
    order: DownloadOrder, headers: dict[str, str]
) -> None:
    def lies(asked: dict[str, str]) -> bytes:
        kept = asked["range"].removeprefix("bytes=").removesuffix("-")
        return answer(206, CONTENT[int(kept) :], {name: text.replace("KEPT", kept) for name, text in headers.items()})

    with serving(Source(CONTENT)) as source:
        order = broken_off(order, source)
        source.answers.append(lies)
        download(order, Cut())
    assert "range" not in source.requests[-1]
    assert order.file.read_bytes() == CONTENT


def test_a_part_from_another_place_is_no_rest(order: DownloadOrder) -> None:
    says = answer(206, CONTENT, {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"})
    with serving(Source(CONTENT)) as source:
        order = broken_off(order, source)
        source.answers.append(lambda asked: says)
        download(order, Cut())
    assert "range" not in source.requests[-1]
    assert order.file.read_bytes() == CONTENT


def test_a_server_that_cannot_go_on_is_asked_for_the_whole(order: DownloadOrder) -> None:
    with serving(Source(CONTENT)) as source:
        order = broken_off(order, source)
        source.answers.append(lambda asked: answer(416, b"", {}))
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT


def test_another_version_of_the_file_begins_anew(order: DownloadOrder) -> None:
    with serving(Source(CONTENT)) as source:
        order = broken_off(order, source)
        source.content, source.etag = CONTENT[::-1], '"v2"'
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_name_of_its_version_nothing_is_kept(order: DownloadOrder, etag: str) -> None:
    with serving(Source(CONTENT, [Break("body", RESET, HALF)], etag=etag)) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x")
        fails(order, DownloadCause.CONNECTION)
        assert left(order) == []
        download(order, Cut())
    assert "range" not in source.requests[-1]


def test_a_part_that_nobody_asked_for_is_no_file(order: DownloadOrder) -> None:
    says = answer(206, CONTENT, {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"})
    with serving(Source(CONTENT, answers=[lambda asked: says])) as source:
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.ANSWER)
    assert left(order) == []


def test_a_certificate_that_changes_is_judged_anew_and_costs_no_byte(
    order: DownloadOrder, root: Issued, trusting: Context
) -> None:
    good, other = issue(Wish(), root), issue(Wish(), issue(ROOT))
    tls = [context_of(one.pem, one.key_pem) for one in (good, other, good)]
    with serving(Source(CONTENT, [Break("body", RESET, HALF)], contexts=tls)) as source:
        order = at(order, f"https://localhost:{source.port}/x", context=trusting)
        fails(order, DownloadCause.CONNECTION)
        fails(order, DownloadCause.TLS)
        assert len(source.requests) == 1
        assert left(order) == PART
        download(order, Cut())
    assert "range" in source.requests[-1]
    assert order.file.read_bytes() == CONTENT


@pytest.mark.parametrize("sync", [1, 100_000])
def test_what_was_synced_outlives_a_kill_and_the_rest_is_asked_for_again(
    order: DownloadOrder, monkeypatch: pytest.MonkeyPatch, sync: int
) -> None:
    """The mark is what counts: what lies behind it may be anything after a power cut."""
    monkeypatch.setattr(download_file, "SYNC_BYTES", sync)
    monkeypatch.setattr(download_file.PartialFile, "_break_off", lambda file, error: None)
    with serving(Source(CONTENT, [Break("body", RESET, HALF)])) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x")
        fails(order, DownloadCause.CONNECTION)
        monkeypatch.undo()
        monkeypatch.setattr(connections, "STALL_S", 0.3)
        with (order.folder / "download.part").open("r+b") as part:
            part.seek(0, os.SEEK_END)
            part.write(b"?" * 1000)
        download(order, Cut())
    assert "range" in source.requests[-1]
    assert order.file.read_bytes() == CONTENT


@pytest.mark.parametrize("spoilt", ["", "{}", '{"version": 1}', '{"version": "\\"v1\\"", "whole": null, "kept": -1}'])
def test_a_mark_that_cannot_be_read_begins_anew(order: DownloadOrder, spoilt: str) -> None:
    with serving(Source(CONTENT)) as source:
        order = broken_off(order, source)
        (order.folder / "download.mark").write_text(spoilt)
        download(order, Cut())
    assert "range" not in source.requests[-1]
    assert order.file.read_bytes() == CONTENT


def test_the_end_of_a_job_leaves_nothing(order: DownloadOrder) -> None:
    with serving(Source(CONTENT)) as source:
        broken_off(order, source)
        clear(order.folder)
        assert left(order) == []
        download(at(order, f"http://127.0.0.1:{source.port}/x"), Cut())
        clear(order.folder)
    assert left(order) == []
    clear(order.folder / "none")


# ---------------------------------------------------------------------------------------------------------- refused


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirection_is_followed(order: DownloadOrder, status: int) -> None:
    with serving(Source(CONTENT)) as other:
        says = answer(status, b"", {"Location": f"http://127.0.0.1:{other.port}/x"})
        with serving(Source(CONTENT, answers=[lambda asked: says])) as source:
            found = fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.ANSWER)
    assert "redirections" in str(found)
    assert other.requests == []


@pytest.mark.rule("security.ATK-12")
def test_a_place_that_is_not_allowed_is_not_dialled(order: DownloadOrder) -> None:
    with serving(Source(CONTENT)) as source:
        order = replace(at(order, f"http://localhost:{source.port}/x"), allowed=frozenset({Allowance.HTTP}))
        assert fails(order, DownloadCause.PLACE).lasting
    assert source.requests == []


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 429, 500, 503])
def test_what_the_server_refuses_is_told_by_its_status(order: DownloadOrder, status: int) -> None:
    with serving(Source(b"", answers=[lambda asked: answer(status, b"no", {})])) as source:
        found = fails(at(order, f"http://station:hunter2@127.0.0.1:{source.port}/x"), DownloadCause.ANSWER)
    assert str(status) in str(found)
    assert left(order) == []


def test_over_ftp_a_wrong_password_and_a_file_that_is_not_there_are_told(order: DownloadOrder, tmp_path: Path) -> None:
    (folder := tmp_path / "served").mkdir()
    with serving_ftp(FtpSource(), folder) as source:
        place = f"127.0.0.1:{source.port}/x"
        assert "530" in str(fails(at(order, f"ftp://station:hunter2-no@{place}"), DownloadCause.ANSWER))
        assert "550" in str(fails(at(order, f"ftp://station:hunter2@{place}"), DownloadCause.ANSWER))
    assert left(order) == []


@pytest.mark.parametrize(
    "says",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 999999 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" * 300,
        b"HTTP/1.1 200 OK\r\n\r\nthe end of this file could be a break",
        answer(200, b"x", {"Content-Encoding": "gzip"}),
        answer(200, b"x", {"Content-Length": "-1"}),
        answer(200, b"x", {"Content-Length": "many"}),
    ],
)
def test_what_speaks_no_good_http_is_a_failure(order: DownloadOrder, says: bytes) -> None:
    with serving(Source(b"", answers=[lambda asked: says])) as source:
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.PROTOCOL)
    assert left(order) == []


# ----------------------------------------------------------------------------------------------------- lied about


def test_a_length_above_the_file_is_a_break(order: DownloadOrder) -> None:
    says = answer(200, CONTENT, {"Content-Length": str(len(CONTENT) + 1)})
    with serving(Source(b"", answers=[lambda asked: says])) as source:
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.CONNECTION)
    assert left(order) == []


def test_of_a_length_below_the_file_just_that_much_is_taken(order: DownloadOrder) -> None:
    """It is what the message is (RFC 9112 6.3); whether that is the firmware, its signature says."""
    says = answer(200, CONTENT, {"Content-Length": "1000"})
    with serving(Source(b"", answers=[lambda asked: says])) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x")
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT[:1000]


def test_over_tls_an_end_without_a_farewell_is_a_break(order: DownloadOrder, root: Issued, trusting: Context) -> None:
    good = issue(Wish(), root)
    says = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
    source = Source(b"", answers=[lambda asked: says], contexts=[context_of(good.pem, good.key_pem)], farewell=False)
    with serving(source):
        fails(at(order, f"https://localhost:{source.port}/x", context=trusting), DownloadCause.CONNECTION)
    assert left(order) == []


def ftp_script(sends: bytes, size: str, reply: bytes = b"226 x") -> Callable[[Any], None]:
    """An FTP server of a few lines, whose size of the file is what it says."""
    import socket

    def speak(connection: socket.socket) -> None:
        with socket.create_server(("127.0.0.1", 0)) as data:
            connection.sendall(b"220 x\r\n")
            replies = {"USER": b"331 x", "PASS": b"230 x", "TYPE": b"200 x", "SIZE": f"213 {size}".encode()}
            replies["PASV"] = b"227 (127,0,0,1,%d,%d)" % divmod(data.getsockname()[1], 256)
            with connection.makefile("rb") as lines:
                for line in lines:
                    if line.startswith(b"RETR"):
                        connection.sendall(b"150 x\r\n")
                        with data.accept()[0] as channel:
                            channel.sendall(sends)
                        connection.sendall(reply + b"\r\n")
                    else:
                        connection.sendall(replies.get(line[:4].strip().decode(), b"502 x") + b"\r\n")

    return speak


@pytest.mark.parametrize(
    ("sends", "size", "cause"),
    [
        (b"four", "4", None),
        (b"four", "what", None),
        (b"", "4", DownloadCause.CONNECTION),
        (b"fou", "4", DownloadCause.CONNECTION),
        (b"fours", "4", DownloadCause.PROTOCOL),
        (b"four", str(10**19), None),
    ],
)
def test_over_ftp_the_size_that_was_told_counts(
    order: DownloadOrder, sends: bytes, size: str, cause: DownloadCause | None
) -> None:
    with tcp_server(ftp_script(sends, size)) as port:
        order = at(order, f"ftp://127.0.0.1:{port}/x")
        if cause is None:
            download(order, Cut())
            assert order.file.read_bytes() == sends
        else:
            fails(order, cause)
            assert left(order) == []


@pytest.mark.parametrize("code", [b"421", b"425", b"426", b"451", b"550"])
def test_over_ftp_a_file_counts_once_the_server_has_said_that_it_is_whole(order: DownloadOrder, code: bytes) -> None:
    cause = DownloadCause.CONNECTION if code in (b"421", b"425", b"426") else DownloadCause.ANSWER
    with tcp_server(ftp_script(b"four", "4", code + b" x")) as port:
        fails(at(order, f"ftp://127.0.0.1:{port}/x"), cause)
    assert left(order) == []


# ------------------------------------------------------------------------------------------------------- bounded


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_too_large_is_not_kept(order: DownloadOrder, known: bool) -> None:
    chunked = b'HTTP/1.1 200 x\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n' % len(CONTENT) + CONTENT
    answers = [] if known else [lambda asked: chunked]
    with serving(Source(CONTENT, answers=answers)) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x", largest_bytes=HALF)
        assert fails(order, DownloadCause.TOO_LARGE).lasting
        assert left(order) == []
        if known:
            download(replace(order, largest_bytes=len(CONTENT)), Cut())


def test_a_file_that_would_fill_the_disk_is_not_begun(order: DownloadOrder) -> None:
    told: list[int] = []
    with serving(Source(CONTENT)) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x", progress=lambda kept, whole: told.append(kept))
        order = replace(order, free_floor_bytes=1000, free_bytes=lambda descriptor: len(CONTENT) + 999)
        assert not fails(order, DownloadCause.NO_SPACE).lasting
        assert (told, left(order)) == ([], [])
        download(replace(order, free_bytes=lambda descriptor: len(CONTENT) + 1000), Cut())


def test_a_disk_that_others_fill_meanwhile_keeps_its_last_room(order: DownloadOrder) -> None:
    room = [len(CONTENT) + 1000 + 5]

    def shrinking(descriptor: int) -> int:
        room[0] -= 1
        return room[0] - os.fstat(descriptor).st_size

    with serving(Source(CONTENT)) as source:
        order = at(order, f"http://127.0.0.1:{source.port}/x", free_floor_bytes=1000, free_bytes=shrinking)
        fails(order, DownloadCause.NO_SPACE)
    assert left(order) == []


@pytest.mark.parametrize(("number", "cause"), [(28, "no_space"), (122, "no_space"), (5, "disk")])
@pytest.mark.parametrize("call", ["write", "fsync", "ftruncate", "replace"])
def test_a_disk_that_refuses_costs_the_download_and_leaves_nothing(
    order: DownloadOrder, monkeypatch: pytest.MonkeyPatch, number: int, cause: str, call: str
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    with serving(Source(CONTENT)) as source:
        order = at(order, f"http://station:hunter2@127.0.0.1:{source.port}/x")
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            fails(order, DownloadCause(cause))
        clear(order.folder)
        download(order, Cut())
    assert order.file.read_bytes() == CONTENT


def test_a_link_in_the_folder_is_not_followed(order: DownloadOrder, tmp_path: Path) -> None:
    order.folder.mkdir()
    (victim := tmp_path / "victim").write_text("mine")
    (order.folder / "download.part").symlink_to(victim)
    with serving(Source(CONTENT)) as source:
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.DISK)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("scheme", ["http", "https", "ftp"])
@pytest.mark.parametrize("outside", [True, False])
def test_a_server_that_drips_is_ended_by_the_limit_or_from_outside(
    order: DownloadOrder, trusting: Context, monkeypatch: pytest.MonkeyPatch, scheme: str, outside: bool
) -> None:
    """Each byte in time, for ever."""
    record = [b"\x16\x03\x03\x3f\xff"] if scheme == "https" else []  # the head of a long record of TLS

    def drip(connection: Any) -> None:
        while True:
            connection.sendall(record.pop(0) if record else b"2")
            time.sleep(0.05)

    monkeypatch.setattr(connections, "STALL_S", 5.0)
    with tcp_server(drip) as port:
        order = at(order, f"{scheme}://127.0.0.1:{port}/x", context=trusting, time_limit_s=60 if outside else 0.4)
        cut = Cut()
        timer = threading.Timer(0.4 if outside else 60, cut.cut)
        timer.start()
        begun = time.monotonic()
        try:
            fails(order, DownloadCause.CUT if outside else DownloadCause.TIME, cut)
        finally:
            timer.cancel()
            timer.join()
        assert time.monotonic() - begun < 4
    assert left(order) == []


def test_what_was_given_up_before_it_began_does_not_begin(order: DownloadOrder) -> None:
    cut = Cut()
    cut.cut()
    with serving(Source(CONTENT)) as source:
        fails(at(order, f"http://127.0.0.1:{source.port}/x"), DownloadCause.CUT, cut)
    assert source.requests == []
    assert left(order) == []


@pytest.mark.rule("security.ATK-13")
def test_a_reply_over_ftp_without_an_end_is_no_reply(order: DownloadOrder) -> None:
    def endless(connection: Any) -> None:
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"220-" + b"x" * 4000 + b"\r\n")

    with tcp_server(endless) as port:
        fails(at(order, f"ftp://127.0.0.1:{port}/x", time_limit_s=2.0), DownloadCause.PROTOCOL)
    assert left(order) == []


def test_a_reply_of_many_lines_ends_with_its_code(order: DownloadOrder, tmp_path: Path) -> None:
    def greets(connection: Any) -> None:
        with connection:
            connection.sendall(b"220-hello\r\n220-\r\n 220 not yet\r\n2201 nor here\r\n220 now\r\n")
            connection.recv(100)
            connection.sendall(b"530-no\r\n530\r\n")

    with tcp_server(greets) as port:
        assert "530" in str(fails(at(order, f"ftp://127.0.0.1:{port}/x"), DownloadCause.ANSWER))


def hostile_names() -> list[str]:
    """Paths, percent-encoded or not, that lead or look elsewhere."""
    steps = [
        "..",
        "%2e%2e",
        ".%2e",
        "%252e%252e",
        "...",
        "~",
        "%2froot",
        "%00",
        "%0a",
        "C%3a",
        "%5c..%5c",
        "-rf",
        "$(id)",
    ]
    ends = ["etc/passwd", "download.mark", "download.part", ".download.mark.new", "%2fetc%2fpasswd", "x" * 300, ""]
    return [f"{'/'.join([step] * deep)}/{end}" for step in steps for end in ends for deep in (1, 3)]


@pytest.mark.rule("security.ATK-13")
def test_no_name_leads_out_of_the_folder(order: DownloadOrder, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    refused = 0
    with serving(Source(b"file")) as source:
        for name in hostile_names():
            try:
                download(at(order, f"http://127.0.0.1:{source.port}/{name}"), Cut())
            except Refused:
                refused += 1
                continue
            assert left(order) == ["download"]
    assert 0 < refused < len(hostile_names())
    assert set(tmp_path.rglob("*")) - before == {order.folder, order.file}
