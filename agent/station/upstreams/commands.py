"""Commands of the upstreams: look up the situation, ask the permission table, do it, answer exactly once.

Handlers decide nothing about roles; the table does. A refusal by role is noted with the upstream and the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.authorization.desk import Desk
from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.restart import Restarter
from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.charging import Charging
from agent.station.upstreams.firmware import Firmware
from agent.station.upstreams.options import read_options, write_option
from agent.station.upstreams.permissions import Condition, Decision, Situation, Verb, may_update, permission
from agent.station.upstreams.registry import Upstream
from agent.station.upstreams.triggering import Triggering
from agent.station.upstreams.unlocking import Unlocking
from agent.station.upstreams.uploads import Uploads
from agent.vocabulary.commands import (
    AskOperators,
    CancelReservation,
    ChangeAvailability,
    ClearCache,
    ClearProfiles,
    Command,
    CommandKind,
    CredentialCommand,
    FirmwareCommand,
    GetComposite,
    GetListVersion,
    GetOptions,
    RemoteStart,
    RemoteStop,
    Reserve,
    Reset,
    Result,
    ResultStatus,
    SendList,
    SetOption,
    SetProfile,
    TriggerMessage,
    Unlock,
    UploadCommand,
)
from agent.vocabulary.effects import Answer, HandleCredentials, HandleUpload
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import STATION, ConnectorId, IdToken
from agent.vocabulary.inputs import CommandReceived
from agent.vocabulary.notes import StationNote
from agent.vocabulary.operators import HandleOperators

_NOT_BEFORE_ACCEPTED = frozenset({CommandKind.REMOTE_START, CommandKind.REMOTE_STOP})
ACCEPTED = Result(ResultStatus.ACCEPTED)


def _rejected(reason: str) -> Result:
    return Result(ResultStatus.REJECTED, reason)


class Commands:
    """One handler per kind of command."""

    def __init__(
        self,
        site: Site,
        connectors: Mapping[ConnectorId, Connector],
        desk: Desk,
        restarter: Restarter,
        unlocking: Unlocking,
        uploads: Uploads,
        firmware: Firmware,
    ) -> None:
        self._site = site
        self._connectors = connectors
        self._desk = desk
        self._restarter = restarter
        self._unlocking = unlocking
        self._charging = Charging(site, connectors)
        self._triggering = Triggering(connectors, uploads, firmware)
        self._firmware = firmware

    def received(self, given: CommandReceived, turn: Turn) -> None:
        """Answer one command; an unlock is answered when the lock has moved."""
        asker = self._site.registry.asker(given.upstream)
        if asker is None:
            turn.note(StationNote.COMMAND_REFUSED, "unknown upstream", upstream=given.upstream)
            result: Result | None = _rejected("unknown upstream")
        else:
            self._site.leases.heard(asker.id, turn)
            result = self._handle(asker, given, turn)
        if result is not None:
            turn.add(Answer(given.upstream, given.call, result))

    def _handle(self, asker: Upstream, given: CommandReceived, turn: Turn) -> Result | None:
        command = given.command
        if command.kind in _NOT_BEFORE_ACCEPTED and not asker.may_command:
            return _rejected("not accepted by this upstream yet")
        decision = permission(asker.asker, command.kind, self._situation(asker, command), conditions(self._site, asker))
        if decision.verb is Verb.REFUSE:
            turn.note(StationNote.COMMAND_REFUSED, f"{command.kind.value}: {decision.reason}", upstream=asker.id)
            return Result(decision.status or ResultStatus.REJECTED, decision.reason)
        return self._perform(asker, given, decision, turn)

    def _perform(self, asker: Upstream, given: CommandReceived, decision: Decision, turn: Turn) -> Result | None:
        match given.command:
            case RemoteStart() as command:
                return self._remote_start(asker, command, turn)
            case RemoteStop() as command:
                return self._remote_stop(asker, command, turn)
            case ChangeAvailability() as command:
                return self._availability(asker, command, decision, turn)
            case Unlock(connector):
                return self._unlocking.begin(asker.id, given.call, connector, turn)
            case Reset() if self._firmware.installing:
                return _rejected("an update is being installed")
            case Reset(hard):
                reason = StopReason.HARD_RESET if hard else StopReason.SOFT_RESET
                self._restarter.request(reason, hard, False, turn)
                return ACCEPTED
            case GetOptions():
                return Result(ResultStatus.ACCEPTED, options=read_options(self._site, asker))
            case SetOption() as command:
                return write_option(self._site, asker, command, turn)
            case (Reserve() | CancelReservation() | SendList() | GetListVersion() | ClearCache()) as command:
                return self._about_cards(asker, command, turn)
            case (SetProfile() | ClearProfiles() | GetComposite()) as command:
                return self._charging.perform(asker, command, turn)
            case TriggerMessage() as command:
                return self._triggering.ask(asker, command, turn)
            case _:
                return self._for_others(asker, given.call, given.command, turn)

    def _for_others(
        self,
        asker: Upstream,
        call: int,
        command: CredentialCommand | UploadCommand | FirmwareCommand | AskOperators,
        turn: Turn,
    ) -> Result | None:
        """What is done outside the station, and answered from there."""
        if isinstance(command, FirmwareCommand):
            return self._firmware.ask(asker, call, command, turn)
        if isinstance(command, UploadCommand):
            turn.add(HandleUpload(asker.id, call, command))
        elif isinstance(command, AskOperators):
            turn.add(HandleOperators(asker.id, call, command.request))
        else:
            turn.add(HandleCredentials(asker.id, call, command))
        return None

    def _about_cards(
        self,
        asker: Upstream,
        command: Reserve | CancelReservation | SendList | GetListVersion | ClearCache,
        turn: Turn,
    ) -> Result:
        """Who may charge: reservations, list and cache."""
        knowledge, bookings = self._desk.knowledge, self._desk.bookings
        match command:
            case Reserve():
                return bookings.reserve(asker, command, turn)
            case CancelReservation():
                return bookings.cancel(asker, command, turn)
            case SendList():
                return knowledge.send_list(command, turn)
            case GetListVersion():
                return knowledge.list_version()
            case ClearCache():
                knowledge.clear_cache(turn)
                return ACCEPTED

    # --------------------------------------------------------------------------------------------- situation

    def _situation(self, asker: Upstream, command: Command) -> Situation:
        """Whose transaction the command touches; a foreign one counts before an own one."""
        authorities = [self._authority(connector) for connector in self._touched(asker, command)]
        running = [authority for authority in authorities if authority is not None]
        if any(authority != asker.id for authority in running):
            return Situation.FOREIGN_TRANSACTION
        return Situation.OWN_TRANSACTION if running else Situation.NO_TRANSACTION

    def _touched(self, asker: Upstream, command: Command) -> list[Connector]:
        match command:
            case RemoteStop(foreign_id):
                transaction = asker.transaction(foreign_id)
                return [c for c in self._connectors.values() if transaction and _transaction_id(c) == transaction]
            case RemoteStart(_, connector) if connector is None:
                return []
            case RemoteStart(_, connector) | ChangeAvailability(connector) | Unlock(connector) if connector != STATION:
                found = self._connectors.get(connector) if connector is not None else None
                return [found] if found else []
            case ChangeAvailability() | Reset():
                return list(self._connectors.values())
            case _:
                return []

    @staticmethod
    def _authority(connector: Connector) -> str | None:
        return connector.record.authority if connector.record is not None else None

    # ---------------------------------------------------------------------------------------------- handlers

    def _remote_start(self, asker: Upstream, command: RemoteStart, turn: Turn) -> Result:
        chosen = self._for_remote_start(command.connector, command.token)
        if chosen is None:
            return _rejected("no such connector, or none is free")
        if chosen.refusal is not None:
            return _rejected(chosen.refusal)
        if chosen.asked or chosen.authorisation is not None or chosen.kept is not None:
            return _rejected("the connector is in use")
        reserved = self._desk.bookings.against([chosen.id], command.token)
        if reserved is not None and not self._desk.bookings.wants_parent([chosen.id]):
            return _rejected(reserved)
        unlimited = self._charging.against(asker, chosen.id, command.profile)
        if unlimited is not None:
            return _rejected(unlimited)
        self._desk.remote_start(command, chosen, turn)
        return ACCEPTED

    def _for_remote_start(self, wanted: ConnectorId | None, token: IdToken) -> Connector | None:
        order = (SessionState.WAITING_CARD, SessionState.FREE, SessionState.FINISHED)
        if wanted is not None:
            found = self._connectors.get(wanted)
            return found if found is not None and found.state in order else None
        free = [c for c in self._connectors.values() if c.state in order and c.refusal is None and not c.asked]
        free.sort(
            key=lambda c: (
                self._site.claimed(c.id, token) is not None,
                order.index(c.state),
                -(c.facts.plugged_at_ms or 0),
                c.id,
            )
        )
        return free[0] if free else None

    def _remote_stop(self, asker: Upstream, command: RemoteStop, turn: Turn) -> Result:
        transaction = asker.transaction(command.foreign_id)
        connector = next(c for c in self._connectors.values() if _transaction_id(c) == transaction)
        stop = Stop(StopReason.REMOTE, Trigger.REMOTE_STOP)
        if connector.recovered is not None:
            connector.stop_recovered(stop, turn)
        connector.stop(stop, turn)
        return ACCEPTED

    def _availability(self, asker: Upstream, command: ChangeAvailability, decision: Decision, turn: Turn) -> Result:
        if command.connector != STATION and command.connector not in self._connectors:
            return _rejected("no such connector")
        rows = self._site.holds.change(asker.id, command.connector, not command.operative, turn.now.wall_ms)
        if rows:
            turn.record(*rows, barrier=True)
            verb = "released" if command.operative else "held out of service"
            for row in rows:
                turn.note(StationNote.HOLD_CHANGED, verb, row.connector, asker.id)
        if not command.operative:
            return Result(ResultStatus.SCHEDULED) if decision.verb is Verb.SCHEDULE else ACCEPTED
        concerned = [STATION, *self._connectors] if command.connector == STATION else [command.connector]
        if any(self._site.holds.held_by_other(each, asker.id) for each in concerned):
            return Result(ResultStatus.SCHEDULED, "another upstream still holds it")
        if self._site.holds.closed:
            return Result(ResultStatus.SCHEDULED, self._site.holds.closed)
        return ACCEPTED


def conditions(site: Site, asker: Upstream) -> frozenset[Condition]:
    """What the factory file and the installer give to this one beyond the permission table."""
    held = {
        Condition.HARD_RESET: site.options.hard_reset_during_transaction,
        Condition.RESERVATIONS: site.reservations_of == asker.id,
        Condition.FIRMWARE: may_update(asker.asker, site.options.firmware),
    }
    return frozenset(condition for condition, holds in held.items() if holds)


def _transaction_id(connector: Connector) -> str | None:
    return connector.record.id if connector.record is not None else None
