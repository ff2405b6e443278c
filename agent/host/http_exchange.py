"""One request over http or https, to an address that was looked up and judged before: what PUT and GET share."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from agent.host import connections
from agent.host.connections import Cut, connect
from agent.host.destination import PORTS, Destination


@contextmanager
def connected(
    destination: Destination, address: str, context: Callable[[], ssl.SSLContext], cut: Cut
) -> Iterator[http.client.HTTPConnection]:
    """A connection for one request. Raises OSError and ValueError.

    An end of TLS without its farewell is an error, not the end of what is read: somebody may have cut it short.
    """
    connection = http.client.HTTPConnection(destination.host, destination.port, timeout=connections.STALL_S)
    raw = connect(address, destination.port, cut)
    try:
        if destination.scheme == "https":
            raw = context().wrap_socket(raw, server_hostname=destination.host, suppress_ragged_eofs=False)
        connection.sock = raw
        with closing(connection):
            yield connection
    finally:
        raw.close()


def put_head(connection: http.client.HTTPConnection, method: str, destination: Destination) -> None:
    """The request line and the headers that every request has; the caller adds its own and ends them."""
    connection.putrequest(method, destination.path + destination.query, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", _authority(destination))
    connection.putheader("Connection", "close")
    if destination.login is not None:
        login = f"{destination.login.user}:{destination.login.password.reveal()}"
        connection.putheader("Authorization", "Basic " + base64.b64encode(login.encode()).decode("ascii"))


def _authority(destination: Destination) -> str:
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    return host if destination.port == PORTS[destination.scheme] else f"{host}:{destination.port}"
