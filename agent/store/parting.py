"""What goes when upstreams come and go: at the first start after a change, before the station looks.

Theory of operation
-------------------
What an upstream laid down for the station (holds, charging profiles, reservations, its local list, its cache) is of no
use to anybody once it is removed, and must not come back with it after months; so it goes at once. What it is owed (its
queue, its receipts) and the values that it gave to its keys stay with its id (`retention` has them), and go over to the
id under which it is set again. When another
upstream becomes the one that authorises, lists, caches and reservations of all the others go as well: who may charge
is told anew (OCPP 1.6 5.10: a list version of 0 asks for it). Management's profiles and holds are never touched.
"""

from __future__ import annotations

from dataclasses import replace

from agent.store.database import Database
from agent.store.draining import draining_key
from agent.store.names import UpstreamNumbers
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import TransactionRecord
from agent.vocabulary.standing import Standing

OF_AN_UPSTREAM = ("holds", "profiles", "reservations", "accepted")
"""What goes with its upstream."""
OF_THE_AUTHORITY = ("cache", "lists", "list_entries", "reservations")
"""What goes with the right to authorise, and with the upstream."""
_BILLING = "billing"


class Parting:
    """Compares who was there with who is there."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def settle(self, standing: Standing) -> None:
        """Drop what belongs to nobody any more. Inside a transaction; writes nothing while nothing has changed."""
        gone = [number for number, name in self._upstreams.all() if name not in standing.configured]
        self._drop((*OF_AN_UPSTREAM, *OF_THE_AUTHORITY), gone)
        for old, new in standing.successions:
            self._succeed(old, new)
        for number, name in self._upstreams.all():
            if name in standing.configured:
                self._database.execute("DELETE FROM meta WHERE name = ?", (draining_key(number),))
        found = self._database.row("SELECT value FROM meta WHERE name = ?", (_BILLING,))
        if found is not None and found[0] == standing.billing:
            return
        if found is not None:
            others = [number for number, name in self._upstreams.all() if name != standing.billing]
            self._drop(OF_THE_AUTHORITY, others)
        self._database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_BILLING, standing.billing),
        )

    def _succeed(self, old: UpstreamId, new: UpstreamId) -> None:
        """The rows of the old id become those of the new one, which can have none yet: its number changes its name."""
        number = self._upstreams.known(old)
        if number is None or self._upstreams.known(new) is not None:
            return
        for table, column in (("upstreams", "number"), ("cursors", "upstream")):
            self._database.execute(f"UPDATE {table} SET id = ? WHERE {column} = ?", (new, number))
        self._upstreams.forget()

    def _drop(self, tables: tuple[str, ...], numbers: list[int]) -> None:
        for number in numbers:
            for table in dict.fromkeys(tables):
                self._database.execute(f"DELETE FROM {table} WHERE upstream = ?", (number,))


def succeeded(record: TransactionRecord, standing: Standing) -> TransactionRecord:
    """A transaction that is still open, with the present ids of who authorised it and who knows of it."""
    present = dict(standing.successions)
    return replace(
        record,
        authority=present.get(record.authority, record.authority),
        told=tuple(present.get(one, one) for one in record.told),
    )
