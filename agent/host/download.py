"""Brings one file down, once: http, https, ftp or ftps. Blocking; for a thread beside the event loop.

Nothing is followed, as with uploads, and no name that comes from outside becomes the name of a file. What is bounded:
each wait for the network, the whole attempt, the size of the file, and the room that it leaves on the disk. What has
come here proves nothing yet: whoever installs it checks it first.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agent.host.connections import Cut, reason_of
from agent.host.destination import Refused, looked_up
from agent.host.download_file import PartialFile
from agent.host.download_order import DownloadCause, DownloadFailed, DownloadOrder


def download(order: DownloadOrder, cut: Cut) -> None:
    """Bring the file to `order.file`; returns once it is whole and synced. Raises DownloadFailed.

    After a failure there is nothing, or a part that the next attempt in this folder may go on with; `clear` of
    `download_file` removes both at the end of the job. A `Cut` serves one attempt.
    """
    try:
        with _limited(order.time_limit_s, cut), PartialFile(order) as file:
            with _explained():
                _bring(order, cut, file)
            file.finish()
    except DownloadFailed as failed:
        if cut.is_cut and failed.cause is not DownloadCause.TIME:
            raise DownloadFailed(DownloadCause.CUT, "given up") from None
        raise
    finally:
        cut.release()


def _bring(order: DownloadOrder, cut: Cut, file: PartialFile) -> None:
    from agent.host.download_ftp import retrieve_file  # what is needed now and then is not kept in memory for years
    from agent.host.download_http import get_file

    address = looked_up(order.destination, order.allowed)
    way = get_file if order.destination.scheme.startswith("http") else retrieve_file
    way(order, address, cut, file)


@contextmanager
def _limited(time_limit_s: float, cut: Cut) -> Iterator[None]:
    """Cut off when the time is over, wherever it is by then. Raises DownloadFailed."""
    over = threading.Event()

    def end() -> None:
        over.set()
        cut.cut()

    timer = threading.Timer(time_limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except DownloadFailed:
        if over.is_set():
            raise DownloadFailed(DownloadCause.TIME, f"it took longer than {time_limit_s:g} s") from None
        raise
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _explained() -> Iterator[None]:
    """Errors of the network, as failures of the download."""
    try:
        yield
    except Refused as refused:
        raise DownloadFailed(DownloadCause.PLACE, str(refused), lasting=True) from None
    except (OSError, EOFError, ValueError) as error:
        raise DownloadFailed(_cause(error), reason_of(error)) from None


def _cause(error: Exception) -> DownloadCause:
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return DownloadCause.TLS
    if isinstance(error, TimeoutError):
        return DownloadCause.STALLED
    return DownloadCause.CONNECTION if isinstance(error, OSError | EOFError) else DownloadCause.PROTOCOL
