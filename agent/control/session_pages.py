"""Sessions from the socket, page by page, so that no question holds up the station's records for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

PAGE = 200


def all_sessions(call: Callable[..., Any], wanted: Mapping[str, object], limit: int | None) -> list[dict[str, Any]]:
    """The newest sessions that are wanted, at most `limit`. `call` is `Client.call`; raises what it raises."""
    found: list[dict[str, Any]] = []
    while limit is None or len(found) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        behind = {"before": found[-1]["transaction"]["id"]} if found else {}
        page = call("sessions", limit=size, **wanted, **behind)
        found += page
        if len(page) < size:
            break
    return found
