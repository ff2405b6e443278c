"""A damaged file, opened to read what can still be read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.store.database import SqlError, connect
from agent.store.schema import Row


class Wreck:
    """Nothing here raises for damage."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[Row], bool]:
        """The rows of a query up to the first damage, and whether there was none."""
        found: list[Row] = []
        try:
            for row in self._connection.execute(sql, parameters):
                found.append(row)
        except (SqlError, UnicodeDecodeError, OverflowError):
            return found, False
        return found, True

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(SqlError):
            self._connection.close()
