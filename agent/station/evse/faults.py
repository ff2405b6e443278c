"""Fault table: what each fault does to a session, and the memory of which are present.

Theory of operation
-------------------
`END` opens at once and ends the transaction. `PAUSE` opens at once; the transaction lives and goes on when the fault
is over. `METER` stops new transactions at once and a running one by its grace. `CONTROLLER` withdraws the offer and
waits, bounded, until the cable can be seen again. `WARN` is told and stops nothing. A fault that clears is held for
two seconds more, so that a chattering contact does not become a chattering contactor. A latched fault survives a
reboot until service clears it, which it cannot while the hardware still sees it. Faults that the station itself found
(over-current, a lock that never confirmed) clear with the cable; nobody but the hardware clears what it has told.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.station.turn import Turn
from agent.vocabulary.events import StopReason
from hal.api import Fault

HOLD_MS = 2000


class Reaction(StrEnum):
    END = "end"
    PAUSE = "pause"
    METER = "meter"
    CONTROLLER = "controller"
    WARN = "warn"


REACTIONS: Mapping[Fault, Reaction] = {
    Fault.EMERGENCY_STOP: Reaction.END,
    Fault.CONTACTOR_WELDED: Reaction.END,
    Fault.CONTACTOR_STUCK: Reaction.END,
    Fault.RESIDUAL_CURRENT: Reaction.END,
    Fault.GROUND: Reaction.END,
    Fault.OVER_CURRENT: Reaction.END,
    Fault.DIODE: Reaction.END,
    Fault.CABLE: Reaction.END,
    Fault.LOCK: Reaction.END,
    Fault.PILOT: Reaction.PAUSE,
    Fault.OVER_TEMPERATURE: Reaction.PAUSE,
    Fault.OVER_VOLTAGE: Reaction.PAUSE,
    Fault.UNDER_VOLTAGE: Reaction.PAUSE,
    Fault.CONTROLLER_OTHER: Reaction.PAUSE,
    Fault.CONTROLLER_OFFLINE: Reaction.CONTROLLER,
    Fault.METER_OFFLINE: Reaction.METER,
    Fault.METER_IMPLAUSIBLE: Reaction.METER,
    Fault.METER_SUSPECT: Reaction.WARN,
    Fault.TAMPER: Reaction.WARN,
    Fault.READER_OFFLINE: Reaction.WARN,
    Fault.RESET: Reaction.WARN,
}
"""In the order in which they are reported when several are present."""

LATCHING = frozenset({Fault.CONTACTOR_WELDED, Fault.CONTACTOR_STUCK})
STOP_REASONS: Mapping[Fault, StopReason] = {Fault.EMERGENCY_STOP: StopReason.EMERGENCY_STOP}
"""Every other fault ends a transaction with `Other`."""


class FaultBook:
    """The faults of one connector, those of the station included."""

    def __init__(self, latched: frozenset[Fault], of_station: Mapping[Fault, str]) -> None:
        self.latched = set(latched)
        self._of_station = of_station
        self._seen: dict[Fault, str] = dict.fromkeys(latched, "")
        self._clearing: dict[Fault, int] = {}
        self._claimed: set[Fault] = set()
        """What the hardware says is there; it says so once, and once that it is gone."""
        self._own: set[Fault] = set()

    def raise_(self, fault: Fault, detail: str = "", own: bool = False) -> bool:
        """A fault is there, by the hardware or by the station's own watching; True if it is new."""
        new = fault not in self._seen
        self._seen[fault] = detail
        self._clearing.pop(fault, None)
        (self._own if own else self._claimed).add(fault)
        return new

    def clear(self, fault: Fault, now_ms: int) -> None:
        """The hardware says that a fault is gone; it has held it long enough itself."""
        self._claimed.discard(fault)
        self._let_go(fault, now_ms)

    def withdraw(self, fault: Fault, now_ms: int) -> None:
        """What the station itself had found is over; it counts for a while more."""
        self._own.discard(fault)
        self._let_go(fault, now_ms + HOLD_MS)

    def service(self) -> tuple[Fault, ...]:
        """Service was here; returns the latched ones that are over. What the hardware still sees stays."""
        found = tuple(sorted(self.latched - self._claimed))
        for fault in found:
            self.latched.discard(fault)
            self._own.discard(fault)
            self._seen.pop(fault, None)
        return found

    def cable_gone(self) -> None:
        """What the station itself had found ends with the cable."""
        for fault in self._own - self.latched - self._claimed:
            self._seen.pop(fault, None)
        self._own.clear()

    def settle(self, turn: Turn) -> list[Fault]:
        """Let held ones go when their time has come; returns those that ended now."""
        over = [fault for fault, at_ms in self._clearing.items() if turn.reached(at_ms)]
        for fault in over:
            del self._clearing[fault]
            self._seen.pop(fault, None)
        return over

    def _let_go(self, fault: Fault, at_ms: int) -> None:
        """Nobody claims it any more: it ends, unless it is latched."""
        kept = fault in self.latched or fault in self._claimed or fault in self._own
        if fault in self._seen and not kept and fault not in self._clearing:
            self._clearing[fault] = at_ms

    def has(self, *reactions: Reaction) -> Fault | None:
        """The first fault, in the order of the table, with one of these reactions."""
        if not self._seen and not self._of_station:
            return None
        for fault, reaction in REACTIONS.items():
            if reaction in reactions and (fault in self._seen or fault in self._of_station):
                return fault
        return None

    def present(self, fault: Fault) -> bool:
        """This connector has it (or has not got rid of it yet)."""
        return fault in self._seen

    def detail(self, fault: Fault) -> str:
        """What the hardware said about it."""
        return self._seen.get(fault) or self._of_station.get(fault, "")
