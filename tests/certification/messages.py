"""What a case expects to be sent: an action and the fields that matter, in the spelling of the wire.

`status(1, "Preparing")`, `stop(reason="Remote")`: each makes a `Message`. A field may be given as a value, as `ABSENT`,
or as a condition (`one_of`, `absent_or`, any function that says whether a value will do).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Absent:
    """The value of a field that is not there."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a value, with words for it."""

    words: str
    holds: Callable[[Any], bool]

    def __repr__(self) -> str:
        return self.words


def one_of(*values: Any) -> Condition:
    """Any of these."""
    return Condition("one of " + ", ".join(map(repr, values)), lambda value: value in values)


def absent_or(value: Any) -> Condition:
    """Left out, or this."""
    return Condition(f"absent or {value!r}", lambda found: found in (ABSENT, value))


def present() -> Condition:
    """There, whatever it is."""
    return Condition("present", lambda found: found != ABSENT)


@dataclass(frozen=True, slots=True)
class Message:
    """A request of the station as a case wants it."""

    action: str
    fields: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"{self.action}({', '.join(f'{name}={value!r}' for name, value in self.fields.items())})"

    def differences(self, action: str, payload: Mapping[str, Any]) -> list[str]:
        """In what a request that came is not this one."""
        if action != self.action:
            return [f"it is {action}"]
        found = {name: payload.get(name, ABSENT) for name in self.fields}
        return [
            f"{name} is {found[name]!r}, not {wanted!r}"
            for name, wanted in self.fields.items()
            if not (wanted.holds(found[name]) if isinstance(wanted, Condition) else found[name] == wanted)
        ]


def message(action: str, **fields: Any) -> Message:
    """Any request."""
    return Message(action, fields)


def boot() -> Message:
    """BootNotification."""
    return message("BootNotification", chargePointVendor="Rig", chargePointModel="Rig")


def status(connector: int, *statuses: str, error: str = "NoError", **fields: Any) -> Message:
    """StatusNotification of a connector; any of the statuses if there are several."""
    wanted = statuses[0] if len(statuses) == 1 else one_of(*statuses)
    return message("StatusNotification", connectorId=connector, status=wanted, errorCode=error, **fields)


def authorize(card: str) -> Message:
    """Authorize."""
    return message("Authorize", idTag=card)


def start(card: str, connector: int = 1, reservation: Any = ABSENT) -> Message:
    """StartTransaction; with the reservation that it uses, or with none."""
    fields = {"connectorId": connector, "idTag": card, "reservationId": reservation, "timestamp": present()}
    return message("StartTransaction", **fields)


def stop(transaction: int, reason: str, **fields: Any) -> Message:
    """StopTransaction. `Local` may be left out, as the standard has it (OCPP 1.6 6.45)."""
    wanted = absent_or(reason) if reason == "Local" else reason
    return message("StopTransaction", transactionId=transaction, reason=wanted, meterStop=present(), **fields)
