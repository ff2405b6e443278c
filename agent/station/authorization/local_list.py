"""The local authorization list of the Billing upstream (OCPP 1.6 3.5.2, 5.15): the operator's, never edited here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.vocabulary.commands import ResultStatus, SendList
from agent.vocabulary.ids import IdToken
from agent.vocabulary.records import MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT, AuthorizationStatus, ListEntry, Verdict


@dataclass(frozen=True, slots=True)
class Refused:
    """An update that changes nothing: its status and why, in plain words."""

    status: ResultStatus
    why: str


class LocalList:
    """By card. What an update does is decided before anything is changed."""

    def __init__(self, version: int = 0, entries: Iterable[ListEntry] = ()) -> None:
        self._version = version
        self._entries: dict[str, Verdict] = {}
        self._apply(entries)

    @property
    def version(self) -> int:
        """What the operator called the last update; 0 while the list is empty."""
        return self._version if self._entries else 0

    def get(self, token: IdToken, wall_ms: int | None) -> Verdict | None:
        """What the list says now: past its date a card is `Expired`. None for a card that is not in it."""
        verdict = self._entries.get(token.key)
        if verdict is None or verdict.expires_wall_ms is None or wall_ms is None or verdict.expires_wall_ms > wall_ms:
            return verdict
        return Verdict(AuthorizationStatus.EXPIRED, verdict.parent, verdict.expires_wall_ms)

    def update(self, update: SendList) -> Refused | None:
        """Take an update whole, or say why it is refused and change nothing."""
        refused = self._against(update)
        if refused is None:
            if update.full:
                self._entries.clear()
            self._apply(update.entries)
            self._version = update.version
        return refused

    def _against(self, update: SendList) -> Refused | None:
        keys = [entry.token.key for entry in update.entries]
        if update.version < 1:
            return Refused(ResultStatus.FAILED, f"version {update.version} has a meaning of its own")
        if not update.full and update.version <= self.version:
            return Refused(ResultStatus.VERSION_MISMATCH, f"version {update.version} is not above {self.version}")
        if len(keys) > MAXIMUM_LIST_SENT:
            return Refused(ResultStatus.FAILED, f"{len(keys)} entries are more than {MAXIMUM_LIST_SENT} in one update")
        if len(set(keys)) != len(keys):
            return Refused(ResultStatus.FAILED, "a card is in the update twice")
        if update.full and any(entry.verdict is None for entry in update.entries):
            return Refused(ResultStatus.FAILED, "an entry of a full list says nothing about its card")
        gone = {entry.token.key for entry in update.entries if entry.verdict is None}
        after = set(keys) - gone if update.full else (self._entries.keys() | set(keys)) - gone
        if len(after) > MAXIMUM_LIST_ENTRIES:
            return Refused(ResultStatus.FAILED, f"the list would be longer than {MAXIMUM_LIST_ENTRIES}")
        return None

    def _apply(self, entries: Iterable[ListEntry]) -> None:
        for entry in entries:
            if entry.verdict is None:
                self._entries.pop(entry.token.key, None)
            else:
                self._entries[entry.token.key] = entry.verdict
