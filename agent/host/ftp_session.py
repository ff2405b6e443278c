"""A session of ftp or explicit ftps (RFC 4217), to an address that was judged before: what STOR and RETR share.

Passive, binary, and with each connection watched by the `Cut`. The data connection goes where the control connection
went, whatever the server says (the default of `ftplib` since CVE-2021-4189).
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote

from agent.host import connections
from agent.host.connections import Cut, connect
from agent.host.destination import Destination

MOST_LINES: Final = 200
"""Of one reply: `ftplib` would keep as many as a server cares to send."""


class _Talk(ftplib.FTP):
    cut = Cut()

    def getmultiline(self) -> str:
        """One reply (RFC 959 4.2)."""
        lines = [self.getline()]
        end = lines[0][:3] + " "
        while lines[0][3:4] == "-" and not (len(lines) > 1 and (lines[-1] + " ").startswith(end)):
            if len(lines) >= MOST_LINES:
                raise ftplib.error_proto(f"more than {MOST_LINES} lines in a reply")
            lines.append(self.getline())
        return "\n".join(lines)


class _Ftp(_Talk):
    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        connection, size = super().ntransfercmd(cmd, rest)
        try:
            self.cut.watch(connection)
            connection.settimeout(connections.STALL_S)
        except BaseException:
            connection.close()
            raise
        return connection, size


class _Ftps(_Talk, ftplib.FTP_TLS):
    """Many servers demand that the data connection goes on with the TLS session of the control connection."""

    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.cut.watch(connection)
            connection.settimeout(connections.STALL_S)
            tls = self.context.wrap_socket(
                connection, server_hostname=self.host, session=self.sock.session, suppress_ragged_eofs=False
            )
        except BaseException:
            connection.close()
            raise
        return tls, size


@contextmanager
def logged_in(
    destination: Destination, address: str, context: Callable[[], ssl.SSLContext], cut: Cut
) -> Iterator[ftplib.FTP]:
    """A session in which files can be moved. Raises ftplib.Error, OSError, EOFError and ValueError."""
    secure = destination.scheme == "ftps"
    ftp = _Ftps(context=context(), timeout=connections.STALL_S) if secure else _Ftp(timeout=connections.STALL_S)
    ftp.cut = cut
    try:
        _open(ftp, destination.host, connect(address, destination.port, cut))
        _log_in(ftp, destination)
        ftp.voidcmd("TYPE I")
        yield ftp
    finally:
        ftp.close()


def path_of(destination: Destination) -> str:
    """As the commands of FTP name it."""
    return unquote(destination.path).removeprefix("/")


def told(error: ftplib.Error) -> str:
    """The code of a refusal; empty where the server speaks no FTP. Its text is not repeated."""
    code = str(error)[:3]
    return code if code.isdigit() else ""


def _open(ftp: ftplib.FTP, host: str, connection: socket.socket) -> None:
    """As `FTP.connect`, over a connection of ours. `host` is whose name the certificate must have."""
    ftp.host, ftp.sock, ftp.af = host, connection, connection.family
    ftp.file = connection.makefile("r", encoding=ftp.encoding)
    ftp.welcome = ftp.getresp()
    if isinstance(ftp, _Ftps):
        ftp.auth()


def _log_in(ftp: ftplib.FTP, destination: Destination) -> None:
    login = destination.login
    if login is None:
        ftp.login()
    else:
        ftp.login(login.user, login.password.reveal())
    if isinstance(ftp, _Ftps):
        ftp.prot_p()
