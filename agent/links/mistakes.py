"""Where a mistake of ours happened, in few words."""

from __future__ import annotations


def place_of(mistake: Exception) -> str:
    """` at function:line` of the innermost frame; empty if it was never raised."""
    where = mistake.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return "" if where is None else f" at {where.tb_frame.f_code.co_name}:{where.tb_lineno}"
