"""Registration of one upstream: when to boot, when to beat, and what may be said in each state. Pure.

Theory of operation
-------------------
`Registration` starts UNKNOWN and is learnt by BootNotification alone (OCPP 1.6 4.2). It outlives the connection: after
a mere reconnect nothing is booted anew, unless the upstream's option asks for it. PENDING serves the peer's calls but
those that start or stop a transaction; REJECTED answers nothing until its interval is over. Own messages need ACCEPTED.

A heartbeat is due after an interval without any exchange and at the latest a day after the last one, so that the clock
can be compared (OCPP-J 1.6 5.3).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from agent.vocabulary.inputs import Registration

FIRST_RETRY_S: Final = 10
LONGEST_RETRY_S: Final = 300
OWN_RETRY_S: Final = 60
"""Where a Pending or Rejected names no interval."""
LONGEST_INTERVAL_S: Final = 86_400
DAY_MS: Final = 86_400_000
FIRST_HEARTBEAT_S: Final = 300
"""Until the first BootNotification.conf says otherwise."""


class Gate(StrEnum):
    """What happens to a call of the peer."""

    SERVE = "serve"
    NO_TRANSACTIONS = "no_transactions"
    """Served, but remote start and stop are Rejected."""
    SILENT = "silent"


class RegistrationState:
    """One upstream's registration. Times are monotonic milliseconds of this boot."""

    def __init__(self) -> None:
        self.registration = Registration.UNKNOWN
        self.heartbeat_interval_s = FIRST_HEARTBEAT_S
        self._connected = False
        self._boot_wanted = True
        self._boot_at_ms = 0
        self._failures = 0
        self._exchanged_ms = 0
        self._beaten_ms = 0

    @property
    def accepted(self) -> bool:
        """Connected and registered: own messages may be sent."""
        return self._connected and self.registration is Registration.ACCEPTED and not self._boot_wanted

    def gate(self, now_ms: int) -> Gate:
        """How a call of the peer is treated now."""
        if self.registration is Registration.REJECTED and now_ms < self._boot_at_ms:
            return Gate.SILENT
        return Gate.SERVE if self.registration is Registration.ACCEPTED else Gate.NO_TRANSACTIONS

    def connected(self, now_ms: int, boot_on_reconnect: bool) -> None:
        """A link is up. The wait that a Pending or Rejected asked for goes on across links."""
        self._connected = True
        self._exchanged_ms = now_ms
        if self.registration is not Registration.ACCEPTED or boot_on_reconnect:
            self._boot_wanted = True

    def disconnected(self) -> None:
        """The link is gone; what was learnt stays."""
        self._connected = False

    def boot_due(self, now_ms: int) -> bool:
        """BootNotification should be the next call."""
        return self._connected and self._boot_wanted and now_ms >= self._boot_at_ms

    def heartbeat_due(self, now_ms: int) -> bool:
        """Heartbeat should be sent, if nothing else is."""
        return self.accepted and now_ms >= self._heartbeat_at_ms()

    def next_deadline(self) -> int | None:
        """When one of the two above becomes true; None while disconnected."""
        if not self._connected:
            return None
        if self._boot_wanted:
            return self._boot_at_ms
        return self._heartbeat_at_ms() if self.registration is Registration.ACCEPTED else None

    def boot_answered(self, status: Registration, interval_s: int, default_interval_s: int, now_ms: int) -> None:
        """The peer has decided. An interval of 0 leaves the choice to us."""
        self.registration = status
        self._failures = 0
        self._boot_wanted = status is not Registration.ACCEPTED
        wished_s = min(interval_s, LONGEST_INTERVAL_S)
        if status is Registration.ACCEPTED:
            self.heartbeat_interval_s = wished_s if wished_s > 0 else default_interval_s
            self._beaten_ms = self._exchanged_ms = now_ms
            return
        self._boot_at_ms = now_ms + 1000 * (wished_s if wished_s > 0 else OWN_RETRY_S)

    def boot_failed(self, now_ms: int) -> None:
        """CALLERROR, time-out or a useless answer: not accepted, and tried again with growing distance."""
        self._boot_at_ms = now_ms + 1000 * min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._failures, 10))
        self._failures += 1

    def exchanged(self, now_ms: int) -> None:
        """A call was answered, in either direction: the link is known to live."""
        self._exchanged_ms = now_ms

    def beaten(self, now_ms: int) -> None:
        """A heartbeat was sent."""
        self._beaten_ms = self._exchanged_ms = now_ms

    def _heartbeat_at_ms(self) -> int:
        return min(self._exchanged_ms + 1000 * self.heartbeat_interval_s, self._beaten_ms + DAY_MS)
