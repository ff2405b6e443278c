"""Messages on demand: what an upstream asks for is sent to it alone, behind the answer (OCPP 1.6 5.17).

Meter values go through the outbox of the upstream, so that they keep their place among the messages of a transaction.
An upstream that has not accepted the station gets nothing of its outbox; it gets the values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.station.evse.connector import Connector
from agent.station.evse.metering import on_demand, tell_on_demand
from agent.station.turn import Turn
from agent.station.upstreams.firmware import Firmware
from agent.station.upstreams.registry import Upstream
from agent.station.upstreams.uploads import Uploads
from agent.vocabulary.commands import Result, ResultStatus, TriggerKind, TriggerMessage
from agent.vocabulary.effects import SendNow
from agent.vocabulary.events import TransactionSampled
from agent.vocabulary.ids import STATION, ConnectorId
from agent.vocabulary.inputs import Registration

ACCEPTED = Result(ResultStatus.ACCEPTED)


def _rejected(reason: str) -> Result:
    return Result(ResultStatus.REJECTED, reason)


class Triggering:
    """Says what is sent; how, the link knows."""

    def __init__(self, connectors: Mapping[ConnectorId, Connector], uploads: Uploads, firmware: Firmware) -> None:
        self._connectors = connectors
        self._uploads = uploads
        self._firmware = firmware

    def ask(self, asker: Upstream, command: TriggerMessage, turn: Turn) -> Result:
        """Accepted if something will be sent."""
        match command.what:
            case TriggerKind.BOOT if asker.boot_accepted:
                return _rejected("this upstream has accepted the station since it was connected")
            case TriggerKind.STATUS:
                return self._statuses(asker, command.connector, turn)
            case TriggerKind.METER_VALUES:
                return self._meter_values(asker, command.connector, turn)
            case TriggerKind.DIAGNOSTICS_STATUS | TriggerKind.LOG_STATUS:
                present = self._uploads.present(asker.id, command.what)
                turn.add(SendNow(asker.id, command.what, upload=present))
                return ACCEPTED
            case TriggerKind.FIRMWARE_STATUS | TriggerKind.SIGNED_FIRMWARE_STATUS:
                turn.add(SendNow(asker.id, command.what, firmware=self._firmware.present(asker.id, command.what)))
                return ACCEPTED
        turn.add(SendNow(asker.id, command.what))
        return ACCEPTED

    def _statuses(self, asker: Upstream, wanted: ConnectorId | None, turn: Turn) -> Result:
        there = [STATION, *self._connectors]
        if wanted is not None and wanted not in there:
            return _rejected("no such connector")
        for connector in there if wanted is None else [wanted]:
            turn.add(SendNow(asker.id, TriggerKind.STATUS, connector))
        return ACCEPTED

    def _meter_values(self, asker: Upstream, wanted: ConnectorId | None, turn: Turn) -> Result:
        concerned = [c for c in self._connectors.values() if wanted in (None, c.id)]
        found = [(connector, on_demand(connector, asker, turn)) for connector in concerned]
        told = [(connector, event) for connector, event in found if event is not None]
        for connector, event in told:
            if asker.registration is Registration.ACCEPTED:
                tell_on_demand(connector, asker, event, turn)
            else:
                turn.add(_at_once(asker, event))
        return ACCEPTED if told else _rejected("no such connector, or its meter says nothing")


def _at_once(asker: Upstream, event: TransactionSampled) -> SendNow:
    """Of a transaction whose id this upstream has not given, only the values."""
    foreign_id = None if event.transaction is None else asker.ids.get(event.transaction)
    shown = event if foreign_id is not None else replace(event, transaction=None)
    return SendNow(asker.id, TriggerKind.METER_VALUES, event.where.connector, shown, foreign_id)
