"""What the observer is told: facts only when they changed, faults once when they come and once when they have gone.

A fault may have several causes (a bit of the board, a lock that did not confirm): it is active while one of them is,
and is told as cleared only after all have been gone for `HOLD_S`, so that a loose contact is one fault and not twenty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hal.api import Fault, FaultSeen, Observer, Reading

HOLD_S = 2.0
Log = Callable[[str], None]


class Changes:
    """Passes readings of one connector to the observer, each kind only when it differs from the last of its kind."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._last: dict[type, Reading] = {}

    def tell(self, reading: Reading) -> None:
        """Pass on what is new."""
        if self._last.get(type(reading)) != reading:
            self.tell_always(reading)

    def tell_always(self, reading: Reading) -> None:
        """Pass on, new or not: answers to commands."""
        self._last[type(reading)] = reading
        self._observer(reading)


@dataclass(slots=True)
class _Held:
    """One fault: its present causes, and since when there has been none."""

    causes: dict[str, str] = field(default_factory=dict)
    told: bool = False
    gone_since: float | None = None


class FaultKeeper:
    """The faults of one connector (or of the station: `connector` None). Call `tick` at least once per poll."""

    def __init__(self, connector: int | None, observer: Observer, log: Log, hold_s: float = HOLD_S) -> None:
        self._connector = connector
        self._observer = observer
        self._log = log
        self._hold_s = hold_s
        self._held: dict[Fault, _Held] = {}

    def set(self, fault: Fault, cause: str, active: bool, now: float, detail: str = "") -> None:
        """A cause of a fault is there or is not. `detail` is cut to the 50 characters of the contract."""
        held = self._held.setdefault(fault, _Held())
        if active:
            held.causes[cause] = detail[:50]
            held.gone_since = None
            if not held.told:
                held.told = True
                self._held[fault] = self._held.pop(fault)  # in the order in which they came
                self._tell(fault, True, detail[:50])
        elif held.causes.pop(cause, None) is not None and not held.causes:
            held.gone_since = now
        self.tick(now)

    def active(self, fault: Fault) -> bool:
        """True while the observer believes in the fault."""
        return fault in self._held and self._held[fault].told

    def tick(self, now: float) -> None:
        """Tell what has been gone for long enough; what came last goes first."""
        for fault, held in reversed(self._held.items()):
            if held.told and held.gone_since is not None and now - held.gone_since >= self._hold_s:
                held.told = False
                held.gone_since = None
                self._tell(fault, False, "")

    def _tell(self, fault: Fault, active: bool, detail: str) -> None:
        where = "station" if self._connector is None else f"connector {self._connector}"
        self._log(f"{where}: {fault} {f'seen: {detail}' if active else 'has cleared'}")
        self._observer(FaultSeen(self._connector, fault, active, detail))
