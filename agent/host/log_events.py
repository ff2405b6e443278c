"""The closed list of log events.

Theory of operation
-------------------
An event has an id that never changes its meaning (tools may search for it), a level as in RFC 5424, and a text for
people. `{name}` in the text is a field that every call must give; further fields are printed behind the text. Add a row
for a new event; take none away while a release in the field writes it. Ids are `area.what_happened`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from agent.vocabulary.notes import StationNote


class Level(IntEnum):
    """Severities of RFC 5424 6.2.1; the number is the prefix that journald reads."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One row."""

    id: str
    level: Level
    text: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that a call must give."""
        return tuple(re.findall(r"{(\w+)}", self.text))


_C, _E, _W, _N, _I = Level.CRITICAL, Level.ERROR, Level.WARNING, Level.NOTICE, Level.INFO

_ROWS: tuple[tuple[str, Level, str], ...] = (
    # the agent itself
    ("agent.starting", _I, "stationd {version} starts in boot {boot}"),
    ("agent.ready", _I, "the station is ready"),
    ("agent.stopping", _N, "stationd stops: {reason}"),
    ("agent.stopped", _N, "stationd has stopped"),
    ("agent.failed", _C, "{task} failed and ends the process: {error}"),
    ("agent.safe_mode", _C, "safe mode after {crashes} crashes: outputs stay off, management link only"),
    ("agent.task_restarted", _E, "{task} failed and is started again in {delay_s} s: {error}"),
    ("agent.inputs_dumped", _N, "the last inputs were written to {file}"),
    ("agent.dump_failed", _W, "the last inputs could not be written: {error}"),
    ("agent.starved", _C, "no progress of {what}: the watchdog is not fed"),
    ("agent.crash_counter_failed", _W, "the crash counter could not be kept: {error}"),
    ("log.unknown_event", _E, "an event without a row in the list was logged: {event}"),
    # restarts of the system
    ("system.reboot_requested", _N, "a reboot of the system was requested: {reason}"),
    ("system.drain_begun", _N, "the reboot waits {minutes} minutes at the most: {waiting} records for {upstream}"),
    ("system.drain_ended", _N, "the reboot waits no longer: {waiting} records for {upstream} are left"),
    ("system.reboot_failed", _E, "the reboot could not be requested: {error}"),
    ("system.restart_requested", _N, "a restart of the agent was requested: {reason}"),
    # settings
    ("settings.loaded", _I, "settings loaded; Billing is {billing}"),
    ("settings.applied", _N, "the staged change is in force; Billing is {billing}"),
    ("settings.problem", _E, "{problem}"),
    (
        "settings.unusable",
        _C,
        "the active settings cannot be read; the station does not charge until they are set again",
    ),
    ("settings.staged", _N, "a change was staged by {by}; it applies at the next boot of the system"),
    ("settings.catalogue", _N, "catalogue: {what} by {by}"),
    ("settings.refused", _N, "a change was refused: {reason}"),
    # clock
    ("clock.fixed", _I, "wall time known from {source}"),
    ("clock.stepped", _W, "wall time stepped by {stepped_ms} ms by {source}"),
    ("clock.refused", _W, "a wall time from {source} is not believed"),
    ("clock.differs", _W, "the wall time of {source} differs by {apart_ms} ms and is not followed"),
    # storage
    ("store.opened", _I, "database open, boot {boot}"),
    ("store.salvaged", _C, "the database was damaged; {rows} rows were saved, the old file is {file}"),
    ("store.row_parked", _E, "a stored row could not be read and was set aside: {error}"),
    ("store.note", _W, "{text}"),
    ("store.write_failed", _E, "a record could not be written and is tried again: {error}"),
    ("store.stalled", _E, "the disk has not answered for {stalled_s} s"),
    ("store.recovered", _N, "the disk takes records again"),
    # hardware
    ("hardware.note", _I, "{text}"),
    ("hardware.limitation", _N, "connector {connector}: {text}"),
    ("hardware.assumption", _N, "connector {connector}: assumed: {text}"),
    ("hardware.fault", _E, "connector {connector}: {fault}"),
    ("hardware.fault_cleared", _N, "connector {connector}: {fault} is over"),
    ("hardware.silent", _E, "{device} does not answer"),
    ("hardware.answers", _N, "{device} answers again"),
    # upstreams
    ("upstream.dialling", _I, "{upstream}: dialling {url}"),
    ("upstream.connected", _N, "{upstream}: connected"),
    ("upstream.refused", _W, "{upstream}: connection failed: {reason}"),
    ("upstream.lost", _W, "{upstream}: connection lost: {reason}"),
    ("upstream.registered", _N, "{upstream}: registration {status}"),
    ("upstream.bad_frame", _W, "{upstream}: a frame was refused: {reason}"),
    ("upstream.call_failed", _W, "{upstream}: {action} failed: {reason}"),
    ("upstream.parked", _E, "{upstream}: a message was given up: {reason}"),
    ("upstream.command", _I, "{upstream}: {command}"),
    ("upstream.refused_command", _N, "{upstream}: {text}"),
    ("upstream.bug", _E, "{upstream}: a mistake of ours, this upstream is begun anew: {error}"),
    ("upstream.note", _N, "{upstream}: {text}"),
    # credentials
    ("credentials.problem", _E, "{upstream}: {problem}"),
    ("credentials.note", _N, "{upstream}: {text}"),
    # uploads
    ("transfer.refused", _N, "{upstream}: an upload was refused: {reason}"),
    ("transfer.failed", _W, "{upstream}: an upload failed: {reason}"),
    ("transfer.given_up", _N, "{upstream}: an upload was given up for a newer one"),
    ("transfer.done", _N, "{upstream}: {size} bytes were uploaded to {place}"),
    # updates
    ("firmware.state", _N, "{upstream}: update of the firmware: {text}"),
    ("firmware.refused", _N, "{upstream}: an update was refused: {reason}"),
    ("firmware.download_failed", _W, "an attempt to download firmware failed: {reason}"),
    ("firmware.failed", _E, "an update of the firmware failed: {reason}"),
    ("firmware.given_back", _E, "the new version has not proved itself: the version before runs after the next boot"),
    ("firmware.problem", _E, "firmware: {problem}"),
    # the control socket
    ("control.listening", _I, "control socket {socket}"),
    ("control.refused_peer", _W, "a local process of user {uid} was refused"),
    ("control.bad_line", _W, "a local process sent what is no command: {reason}"),
    ("control.command", _N, "user {uid}: {command}"),
    ("control.refused", _N, "{command} was refused: {reason}"),
    ("control.failed", _E, "a local connection failed: {error}"),
)

_STATION: Mapping[StationNote, tuple[Level, str]] = {
    StationNote.CARD_REFUSED: (_N, "card refused: {text}"),
    StationNote.SESSION_ABANDONED: (_N, "session abandoned: {text}"),
    StationNote.TRANSACTION_STARTED: (_N, "transaction started: {text}"),
    StationNote.TRANSACTION_STOPPING: (_N, "transaction is being stopped: {text}"),
    StationNote.TRANSACTION_STOPPED: (_N, "transaction stopped: {text}"),
    StationNote.TRANSACTION_RECOVERED: (_W, "transaction of an earlier run: {text}"),
    StationNote.START_NOT_ACCEPTED: (_W, "the start was not accepted: {text}"),
    StationNote.ANOTHER_AUTHORITY: (_N, "a card was accepted by another upstream than Billing: {text}"),
    StationNote.ENERGY_CAP: (_W, "paused: nobody has said yes to this card, and it had {text}"),
    StationNote.VERDICT_IGNORED: (_I, "a verdict has no effect: {text}"),
    StationNote.CABLE_RELEASED: (_N, "cable released: {text}"),
    StationNote.COMMAND_REFUSED: (_N, "command refused: {text}"),
    StationNote.RESERVATION_OVER: (_N, "reservation is over: {text}"),
    StationNote.HOLD_CLEARED: (_N, "hold: {text}"),
    StationNote.LIMIT_SET: (_N, "limit set on the spot: {text}"),
    StationNote.OPTION_WRITTEN: (_N, "option written: {text}"),
    StationNote.HOLD_CHANGED: (_N, "availability: {text}"),
    StationNote.MESSAGE_PARKED: (_E, "message given up: {text}"),
    StationNote.MESSAGES_REOFFERED: (_N, "messages are tried again: {text}"),
    StationNote.FAULT: (_E, "fault: {text}"),
    StationNote.FAULT_OVER: (_N, "fault is over: {text}"),
    StationNote.LATCH_CLEARED: (_N, "latched fault cleared: {text}"),
    StationNote.ACTUATION_FAILED: (_E, "hardware did not obey: {text}"),
    StationNote.METER_IMPLAUSIBLE: (_W, "meter reading refused: {text}"),
    StationNote.METER_KEY: (_N, "public key of the meter: {text}"),
    StationNote.NOT_SIGNED: (_W, "the meter did not sign this transaction: {text}"),
    StationNote.SIGNED_LATE: (_W, "signed after its stop was recorded, kept with the session: {text}"),
    StationNote.STORAGE_FAULT: (_C, "storage fault: {text}"),
    StationNote.STORAGE_RECOVERED: (_N, "storage works again: {text}"),
    StationNote.RESTART_REQUESTED: (_N, "restart: {text}"),
    StationNote.INSTALL_WANTED: (_N, "an update: {text}"),
    StationNote.RESET_FAILED: (_E, "the system did not reboot: {text}"),
    StationNote.UNKNOWN_CONNECTOR: (_E, "reading of an unknown connector: {text}"),
    StationNote.UNKNOWN_UPSTREAM: (_E, "news of an unknown upstream: {text}"),
}

EVENTS: Mapping[str, LogEvent] = {
    **{id_: LogEvent(id_, level, text) for id_, level, text in _ROWS},
    **{note.value: LogEvent(note.value, level, text) for note, (level, text) in _STATION.items()},
}
"""All events by id."""
