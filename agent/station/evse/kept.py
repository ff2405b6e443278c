"""A cable that is held after its session, until its card comes back, or one of the same group. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import SaveKeptCable, TransactionRecord


@dataclass(frozen=True, slots=True)
class Kept:
    """For whom it is held, and why."""

    token: IdToken
    parent: IdToken | None
    why: str
    authority: UpstreamId | None
    """Whose word the parent is: the same name is another group's at another upstream. None: not known any more."""

    def belongs_to(self, parent: IdToken | None, authority: UpstreamId) -> bool:
        """A card of this parent, by the word of this upstream, may have it."""
        return parent is not None and authority == self.authority and parent.matches(self.parent)

    def row(self, connector: ConnectorId) -> SaveKeptCable:
        """As it is stored."""
        return SaveKeptCable(connector, self.token, self.parent, self.why, self.authority)


def kept_after(record: TransactionRecord, why: str) -> Kept:
    """The cable of a transaction that has ended."""
    return Kept(record.token, record.parent, why, record.authority)


def kept_before(row: SaveKeptCable) -> Kept | None:
    """What a former life held; None where that was over."""
    return None if row.token is None else Kept(row.token, row.parent, row.why, row.authority)
