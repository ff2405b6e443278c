"""STOR over ftp or explicit ftps (RFC 4217), passive, to an address that was looked up and judged before."""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import closing, suppress
from typing import Any, Final
from urllib.parse import unquote

from agent.host.upload_order import CHUNK, STALL_S, Cut, Order, UploadFailed, connect
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


class _Ftps(ftplib.FTP_TLS):
    """Many servers demand that the data connection goes on with the TLS session of the control connection."""

    cut = Cut()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.cut.watch(connection)
            return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size
        except BaseException:
            connection.close()
            raise


def store_file(order: Order, address: str, cut: Cut) -> None:
    """Raises UploadFailed for what the server answers, OSError, EOFError and ValueError for the rest."""
    destination = order.destination
    secure = destination.scheme == "ftps"
    ftp = _Ftps(context=order.context(), timeout=STALL_S) if secure else ftplib.FTP(timeout=STALL_S)
    try:
        _open(ftp, destination.host, connect(address, destination.port, cut))
        if isinstance(ftp, _Ftps):
            ftp.cut = cut
            ftp.auth()
        _log_in(ftp, order)
        _send(ftp, order, cut)
    except ftplib.Error as error:
        code = str(error)[:3]
        told = code if code.isdigit() else "no FTP"
        raise UploadFailed(_STATUSES.get(code, UploadStatus.FAILED), f"the server answered with {told}") from None
    finally:
        ftp.close()


def _open(ftp: ftplib.FTP, host: str, connection: socket.socket) -> None:
    """As `FTP.connect`, over a connection of ours. `host` is whose name the certificate must have."""
    ftp.host, ftp.sock, ftp.af = host, connection, connection.family
    ftp.file = connection.makefile("r", encoding=ftp.encoding)
    ftp.welcome = ftp.getresp()


def _log_in(ftp: ftplib.FTP, order: Order) -> None:
    login = order.destination.login
    if login is None:
        ftp.login()
    else:
        ftp.login(login.user, login.password.reveal())
    if isinstance(ftp, _Ftps):
        ftp.prot_p()


def _send(ftp: ftplib.FTP, order: Order, cut: Cut) -> None:
    ftp.voidcmd("TYPE I")
    path = unquote(order.destination.path).removeprefix("/")
    complete = False
    with closing(ftp.transfercmd(f"STOR {path}")) as connection, suppress(ConnectionError):
        connection.settimeout(STALL_S)
        if not isinstance(connection, ssl.SSLSocket):
            cut.watch(connection)
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
