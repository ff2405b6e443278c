"""Backoffices that were ever set on this station: where they are, and under which local id they were known.

Theory of operation
-------------------
Whoever comes into force is written down here before, and stays: it can be picked again by name. If the same backoffice
(same URL and identity) is set again it gets a new id, as everybody does, and succeeds to what the old one is still
owed. `forgotten` says that passwords, roots and keys are gone: that id is not dialled any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agent.settings.addresses import UpstreamAddress
from agent.settings.fields import Source
from agent.settings.installer import address_lines, read_address
from agent.settings.validate import is_same_place
from agent.vocabulary.ids import UpstreamId

MOST_KNOWN = 64
"""The oldest of those that are not in force are dropped beyond; more is more than anybody changes operators."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One backoffice, without its secrets."""

    address: UpstreamAddress
    forgotten: bool = False
    """Its credentials are gone."""


def parse_known(file: str, text: str) -> tuple[Known, ...]:
    """Read the file. Raises SettingsError with file, line, field and remedy."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, _FORMAT)
    found = []
    for table in root.tables("backoffice"):
        forgotten = table.boolean("forgotten", default=False)
        found.append(Known(read_address(table), forgotten))
    root.finish()
    source.check()
    return tuple(found)


def render_known(known: Iterable[Known]) -> str:
    """The text of the file; `parse_known` reads the same back. It never holds a password."""
    lines = ["# Written by stationd: backoffices that were set here.", f"format = {_FORMAT}"]
    for one in known:
        lines += ["", "[[backoffice]]", *address_lines(one.address)]
        lines += ["forgotten = true"] if one.forgotten else []
    return "\n".join(lines) + "\n"


def with_present(known: Iterable[Known], present: Iterable[UpstreamAddress]) -> tuple[Known, ...]:
    """All that are known, and those who are set now as they are now; the oldest others go beyond `MOST_KNOWN`."""
    now = {address.id: Known(address) for address in present}
    others = [one for one in known if one.address.id not in now]
    return (*others[max(0, len(others) + len(now) - MOST_KNOWN) :], *now.values())


def with_forgotten(known: Iterable[Known], upstream: UpstreamId) -> tuple[Known, ...]:
    """The same, with the credentials of one gone."""
    return tuple(Known(one.address, one.forgotten or one.address.id == upstream) for one in known)


def without(known: Iterable[Known], present: Collection[UpstreamId]) -> tuple[Known, ...]:
    """Who is not set any more."""
    return tuple(one for one in known if one.address.id not in present)


def successions(
    known: Iterable[Known], present: Iterable[UpstreamAddress]
) -> tuple[tuple[UpstreamId, UpstreamId], ...]:
    """Who is set again under a new id, as (old, new): the same backoffice is the same URL and identity."""
    before = tuple(known)
    return tuple(
        (one.address.id, address.id) for address in present for one in before if is_same_place(one.address, address)
    )
