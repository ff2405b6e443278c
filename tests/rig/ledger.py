"""The ledger of a scripted backend: every frame in and out, and a typed view of what it was told.

Theory of operation
-------------------
A frame is kept as the text that crossed the wire. *Deduplicated* means: repeats of the same message id and the same
bytes count once (OCPP-J errata 3.1 lets a station repeat a call with its id); a frame with a known id and other bytes
is no repeat, and `contradictions` has it. The views (`starts`, `stops`, `meter_values`, `statuses`) read the frames and
the backend's own answers, nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4
RECEIVED, SENT = "in", "out"


@dataclass(frozen=True, slots=True)
class Frame:
    """One text frame. `direction` is seen from the backend: `in` came from the station."""

    at_s: float
    direction: str
    text: str
    connection: int
    type: int = 0
    message_id: str = ""
    action: str = ""
    payload: Any = None
    """Of an answer: its payload, or `[code, description, details]` of a CALLERROR."""

    @property
    def is_call(self) -> bool:
        """A request of either side."""
        return self.type == CALL


@dataclass(frozen=True, slots=True)
class Start:
    """A StartTransaction as received, with the id that this backend gave (None: not answered with one)."""

    at_s: float
    message_id: str
    connector: int
    id_tag: str
    meter_start_wh: int
    timestamp: str
    foreign_id: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """A StopTransaction as received."""

    at_s: float
    message_id: str
    foreign_id: int
    meter_stop_wh: int
    timestamp: str
    reason: str
    id_tag: str | None
    answered: bool


@dataclass(frozen=True, slots=True)
class MeterValue:
    """One element of a MeterValues: its values by `measurand` or `measurand.phase`."""

    at_s: float
    message_id: str
    connector: int
    foreign_id: int | None
    timestamp: str
    values: dict[str, float] = field(hash=False)
    context: str

    @property
    def energy_wh(self) -> float | None:
        """Energy.Active.Import.Register."""
        return self.values.get("Energy.Active.Import.Register")


@dataclass(frozen=True, slots=True)
class Status:
    """A StatusNotification as received."""

    at_s: float
    connector: int
    status: str
    error_code: str
    info: str
    vendor_error_code: str


def parsed(at_s: float, direction: str, text: str, connection: int) -> Frame:
    """A frame from its text; what is not OCPP-J keeps type 0."""
    try:
        message = json.loads(text)
        kind, message_id = message[0], str(message[1])
        if kind == CALL:
            return Frame(at_s, direction, text, connection, CALL, message_id, str(message[2]), message[3])
        if kind == CALL_RESULT:
            return Frame(at_s, direction, text, connection, CALL_RESULT, message_id, "", message[2])
        if kind == CALL_ERROR:
            return Frame(at_s, direction, text, connection, CALL_ERROR, message_id, "", message[2:])
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return Frame(at_s, direction, text, connection)


class FrameLog:
    """Frames, and what can be said of them without knowing their meaning."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frames: list[Frame] = []
        self.close_codes: list[int | None] = []
        """With which code each connection ended; the backend writes it down."""

    def add(self, at_s: float, direction: str, text: str, connection: int = 1) -> Frame:
        """Write a frame down; the backend (or a test) calls this."""
        frame = parsed(at_s, direction, text, connection)
        self.frames.append(frame)
        return frame

    def calls(self, action: str = "") -> list[Frame]:
        """Requests of the station in order of arrival, repeats included; of one action, or all."""
        return [f for f in self.frames if f.direction == RECEIVED and f.is_call and action in ("", f.action)]

    def deduplicated(self, action: str = "") -> list[Frame]:
        """As `calls`, without repeats of the same message id and bytes."""
        seen: set[tuple[str, str]] = set()
        first: list[Frame] = []
        for frame in self.calls(action):
            if (frame.message_id, frame.text) not in seen:
                seen.add((frame.message_id, frame.text))
                first.append(frame)
        return first

    def resends(self, action: str = "") -> int:
        """How many frames were repeats."""
        return len(self.calls(action)) - len(self.deduplicated(action))

    def contradictions(self) -> list[Frame]:
        """Requests that came with a known message id but other bytes: never right."""
        counts = Counter(frame.message_id for frame in self.deduplicated())
        return [frame for frame in self.deduplicated() if counts[frame.message_id] > 1]

    def answers(self, message_id: str, direction: str = SENT) -> list[Frame]:
        """Answers (results and errors) to a message id: the backend's own, or with `in` the station's."""
        return [f for f in self.frames if f.direction == direction and not f.is_call and f.message_id == message_id]

    def errors(self) -> list[Frame]:
        """CALLERRORs in both directions: a clean run has none but those a test asked for."""
        return [frame for frame in self.frames if frame.type == CALL_ERROR]

    def result(self, message_id: str) -> Any | None:
        """The payload of the last CALLRESULT that the backend gave to a message id."""
        results = [f.payload for f in self.answers(message_id) if f.type == CALL_RESULT]
        return results[-1] if results else None


class Ledger(FrameLog):
    """What one backend saw and said, by meaning."""

    def starts(self) -> list[Start]:
        """Deduplicated starts."""
        return [self._start(frame) for frame in self.deduplicated("StartTransaction")]

    def stops(self) -> list[Stop]:
        """Deduplicated stops."""
        return [self._stop(frame) for frame in self.deduplicated("StopTransaction")]

    def meter_values(self, foreign_id: int | None = None) -> list[MeterValue]:
        """Deduplicated meter values, one per element; of one transaction, or all."""
        found = [value for frame in self.deduplicated("MeterValues") for value in _meter_values(frame)]
        return [value for value in found if foreign_id in (None, value.foreign_id)]

    def statuses(self, connector: int | None = None) -> list[Status]:
        """Statuses in order of arrival; of one connector, or all."""
        found = [_status(frame) for frame in self.calls("StatusNotification")]
        return [status for status in found if connector in (None, status.connector)]

    def status(self, connector: int) -> str:
        """The last status told of a connector, or an empty text."""
        statuses = self.statuses(connector)
        return statuses[-1].status if statuses else ""

    def foreign_ids(self, message_id: str) -> list[int]:
        """The transaction ids given to a start, in order; more than one if it was answered anew after a resend."""
        results = [f.payload for f in self.answers(message_id) if f.type == CALL_RESULT]
        return list(dict.fromkeys(int(result["transactionId"]) for result in results))

    def _start(self, frame: Frame) -> Start:
        payload, ids = frame.payload, self.foreign_ids(frame.message_id)
        return Start(
            frame.at_s,
            frame.message_id,
            payload["connectorId"],
            payload["idTag"],
            payload["meterStart"],
            payload["timestamp"],
            ids[-1] if ids else None,
        )

    def _stop(self, frame: Frame) -> Stop:
        payload = frame.payload
        return Stop(
            frame.at_s,
            frame.message_id,
            payload["transactionId"],
            payload["meterStop"],
            payload["timestamp"],
            payload.get("reason", "Local"),
            payload.get("idTag"),
            self.result(frame.message_id) is not None,
        )


def _meter_values(frame: Frame) -> list[MeterValue]:
    return [
        MeterValue(
            frame.at_s,
            frame.message_id,
            frame.payload["connectorId"],
            frame.payload.get("transactionId"),
            element["timestamp"],
            {_name(sampled): float(sampled["value"]) * _factor(sampled) for sampled in element["sampledValue"]},
            element["sampledValue"][0].get("context", "Sample.Periodic"),
        )
        for element in frame.payload["meterValue"]
    ]


def _name(sampled: dict[str, str]) -> str:
    measurand = sampled.get("measurand", "Energy.Active.Import.Register")
    return f"{measurand}.{sampled['phase']}" if "phase" in sampled else measurand


def _factor(sampled: dict[str, str]) -> float:
    return 1000.0 if sampled.get("unit", "").startswith("k") else 1.0


def _status(frame: Frame) -> Status:
    payload = frame.payload
    return Status(
        frame.at_s,
        payload["connectorId"],
        payload["status"],
        payload["errorCode"],
        payload.get("info", ""),
        payload.get("vendorErrorCode", ""),
    )
