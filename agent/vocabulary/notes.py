"""Notes: the closed list of what the station tells log and page by itself."""

from __future__ import annotations

from enum import StrEnum


class StationNote(StrEnum):
    """Id of a `Note`. The text of the note has the rest, in plain words and never with a card in it."""

    CARD_REFUSED = "station.card_refused"
    SESSION_ABANDONED = "station.session_abandoned"
    TRANSACTION_STARTED = "station.transaction_started"
    TRANSACTION_STOPPING = "station.transaction_stopping"
    TRANSACTION_STOPPED = "station.transaction_stopped"
    TRANSACTION_RECOVERED = "station.transaction_recovered"
    START_NOT_ACCEPTED = "station.start_not_accepted"
    ANOTHER_AUTHORITY = "station.another_authority"
    ENERGY_CAP = "station.energy_cap"
    VERDICT_IGNORED = "station.verdict_ignored"
    CABLE_RELEASED = "station.cable_released"
    COMMAND_REFUSED = "station.command_refused"
    RESERVATION_OVER = "station.reservation_over"
    OPTION_WRITTEN = "station.option_written"
    HOLD_CLEARED = "station.hold_cleared"
    LIMIT_SET = "station.limit_set"
    HOLD_CHANGED = "station.hold_changed"
    MESSAGE_PARKED = "station.message_parked"
    MESSAGES_REOFFERED = "station.messages_reoffered"
    FAULT = "station.fault"
    FAULT_OVER = "station.fault_over"
    LATCH_CLEARED = "station.latch_cleared"
    ACTUATION_FAILED = "station.actuation_failed"
    METER_IMPLAUSIBLE = "station.meter_implausible"
    METER_KEY = "station.meter_key"
    NOT_SIGNED = "station.not_signed"
    SIGNED_LATE = "station.signed_late"
    STORAGE_FAULT = "station.storage_fault"
    STORAGE_RECOVERED = "station.storage_recovered"
    RESTART_REQUESTED = "station.restart_requested"
    INSTALL_WANTED = "station.install_wanted"
    RESET_FAILED = "station.reset_failed"
    UNKNOWN_CONNECTOR = "station.unknown_connector"
    UNKNOWN_UPSTREAM = "station.unknown_upstream"
