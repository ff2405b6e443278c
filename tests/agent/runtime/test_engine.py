"""The engine's order of effects: safer, record, power, talk; held until synced; revocable anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from agent.runtime.clock import Clock
from agent.runtime.engine import Doors, Engine
from agent.runtime.lanes import INPUTS_IN_A_TURN
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import (
    GetDiagnostics,
    RemoteStop,
    RenewCertificate,
    Result,
    ResultStatus,
    SetOption,
    TriggerKind,
    UpdateFirmware,
    UploadWish,
)
from agent.vocabulary.events import Condition, ConditionChanged
from agent.vocabulary.firmware import IDLE as NO_UPDATE
from agent.vocabulary.firmware import FirmwareWish
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall, TellFirmware
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, Secret, UpstreamId
from agent.vocabulary.inputs import CommandReceived, Input, NoticeAnswered, RecordFailed, Synced, Tick
from agent.vocabulary.moments import Moment
from agent.vocabulary.operators import HandleOperators, ListUpstreams
from agent.vocabulary.uploads import IDLE
from hal.api import Capabilities, LightPattern, SigningOrder, SigningStep

ONE, TWO = ConnectorId(1), ConnectorId(2)
OTHER = UpstreamId("other")
BARRIER = fx.Record((), barrier=True)
LAZY = fx.Record((), barrier=False)


def condition(connector: ConnectorId = ONE, detail: str = "") -> ConditionChanged:
    return ConditionChanged(Condition(connector, Moment(1, 0), detail=detail))


@dataclass
class Bench:
    """Everything that leaves the engine, in the order in which it leaves."""

    deeds: list[str] = field(default_factory=list)
    answers: dict[type[Input], list[fx.Effect]] = field(default_factory=dict)
    sequence: int = 0
    capabilities: dict[int, Capabilities] = field(default_factory=dict)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        doors = Doors(
            self, self, {MANAGEMENT: self}, *self._doors(), updates=self._update, operators=self._ask_operators
        )
        self.engine = Engine(self, Clock(1, lambda: 0.0), doors)

    def _ask_operators(self, effect: HandleOperators) -> None:
        self.deeds.append(f"operators {type(effect.request).__name__}")

    def _update(self, effect: object) -> None:
        self.deeds.append(f"update {type(effect).__name__}")

    def _doors(self) -> tuple[Callable[..., None], ...]:
        return (
            lambda note: self.deeds.append(f"note {note.event}"),
            lambda restart: self.deeds.append("restart"),
            lambda at: None,
            lambda given, now: None,
            lambda effect: self.deeds.append(f"credentials {type(effect.command).__name__}"),
            lambda effect: self.deeds.append(f"upload {type(effect.command).__name__}"),
        )

    def gives(self, *effects: fx.Effect) -> None:
        """Handle an input that makes these effects."""
        self.answers[Tick] = list(effects)
        self.engine.post(Tick())
        self.answers[Tick] = []

    # the mind
    def handle(self, given: Input, now: Moment) -> list[fx.Effect]:
        return self.answers.get(type(given), [])

    def next_deadline(self) -> int | None:
        return None

    # the writer
    def submit(self, record: fx.Record) -> int:
        self.sequence += 1
        self.deeds.append(f"record {self.sequence}")
        return self.sequence

    # an upstream
    def tell(self, effect: fx.Effect) -> None:
        detail = effect.event.condition.detail if isinstance(effect, fx.Publish) else ""
        self.deeds.append(f"tell {type(effect).__name__} {detail}".strip())

    # the hardware
    def offer(self, connector: int, current_a: float, grant: int) -> None:
        self.deeds.append(f"offer {connector} {current_a:g}")

    def close_contactor(self, connector: int, grant: int) -> None:
        self.deeds.append(f"close {connector}")

    def lower(self, connector: int, current_a: float, grant: int) -> None:
        self.deeds.append(f"lower {connector}")

    def withdraw(self, connector: int, grant: int) -> None:
        self.deeds.append(f"withdraw {connector}")

    def open_contactor(self, connector: int, grant: int) -> None:
        self.deeds.append(f"open {connector}")

    def drive_lock(self, connector: int, locked: bool) -> None:
        self.deeds.append(f"lock {connector} {locked}")

    def read_meter(self, connector: int, request: int) -> None:
        self.deeds.append(f"read {connector}")

    def sign(self, connector: int, order: SigningOrder) -> None:
        self.deeds.append(f"{order.step} {connector}")

    def show(self, connector: int, pattern: LightPattern) -> None:
        self.deeds.append(f"show {pattern.value}")

    def all_off(self) -> None:
        self.deeds.append("all off")

    def session_pace(self, connector: int, in_session: bool) -> None:
        self.deeds.append(f"pace {connector} {in_session}")

    async def run(self) -> None:
        raise NotImplementedError


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_effects_of_one_input_leave_in_the_order_safer_record_power_talk(bench: Bench) -> None:
    talk = fx.Publish(MANAGEMENT, condition())
    bench.gives(talk, fx.Offer(ONE, 16, 1), LAZY, fx.DriveLock(ONE, True))
    assert bench.deeds == ["lock 1 True", "record 1", "offer 1 16", "tell Publish"]


def test_power_and_talk_wait_for_the_barrier_and_safer_does_not(bench: Bench) -> None:
    bench.gives(fx.Offer(ONE, 16, 1), fx.Publish(MANAGEMENT, condition()), BARRIER, fx.SetPace(ONE, True))
    assert bench.deeds == ["pace 1 True", "record 1"]
    bench.engine.post(Synced(1))
    assert bench.deeds[2:] == ["offer 1 16", "tell Publish"]


def test_an_effect_for_another_connector_opens_while_the_disk_stalls(bench: Bench) -> None:
    bench.gives(BARRIER, fx.Offer(ONE, 16, 1))
    bench.gives(fx.OpenContactor(TWO, 5))
    assert bench.deeds == ["record 1", "open 2"]


def test_power_of_a_later_input_waits_for_an_earlier_unsynced_barrier(bench: Bench) -> None:
    bench.gives(BARRIER)
    bench.gives(fx.Offer(ONE, 20, 1))
    assert bench.deeds == ["record 1"]
    bench.engine.post(Synced(1))
    assert bench.deeds[-1] == "offer 1 20"


def test_once_the_barrier_is_synced_later_power_goes_out_at_once(bench: Bench) -> None:
    bench.gives(BARRIER)
    bench.engine.post(Synced(1))
    bench.gives(fx.Offer(ONE, 20, 1))
    assert bench.deeds == ["record 1", "offer 1 20"]


EVERY_EFFECT: dict[fx.Effect, str] = {
    fx.Withdraw(ONE, 1): "withdraw 1",
    fx.OpenContactor(ONE, 1): "open 1",
    fx.Lower(ONE, 10, 1): "lower 1",
    fx.DriveLock(ONE, True): "lock 1 True",
    fx.ReadMeter(ONE, 7): "read 1",
    fx.SwitchAllOff(): "all off",
    fx.SetPace(ONE, True): "pace 1 True",
    LAZY: "record 1",
    fx.Offer(ONE, 16, 1): "offer 1 16",
    fx.CloseContactor(ONE, 1): "close 1",
    fx.Sign(ONE, SigningOrder(SigningStep.BEGIN, 1, None)): "begin 1",
    fx.Ask(1, MANAGEMENT, IdToken("04A1"), 10): "tell Ask",
    fx.Answer(MANAGEMENT, 1, Result(ResultStatus.ACCEPTED)): "tell Answer",
    fx.HandleCredentials(MANAGEMENT, 1, RenewCertificate()): "credentials RenewCertificate",
    fx.HandleUpload(MANAGEMENT, 1, GetDiagnostics(UploadWish(Secret("x")))): "upload GetDiagnostics",
    fx.TellUpload(MANAGEMENT, TriggerKind.LOG_STATUS, IDLE): "tell TellUpload",
    HandleOperators(MANAGEMENT, 1, ListUpstreams()): "operators ListUpstreams",
    HandleFirmware(MANAGEMENT, 1, UpdateFirmware(FirmwareWish(Secret("x"), 0))): "update HandleFirmware",
    TellFirmware(MANAGEMENT, TriggerKind.FIRMWARE_STATUS, NO_UPDATE): "tell TellFirmware",
    PermitInstall(): "update PermitInstall",
    NoteFirmwareTold("id"): "update NoteFirmwareTold",
    fx.RequestCertificate(MANAGEMENT, "csr"): "tell RequestCertificate",
    fx.Reconnect(MANAGEMENT, "why"): "tell Reconnect",
    fx.SendNow(MANAGEMENT, TriggerKind.HEARTBEAT): "tell SendNow",
    fx.Publish(MANAGEMENT, condition()): "tell Publish",
    fx.OptionsChanged(MANAGEMENT): "tell OptionsChanged",
    fx.Show(ONE, LightPattern.FAULT): "show fault",
    fx.Restart(False, "Local"): "restart",
    fx.Note("station.fault", "text"): "note station.fault",
}


@pytest.mark.parametrize(("effect", "deed"), EVERY_EFFECT.items())
def test_every_effect_becomes_its_deed(bench: Bench, effect: fx.Effect, deed: str) -> None:
    bench.gives(effect)
    assert bench.deeds == [deed]


def test_no_effect_is_missing_here() -> None:
    assert {type(effect) for effect in EVERY_EFFECT} == set(fx.EFFECT_CLASSES)


def test_a_safer_effect_deletes_the_held_grant(bench: Bench) -> None:
    bench.gives(BARRIER, fx.Offer(ONE, 16, 1), fx.Offer(TWO, 16, 1))
    bench.gives(fx.Withdraw(ONE, 2))
    bench.engine.post(Synced(1))
    assert bench.deeds == ["record 1", "withdraw 1", "offer 2 16"]


@pytest.mark.rule("ocpp16.X41")
def test_a_meter_that_signs_is_told_only_once_every_record_is_synced(bench: Bench) -> None:
    bench.gives(BARRIER)
    bench.gives(fx.Sign(ONE, SigningOrder(SigningStep.BEGIN, 1, None)))
    assert bench.deeds == ["record 1"]
    bench.gives(fx.OpenContactor(ONE, 9))
    bench.engine.post(Synced(1))
    assert bench.deeds == ["record 1", "open 1", "begin 1"]


def test_an_offer_that_is_held_goes_out_lowered(bench: Bench) -> None:
    bench.gives(BARRIER, fx.Offer(ONE, 16, 1), fx.Offer(TWO, 16, 1))
    bench.gives(fx.Lower(ONE, 10, 1))
    bench.engine.post(Synced(1))
    assert bench.deeds == ["record 1", "lower 1", "offer 1 10", "offer 2 16"]


def test_a_power_effect_with_an_old_grant_number_is_dropped_whenever_it_comes(bench: Bench) -> None:
    bench.gives(fx.OpenContactor(ONE, 3))
    bench.gives(fx.Offer(ONE, 16, 2), fx.CloseContactor(ONE, 2))
    bench.gives(fx.Offer(ONE, 16, 3))
    assert bench.deeds == ["open 1", "offer 1 16"]


def test_a_status_never_overtakes_an_earlier_one_that_is_held(bench: Bench) -> None:
    bench.gives(BARRIER, fx.Publish(MANAGEMENT, condition(detail="first")))
    bench.gives(fx.Publish(MANAGEMENT, condition(detail="second")))
    bench.engine.post(Synced(1))
    assert bench.deeds == ["record 1", "tell Publish first", "tell Publish second"]


def test_a_dead_disk_releases_the_answer_to_a_stop_command_and_no_power(bench: Bench) -> None:
    stop = CommandReceived(MANAGEMENT, 1, RemoteStop("7"))
    answer = fx.Answer(MANAGEMENT, 1, Result(ResultStatus.ACCEPTED))
    bench.answers[CommandReceived] = [BARRIER, answer, fx.Offer(TWO, 16, 1)]
    bench.engine.post(stop)
    bench.engine.post(RecordFailed(1, "disk full"))
    assert bench.deeds == ["record 1", "tell Answer"]
    bench.engine.post(stop)
    assert bench.deeds == ["record 1", "tell Answer", "record 2", "tell Answer"], "no waiting while the disk is dead"
    bench.engine.post(Synced(2))
    assert bench.deeds[-2:] == ["offer 2 16", "offer 2 16"]


def test_a_dead_disk_keeps_the_answer_to_a_change_of_configuration(bench: Bench) -> None:
    answer = fx.Answer(MANAGEMENT, 1, Result(ResultStatus.ACCEPTED))
    bench.answers[CommandReceived] = [BARRIER, answer]
    bench.engine.post(CommandReceived(MANAGEMENT, 1, SetOption("heartbeat_interval_s", 60)))
    bench.engine.post(RecordFailed(1, "disk full"))
    assert bench.deeds == ["record 1"]


def test_an_input_posted_while_another_is_handled_is_handled_after_it(bench: Bench) -> None:
    seen: list[str] = []

    class Reentrant(Bench):
        def handle(self, given: Input, now: Moment) -> list[fx.Effect]:
            seen.append(type(given).__name__)
            if isinstance(given, Tick):
                self.engine.post(Synced(9))
                seen.append("end of Tick")
            return []

    Reentrant().engine.tick()
    assert seen == ["Tick", "end of Tick", "Synced"]


@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_of_a_flooding_upstream_only_so_much_is_handled_in_a_turn_and_the_hardware_goes_before_it() -> None:
    bench, handled, turns = Bench(), list[Input](), list[None]()
    bench.engine._doors = replace(bench.engine._doors, turn_over=lambda: turns.append(None))
    bench.engine._doors = replace(bench.engine._doors, record_input=lambda given, now: handled.append(given))
    flood = [NoticeAnswered(MANAGEMENT, str(number)) for number in range(20)]
    for given in flood:
        bench.engine.post(given)
    assert handled == flood[:INPUTS_IN_A_TURN]
    assert bench.engine.crowded(MANAGEMENT)
    assert len(turns) == 1
    bench.engine.post(Tick())
    bench.engine.post(NoticeAnswered(OTHER, "0"))
    assert handled[INPUTS_IN_A_TURN:] == [Tick(), NoticeAnswered(OTHER, "0")]
    while bench.engine._lanes.crowded(MANAGEMENT):
        bench.engine.turn()
    assert not bench.engine.crowded(OTHER)
    while len(handled) < 22:
        bench.engine.turn()
    assert [given for given in handled if given in flood] == flood
