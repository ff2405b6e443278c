"""The authorisation cache of each upstream (OCPP 1.6 3.5.1 "Authorization Cache")."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.records import CacheVerdict

REFRESH_MS = 24 * 3_600_000
"""The same verdict on the same card is written again only after this time: it spares the flash."""
_COLUMNS = "upstream, token, verdict"


class Cache:
    """Verdicts by upstream and card."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, entry: CacheVerdict) -> None:
        """Insert or replace, unless the same is there already. Inside a transaction."""
        number, key = self._upstreams.number(entry.upstream), entry.token.key
        stored = self._database.row(f"SELECT {_COLUMNS} FROM cache WHERE upstream = ? AND token = ?", (number, key))
        if stored is not None and _still_says(stored, entry):
            return
        self._database.execute(
            "INSERT INTO cache (upstream, token, verdict) VALUES (?, ?, ?) "
            "ON CONFLICT (upstream, token) DO UPDATE SET verdict = excluded.verdict",
            (number, key, squeeze(to_json(entry))),
        )

    def drop(self, upstream: UpstreamId, token: IdToken) -> None:
        """Forget one verdict. Inside a transaction."""
        number = self._upstreams.known(upstream)
        if number is not None:
            self._database.execute("DELETE FROM cache WHERE upstream = ? AND token = ?", (number, token.key))

    def wipe(self, upstream: UpstreamId) -> None:
        """Forget every verdict of an upstream. Inside a transaction."""
        number = self._upstreams.known(upstream)
        if number is not None:
            self._database.execute("DELETE FROM cache WHERE upstream = ?", (number,))

    def all(self, damage: Damage) -> tuple[CacheVerdict, ...]:
        """Every verdict. Inside a transaction."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM cache ORDER BY upstream, token")
        return tuple(damage.readable("cache", "upstream, token", rows, _parse))


def _parse(row: Row) -> CacheVerdict:
    return from_json(CacheVerdict, expand(row[2]))


def _still_says(stored: Row, entry: CacheVerdict) -> bool:
    try:
        old = _parse(stored)
    except ValueError:
        return False
    if old.verdict != entry.verdict or old.token != entry.token:
        return False
    then, now = old.at.wall_ms, entry.at.wall_ms
    return now is None or (then is not None and 0 <= now - then < REFRESH_MS)
