"""An independent judge of the station: it sees only inputs and effects, and performs effects as an engine would.

It keeps its own idea of cable, lock, contactor, faults, cards and disk, from the inputs; holds power back until the
disk has synced; and objects the moment power would be granted that should not be. It imports no part of the station.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.vocabulary import effects as fx
from agent.vocabulary import inputs
from agent.vocabulary.events import TransactionStarted, TransactionStopped
from agent.vocabulary.options import AuthorisePolicy, ConnectorOptions
from agent.vocabulary.records import Enqueue, SaveTransaction, TransactionRecord
from hal import api

STOPPING_FAULTS = set(api.Fault) - {
    api.Fault.TAMPER,
    api.Fault.READER_OFFLINE,
    api.Fault.RESET,
    api.Fault.METER_OFFLINE,
    api.Fault.METER_IMPLAUSIBLE,
    api.Fault.METER_SUSPECT,
}


class Objection(AssertionError):
    """The station did what it must never do."""


@dataclass
class Acceptance:
    """The Billing upstream accepted a card in time."""

    token: str
    asked_ms: int
    answered_ms: int
    plugged_when_asked: frozenset[int]
    used: bool = False
    cancelled: bool = False


@dataclass
class Socket:
    """What the oracle knows of one connector."""

    options: ConnectorOptions
    letter: str = "?"
    plugged: bool = False
    unplugged_ms: int = -1
    unused_ms: int = -1
    """When a cable last went with which no session ran: a card that waits for the next one outlives a session's end."""
    key_on: bool = False
    locked: bool = False
    closed: bool | None = None
    cable_a: int | None = None
    faults: set[api.Fault] = field(default_factory=set)
    offered: bool = False
    wanted_closed: bool = False
    grant: int = 0
    offers: int = 0
    open_record: TransactionRecord | None = None
    record_sequence: int = 0
    stopping: bool = False


class Oracle:
    """`before` sees the input, `after` what came of it."""

    def __init__(self, connectors: list[ConnectorOptions], billing: str, connection_timeout_s: int) -> None:
        self.sockets = {int(c.id): Socket(c) for c in connectors}
        self._billing = billing
        self._window_ms = (connection_timeout_s + 20) * 1000
        self._station_faults: set[api.Fault] = set()
        self._asks: dict[int, tuple[str, int, frozenset[int]]] = {}
        self._accepted: list[Acceptance] = []
        self._known: set[str] = set()
        self._held: list[tuple[int, fx.Effect]] = []
        self._cards_mean_something = any(c.authorise is AuthorisePolicy.CARD for c in connectors)
        """A card at a reader that serves no connector with cards cancels nothing."""
        self.sequence = 0
        self.barriers: list[int] = []
        self.synced = 0
        self.starts: dict[tuple[str, str], int] = {}
        self.stops: dict[tuple[str, str], int] = {}
        self.offers = 0
        self.closes = 0
        self._now = 0

    # ------------------------------------------------------------------------------------------------ inputs

    def before(self, given: inputs.Input, now_ms: int) -> None:
        self._now = now_ms
        match given:
            case api.PilotSeen(number, letter, _):
                self._pilot(self.sockets[number], letter.value)
            case api.CableSeen(number, rating):
                self.sockets[number].cable_a = rating
            case api.ContactorSeen(number, closed):
                self.sockets[number].closed = closed
            case api.LockSeen(number, locked):
                self.sockets[number].locked = locked
            case api.KeySeen(number, on):
                self.sockets[number].key_on = on
            case api.FaultSeen(number, fault, active):
                book = self._station_faults if number is None else self.sockets[number].faults
                (book.add if active else book.discard)(fault)
            case api.CardSeen(_, uid) if self._cards_mean_something:
                for acceptance in self._accepted:
                    acceptance.cancelled |= not acceptance.used and acceptance.token == uid
                self._asks = {ask: known for ask, known in self._asks.items() if known[0] != uid}
            case inputs.AuthorizeAnswered(ask, upstream, verdict):
                self._answered(ask, upstream, verdict is not None and verdict.accepted)
            case inputs.Synced(sequence):
                self.synced = sequence

    def _pilot(self, socket: Socket, letter: str) -> None:
        if letter == "A" and socket.plugged:
            socket.plugged, socket.unplugged_ms = False, self._now
            socket.unused_ms = self._now if socket.open_record is None else socket.unused_ms
        elif letter in "BCD":
            socket.plugged = True
        socket.letter = letter

    def _answered(self, ask: int, upstream: str, accepted: bool) -> None:
        if upstream != self._billing or ask not in self._asks:
            return
        token, asked_ms, plugged = self._asks.pop(ask)
        if accepted and self._now < asked_ms + 10_000:
            self._accepted.append(Acceptance(token, asked_ms, self._now, plugged))

    # ----------------------------------------------------------------------------------------------- effects

    def after(self, effects: list[fx.Effect]) -> None:
        waits_for = 0
        for effect in effects:
            match effect:
                case fx.Withdraw(number, grant) | fx.OpenContactor(number, grant):
                    self._safer(self.sockets[number], effect, grant)
                case fx.DriveLock(number, False):
                    self._may_unlock(self.sockets[number])
                case fx.Ask(ask, _, token):
                    plugged = frozenset(n for n, s in self.sockets.items() if s.plugged)
                    self._asks[ask] = (token.value, self._now, plugged)
                case fx.Record(entries, barrier):
                    self.sequence += 1
                    waits_for = self.sequence if barrier else waits_for
                    if barrier:
                        self.barriers.append(self.sequence)
                    for entry in entries:
                        self._entry(entry, barrier)
                case fx.Offer() | fx.CloseContactor():
                    outstanding = [s for s in self.barriers if s > self.synced]
                    self._held.append((max([waits_for, *outstanding[-1:]]), effect))
        self._release()
        for socket in self.sockets.values():
            self._nothing_offered_in_danger(socket)

    def _safer(self, socket: Socket, effect: fx.Effect, grant: int) -> None:
        if grant <= socket.grant:
            raise Objection(f"{effect} does not raise the grant number {socket.grant}")
        socket.grant = grant
        socket.offered = False
        socket.wanted_closed = False
        self._held = [(s, e) for s, e in self._held if e.connector != effect.connector or e.grant >= grant]  # type: ignore[union-attr]

    def _release(self) -> None:
        due = [effect for sequence, effect in self._held if sequence <= self.synced]
        self._held = [(sequence, effect) for sequence, effect in self._held if sequence > self.synced]
        for effect in due:
            assert isinstance(effect, fx.Offer | fx.CloseContactor)
            socket = self.sockets[effect.connector]
            if effect.grant < socket.grant:
                continue
            self._judge(socket, effect)
            if isinstance(effect, fx.Offer):
                socket.offered = True
                self.offers += 1
            else:
                socket.wanted_closed = True
                self.closes += 1

    def _entry(self, entry: object, barrier: bool) -> None:
        if isinstance(entry, SaveTransaction):
            self._journal(entry.transaction, barrier)
        elif isinstance(entry, Enqueue) and isinstance(entry.event, TransactionStarted):
            key = (entry.upstream, entry.event.transaction)
            self.starts[key] = self.starts.get(key, 0) + 1
        elif isinstance(entry, Enqueue) and isinstance(entry.event, TransactionStopped):
            key = (entry.upstream, entry.event.transaction)
            self.stops[key] = self.stops.get(key, 0) + 1
            if self.starts.get(key) != 1 or self.stops[key] != 1 or not barrier:
                raise Objection(f"stop of {key} without exactly one start before it, or not synced")

    def _journal(self, record: TransactionRecord, barrier: bool) -> None:
        socket = self.sockets[record.where.connector]
        if not barrier:
            raise Objection("a journal row without a barrier")
        if socket.open_record is None or socket.open_record.id != record.id:
            if socket.open_record is not None:
                raise Objection(f"{record.id} begins while {socket.open_record.id} is open")
            self._authorised(socket, record)
            socket.record_sequence = self.sequence
        socket.open_record = None if record.stopped_at is not None else record
        socket.stopping = record.stop_reason is not None and record.stopped_at is None
        if record.stopped_at is not None and (record.meter_stop_wh or 0) < record.meter_start_wh:
            raise Objection("negative energy")

    def _authorised(self, socket: Socket, record: TransactionRecord) -> None:
        number = int(socket.options.id)
        if self._by_itself(socket, record):
            return
        for acceptance in reversed(self._accepted):
            bound_early = number in acceptance.plugged_when_asked or len(self.sockets) == 1
            since = acceptance.asked_ms if bound_early else acceptance.answered_ms
            gone_ms = socket.unplugged_ms if bound_early else socket.unused_ms
            alive = (
                acceptance.token == record.token.value
                and not acceptance.used
                and not acceptance.cancelled
                and gone_ms <= since
                and self._now - acceptance.asked_ms <= self._window_ms
            )
            if alive:
                acceptance.used = True
                return
        raise Objection(f"{record.id} on connector {number} began without a live authorisation")

    @staticmethod
    def _by_itself(socket: Socket, record: TransactionRecord) -> bool:
        """Free connectors ask nobody; with a key switch the key is the authorisation, and it has to be on."""
        match socket.options.authorise, record.token.value:
            case (AuthorisePolicy.FREE, "FREE"):
                return True
            case (AuthorisePolicy.KEY_INPUT, "KEY"):
                return socket.key_on
            case _:
                return False

    # ------------------------------------------------------------------------------------------------- rules

    def _judge(self, socket: Socket, effect: fx.Offer | fx.CloseContactor) -> None:
        options, capabilities = socket.options, socket.options.capabilities
        faults = (socket.faults | self._station_faults) & STOPPING_FAULTS
        rules = {
            "no open transaction": socket.open_record is None or socket.stopping,
            "its record is not synced": socket.record_sequence > self.synced,
            "no cable": not socket.plugged or socket.letter not in "BC",
            "not locked": capabilities.lock is not None and not options.captive_cable and not socket.locked,
            "a fault is there": bool(faults),
            "contactor not seen open": not socket.offered and socket.closed is not False,
            "closed without C": isinstance(effect, fx.CloseContactor) and socket.letter != "C",
            "closed without an offer": isinstance(effect, fx.CloseContactor) and not socket.offered,
        }
        if isinstance(effect, fx.Offer):
            rated = capabilities.cable_rating and not options.captive_cable
            most = min(capabilities.maximum_current_a, (socket.cable_a or 0) if rated else 999)
            rules["more than the limit"] = effect.current_a > most
            rules["less than the minimum"] = effect.current_a < capabilities.minimum_current_a
        broken = [rule for rule, is_broken in rules.items() if is_broken]
        if broken:
            raise Objection(f"{effect}: {', '.join(broken)}")

    def _may_unlock(self, socket: Socket) -> None:
        if socket.closed is True or socket.offered:
            raise Objection(f"connector {socket.options.id} unlocked under power")

    def _nothing_offered_in_danger(self, socket: Socket) -> None:
        danger = (socket.faults | self._station_faults) & STOPPING_FAULTS
        if socket.offered and (not socket.plugged or danger or socket.stopping or socket.open_record is None):
            raise Objection(f"connector {socket.options.id} is still offered power: {socket}")
        if socket.offered and socket.open_record and socket.open_record.token.value == "KEY" and not socket.key_on:
            raise Objection(f"connector {socket.options.id} is still offered power though its key is off")
