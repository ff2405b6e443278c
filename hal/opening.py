"""The worst time from a command to open until the board has the frame, computed from the line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hal import modbus
from hal.modbus import Request
from hal.serial_port import SerialSettings

QUEUED_MS = 50
"""Limit from the input that must open until the frame is queued (see the limits of the architecture)."""


def worst_opening_ms(
    settings: SerialSettings,
    answer_s: float,
    settle_s: float,
    gap_s: float,
    longest_read: int,
    withdraw: Sequence[Request],
    boards_before: int,
) -> int:
    """In milliseconds, rounded up.

    The line may be waiting in vain for the longest read of any unit, or a write that takes as long (time-out and
    settling); every other board of the line may have its own stop before ours; and our first frame may be lost and
    sent a second time.
    """
    gap = max(gap_s, settings.silence_s)
    in_flight_s = (8 + 5 + 2 * longest_read) * settings.character_s + answer_s + settle_s
    try_s = sum(_wire_s(one, settings) for one in withdraw)
    stop_s = sum(gap + _wire_s(one, settings) + answer_s + settle_s for one in withdraw)
    total_s = in_flight_s + boards_before * 2 * stop_s + stop_s + len(withdraw) * gap + try_s
    return QUEUED_MS + int(total_s * 1000 + 1)


def _wire_s(request: Request, settings: SerialSettings) -> float:
    return (len(modbus.encode(request)) + modbus.response_length(request)) * settings.character_s
