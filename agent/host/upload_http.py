"""PUT over http or https to an address that was looked up and judged before."""

from __future__ import annotations

import http.client
from contextlib import suppress
from typing import Final

from agent.host.connections import CHUNK, Cut
from agent.host.http_exchange import connected, put_head
from agent.host.upload_order import Order, UploadFailed
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
    try:
        with connected(order.destination, address, order.context, cut) as connection:
            status, complete = _exchange(connection, order)
    except http.client.RemoteDisconnected:
        raise UploadFailed(UploadStatus.FAILED, "the server closed the connection without a word") from None
    except http.client.HTTPException as error:
        raise UploadFailed(UploadStatus.BAD_MESSAGE, f"no HTTP is spoken there ({type(error).__name__})") from None
    if 200 <= status < 300 and not complete:
        raise UploadFailed(UploadStatus.FAILED, "the server did not take the whole file")
    if not 200 <= status < 300:
        hint = ", and redirections are not followed" if 300 <= status < 400 else ""
        raise UploadFailed(
            _STATUSES.get(status, UploadStatus.FAILED), f"the server answered with status {status}{hint}"
        )


def _exchange(connection: http.client.HTTPConnection, order: Order) -> tuple[int, bool]:
    """Status of the answer, and whether all was sent before it."""
    content = order.content
    put_head(connection, "PUT", order.destination)
    connection.putheader("Content-Length", str(len(content)))
    connection.putheader("Content-Type", "application/octet-stream")
    connection.endheaders()
    complete = False
    with suppress(ConnectionError):  # a server may refuse and close before it has taken all: its answer says why
        for begin in range(0, len(content), CHUNK):
            connection.send(content[begin : begin + CHUNK])
        complete = True
    return connection.getresponse().status, complete
