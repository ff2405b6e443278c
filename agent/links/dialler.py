"""Dials one upstream: asks for its credentials anew at every attempt, says how it went, and tells what was dangerous.

A security event is told once for each reason until a link has opened: an upstream that is out of order for a week does
not fill the log.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Hashable
from typing import Final

from agent.credentials.access import Access, Accesses
from agent.credentials.choice import CLIENT_REFUSED
from agent.credentials.tls import ClientCertificateError, Judgement, TrustError, client_context
from agent.links.address import AddressError, Dial, basic_header, dial
from agent.links.link import OpenSocket, WebSocketLink, open_link
from agent.links.ports import Link, LinkRefused
from agent.vocabulary.security import SecurityEventKind

TellEvent = Callable[[SecurityEventKind, str], None]
"""A security event of this upstream's link, with its reason in plain words."""
_TLS_PROFILE: Final = 2
_REFUSED_PASSWORD: Final = (401, 403)
_OUR_CERTIFICATE: Final = (
    SecurityEventKind.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM,
    SecurityEventKind.INVALID_CHARGE_POINT_CERTIFICATE,
)
"""Refused by the server, or not even fit to be shown: another one is to be tried."""


class Dialler:
    """Call it to dial once; raises `LinkRefused`. Fits `agent.links.ports.Connect`."""

    def __init__(
        self,
        accesses: Accesses,
        subprotocol: str,
        open_socket: OpenSocket | None = None,
        judgement: Judgement | None = None,
        tell: TellEvent = lambda kind, text: None,
    ) -> None:
        self._accesses = accesses
        self._subprotocol = subprotocol
        self._open_socket = open_socket
        self._judgement = judgement
        self._tell = tell
        self._told: set[tuple[SecurityEventKind, str]] = set()
        self._authenticated = False
        self._loaded: tuple[Hashable, ssl.SSLContext] | None = None

    @property
    def authenticated(self) -> bool:
        """The server of the link that was opened last has proved who it is: its time may be believed."""
        return self._authenticated

    async def __call__(self) -> Link:
        """One attempt."""
        access = self._accesses.begin()
        try:
            link = await self._open(access)
        except LinkRefused as refused:
            self._learn(refused, access)
            raise
        self._told.clear()
        self._authenticated = access.security_profile >= _TLS_PROFILE
        self._accesses.worked(link.anchor)
        return link

    async def _open(self, access: Access) -> WebSocketLink:
        try:
            where = dial(access)
            authorization = basic_header(access.identity, access.key) if access.key is not None else None
            tls = await self._context(access, where)
        except AddressError as wrong:
            raise LinkRefused("address", str(wrong)) from None
        except TrustError as wrong:
            ours = isinstance(wrong, ClientCertificateError)
            event = SecurityEventKind.INVALID_CHARGE_POINT_CERTIFICATE if ours else None
            raise LinkRefused("tls", str(wrong), security=event) from None
        return await open_link(where, self._subprotocol, authorization, tls, self._open_socket)

    async def _context(self, access: Access, where: Dial) -> ssl.SSLContext | None:
        """Loaded once for the same roots and certificate, and again after TLS failed: a file may have been replaced.

        Beside the event loop, since the public bundle takes its time.
        """
        if where.tls != (access.security_profile >= _TLS_PROFILE):
            wanted = "wss" if access.security_profile >= _TLS_PROFILE else "ws"
            raise AddressError("url", f"is not {wanted}://", f"security profile {access.security_profile} needs it")
        if not where.tls:
            return None
        if access.security_profile > _TLS_PROFILE and access.client is None:
            raise ClientCertificateError("client certificate: there is none; have one signed, or lower the profile")
        wanted_for = (access.trust_files, access.public_roots, access.client)
        if self._loaded is None or self._loaded[0] != wanted_for:
            self._loaded = wanted_for, await asyncio.to_thread(client_context, access, self._judgement)
        return self._loaded[1]

    def _learn(self, refused: LinkRefused, access: Access) -> None:
        ours = refused.security in _OUR_CERTIFICATE
        event = refused.security
        if refused.cause == "tls":
            self._loaded = None
        if refused.http_status in _REFUSED_PASSWORD:
            event = SecurityEventKind.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM
        if event is not None and (event, refused.detail) not in self._told:
            self._told.add((event, refused.detail))
            self._tell(event, f"{refused.detail} ({access.label})" if access.label else refused.detail)
        self._accesses.refused(CLIENT_REFUSED if ours else refused.cause, refused.http_status)
