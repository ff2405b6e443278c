"""Whatever happens in whatever order: no power without authorisation, cable, lock and a synced record.

Random inputs, weighted so that sessions do come about; an independent oracle watches inputs and effects only.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from agent.station.station import Station
from agent.vocabulary import effects as fx
from agent.vocabulary import inputs
from agent.vocabulary.commands import (
    ChangeAvailability,
    ClearCache,
    Command,
    GetOptions,
    RemoteStart,
    RemoteStop,
    SetOption,
    Unlock,
)
from agent.vocabulary.effects import Effect
from agent.vocabulary.events import TransactionStarted
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken
from agent.vocabulary.inputs import Input, Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AuthorisePolicy, StationOptions
from agent.vocabulary.records import AuthorizationStatus, Enqueue, Snapshot, Verdict
from hal import api
from tests.agent.station.driver import PRIMARY, SOCKET, WALL, connector, two_upstreams
from tests.agent.station.oracle import Objection, Oracle

COMMANDED = replace(SOCKET, contactor=api.ContactorKind.COMMANDED, lock=None, cable_rating=False)
_P = api.PilotState
CARDS = ("04A1B2C3", "04A1B2C3", "04FFFFFF", "04FFFFFF", "08123456")
CONNECTION_TIMEOUT_S = 60


class Chaos:
    """One station, one oracle, and a world that mostly cooperates and often does not."""

    KEYS = 0
    """How often a key is turned."""
    policies = (AuthorisePolicy.CARD, AuthorisePolicy.CARD)
    supply: ClassVar[Mapping[str, Any]] = {}
    """Options of the station about what bears how much."""

    def __init__(self, seed: int, station_class: type[Station] = Station) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        first, second = self.policies
        captive = connector(2, COMMANDED, captive_cable=True, authorise=second)
        connectors = [connector(1, authorise=first), captive]
        readers = {"reader": (ConnectorId(1), ConnectorId(2))}
        options = StationOptions(tuple(connectors), readers, **self.supply)
        upstreams = two_upstreams(connection_timeout_s=CONNECTION_TIMEOUT_S, local_authorize_offline=False)
        self.oracle = Oracle(connectors, PRIMARY, CONNECTION_TIMEOUT_S)
        self.count = 0
        numbers = iter(range(10**9))
        self.station = station_class(options, upstreams, Snapshot(1, False), lambda: f"u{next(numbers)}")
        self.ms = 1000
        self.energy = {1: 1000, 2: 5000}
        self.asks: list[int] = []
        self.unanswered: list[int] = []
        self.requests: list[tuple[int, int]] = []
        self.rows: list[tuple[str, str, str]] = []
        self.wishes: list[Input] = []
        self.troubles: list[Input] = []
        """What ends the troubles that were made."""
        self.oracle.after(self._watch(self.station.start(self.now)))
        for number in (1, 2):
            self.give(api.OutputsOff(number))
            self.give(api.ContactorSeen(number, False))
            self.give(api.LockSeen(number, False))
        for upstream in (MANAGEMENT, PRIMARY):
            self.give(inputs.UpstreamChanged(upstream, True, Registration.ACCEPTED))

    @property
    def now(self) -> Moment:
        return Moment(1, self.ms, WALL + self.ms)

    def give(self, given: Input) -> None:
        self.count += 1
        self.oracle.before(given, self.ms)
        self.oracle.after(self._watch(self.station.handle(given, self.now)))

    def _watch(self, effects: list[Effect]) -> list[Effect]:
        """What the world would do about these effects, sooner or later."""
        for effect in effects:
            match effect:
                case fx.Ask(ask):
                    self.asks.append(ask)
                    self.unanswered.append(ask)
                case fx.ReadMeter(number, request):
                    self.requests.append((number, request))
                case fx.DriveLock(number, locked):
                    self.wishes.append(api.LockSeen(number, locked))
                case fx.Withdraw(number) | fx.OpenContactor(number):
                    self.wishes.append(api.ContactorSeen(number, False))
                case fx.Offer(number):
                    self.wishes.append(api.PilotSeen(number, api.PilotState.C, True))
                    self.wishes.append(api.ContactorSeen(number, number == 1))
                case fx.CloseContactor(number):
                    self.wishes.append(api.ContactorSeen(number, True))
                case fx.Record(entries):
                    self.rows += [
                        (e.upstream, e.message_id, e.event.transaction)
                        for e in entries
                        if isinstance(e, Enqueue) and isinstance(e.event, TransactionStarted)
                    ]
        return effects

    def step(self) -> None:
        self.ms += self.random.choice((0, 1, 20, 200, 200, 200, 1000, 1000, 1000, 3000, 7000))
        roll = self.random.random()
        if self.wishes and roll < 0.3:
            self.give(self.wishes.pop(self.random.choice((0, -1))))
        elif self.requests and roll < 0.5:
            number, request = self.requests.pop()
            self.give(self._meter(number, request))
        elif self.unanswered and roll < 0.6:
            self.give(self._answer(self.unanswered.pop()))
        elif self.troubles and roll < 0.7:
            self.give(self.troubles.pop())
        elif self.oracle.synced < self.oracle.sequence and roll < 0.85:
            self._sync()
        elif self.asks and roll < 0.73:
            self.give(self._answer(self.random.choice(self.asks)))
        else:
            self.give(self._anything())

    def _meter(self, number: int, request: int) -> api.MeterSeen:
        self.energy[number] += self.random.choice((0, 1, 5, 40))
        flows = self.oracle.sockets[number].closed is True
        usual = self.random.choice((0.3, 10.0, 16.0)) if flows else 0.0
        current = usual if self.random.random() < 0.98 else self.random.choice((0.0, 2.0, 50.0))
        value = api.Measured(api.Measurand.CURRENT_IMPORT, current, api.Phase.L1)
        return api.MeterSeen(number, self.energy[number], (value,), request)

    def _answer(self, ask: int) -> Input:
        upstream = self.random.choice((PRIMARY, PRIMARY, PRIMARY, MANAGEMENT))
        return inputs.AuthorizeAnswered(ask, upstream, self._verdict())

    def _verdict(self) -> Verdict | None:
        status = self.random.choice((AuthorizationStatus.ACCEPTED,) * 5 + tuple(AuthorizationStatus))
        return None if self.random.random() < 0.1 else Verdict(status)

    def _sync(self) -> None:
        outstanding = self.oracle.sequence
        if self.random.random() < 0.05:
            self.give(inputs.RecordFailed(outstanding, "disk"))
            self.troubles.append(inputs.Synced(outstanding))
        elif outstanding > self.oracle.synced:
            self.give(inputs.Synced(self.random.choice((outstanding, outstanding, self.oracle.synced + 1))))
        else:
            self.give(inputs.Synced(outstanding))

    def _anything(self) -> Input:
        r, number = self.random, self.random.choice((1, 2))
        upstream = r.choice((MANAGEMENT, PRIMARY))
        makers = (
            (4, lambda: api.PilotSeen(number, _P.A, False)),
            (16, lambda: api.PilotSeen(number, r.choice((_P.B, _P.B, _P.C)), r.random() < 0.7)),
            (1, lambda: api.PilotSeen(number, r.choice(tuple(_P)), False)),
            (14, lambda: api.CardSeen("reader", r.choice(CARDS))),
            (self.KEYS, lambda: api.KeySeen(number, r.random() < 0.6)),
            (2, lambda: api.CableSeen(number, r.choice((None, 4, 13, 20, 20, 32, 32)))),
            (1, lambda: api.ContactorSeen(number, r.random() < 0.3)),
            (1, lambda: api.LockSeen(number, r.random() < 0.7)),
            (8, lambda: self._meter(number, 0)),
            (2, self._fault),
            (2, lambda: api.FaultSeen(r.choice((1, 2, None)), r.choice(tuple(api.Fault)), False)),
            (1, lambda: api.ActuationFailed(number, "offer")),
            (12, inputs.Tick),
            (2, self._link),
            (6, lambda: inputs.CommandReceived(upstream, self.count, self._command(number))),
            (3, self._acknowledgement),
            (9, lambda: inputs.LatchCleared(ConnectorId(number))),
        )
        weights = [weight for weight, _ in makers]
        made: Input = r.choices(makers, weights)[0][1]()
        return made

    def _fault(self) -> Input:
        number, fault = self.random.choice((1, 2, None)), self.random.choice(tuple(api.Fault))
        self.troubles.append(api.FaultSeen(number, fault, False))
        return api.FaultSeen(number, fault, True)

    def _link(self) -> Input:
        self.troubles.append(inputs.UpstreamChanged(PRIMARY, True, Registration.ACCEPTED))
        return inputs.UpstreamChanged(PRIMARY, self.random.random() < 0.5, self.random.choice(tuple(Registration)))

    def _availability(self, number: int) -> Command:
        one = ConnectorId(self.random.choice((0, number)))
        for upstream in (MANAGEMENT, PRIMARY):
            self.troubles.append(inputs.CommandReceived(upstream, 0, ChangeAvailability(one, True)))
        return ChangeAvailability(one, False)

    def _command(self, number: int) -> Command:
        r, one = self.random, ConnectorId(number)
        return r.choice(
            (
                RemoteStop(r.choice(("1", "2"))),
                RemoteStop("1"),
                RemoteStart(IdToken(r.choice(CARDS[:4])), r.choice((one, None))),
                self._availability(number),
                Unlock(one),
                GetOptions(),
                SetOption("sample_interval_s", r.choice((0, 10, 60))),
                SetOption("stop_on_invalid", r.random() < 0.5),
                ClearCache(),
            )
        )

    def _acknowledgement(self) -> Input:
        if not self.rows:
            return inputs.Tick()
        upstream, message, transaction = self.random.choice(self.rows)
        foreign = self.random.choice(("1", "2"))
        return inputs.MessageAcknowledged(upstream, message, transaction, foreign, self._verdict())  # type: ignore[arg-type]


class Cardless(Chaos):
    """A connector with a key switch, and a free one."""

    KEYS = 12
    policies = (AuthorisePolicy.KEY_INPUT, AuthorisePolicy.FREE)


def run(seed: int, steps: int, world: type[Chaos] = Chaos) -> Chaos:
    chaos = world(seed)
    for _ in range(steps):
        chaos.step()
    return chaos


def check(lives: int, steps: int, base: int, world: type[Chaos] = Chaos) -> None:
    inputs_given = offers = closes = stops = 0
    for seed in range(base, base + lives):
        chaos = run(seed, steps, world)
        inputs_given += chaos.count
        offers += chaos.oracle.offers
        closes += chaos.oracle.closes
        stops += len(chaos.oracle.stops)
    assert inputs_given >= lives * steps
    assert offers > lives, "the world was so hostile that nothing was proven"
    assert closes > 0
    assert stops > lives


def test_no_input_ever_grants_power_that_is_not_due() -> None:
    check(lives=12, steps=1000, base=0)


@pytest.mark.rule("product.N1")
def test_no_input_ever_grants_power_where_no_card_is_needed_but_by_key_or_cable() -> None:
    check(lives=5, steps=1000, base=0, world=Cardless)


@pytest.mark.sweep
def test_no_input_of_a_hundred_thousand_grants_power_that_is_not_due() -> None:
    check(lives=100, steps=1000, base=1000)
    check(lives=50, steps=1000, base=1000, world=Cardless)


def many_lives(lives: int, world: type[Chaos] = Chaos) -> None:
    for seed in range(lives):
        run(seed, 1000, world)


DEFECTS = {
    "the lock is believed": ("agent.station.evse.lock.Lock.holds", property(lambda self: True)),
    "the cable is let go at once": ("agent.station.evse.energy.Energy.quiet", lambda self, turn: True),
    "faults stop nothing": ("agent.station.evse.faults.FaultBook.has", lambda self, *reactions: None),
    "old questions count": ("agent.station.authorization.inquiries.Inquiries._outdated", lambda self, question: False),
    "unplugging is not seen": ("agent.station.evse.connector.Connector.unplugged", lambda self, turn: None),
    "the start is lazy": (
        "agent.station.turn.Turn.record",
        lambda self, *entries, barrier=False: self._entries.extend(entries),
    ),
}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda name: name.replace(" ", "-"))
def test_the_oracle_objects_to_a_station_with_a_defect(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, substitute = DEFECTS[defect]
    monkeypatch.setattr(target, substitute)
    with pytest.raises(Objection):
        many_lives(60)


KEY_DEFECTS = {
    "the key is not looked at": ("agent.station.evse.progress.by_itself", lambda connector: True),
    "turning it off is not seen": ("agent.station.evse.cardless._end", lambda connector, turn: None),
}


@pytest.mark.parametrize("defect", KEY_DEFECTS, ids=lambda name: name.replace(" ", "-"))
def test_the_oracle_objects_to_a_station_that_is_wrong_about_keys(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, substitute = KEY_DEFECTS[defect]
    monkeypatch.setattr(target, substitute)
    with pytest.raises(Objection):
        many_lives(20, Cardless)
