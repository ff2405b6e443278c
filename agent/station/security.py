"""Security events: into the log, and into the queue of every upstream that is to be told."""

from __future__ import annotations

from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.inputs import NoticeAnswered, SecurityEventSeen
from agent.vocabulary.records import DropNotice, EnqueueNotice, LogSecurityEvent
from agent.vocabulary.security import CRITICAL, TOLD_BY_A_FLOW, SecurityEvent


class Security:
    """One method per input."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def seen(self, given: SecurityEventSeen, turn: Turn) -> None:
        """Something happened."""
        event = SecurityEvent(given.kind, turn.now, given.tech_info, given.upstream)
        turn.record(LogSecurityEvent(event), barrier=given.kind in CRITICAL)
        if given.kind not in CRITICAL | TOLD_BY_A_FLOW:
            return
        for upstream in self._site.registry:
            if given.upstream in (None, upstream.id) or upstream.id == MANAGEMENT:
                turn.record(EnqueueNotice(upstream.id, event, self._site.new_uuid()), barrier=given.kind in CRITICAL)

    def answered(self, given: NoticeAnswered, turn: Turn) -> None:
        """An upstream was told."""
        turn.record(DropNotice(given.upstream, given.message_id))
