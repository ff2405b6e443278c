"""Messages that one upstream has asked for, and that are not on their way yet. Pure.

Each goes out once, on the link on which it was asked for, also while the registration is pending (OCPP 1.6 4.2, 5.17).
What waits already is not sent twice, so however often a peer asks, little waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from agent.links.purposes import Beat, Boot, Purpose, Triggered
from agent.ocpp.dialect import Dialect, Statuses
from agent.vocabulary.commands import TriggerKind
from agent.vocabulary.effects import SendNow
from agent.vocabulary.ids import ConnectorId

_PURPOSES: Final[Mapping[TriggerKind, Purpose]] = {TriggerKind.BOOT: Boot(), TriggerKind.HEARTBEAT: Beat()}


class TriggeredCalls:
    """Wishes in their order. A status tells how the connector is when it leaves."""

    def __init__(
        self,
        dialect: Dialect,
        statuses: Statuses,
        offset_ms: Callable[[], int | None],
        new_id: Callable[[], str],
    ) -> None:
        self._dialect = dialect
        self._statuses = statuses
        self._offset_ms = offset_ms
        self._new_id = new_id
        self._waiting: dict[tuple[TriggerKind, ConnectorId | None], SendNow] = {}

    def wanted(self, wish: SendNow) -> None:
        """The peer has asked, and the station has agreed."""
        self._waiting[wish.what, wish.connector] = wish

    def give_up(self) -> None:
        """The link is gone, or the peer does not want the station."""
        self._waiting.clear()

    def take(self, now_ms: int) -> tuple[str, str, Purpose] | None:
        """Id, frame and purpose of the first that can be written now."""
        for key, wish in self._waiting.items():
            message_id = self._new_id()
            frame = self._frame(wish, message_id, now_ms)
            if frame is not None:
                del self._waiting[key]
                return message_id, frame, _PURPOSES.get(wish.what, Triggered())
        return None

    def _frame(self, wish: SendNow, message_id: str, now_ms: int) -> str | None:
        match wish.what:
            case TriggerKind.BOOT:
                return self._dialect.boot(message_id)
            case TriggerKind.HEARTBEAT:
                return self._dialect.heartbeat(message_id)
            case TriggerKind.STATUS:
                status = None if wish.connector is None else self._statuses.present(wish.connector, now_ms)
                return None if status is None else self._dialect.status(status, message_id, self._offset_ms())
            case TriggerKind.METER_VALUES:
                if wish.values is None:
                    return None
                return self._dialect.frame(wish.values, message_id, wish.foreign_id, self._offset_ms())
            case _ if wish.upload is not None:
                return self._dialect.upload(wish.what, wish.upload, message_id)
            case _ if wish.firmware is not None:
                return self._dialect.firmware(wish.what, wish.firmware, message_id)
            case _:
                return self._dialect.idle(wish.what, message_id)
