"""RETR over ftp or ftps from an address that was looked up and judged before, resumed where it broke off.

A server that tells size and time of change of its file is asked to go on (REST, RFC 3659) while both are as they were.
One that refuses begins anew.
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import closing
from typing import Final

from agent.host.connections import CHUNK, Cut
from agent.host.download_file import Mark, PartialFile
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder
from agent.host.ftp_session import logged_in, path_of, told

_CAUSES: Final = {
    "": DownloadCause.PROTOCOL,
    "421": DownloadCause.CONNECTION,
    "425": DownloadCause.CONNECTION,
    "426": DownloadCause.CONNECTION,
}
"""What a reply means, where it is no refusal (RFC 959 4.2.2): the connection ends, cannot be opened, was closed."""


def retrieve_file(order: DownloadOrder, address: str, cut: Cut, file: PartialFile) -> None:
    """Raises DownloadFailed for what the server answers, OSError, EOFError and ValueError for the rest."""
    path = path_of(order.destination)
    try:
        with logged_in(order.destination, address, order.context, cut) as ftp:
            version = _version(ftp, path)
            at = file.mark.kept if file.mark is not None and _same(file.mark, version) else 0
            connection, at = _begin(ftp, path, at)
            with closing(connection):
                file.begin(version, at)
                clean = _take(connection, file, version.whole, cut)
            ftp.voidresp()  # of a connection that broke, the reply says why
    except ftplib.Error as error:
        code = told(error)
        cause = _CAUSES.get(code, DownloadCause.ANSWER)
        raise DownloadFailed(cause, f"the server answered with {code or 'no FTP'}") from None
    if cut.is_cut or version.whole not in (None, file.size) or (version.whole is None and not clean):
        raise DownloadFailed(DownloadCause.CONNECTION, "the connection ended before the file did")


def _version(ftp: ftplib.FTP, path: str) -> Mark:
    """Size and time of change, as far as the server tells them."""
    size = _asked(ftp, f"SIZE {path}")
    changed = _asked(ftp, f"MDTM {path}")
    whole = int(size) if size.isascii() and size.isdigit() and len(size) <= 18 else None
    return Mark(changed if whole is not None and changed.isprintable() else "", whole)


def _asked(ftp: ftplib.FTP, question: str) -> str:
    try:
        reply = ftp.sendcmd(question)
    except (ftplib.error_perm, ftplib.error_temp):
        return ""
    return reply[4:].strip()[:40] if reply.startswith("213 ") else ""


def _same(mark: Mark, version: Mark) -> bool:
    return bool(version.version) and (mark.version, mark.whole) == (version.version, version.whole)


def _begin(ftp: ftplib.FTP, path: str, at: int) -> tuple[socket.socket, int]:
    """The data connection, and from which byte on it sends."""
    if at:
        try:
            return ftp.transfercmd(f"RETR {path}", at), at
        except ftplib.error_perm:
            """It cannot go on, or says no to the file; the whole file tells which."""
    return ftp.transfercmd(f"RETR {path}"), 0


def _take(connection: socket.socket, file: PartialFile, whole: int | None, cut: Cut) -> bool:
    """False if TLS ended without its farewell: many servers do that, so then the size decides."""
    try:
        while not cut.is_cut and (chunk := connection.recv(CHUNK)):
            file.write(chunk)
            if whole is not None and file.size > whole:
                raise DownloadFailed(DownloadCause.PROTOCOL, "the server sends more than it said")
    except ssl.SSLEOFError:
        return False
    return True
