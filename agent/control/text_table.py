"""Columns for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as what is in them; numbers as they come."""
    cells = [[str(cell) for cell in header], *[[cell_text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def cell_text(value: object) -> str:
    """One value: printable, `-` for nothing."""
    text = NOTHING if value is None or value == "" else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)
