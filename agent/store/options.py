"""Options written over OCPP, per upstream; the shared ones belong to no upstream."""

from __future__ import annotations

import json
from typing import Any, cast

from agent.store.codec import decode, encode
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.schema import Row
from agent.vocabulary.options import OptionValue, Selection
from agent.vocabulary.records import SaveOption

_SHARED = 0


class SavedOptions:
    """The table of options. A name that this release does not know is kept and handed on."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, option: SaveOption) -> None:
        """Insert or replace. Inside a transaction."""
        number = _SHARED if option.upstream is None else self._upstreams.number(option.upstream)
        value = json.dumps(encode(option.value), separators=(",", ":"))
        self._database.execute(
            "INSERT INTO options (upstream, name, value) VALUES (?, ?, ?) "
            "ON CONFLICT (upstream, name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            (number, option.name, value),
        )

    def all(self, damage: Damage) -> tuple[SaveOption, ...]:
        """Everything that was written. Inside a transaction."""
        rows = self._database.rows("SELECT upstream, name, value FROM options ORDER BY upstream, name")
        return tuple(damage.readable("options", "upstream, name", rows, self._parse))

    def _parse(self, row: Row) -> SaveOption:
        number, name, text = row
        upstream = None if number == _SHARED else self._upstreams.id(number)
        return SaveOption(upstream, name, _value(json.loads(text)))


def _value(plain: Any) -> OptionValue:
    if isinstance(plain, list):
        return tuple(decode(Selection, item) for item in plain)
    if not isinstance(plain, bool | int | str):
        raise ValueError(f"an option is no {type(plain).__name__}")
    return cast(OptionValue, plain)
