"""PUT over http or https to an address that was looked up and judged before."""

from __future__ import annotations

import base64
import http.client
from contextlib import closing, suppress
from typing import Final

from agent.host.destination import PORTS, Destination
from agent.host.upload_order import CHUNK, STALL_S, Cut, Order, UploadFailed, connect
from agent.vocabulary.uploads import UploadStatus

_STATUSES: Final = {
    401: UploadStatus.PERMISSION_DENIED,
    403: UploadStatus.PERMISSION_DENIED,
    407: UploadStatus.PERMISSION_DENIED,
    405: UploadStatus.NOT_SUPPORTED,
    501: UploadStatus.NOT_SUPPORTED,
    400: UploadStatus.BAD_MESSAGE,
    411: UploadStatus.BAD_MESSAGE,
    415: UploadStatus.BAD_MESSAGE,
}


def put_file(order: Order, address: str, cut: Cut) -> None:
    """Raises UploadFailed for what the server answers, OSError and ValueError for the rest."""
    destination = order.destination
    connection = http.client.HTTPConnection(destination.host, destination.port, timeout=STALL_S)
    raw = connect(address, destination.port, cut)
    try:
        if destination.scheme == "https":
            raw = order.context().wrap_socket(raw, server_hostname=destination.host)
        connection.sock = raw
        with closing(connection):
            status, complete = _exchange(connection, order)
    except http.client.HTTPException as error:
        raise UploadFailed(UploadStatus.BAD_MESSAGE, f"no HTTP is spoken there ({type(error).__name__})") from None
    finally:
        raw.close()
    if 200 <= status < 300 and not complete:
        raise UploadFailed(UploadStatus.FAILED, "the server did not take the whole file")
    if not 200 <= status < 300:
        hint = ", and redirections are not followed" if 300 <= status < 400 else ""
        raise UploadFailed(
            _STATUSES.get(status, UploadStatus.FAILED), f"the server answered with status {status}{hint}"
        )


def _exchange(connection: http.client.HTTPConnection, order: Order) -> tuple[int, bool]:
    """Status of the answer, and whether all was sent before it."""
    destination, content = order.destination, order.content
    connection.putrequest("PUT", destination.path + destination.query, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", _authority(destination))
    connection.putheader("Content-Length", str(len(content)))
    connection.putheader("Content-Type", "application/octet-stream")
    connection.putheader("Connection", "close")
    if destination.login is not None:
        login = f"{destination.login.user}:{destination.login.password.reveal()}"
        connection.putheader("Authorization", "Basic " + base64.b64encode(login.encode()).decode("ascii"))
    connection.endheaders()
    complete = False
    with suppress(ConnectionError):  # a server may refuse and close before it has taken all: its answer says why
        for begin in range(0, len(content), CHUNK):
            connection.send(content[begin : begin + CHUNK])
        complete = True
    return connection.getresponse().status, complete


def _authority(destination: Destination) -> str:
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    return host if destination.port == PORTS[destination.scheme] else f"{host}:{destination.port}"
