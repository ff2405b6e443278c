"""GET over http or https from an address that was looked up and judged before, resumed where it broke off.

A server that named its version by a strong ETag, or else by a time of change, is asked to go on with that very version
(RFC 9110 13.1.5, 14.2). It does so by status 206 with exactly the rest; whatever else it says begins anew.
"""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from typing import Final

from agent.host.connections import CHUNK, Cut
from agent.host.download_file import Mark, PartialFile
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder
from agent.host.http_exchange import connected, put_head

_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416


def get_file(order: DownloadOrder, address: str, cut: Cut, file: PartialFile) -> None:
    """Raises DownloadFailed for what the server answers, OSError and ValueError for the rest."""
    try:
        if file.mark is None or not _get(order, address, cut, file, file.mark):
            _get(order, address, cut, file, None)
    except http.client.IncompleteRead:
        raise DownloadFailed(DownloadCause.CONNECTION, "the connection ended before the file did") from None
    except http.client.RemoteDisconnected:
        raise DownloadFailed(DownloadCause.CONNECTION, "the server closed the connection without a word") from None
    except http.client.HTTPException as error:
        why = f"no HTTP is spoken there ({type(error).__name__})"
        raise DownloadFailed(DownloadCause.PROTOCOL, why) from None


def _get(order: DownloadOrder, address: str, cut: Cut, file: PartialFile, mark: Mark | None) -> bool:
    """One request; False if the server does not go on from the mark."""
    with connected(order.destination, address, order.context, cut) as connection:
        put_head(connection, "GET", order.destination)
        connection.putheader("Accept-Encoding", "identity")
        if mark is not None:
            connection.putheader("Range", f"bytes={mark.kept}-")
            connection.putheader("If-Range", mark.version)
        connection.endheaders()
        with closing(connection.getresponse()) as response:
            goes_on = mark is not None and _goes_on(response, mark)
            if mark is not None and not goes_on and response.status in (_PARTIAL, _NOT_SATISFIABLE):
                return False
            _check(response, _PARTIAL if goes_on else _OK)
            if mark is not None and goes_on:
                file.begin(mark, mark.kept)
            else:
                file.begin(Mark(_version(response), response.length), 0)
            _take(response, file, cut)
    return True


def _goes_on(response: http.client.HTTPResponse, mark: Mark) -> bool:
    """The rest of this version, all of it and nothing else."""
    matched = _RANGE.fullmatch(response.getheader("Content-Range", ""))
    if response.status != _PARTIAL or matched is None:
        return False
    begin, end, whole = (int(number) for number in matched.groups())
    same_file = mark.whole in (None, whole) and _version(response) in ("", mark.version)
    fits = response.length in (None, whole - begin)
    return same_file and fits and begin == mark.kept and end == whole - 1


def _check(response: http.client.HTTPResponse, wanted: int) -> None:
    status = response.status
    if status != wanted:
        hint = ", and redirections are not followed" if 300 <= status < 400 else ""
        raise DownloadFailed(DownloadCause.ANSWER, f"the server answered with status {status}{hint}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise DownloadFailed(DownloadCause.PROTOCOL, "the server sends the file in another encoding", lasting=True)
    if response.length is None and not response.chunked:  # its end, or that of its headers, could be any break
        raise DownloadFailed(DownloadCause.PROTOCOL, "the server does not say where the file ends")


def _version(response: http.client.HTTPResponse) -> str:
    """What names this version of the file in If-Range; empty: nothing does (RFC 9110 13.1.5)."""
    tag = response.getheader("ETag", "")
    found = tag if tag.startswith('"') else response.getheader("Last-Modified", "")
    return found if len(found) <= 200 and found.isascii() and found.isprintable() else ""


def _take(response: http.client.HTTPResponse, file: PartialFile, cut: Cut) -> None:
    end = None if response.length is None else file.size + response.length
    while chunk := response.read1(CHUNK):
        if cut.is_cut:
            break
        file.write(chunk)
    if cut.is_cut or end not in (None, file.size):
        raise DownloadFailed(DownloadCause.CONNECTION, "the connection ended before the file did")
