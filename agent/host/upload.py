"""Brings one file to one place, once: http, https, ftp or ftps. Blocking; for a thread beside the event loop.

Nothing is followed: a redirection is a failure, the data connection of FTP goes to the address of its control
connection, and no proxy of the environment is used. Every wait for the network is bounded, and `Cut` ends the whole
from outside. Texts of failures are ours: what a server says could repeat a password.
"""

from __future__ import annotations

from typing import Final

from agent.host.connections import Cut, reason_of
from agent.host.destination import Refused, looked_up
from agent.host.upload_order import Order, UploadFailed
from agent.vocabulary.uploads import UploadStatus

LARGEST_BYTES: Final = 16 * 1024 * 1024


def upload(order: Order, cut: Cut) -> None:
    """Bring the file there; returns once the server has confirmed it. Raises UploadFailed."""
    from agent.host.upload_ftp import store_file  # what is needed now and then is not kept in memory for years
    from agent.host.upload_http import put_file

    if len(order.content) > LARGEST_BYTES:
        raise UploadFailed(UploadStatus.FAILED, f"the file is larger than {LARGEST_BYTES} bytes", lasting=True)
    try:
        address = looked_up(order.destination, order.allowed)
        way = put_file if order.destination.scheme.startswith("http") else store_file
        way(order, address, cut)
    except Refused as refused:
        raise UploadFailed(UploadStatus.FAILED, str(refused), lasting=True) from None
    except (OSError, EOFError, ValueError) as error:
        raise UploadFailed(UploadStatus.FAILED, reason_of(error)) from None
    except UploadFailed:
        if cut.is_cut:  # what the server seems to say then is but the rest of it
            raise UploadFailed(UploadStatus.FAILED, "given up") from None
        raise
    finally:
        cut.release()
