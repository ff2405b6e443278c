"""Security events: into the log, and into the queue of every upstream that is to be told.

Theory of operation
-------------------
Every event has a line in the log; the critical ones, and those that a flow of the security extension demands, are told
as well (security extension of OCPP 1.6, "Security events"). What concerns the station is told to all upstreams; what
concerns one connection to that upstream and to management, so that nobody learns how others are connected.

An event that comes again and again costs a line once: of each kind and upstream only a few are taken in ten minutes,
the others are counted, and the count follows when the time is over. While it goes on, that time doubles, up to a day.
A peer or a passer-by can so neither wear the flash out nor wash the log away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.fanout import Delivery, delivery, security_kind
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.inputs import NoticeAnswered, SecurityEventSeen
from agent.vocabulary.records import DropNotice, EnqueueNotice, LogSecurityEvent
from agent.vocabulary.security import CRITICAL, TOLD_BY_A_FLOW, TOLD_TO_MANAGEMENT, SecurityEvent, SecurityEventKind
from hal.api import Fault, FaultSeen

WINDOW_MS = 600_000
LONGEST_WINDOW_MS = 24 * 3_600_000
TAKEN_AT_ONCE = 5
"""So many of a kind that is told are taken at once in a first window; of the others one."""
LONGEST_TEXT = 255
"""OCPP 1.6 SecurityEventNotification.req "techInfo"."""

_TOLD = CRITICAL | TOLD_BY_A_FLOW


@dataclass(slots=True)
class _Window:
    """What was taken of one kind and upstream since it began."""

    length_ms: int
    ends_ms: int
    taken: int = 1
    last: SecurityEventSeen | None = None
    counted: int = 0
    """How many were not taken; `last` is the last of them."""


class Security:
    """One method per input, and what the station itself notices."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._windows: dict[tuple[SecurityEventKind, UpstreamId | None], _Window] = {}
        self._tampered: set[int | None] = set()

    def started(self, turn: Turn) -> None:
        """The station starts: why it was down, unless it has never been up, and that it is up."""
        snapshot, kinds = self._site.snapshot, SecurityEventKind
        if snapshot.restart_reason is not None:
            self.seen(SecurityEventSeen(kinds.RESET_OR_REBOOT, snapshot.restart_reason.value), turn)
        elif snapshot.same_boot:
            self.seen(SecurityEventSeen(kinds.RESET_OR_REBOOT, "the agent ended without being asked to"), turn)
        elif snapshot.boot > 1:
            self.seen(SecurityEventSeen(kinds.RESET_OR_REBOOT, "power loss, or a restart from outside"), turn)
        self.seen(SecurityEventSeen(kinds.STARTUP_OF_THE_DEVICE, self._site.options.firmware_version), turn)

    def seen(self, given: SecurityEventSeen, turn: Turn) -> None:
        """Something happened."""
        key = given.kind, given.upstream
        window = self._windows.get(key)
        if window is None or (turn.now_ms >= window.ends_ms and not window.counted):
            self._windows[key] = _Window(WINDOW_MS, turn.now_ms + WINDOW_MS)
            self._take(given, turn)
        elif window.taken < TAKEN_AT_ONCE and given.kind in _TOLD:
            window.taken += 1
            self._take(given, turn)
        else:
            window.counted, window.last = window.counted + 1, given

    def settle(self, turn: Turn) -> None:
        """Let the windows end: tell what was counted, and listen on for longer."""
        for window in self._windows.values():
            if window.last is not None and turn.reached(window.ends_ms):
                text = f"{window.last.tech_info} ({window.counted} in {window.length_ms // 60_000} min)".strip()
                self._take(replace(window.last, tech_info=text), turn)
                window.length_ms = min(LONGEST_WINDOW_MS, 2 * window.length_ms)
                window.ends_ms = turn.now_ms + window.length_ms
                window.taken, window.counted, window.last = TAKEN_AT_ONCE, 0, None

    def fault_seen(self, reading: FaultSeen, turn: Turn) -> None:
        """Somebody opens the station where nobody should."""
        if reading.fault is not Fault.TAMPER:
            return
        if not reading.active:
            self._tampered.discard(reading.connector)
        elif reading.connector not in self._tampered:
            self._tampered.add(reading.connector)
            where = "station" if reading.connector is None else f"connector {reading.connector}"
            kind = SecurityEventKind.TAMPER_DETECTION_ACTIVATED
            self.seen(SecurityEventSeen(kind, f"{where} {reading.detail}".strip()), turn)

    def disk_failed(self, why: str, turn: Turn) -> None:
        """The disk takes no more records; this one follows once it does."""
        self.seen(SecurityEventSeen(SecurityEventKind.MEMORY_EXHAUSTION, why), turn)

    def answered(self, given: NoticeAnswered, turn: Turn) -> None:
        """An upstream was told; whatever it said, an old one that does not know the message included."""
        turn.record(DropNotice(given.upstream, given.message_id))

    def _take(self, given: SecurityEventSeen, turn: Turn) -> None:
        critical = given.kind in CRITICAL and self._site.storage_healthy
        event = SecurityEvent(given.kind, turn.now, given.tech_info[:LONGEST_TEXT], given.upstream)
        turn.record(LogSecurityEvent(event), barrier=critical)
        if given.kind in _TOLD | TOLD_TO_MANAGEMENT:
            for upstream in self._site.registry:
                if _is_told(upstream, given):
                    told = _as_told(event, upstream)
                    turn.record(EnqueueNotice(upstream.id, told, self._site.new_uuid()), barrier=critical)


def _as_told(event: SecurityEvent, upstream: Upstream) -> SecurityEvent:
    """Whose queue is full, or what the disk said, is for management: others learn that something was, not of whom."""
    inside = event.kind is SecurityEventKind.MEMORY_EXHAUSTION and upstream.id != MANAGEMENT
    return replace(event, tech_info="") if inside else event


def _is_told(upstream: Upstream, given: SecurityEventSeen) -> bool:
    if upstream.options.disable_security_events:
        return False
    return delivery(security_kind(given.kind, given.upstream, upstream.id), upstream) is Delivery.DURABLE
