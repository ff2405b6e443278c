"""Dials one upstream: address, password form and trust, put together anew for every attempt.

A password of 32 to 40 hex digits may mean its bytes or its text: after a 401 the other form is tried at the next
attempt, and what worked stays.
"""

from __future__ import annotations

import ssl
from typing import Final

from agent.credentials.tls import TrustError, client_context
from agent.links.address import AddressError, Dial, Endpoint, basic_header, dial, key_forms
from agent.links.link import OpenSocket, open_link
from agent.links.ports import Link, LinkRefused

UNAUTHORIZED: Final = 401


class Dialler:
    """Call it to dial once; raises `LinkRefused`. Fits `agent.links.ports.Connect`."""

    def __init__(self, endpoint: Endpoint, subprotocol: str, open_socket: OpenSocket | None = None) -> None:
        self._endpoint = endpoint
        self._subprotocol = subprotocol
        self._open_socket = open_socket
        self._keys = key_forms(endpoint.password) if endpoint.password else ()
        self._form = 0
        self._tls: ssl.SSLContext | None = None

    @property
    def authenticated(self) -> bool:
        """The server proves who it is: its time may be believed."""
        return self._endpoint.url.startswith("wss://")

    async def __call__(self) -> Link:
        """One attempt."""
        try:
            where = dial(self._endpoint)
            authorization = basic_header(self._endpoint.identity, self._keys[self._form]) if self._keys else None
            tls = self._context(where)
        except AddressError as wrong:
            raise LinkRefused("address", str(wrong)) from None
        except TrustError as wrong:
            raise LinkRefused("tls", str(wrong)) from None
        try:
            return await open_link(where, self._subprotocol, authorization, tls, self._open_socket)
        except LinkRefused as refused:
            self._learn(refused)
            raise

    def _context(self, where: Dial) -> ssl.SSLContext | None:
        """Loaded once, and again after TLS failed: the file of roots may have been replaced since."""
        if where.tls and self._tls is None:
            self._tls = client_context(self._endpoint.trust_file)
        return self._tls if where.tls else None

    def _learn(self, refused: LinkRefused) -> None:
        if refused.http_status == UNAUTHORIZED and self._keys:
            self._form = (self._form + 1) % len(self._keys)
        if refused.cause == "tls":
            self._tls = None
