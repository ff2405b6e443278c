"""How far uploads are, on its way to the upstream that asked for them. Pure.

While the link is up every state is told, in order. Without a link only the newest of each kind is kept, and told once
the registration is accepted again: what an upload came to must not be lost because the link was.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.links.purposes import Reported
from agent.ocpp.dialect import Dialect
from agent.vocabulary.effects import TellUpload


class Reports:
    """States that wait. Outlives connections."""

    def __init__(self, dialect: Dialect, new_id: Callable[[], str]) -> None:
        self._dialect = dialect
        self._new_id = new_id
        self._waiting: list[TellUpload] = []

    def wanted(self, report: TellUpload, connected: bool) -> None:
        """A state to tell."""
        self._waiting.append(report)
        if not connected:
            self.link_lost(None)

    def link_lost(self, cut: TellUpload | None) -> None:
        """Keep the newest of each kind; `cut` was on its way and had no answer."""
        all_of_them = [] if cut is None else [cut]
        newest = {report.what: report for report in [*all_of_them, *self._waiting]}
        self._waiting = list(newest.values())

    def take(self) -> tuple[str, str, Reported] | None:
        """Id, frame and purpose of the next."""
        if not self._waiting:
            return None
        report, message_id = self._waiting.pop(0), self._new_id()
        return message_id, self._dialect.upload(report.what, report.state, message_id), Reported(report)
