"""TLS contexts of upstreams: `ssl` only, trust per upstream, nothing taken from the environment.

Roots of one upstream never count for another: a context loads either one file or the bundle of the system. TLS 1.2 is
the least, compression is off (OCPP 1.6 security extension, A00.FR.314 and 318), host names are checked.
"""

from __future__ import annotations

import ssl
from pathlib import Path


class TrustError(ValueError):
    """The roots of an upstream cannot be used; the text names the file and what to do."""


def client_context(trust_file: str | None) -> ssl.SSLContext:
    """A context for dialling one upstream. Raises TrustError.

    Built from `SSLContext` and not from `create_default_context`, which would honour SSLKEYLOGFILE of the environment
    and change its strictness between versions of Python.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    if trust_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context
    if not Path(trust_file).is_file():
        raise TrustError(f"trust: {trust_file} does not exist; install the roots of this upstream there")
    try:
        context.load_verify_locations(cafile=trust_file)
    except (ssl.SSLError, OSError) as wrong:
        raise TrustError(f"trust: {trust_file} holds no usable PEM certificates ({wrong}); install it anew") from wrong
    return context
