"""The station: routes every input to the part it concerns, lets all parts settle, and returns the effects.

Theory of operation
-------------------
`handle` is synchronous, total and deterministic: every input is either taken by exactly one part or noted as meaning
nothing. After it, everything that waits is looked at: desk, connectors, unlocking, restart, publisher, in this order.
If a deadline has passed by then, what nobody came for in time is let go before the input: a late tick never lets a
late answer win. A question about options changes nothing: unless a deadline has passed, it is answered and that is all.
Only the engine calls it. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from agent.station.arbiter import Arbiter
from agent.station.authorization.desk import Desk
from agent.station.authorization.knowledge import Knowledge
from agent.station.evse import intake, progress
from agent.station.evse.connector import Connector
from agent.station.on_site import OnSite
from agent.station.overview import build_overview
from agent.station.receipts import Receipts
from agent.station.restart import Restarter
from agent.station.security import Security
from agent.station.site import build_site
from agent.station.turn import Turn
from agent.station.upstreams.commands import Commands
from agent.station.upstreams.credentials import Credentials
from agent.station.upstreams.firmware import Firmware
from agent.station.upstreams.operators import Operators
from agent.station.upstreams.options import set_outage_mode
from agent.station.upstreams.publisher import Publisher
from agent.station.upstreams.unlocking import Unlocking
from agent.station.upstreams.uploads import Uploads
from agent.vocabulary import inputs
from agent.vocabulary.commands import CommandKind
from agent.vocabulary.effects import Effect, Record, SwitchAllOff
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.inputs import Input
from agent.vocabulary.moments import Moment
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.overview import StationOverview
from agent.vocabulary.records import Snapshot
from agent.vocabulary.upstreams import UpstreamSetup
from hal import api

_BY_RECORD = frozenset({CommandKind.GET_OPTIONS, CommandKind.SET_OPTION, CommandKind.CHANGE_AVAILABILITY})
DIVISIONS = 6
"""So often what is common is divided anew in one turn at most; what is left then waits for the next."""
_CONNECTOR_READINGS = (
    api.PilotSeen,
    api.CableSeen,
    api.ContactorSeen,
    api.MeterSeen,
    api.ActuationFailed,
    api.OutputsOff,
    api.SigningAnswered,
)


class Station:
    """The mind. Made once per life of the agent."""

    def __init__(
        self,
        options: StationOptions,
        upstreams: Sequence[UpstreamSetup],
        snapshot: Snapshot,
        new_uuid: Callable[[], str],
    ) -> None:
        self._site = build_site(options, upstreams, snapshot, new_uuid)
        self._connectors: dict[ConnectorId, Connector] = {c.id: Connector(c, self._site) for c in options.connectors}
        self._desk = Desk(self._site, self._connectors, Knowledge(self._site))
        self._arbiter = Arbiter(self._site, self._connectors)
        self._on_site = OnSite(self._site, self._connectors)
        self._restarter = Restarter(self._site, self._connectors)
        self._unlocking = Unlocking(self._connectors)
        self._uploads = Uploads(self._site)
        self._firmware = Firmware(self._site, self._connectors)
        self._commands = Commands(
            self._site, self._connectors, self._desk, self._restarter, self._unlocking, self._uploads, self._firmware
        )
        self._receipts = Receipts(self._site, self._connectors, self._desk, self._restarter)
        self._credentials = Credentials(self._site)
        self._operators = Operators(self._site)
        self._security = Security(self._site)
        self._publisher = Publisher(self._site, self._connectors)
        self._deadline: int | None = None
        self._routes = self._make_routes()

    def _make_routes(self) -> Mapping[type, Callable[[Any, Turn], None]]:
        """Every input to the part it concerns."""
        return {
            inputs.Tick: lambda given, turn: None,
            inputs.UpstreamChanged: self._receipts.upstream_changed,
            inputs.UpstreamHeard: self._heard,
            inputs.AuthorizeAnswered: self._desk.answered,
            inputs.CommandReceived: self._commands.received,
            inputs.CredentialsAnswered: self._credentials.answered,
            inputs.CredentialsInForce: self._credentials.in_force,
            inputs.UploadAnswered: self._uploads.answered,
            inputs.UploadProgressed: self._uploads.progressed,
            inputs.OperatorsAnswered: self._operators.answered,
            inputs.SettingsStaged: self._operators.staged,
            inputs.FirmwareAnswered: self._firmware.answered,
            inputs.FirmwareProgressed: self._firmware.progressed,
            inputs.FirmwareTold: self._firmware.told,
            inputs.InstallWanted: self._firmware.wanted,
            inputs.SecurityEventSeen: self._security.seen,
            inputs.NoticeAnswered: self._security.answered,
            inputs.MessageAcknowledged: self._receipts.acknowledged,
            inputs.MessageFailed: self._receipts.failed,
            inputs.Synced: self._receipts.synced,
            inputs.RecordFailed: self._record_failed,
            inputs.WallTimeFixed: self._receipts.wall_time_fixed,
            inputs.RestartRequested: self._restart_requested,
            inputs.ReofferRequested: self._receipts.reoffer,
            inputs.LatchCleared: self._on_site.latch_cleared,
            inputs.HoldCleared: self._on_site.hold_cleared,
            inputs.LimitSet: self._on_site.limit_set,
            inputs.OutageModeRequested: partial(set_outage_mode, self._site),
            api.CardSeen: self._desk.card,
            api.FaultSeen: self._fault_seen,
            api.GridSeen: self._arbiter.grid_seen,
            api.KeySeen: self._reading,
            api.LockSeen: self._lock_seen,
            **dict.fromkeys(_CONNECTOR_READINGS, self._reading),
        }

    def start(self, now: Moment) -> list[Effect]:
        """The first effects: outputs off, then what recovery needs."""
        turn = Turn(now)
        turn.add(SwitchAllOff())
        self._receipts.close_orphans(turn)
        self._desk.bookings.begin(turn)
        self._restarter.begin(turn)
        self._security.started(turn)
        return self._settle(turn)

    def handle(self, given: Input, now: Moment) -> list[Effect]:
        """Take one input. Raises nothing for anything that may come from outside."""
        turn = Turn(now)
        late = self._deadline is not None and turn.reached(self._deadline)
        if late:
            self._expire(turn)
        self._routes[type(given)](given, turn)
        return turn.effects() if not late and _changed_nothing(given, turn) else self._settle(turn)

    def next_deadline(self) -> int | None:
        """Monotonic milliseconds at which a `Tick` is wanted; None: only inputs matter."""
        return self._deadline

    def options(self, upstream: UpstreamId) -> UpstreamOptions:
        """Present options of an upstream. Raises KeyError for one that is not configured."""
        found = self._site.registry.get(upstream)
        if found is None:
            raise KeyError(upstream)
        return found.options

    def overview(self, now: Moment) -> StationOverview:
        """Everything that people may see, at this instant."""
        return build_overview(self._site, self._connectors, self._publisher.lights, now)

    def _settle(self, turn: Turn) -> list[Effect]:
        self._site.see_wall(turn.now)
        self._progress(turn)
        self._restarter.finish(turn)
        self._desk.bookings.settle(turn)
        self._publisher.publish(turn)
        self._deadline = turn.deadline_ms
        effects = turn.effects()
        for effect in effects:
            if isinstance(effect, Record):
                self._site.count(effect)
        for connector in self._connectors.values():
            connector.energy.turn_over(turn)
        return effects

    def _expire(self, turn: Turn) -> None:
        self._desk.settle(turn)
        for connector in self._connectors.values():
            progress.expire(connector, turn)

    def _progress(self, turn: Turn) -> None:
        for connector in self._connectors.values():
            progress.let_faults_go(connector, turn)
        self._desk.bookings.settle(turn)
        self._desk.settle(turn)
        self._restarter.settle(turn)
        self._arbiter.divide(turn)
        for _ in range(DIVISIONS):
            for connector in self._connectors.values():
                progress.settle(connector, turn)
            if not self._arbiter.divide(turn):
                break
        self._firmware.settle(turn)
        self._unlocking.settle(turn)
        self._security.settle(turn)

    # ------------------------------------------------------------------------------------------------ routes

    def _reading(self, reading: intake.ConnectorReading, turn: Turn) -> None:
        connector = self._connectors.get(ConnectorId(reading.connector or 0))
        if connector is None:
            turn.note(StationNote.UNKNOWN_CONNECTOR, f"{type(reading).__name__} of connector {reading.connector}")
        else:
            intake.take(connector, reading, turn)

    def _fault_seen(self, reading: api.FaultSeen, turn: Turn) -> None:
        self._security.fault_seen(reading, turn)
        if reading.connector is not None:
            self._reading(reading, turn)
            self._unlocking.seen(reading, turn)
        elif reading.active:
            if reading.fault not in self._site.faults:
                turn.note(StationNote.FAULT, f"{reading.fault.value} {reading.detail}".strip())
            self._site.faults[reading.fault] = reading.detail
        elif self._site.faults.pop(reading.fault, None) is not None:
            turn.note(StationNote.FAULT_OVER, reading.fault.value)

    def _lock_seen(self, reading: api.LockSeen, turn: Turn) -> None:
        self._reading(reading, turn)
        self._unlocking.seen(reading, turn)

    def _record_failed(self, given: inputs.RecordFailed, turn: Turn) -> None:
        worked = self._site.storage_healthy
        self._receipts.record_failed(given, turn)
        if worked:
            self._security.disk_failed(given.why, turn)

    def _restart_requested(self, given: inputs.RestartRequested, turn: Turn) -> None:
        self._restarter.request(given.reason, given.reboot_system, given.wait_for_idle, turn)

    def _heard(self, given: inputs.UpstreamHeard, turn: Turn) -> None:
        self._site.leases.heard(given.upstream, turn)


def _changed_nothing(given: Input, turn: Turn) -> bool:
    """A command that changes the station by a record or not at all, and made none: nothing can follow from it."""
    return isinstance(given, inputs.CommandReceived) and given.command.kind in _BY_RECORD and not turn.recorded
