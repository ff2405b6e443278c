"""Conditions of connectors to OCPP 1.6 statuses, with their damping and the memory of what the peer was told. Pure.

Theory of operation
-------------------
`status_of` derives the status of a condition: a fault wins, then a running transaction, then holds and reservations,
then what stands at the connector (OCPP 1.6 4.9). Two dampings delay what is told:

* at the start of a transaction Preparing stays until the car has charged once, or for `START_GRACE_MS` (the
  manufacturer's delay of errata 3.19), so that a normal start reads Preparing, Charging;
* MinimumStatusDuration: a new status is told once it has lasted that long; one that did not is never told, unless what
  follows it could not follow what was told before (`status_table`).

`StatusBoard` keeps the newest condition of each connector while nobody listens, and a bounded list of what is to be
told while somebody does, in the order of the events. History is never replayed: what became current while the link
was down is told once, if it differs from what the peer knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.ocpp.exchange import Status
from agent.ocpp.v16.status_table import steps
from agent.vocabulary.events import ChargingState, Condition
from agent.vocabulary.ids import STATION, ConnectorId
from agent.vocabulary.moments import Moment
from hal.api import Fault

START_GRACE_MS: Final = 10_000
WAITING_STATUSES: Final = 64
HELD_BY_OTHER: Final = "held by another party"
EV_DISCONNECTED: Final = "EV side disconnected"

ERROR_CODES: Final[Mapping[Fault, str]] = {
    Fault.UNDER_VOLTAGE: "UnderVoltage",
    Fault.OVER_VOLTAGE: "OverVoltage",
    Fault.OVER_CURRENT: "OverCurrentFailure",
    Fault.OVER_TEMPERATURE: "HighTemperature",
    Fault.RESIDUAL_CURRENT: "GroundFailure",
    Fault.GROUND: "GroundFailure",
    Fault.DIODE: "OtherError",
    Fault.PILOT: "OtherError",
    Fault.CABLE: "OtherError",
    Fault.CONTACTOR_WELDED: "PowerSwitchFailure",
    Fault.CONTACTOR_STUCK: "PowerSwitchFailure",
    Fault.LOCK: "ConnectorLockFailure",
    Fault.TAMPER: "OtherError",
    Fault.EMERGENCY_STOP: "OtherError",
    Fault.METER_OFFLINE: "PowerMeterFailure",
    Fault.METER_IMPLAUSIBLE: "PowerMeterFailure",
    Fault.METER_SUSPECT: "PowerMeterFailure",
    Fault.CONTROLLER_OFFLINE: "InternalError",
    Fault.READER_OFFLINE: "ReaderFailure",
    Fault.RESET: "ResetFailure",
    Fault.CONTROLLER_OTHER: "OtherError",
}
"""Fault to ChargePointErrorCode (OCPP 1.6 7.6); what has no code of its own goes by its vendor error code."""
COMMUNICATION_FAULTS: Final = frozenset({Fault.DIODE, Fault.PILOT})
COMMUNICATION_STATUSES: Final = frozenset({"Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing"})
"""EVCommunicationError is a warning that may only go with these (OCPP 1.6 7.6)."""

_CHARGING: Final[Mapping[ChargingState, str]] = {
    ChargingState.CHARGING: "Charging",
    ChargingState.SUSPENDED_EVSE: "SuspendedEVSE",
    ChargingState.SUSPENDED_EV: "SuspendedEV",
    ChargingState.EV_CONNECTED: "SuspendedEV",
    ChargingState.IDLE: "SuspendedEV",
}


def status_of(condition: Condition, now_ms: int) -> Status:
    """How a condition is worded now."""
    word, at = _word(condition, now_ms)
    fault = condition.fault or condition.warning
    code = "NoError" if fault is None else _error_code(fault, word)
    if fault is None and condition.list_conflict:
        code = "LocalListConflict"
    info = fault.value if fault is not None and code in ("OtherError", "EVCommunicationError") else ""
    if word == "Unavailable" and condition.held_by_other:
        info = HELD_BY_OTHER
    if word == "SuspendedEV" and condition.ev_disconnected and not info:
        info = EV_DISCONNECTED
    return Status(condition.connector, word, code, at, info, condition.detail if fault is not None else "")


def grace_ends_ms(condition: Condition) -> int | None:
    """When the damping at the start of a transaction ends; None where it does not apply."""
    started = condition.transaction_at
    if condition.transaction is None or started is None or started.boot != condition.at.boot:
        return None
    if condition.has_charged or condition.ev_disconnected or condition.charging is ChargingState.CHARGING:
        return None
    return started.monotonic_ms + START_GRACE_MS


def _word(condition: Condition, now_ms: int) -> tuple[str, Moment]:
    if condition.fault is not None:
        return "Faulted", condition.at
    if condition.transaction is not None:
        return _transaction_word(condition, now_ms)
    if not condition.operative:
        return "Unavailable", condition.at
    if condition.connector == STATION:
        return "Available", condition.at
    if condition.authorised:
        return "Preparing", condition.at
    if condition.finishing:
        return "Finishing", condition.at
    if condition.reserved:
        return "Reserved", condition.at
    return ("Preparing" if condition.plugged else "Available"), condition.at


def _transaction_word(condition: Condition, now_ms: int) -> tuple[str, Moment]:
    ends_ms = grace_ends_ms(condition)
    if ends_ms is not None and now_ms < ends_ms:
        return "Preparing", condition.at
    word, at = _CHARGING[condition.charging], condition.at
    if ends_ms is not None and at.monotonic_ms < ends_ms:
        at = at.plus((ends_ms - at.monotonic_ms) / 1000)
    return word, at


def _error_code(fault: Fault, word: str) -> str:
    if fault in COMMUNICATION_FAULTS and word in COMMUNICATION_STATUSES:
        return "EVCommunicationError"
    return ERROR_CODES[fault]


@dataclass(slots=True)
class _Line:
    """One connector: its condition, what the peer was told last, and what waits for its minimum duration."""

    condition: Condition
    told: Status | None = None
    sent: Status | None = None
    """What went out last since somebody listens."""
    candidate: Status | None = None
    candidate_since_ms: int = 0


@dataclass(slots=True)
class StatusBoard:
    """All connectors of one upstream. Used by one task."""

    _lines: dict[ConnectorId, _Line] = field(default_factory=dict)
    _waiting: deque[Status] = field(default_factory=deque)
    _listening: bool = False
    _confirmed: dict[ConnectorId, Status] = field(default_factory=dict)
    _looked: tuple[int, int | None] | None = None
    """Minimum duration of the last `advance` and when it wanted the next; None: something has been seen since."""

    def seen(self, condition: Condition) -> None:
        """The newest condition of a connector; told at the next `advance`."""
        self._looked = None
        line = self._lines.get(condition.connector)
        if line is None:
            self._lines[condition.connector] = _Line(condition)
        else:
            line.condition = condition

    def listen(self, now_ms: int, all_of_them: bool) -> None:
        """The peer listens from now on. After a boot it is told all, connector 0 first; else what it does not know."""
        self._listening = True
        self._looked = None
        self._waiting.clear()
        for connector in sorted(self._lines):
            line = self._lines[connector]
            present = status_of(line.condition, now_ms)
            known = None if all_of_them else self._confirmed.get(connector)
            line.candidate = None
            line.told = present
            line.sent = known if present.same(known) else None
            if line.sent is None:
                self._waiting.append(present)

    def stop_listening(self) -> None:
        """The link is gone; what waits is history."""
        self._listening = False
        self._waiting.clear()

    def advance(self, now_ms: int, minimum_duration_s: int) -> None:
        """Move what has become due to the list of what is to be told."""
        if not self._listening or self._nothing_due(now_ms, minimum_duration_s):
            return
        due = [line for line in self._lines.values() if _is_due(line, now_ms, 1000 * minimum_duration_s)]
        for line in sorted(due, key=_order):
            self._tell(line)
        self._looked = (minimum_duration_s, self.next_deadline(minimum_duration_s))

    def peek(self) -> Status | None:
        """The next status to tell, or None."""
        return self._waiting[0] if self._waiting else None

    def taken(self, status: Status) -> None:
        """The status is on its way."""
        if self._waiting and self._waiting[0] is status:
            self._waiting.popleft()
            self._lines[status.connector].sent = status

    def present(self, connector: ConnectorId, now_ms: int) -> Status | None:
        """How a connector is now, without damping; what is told in turn stays as it is (OCPP 1.6 5.17)."""
        line = self._lines.get(connector)
        return None if line is None else status_of(line.condition, now_ms)

    def confirmed(self, status: Status) -> None:
        """The peer has it (or refused it for good): it is not told again after a reconnect."""
        self._confirmed[status.connector] = status

    def next_deadline(self, minimum_duration_s: int) -> int | None:
        """When `advance` has something to do again."""
        if not self._listening:
            return None
        times = [time for line in self._lines.values() for time in _line_deadlines(line, 1000 * minimum_duration_s)]
        return min(times, default=None)

    def _nothing_due(self, now_ms: int, minimum_duration_s: int) -> bool:
        """Nothing was seen since the last look, and its time has not come."""
        if self._looked is None:
            return False
        duration_s, due_ms = self._looked
        return duration_s == minimum_duration_s and (due_ms is None or now_ms < due_ms)

    def _tell(self, line: _Line) -> None:
        """What has lasted long enough, and what the table wants told before it."""
        present, known = line.candidate, line.told
        assert present is not None
        if len(self._waiting) >= WAITING_STATUSES:
            self._waiting = deque(status for status in self._waiting if status.connector != present.connector)
            known = line.sent
        if known is not None:
            self._waiting += _between(known, present, line.condition)
        self._waiting.append(present)
        line.told, line.candidate = present, None


def _is_due(line: _Line, now_ms: int, minimum_ms: int) -> bool:
    """A line with something new that has lasted; notes since when it is new."""
    present = status_of(line.condition, now_ms)
    if present.same(line.told):
        line.candidate = None
        return False
    if not present.same(line.candidate):
        line.candidate, line.candidate_since_ms = present, now_ms
    return now_ms - line.candidate_since_ms >= minimum_ms


def _order(line: _Line) -> tuple[int, int]:
    assert line.candidate is not None
    return line.candidate.at.monotonic_ms, line.candidate.connector


def _between(known: Status, present: Status, condition: Condition) -> list[Status]:
    """The statuses that lead from one to the other, of the same instant and with the same warning."""
    if condition.connector == STATION:
        return []
    words = steps(known.status, present.status, condition.plugged)
    fault = condition.warning
    return [
        Status(
            present.connector,
            word,
            "NoError" if fault is None else _error_code(fault, word),
            present.at,
            vendor_error_code=present.vendor_error_code,
        )
        for word in words
    ]


def _line_deadlines(line: _Line, minimum_ms: int) -> list[int]:
    times = []
    ends_ms = grace_ends_ms(line.condition)
    latest = line.candidate or line.told
    if ends_ms is not None and latest is not None and latest.status == "Preparing":
        times.append(ends_ms)
    if line.candidate is not None:
        times.append(line.candidate_since_ms + minimum_ms)
    return times
