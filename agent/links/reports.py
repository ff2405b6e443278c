"""How far uploads and updates are, on its way to the upstream that is to hear it. Pure.

While the link is up every state is told, in order. Without a link only the newest of each kind is kept, and told once
the registration is accepted again: what an upload came to must not be lost because the link was. A state of an update
that nobody answers is sent again, under its own id; after a few times it counts as told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.links.purposes import Report, Reported
from agent.ocpp.dialect import Dialect
from agent.vocabulary.effects import TellUpload
from agent.vocabulary.firmware_effects import TellFirmware
from agent.vocabulary.inputs import FirmwareTold, Input

MOST_SILENCES: Final = 3
"""A state of an update that was not answered so often is told no more."""


class Reports:
    """States that wait. Outlives connections."""

    def __init__(self, dialect: Dialect, new_id: Callable[[], str], post: Callable[[Input], None]) -> None:
        self._dialect = dialect
        self._new_id = new_id
        self._post = post
        self._waiting: list[Report] = []
        self._silences = 0

    def wanted(self, report: Report, connected: bool) -> None:
        """A state to tell."""
        self._waiting.append(report)
        if not connected:
            self.link_lost(None)

    def link_lost(self, cut: Report | None) -> None:
        """Keep the newest of each kind; `cut` was on its way and had no answer."""
        all_of_them = [] if cut is None else [cut]
        newest = {report.what: report for report in [*all_of_them, *self._waiting]}
        self._waiting = list(newest.values())

    def take(self) -> tuple[str, str, Reported] | None:
        """Id, frame and purpose of the next."""
        if not self._waiting:
            return None
        report = self._waiting.pop(0)
        if isinstance(report, TellUpload):
            message_id = self._new_id()
            return message_id, self._dialect.upload(report.what, report.state, message_id), Reported(report)
        message_id = report.message_id or self._new_id()
        return message_id, self._dialect.firmware(report.what, report.state, message_id), Reported(report)

    def answered(self, report: Report) -> None:
        """It was heard, whatever was said to it."""
        self._silences = 0
        if isinstance(report, TellFirmware) and report.message_id:
            self._post(FirmwareTold(report.upstream, report.message_id))

    def unanswered(self, report: Report) -> None:
        """Nobody said anything in time."""
        self._silences += 1
        if self._silences >= MOST_SILENCES or not isinstance(report, TellFirmware):
            self.answered(report)
        else:
            self._waiting.insert(0, report)
