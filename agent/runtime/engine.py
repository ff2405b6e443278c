"""The engine: the only caller of the station, and the one place where effects become deeds, in their order.

Theory of operation
-------------------
`post(input)` is the only door. Inputs are handled one after another on the event loop, in the order of `Lanes`: those
of the hardware first, then those of the upstreams in turn, of each only so many in one turn of the loop; the engine
never waits. Of the effects of one input, SAFER go out at once; RECORD goes to the writer; POWER and TALK are held if
the input made a barrier record, until `Synced`. A power effect is also held while any earlier barrier is unsynced, and
a status of an upstream never overtakes an earlier one that is held. A safer effect raises the grant number and deletes
what is held below it; the bus does the same with what is queued there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from agent.runtime.barrier import Barrier, GrantBook, Held, is_released_on_failure
from agent.runtime.clock import Clock
from agent.runtime.lanes import Lanes
from agent.vocabulary import effects as fx
from agent.vocabulary import firmware_effects as firmware
from agent.vocabulary.commands import CommandKind
from agent.vocabulary.effects import EFFECT_CLASSES, Effect, EffectClass
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import CommandReceived, Input, RecordFailed, Synced, Tick
from agent.vocabulary.moments import Moment
from agent.vocabulary.operators import HandleOperators
from hal.api import Hardware

STOP_COMMANDS = frozenset({CommandKind.REMOTE_STOP, CommandKind.UNLOCK, CommandKind.RESET_SOFT, CommandKind.RESET_HARD})

Told = fx.Ask | fx.Answer | fx.Publish | fx.OptionsChanged | fx.RequestCertificate | fx.Reconnect | fx.SendNow
"""What goes to the task of its upstream."""


ForUpdates = firmware.HandleFirmware | firmware.PermitInstall | firmware.NoteFirmwareTold


class Mind(Protocol):
    """What the engine needs of the station."""

    def handle(self, given: Input, now: Moment) -> list[Effect]:
        """Synchronous, total, deterministic."""

    def next_deadline(self) -> int | None:
        """Monotonic milliseconds at which a `Tick` is wanted."""


class RecordSink(Protocol):
    """What the engine needs of the writer."""

    def submit(self, record: fx.Record) -> int:
        """Queue a record; returns its sequence. Never waits."""


class Listener(Protocol):
    """What the engine needs of an upstream task."""

    def tell(self, effect: Effect) -> None:
        """Take an effect for this upstream (`Told`). Never waits."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where effects go. All of these return at once."""

    hardware: Hardware
    writer: RecordSink
    upstreams: Mapping[UpstreamId, Listener]
    note: Callable[[fx.Note], None]
    restart: Callable[[fx.Restart], None]
    wake_at: Callable[[int], None]
    """Ask for a `Tick` at a monotonic time in milliseconds; a later call replaces an earlier one."""
    record_input: Callable[[Input, Moment], None]
    """The input recorder, for replay."""
    credentials: Callable[[fx.HandleCredentials], None] = lambda effect: None
    """The keeper of the credentials; answers by `CredentialsAnswered`."""
    transfers: Callable[[fx.HandleUpload], None] = lambda effect: None
    """Uploads what upstreams ask for; answers by `UploadAnswered`."""
    operators: Callable[[HandleOperators], None] = lambda effect: None
    """Stages what management asks about operators; answers by `OperatorsAnswered`."""
    turn_over: Callable[[], None] | None = None
    """Ask for `Engine.turn` in the next turn of the event loop. None: there is no loop, every `post` is a turn."""
    updates: Callable[[ForUpdates], None] = lambda effect: None
    """Updates the firmware; answers by `FirmwareAnswered`."""


class Engine:
    """Takes inputs, asks the station, performs effects. An exception here is our bug and ends the process."""

    def __init__(
        self, mind: Mind, clock: Clock, doors: Doors, barrier: Barrier | None = None, grants: GrantBook | None = None
    ) -> None:
        self._mind = mind
        self._clock = clock
        self._doors = doors
        self._barrier = barrier or Barrier()
        self._grants = grants or GrantBook()
        self._lanes = Lanes()
        self._busy = self._turning = False
        self.progress = 0
        """Counts handled inputs; the watchdog looks at it."""

    def post(self, given: Input) -> None:
        """Take an input. It is handled before this returns, unless another one is being handled right now, or its
        upstream has had its share of this turn of the loop."""
        self._lanes.put(given)
        if not self._busy:
            self._work()

    def turn(self) -> None:
        """A new turn of the event loop."""
        self._turning = False
        self._lanes.new_turn()
        self._work()

    def crowded(self, upstream: UpstreamId) -> bool:
        """So much of this upstream waits that it must not be read on."""
        return self._lanes.crowded(upstream)

    def tick(self) -> None:
        """A deadline has come."""
        self.post(Tick())

    def perform(self, effects: list[Effect], ends_power: bool = False) -> None:
        """Perform effects in the order safer, record, power, talk. Called for the first effects of the station too."""
        ordered = _by_class(effects)
        for effect in ordered[EffectClass.SAFER]:
            self._safer(effect)
        sequence = self._record(ordered[EffectClass.RECORD])
        for effect in ordered[EffectClass.POWER] + ordered[EffectClass.TALK]:
            self._when_recorded(effect, sequence, ends_power)

    def _work(self) -> None:
        if self._doors.turn_over is None:
            self._lanes.new_turn()
        self._busy = True
        try:
            while (given := self._lanes.take()) is not None:
                self._handle(given)
        finally:
            self._busy = False
        if self._lanes.turn_counts and not self._turning and self._doors.turn_over is not None:
            self._turning = True
            self._doors.turn_over()
        deadline = self._mind.next_deadline()
        if deadline is not None:
            self._doors.wake_at(deadline)

    def _handle(self, given: Input) -> None:
        now = self._clock.now()
        self._doors.record_input(given, now)
        self.progress += 1
        if isinstance(given, Synced):
            self._release(self._barrier.synced(given.sequence))
        elif isinstance(given, RecordFailed):
            self._release(self._barrier.failed(given.sequence))
        ends_power = isinstance(given, CommandReceived) and given.command.kind in STOP_COMMANDS
        self.perform(self._mind.handle(given, now), ends_power)

    def _record(self, records: list[Effect]) -> int | None:
        """Hand records to the writer; the sequence that power and talk of this input wait for, if any."""
        last: int | None = None
        for effect in records:
            assert isinstance(effect, fx.Record)
            sequence = self._doors.writer.submit(effect)
            if effect.barrier:
                self._barrier.expect(sequence)
                last = sequence
        return last

    def _when_recorded(self, effect: Effect, sequence: int | None, ends_power: bool) -> None:
        waits_for = sequence
        if EFFECT_CLASSES[type(effect)] is EffectClass.POWER:
            waits_for = self._barrier.last_outstanding
        elif isinstance(effect, fx.Publish) and waits_for is None:
            waits_for = self._barrier.sequence_of_publish(effect.upstream)
        releasable = is_released_on_failure(effect, ends_power)
        if waits_for is None or (releasable and self._barrier.failing):
            self._perform_one(effect)
        else:
            self._barrier.hold(Held(waits_for, effect, releasable))

    def _release(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._perform_one(effect)

    def _safer(self, effect: Effect) -> None:
        if isinstance(effect, fx.Withdraw | fx.OpenContactor):
            self._grants.raise_to(effect.connector, effect.grant)
            self._barrier.revoke(effect.connector, effect.grant)
        elif isinstance(effect, fx.Lower):
            self._barrier.cap(effect.connector, effect.current_a)
        self._perform_one(effect)

    def _perform_one(self, effect: Effect) -> None:
        hardware = self._doors.hardware
        match effect:
            case fx.Withdraw(connector, grant):
                hardware.withdraw(connector, grant)
            case fx.OpenContactor(connector, grant):
                hardware.open_contactor(connector, grant)
            case fx.Lower(connector, current_a, grant):
                hardware.lower(connector, current_a, grant)
            case fx.Offer(connector, current_a, grant) if self._grants.allows(connector, grant):
                hardware.offer(connector, current_a, grant)
            case fx.CloseContactor(connector, grant) if self._grants.allows(connector, grant):
                hardware.close_contactor(connector, grant)
            case fx.Sign(connector, order):
                hardware.sign(connector, order)
            case fx.DriveLock(connector, locked):
                hardware.drive_lock(connector, locked)
            case fx.ReadMeter(connector, request):
                hardware.read_meter(connector, request)
            case fx.SetPace(connector, in_session):
                hardware.session_pace(connector, in_session)
            case fx.SwitchAllOff():
                hardware.all_off()
            case fx.Show(connector, pattern):
                hardware.show(connector, pattern)
            case _:
                self._tell_one(effect)

    def _tell_one(self, effect: Effect) -> None:
        """What is no matter of the hardware."""
        doors = self._doors
        match effect:
            case fx.Note():
                doors.note(effect)
            case fx.Restart():
                doors.restart(effect)
            case fx.HandleCredentials():
                doors.credentials(effect)
            case fx.HandleUpload():
                doors.transfers(effect)
            case HandleOperators():
                doors.operators(effect)
            case firmware.HandleFirmware() | firmware.PermitInstall() | firmware.NoteFirmwareTold():
                doors.updates(effect)
            case (
                fx.Ask()
                | fx.Answer()
                | fx.Publish()
                | fx.OptionsChanged()
                | fx.RequestCertificate()
                | fx.Reconnect()
                | fx.SendNow()
                | fx.TellUpload()
                | firmware.TellFirmware()
            ):
                if effect.upstream in doors.upstreams:
                    doors.upstreams[effect.upstream].tell(effect)
            case _:
                """A power effect whose grant was revoked: dropped, as it must be."""


def _by_class(effects: list[Effect]) -> dict[EffectClass, list[Effect]]:
    ordered: dict[EffectClass, list[Effect]] = {effect_class: [] for effect_class in EffectClass}
    for effect in effects:
        ordered[EFFECT_CLASSES[type(effect)]].append(effect)
    return ordered
