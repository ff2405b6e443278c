"""Questions about cards that wait for one upstream's answer: each is answered exactly once, in time or with None. Pure.

A question is never queued past its deadline and never survives its link; a late answer finds nobody (OCPP 1.6 6.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.vocabulary.effects import Ask
from agent.vocabulary.inputs import AuthorizeAnswered, Input
from agent.vocabulary.records import Verdict


@dataclass(slots=True)
class _Open:
    ask: Ask
    deadline_ms: int
    sent: bool = False


class Questions:
    """The open questions of one upstream."""

    def __init__(self, post: Callable[[Input], None]) -> None:
        self._post = post
        self._open: dict[int, _Open] = {}

    def asked(self, ask: Ask, now_ms: int, reachable: bool) -> None:
        """A question; without an upstream to ask it is answered at once."""
        if not reachable:
            self._post(AuthorizeAnswered(ask.ask, ask.upstream, None))
            return
        self._open[ask.ask] = _Open(ask, now_ms + round(1000 * ask.deadline_s))

    def next(self) -> Ask | None:
        """The oldest question that was not sent yet."""
        return next((entry.ask for entry in self._open.values() if not entry.sent), None)

    def sent(self, ask: Ask) -> None:
        """It is on its way."""
        self._open[ask.ask].sent = True

    def answered(self, ask: Ask, verdict: Verdict | None) -> None:
        """The upstream answered (None: it failed to). Too late is nothing."""
        if self._open.pop(ask.ask, None) is not None:
            self._post(AuthorizeAnswered(ask.ask, ask.upstream, verdict))

    def expire(self, now_ms: int) -> None:
        """Answer those whose deadline has come with None."""
        for entry in [entry for entry in self._open.values() if entry.deadline_ms <= now_ms]:
            self.answered(entry.ask, None)

    def give_up(self) -> None:
        """The link is gone: nobody will answer."""
        for entry in list(self._open.values()):
            self.answered(entry.ask, None)

    def next_deadline(self) -> int | None:
        """When `expire` is wanted, in monotonic milliseconds."""
        return min((entry.deadline_ms for entry in self._open.values()), default=None)
