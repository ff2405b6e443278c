"""STOR over ftp or ftps to an address that was looked up and judged before."""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import closing, suppress
from typing import Final

from agent.host.connections import CHUNK, Cut
from agent.host.ftp_session import logged_in, path_of, told
from agent.host.upload_order import Order, UploadFailed
from agent.vocabulary.uploads import UploadStatus

_STATUSES: Final = {
    "530": UploadStatus.PERMISSION_DENIED,
    "532": UploadStatus.PERMISSION_DENIED,
    "550": UploadStatus.PERMISSION_DENIED,
    "553": UploadStatus.PERMISSION_DENIED,
    "500": UploadStatus.NOT_SUPPORTED,
    "502": UploadStatus.NOT_SUPPORTED,
    "504": UploadStatus.NOT_SUPPORTED,
    "501": UploadStatus.BAD_MESSAGE,
    "503": UploadStatus.BAD_MESSAGE,
}


def store_file(order: Order, address: str, cut: Cut) -> None:
    """Raises UploadFailed for what the server answers, OSError, EOFError and ValueError for the rest."""
    try:
        with logged_in(order.destination, address, order.context, cut) as ftp:
            _send(ftp, order)
    except ftplib.Error as error:
        code = told(error)
        status = _STATUSES.get(code, UploadStatus.FAILED)
        raise UploadFailed(status, f"the server answered with {code or 'no FTP'}") from None


def _send(ftp: ftplib.FTP, order: Order) -> None:
    complete = False
    with closing(ftp.transfercmd(f"STOR {path_of(order.destination)}")) as connection, suppress(ConnectionError):
        for begin in range(0, len(order.content), CHUNK):
            connection.sendall(order.content[begin : begin + CHUNK])
        if isinstance(connection, ssl.SSLSocket):
            with suppress(OSError):  # many servers close without the farewell of TLS; the reply below counts
                connection.unwrap()
        complete = True
        connection.shutdown(socket.SHUT_WR)  # the end of the file; closing would not tell it while `cut` watches
    ftp.voidresp()  # of a connection that broke, the reply says why
    if not complete:
        raise UploadFailed(UploadStatus.FAILED, "the server did not take the whole file")
