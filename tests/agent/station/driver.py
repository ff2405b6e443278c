"""A tiny driver for the station: say what happens, see the effects. Virtual time; no engine, no hardware."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, TypeVar

from agent.station.station import Station
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import Command, Result
from agent.vocabulary.effects import Effect, Record
from agent.vocabulary.events import Condition
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, UpstreamId
from agent.vocabulary.inputs import (
    AuthorizeAnswered,
    CommandReceived,
    Input,
    MessageAcknowledged,
    Registration,
    Synced,
    Tick,
    UpstreamChanged,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import ConnectorOptions, StationOptions, UpstreamOptions
from agent.vocabulary.records import AuthorizationStatus, Enqueue, Entry, Snapshot, Verdict
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import (
    CableSeen,
    Capabilities,
    CardSeen,
    ContactorFeedback,
    ContactorKind,
    ContactorSeen,
    LockConfirmation,
    LockSeen,
    Measurand,
    Measured,
    MeterSeen,
    OutputsOff,
    Phase,
    PilotSeen,
    PilotState,
)

PRIMARY = UpstreamId("primary")
CARD = "04A1B2C3"
OTHER_CARD = "04FFFFFF"
WALL = 1_750_000_000_000
ACCEPTED = Verdict(AuthorizationStatus.ACCEPTED)
INVALID = Verdict(AuthorizationStatus.INVALID)
E = TypeVar("E")

SOCKET = Capabilities(
    contactor=ContactorKind.AUTONOMOUS,
    contactor_feedback=ContactorFeedback.AUX,
    lock=LockConfirmation.POSITION,
    cable_rating=True,
    dead_man=None,
    light=True,
    measurands=((Measurand.POWER_ACTIVE_IMPORT, None), (Measurand.CURRENT_IMPORT, Phase.L1)),
    minimum_current_a=6.0,
    maximum_current_a=32.0,
    worst_opening_ms=100,
)


def connector(number: int = 1, capabilities: Capabilities = SOCKET, **more: Any) -> ConnectorOptions:
    return ConnectorOptions(ConnectorId(number), capabilities, **more)


def two_upstreams(**billing: Any) -> list[UpstreamSetup]:
    return [
        UpstreamSetup(MANAGEMENT, Role.DATA_AND_CONTROL, UpstreamOptions()),
        UpstreamSetup(PRIMARY, Role.BILLING, UpstreamOptions(**billing)),
    ]


class Driver:
    """Feeds inputs at a virtual time and keeps every effect."""

    def __init__(
        self,
        connectors: Sequence[ConnectorOptions] = (),
        upstreams: Sequence[UpstreamSetup] | None = None,
        snapshot: Snapshot | None = None,
        online: bool = True,
        ready: bool = True,
        **options: Any,
    ) -> None:
        mine = tuple(connectors) or (connector(),)
        readers = options.pop("readers", {"reader": tuple(c.id for c in mine)})
        self.boot = snapshot.boot if snapshot else 1
        self.ms = 10_000
        self.wall_known = True
        self.disk_works = True
        self.records = 0
        self.log: list[Effect] = []
        self.last: list[Effect] = []
        numbers = itertools.count(1)
        self.station = Station(
            StationOptions(mine, readers, **options),
            two_upstreams() if upstreams is None else upstreams,
            snapshot or Snapshot(1, False),
            lambda: f"uuid-{next(numbers)}",
        )
        self.energy = {c.id: 1000 for c in mine}
        self.current = {c.id: 0.0 for c in mine}
        self._take(self.station.start(self.now))
        if ready:
            for c in mine:
                self.hardware_ready(c.id)
        if online:
            for setup in two_upstreams() if upstreams is None else upstreams:
                self.connect(setup.id)

    # ------------------------------------------------------------------------------------------------- time

    @property
    def now(self) -> Moment:
        return Moment(self.boot, self.ms, WALL + self.ms if self.wall_known else None)

    def give(self, given: Input) -> list[Effect]:
        self._take(self.station.handle(given, self.now))
        return self.last

    def _take(self, effects: list[Effect]) -> None:
        self.last = effects
        self.log += effects
        made = len(self.all(Record, effects))
        self.records += made
        if made and self.disk_works:
            self.sync()

    def sync(self) -> None:
        """The disk has everything."""
        self.log += self.station.handle(Synced(self.records), self.now)

    def pass_time(self, seconds: float, meter: bool = True) -> list[Effect]:
        """Let time pass: ticks where the station wants them, and a meter reading each second."""
        end = self.ms + round(seconds * 1000)
        seen: list[Effect] = []
        next_poll = self.ms + 1000
        while True:
            deadline = self.station.next_deadline()
            stops = [t for t in (deadline, next_poll if meter else None) if t is not None and t > self.ms]
            at = min([*stops, end])
            if at == end and meter and end == next_poll:
                self.ms = end
                for number in self.energy:
                    seen += self.meter(number)
            if at >= end:
                break
            self.ms = at
            if meter and at == next_poll:
                next_poll += 1000
                for number in self.energy:
                    seen += self.meter(number)
            else:
                seen += self.give(Tick())
        self.ms = end
        seen += self.give(Tick())
        return seen

    # ---------------------------------------------------------------------------------------------- hardware

    def hardware_ready(self, number: int = 1) -> None:
        self.give(OutputsOff(number))
        self.give(LockSeen(number, False))
        self.give(ContactorSeen(number, False))
        self.give(PilotSeen(number, PilotState.A, False))

    def pilot(self, letter: str, pwm: bool = False, number: int = 1) -> list[Effect]:
        return self.give(PilotSeen(number, PilotState(letter), pwm))

    def plug(self, number: int = 1, rating: int | None = 20) -> list[Effect]:
        self.give(CableSeen(number, rating))
        return self.pilot("B", number=number)

    def unplug(self, number: int = 1) -> list[Effect]:
        return self.pilot("A", number=number)

    def card(self, uid: str = CARD, reader: str = "reader") -> list[Effect]:
        return self.give(CardSeen(reader, uid))

    def contactor(self, closed: bool, number: int = 1) -> list[Effect]:
        return self.give(ContactorSeen(number, closed))

    def locked(self, locked: bool = True, number: int = 1) -> list[Effect]:
        return self.give(LockSeen(number, locked))

    def meter(self, number: int = 1, request: int = 0) -> list[Effect]:
        current = self.current[number]
        values = (
            Measured(Measurand.POWER_ACTIVE_IMPORT, current * 230),
            Measured(Measurand.CURRENT_IMPORT, current, Phase.L1),
        )
        return self.give(MeterSeen(number, self.energy[number], values, request))

    def answer_meter(self, number: int = 1) -> list[Effect]:
        asked = [e.request for e in self.log if isinstance(e, fx.ReadMeter) and e.connector == number]
        return self.meter(number, asked[-1])

    # --------------------------------------------------------------------------------------------- upstreams

    def connect(self, upstream: UpstreamId, registration: Registration = Registration.ACCEPTED) -> list[Effect]:
        return self.give(UpstreamChanged(upstream, True, registration))

    def disconnect(self, upstream: UpstreamId) -> list[Effect]:
        return self.give(UpstreamChanged(upstream, False, Registration.ACCEPTED))

    def command(self, upstream: UpstreamId, command: Command, call: int = 1) -> Result | None:
        self.give(CommandReceived(upstream, call, command))
        found = [e.result for e in self.last if isinstance(e, fx.Answer) and e.call == call]
        return found[0] if found else None

    def verdict(self, verdict: Verdict | None = ACCEPTED, upstream: UpstreamId = PRIMARY) -> list[Effect]:
        ask = self.all(fx.Ask)[-1]
        return self.give(AuthorizeAnswered(ask.ask, upstream, verdict))

    def acknowledge_start(
        self, upstream: UpstreamId, foreign_id: str, verdict: Verdict | None = ACCEPTED
    ) -> list[Effect]:
        row = [r for r in self.rows(upstream) if type(r.event).__name__ == "TransactionStarted"][-1]
        return self.give(MessageAcknowledged(upstream, row.message_id, row.event.transaction, foreign_id, verdict))

    def acknowledge_stop(self, upstream: UpstreamId, verdict: Verdict | None = ACCEPTED) -> list[Effect]:
        row = [r for r in self.rows(upstream) if type(r.event).__name__ == "TransactionStopped"][-1]
        return self.give(MessageAcknowledged(upstream, row.message_id, row.event.transaction, None, verdict))

    # ------------------------------------------------------------------------------------------------ looking

    def all(self, kind: type[E], effects: Sequence[Effect] | None = None) -> list[E]:
        return [e for e in (self.log if effects is None else effects) if isinstance(e, kind)]

    def one(self, kind: type[E], effects: Sequence[Effect] | None = None) -> E:
        found = self.all(kind, self.last if effects is None else effects)
        assert len(found) == 1, f"{kind.__name__}: {found} in {self.last if effects is None else effects}"
        return found[0]

    def entries(self, kind: type[E], effects: Sequence[Effect] | None = None) -> list[E]:
        entries: list[Entry] = [e for record in self.all(Record, effects) for e in record.entries]
        return [e for e in entries if isinstance(e, kind)]

    def rows(self, upstream: UpstreamId, effects: Sequence[Effect] | None = None) -> list[Enqueue]:
        return [row for row in self.entries(Enqueue, effects) if row.upstream == upstream]

    def told(self, upstream: UpstreamId = PRIMARY, number: int = 1) -> list[Condition]:
        published = [e for e in self.all(fx.Publish) if e.upstream == upstream]
        return [e.event.condition for e in published if e.event.condition.connector == number]

    def state(self, number: int = 1) -> str:
        return self.station.overview(self.now).connectors[number - 1].session

    # ---------------------------------------------------------------------------------------------- shortcuts

    def start_session(self, number: int = 1, uid: str = CARD) -> list[Effect]:
        """Plug, card, verdict, lock, reading: the effects of the turn that starts the transaction."""
        self.plug(number)
        self.card(uid)
        self.verdict()
        self.locked(number=number)
        return self.answer_meter(number)

    def charge(self, number: int = 1, uid: str = CARD) -> None:
        """Until energy flows."""
        self.start_session(number, uid)
        self.pilot("B", True, number)
        self.pilot("C", True, number)
        self.current[number] = 16.0
        self.contactor(True, number)
        self.meter(number)

    def finish(self, number: int = 1) -> list[Effect]:
        """The car leaves C, the contactor opens, the meter answers."""
        self.current[number] = 0.0
        self.pilot("B", False, number)
        self.contactor(False, number)
        self.meter(number)
        return self.answer_meter(number)
