"""The composition root: makes every part, joins them, and ends them in order. Nothing is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from agent.control.server import Abilities, Server
from agent.departures import departing, forget_others, make_leavers, standing_of
from agent.host.clock import RELEASED_MS
from agent.host.reboot import request_reboot
from agent.links.upstream import UpstreamTask
from agent.ocpp.dialect import DIALECTS, Dialect
from agent.oversight import dump_inputs, make_abilities, make_desk, make_operators, make_watchdog, tell_limits
from agent.runtime.clock import Clock
from agent.runtime.context import Context, Seams
from agent.runtime.drain import Drain
from agent.runtime.engine import Doors
from agent.runtime.farewell import take_leave
from agent.runtime.housekeeping import keep_time
from agent.runtime.narrator import Narrator
from agent.runtime.outboxes import Outboxes
from agent.runtime.recorder import InputRecorder
from agent.runtime.setup import Start, prepare
from agent.runtime.supervision import EXIT_FAILED, EXIT_OK, Pace, Supervisor
from agent.runtime.timekeeper import Timekeeper
from agent.runtime.writer import ThreadWriter
from agent.settings.problems import Problem, SettingsError
from agent.station.station import Station
from agent.store.errors import StoreError
from agent.updating import make_installer, make_updater
from agent.vocabulary.effects import Restart
from agent.vocabulary.events import StopReason, TransactionEvent
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, RestartRequested, Tick
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.security import SecurityEvent
from agent.wiring import Surroundings, addresses_of, make_credentials, make_transfers, make_upstream
from hal.api import Hardware, HardwarePlan, Observer
from hal.boards import build as build_hardware
from hal.toml_table import ProfileError

VERSION = "0.1.0"
DATABASE = "stationd.db"
FAREWELL_S = 8.0
"""A stop by the service manager waits so long for running transactions to be ended and recorded."""


def real_hardware(plan: HardwarePlan, observer: Observer, note: Callable[[str], None]) -> Hardware:
    """The hardware of the factory file, on the ports of this machine. Raises SettingsError."""
    try:
        return build_hardware(plan, observer, log=note)
    except ProfileError as error:
        raise SettingsError([Problem("", str(error), "mend the factory file or the profile")]) from None


REAL = Seams(real_hardware)
"""Nothing replaced."""


class Agent:
    """One life of the agent. Made and run on its event loop; `run` returns the exit status."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._wake: asyncio.TimerHandle | None = None
        self._wake_ms = 0
        self._ending: Restart | None = None
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self.narrator = Narrator(context.log)
        self.recorder = InputRecorder()
        self.supervisor = Supervisor(Pace(context.seams.chance, self._loop.time), context.log)
        self._outboxes = Outboxes()
        self._make_hardware()
        self._open_store()
        self._make_station()
        self._make_upstreams()

    # ------------------------------------------------------------------------------------------------ the parts

    def _make_hardware(self) -> None:
        context = self._context
        plan = context.settings.factory.hardware
        note = partial(context.log, "hardware.note")
        self.hardware = context.seams.build_hardware(plan, self.post, lambda text: note(text=text))
        self.installer = make_installer(context, VERSION, lambda: self.clock.now().wall_ms)
        running = self.installer.running_version()
        self.start: Start = prepare(context.settings, self.hardware.capabilities, running, context.safe_mode)

    def _open_store(self) -> None:
        context = self._context
        self._dialects: Mapping[UpstreamId, Dialect] = {
            setup.id: DIALECTS["ocpp1.6"](self.start.options) for setup in self.start.upstreams
        }
        self._spare_dialect = DIALECTS["ocpp1.6"](self.start.options)
        path = Path(context.locations.state) / DATABASE
        self.store = context.seams.make_store(path, self._render, lambda text: context.log("store.note", text=text))
        self.snapshot = self.store.open(context.boot_id, round(self._loop.time() * 1000), standing_of(context))
        self._departing = departing(context, self.store, self.snapshot)
        context.log("store.opened", boot=self.snapshot.boot)

    def _render(
        self,
        upstream: UpstreamId,
        event: TransactionEvent | SecurityEvent,
        message_id: str,
        foreign: str | None,
        offset: int | None,
    ) -> str | None:
        dialect = self._dialects.get(upstream, self._spare_dialect)
        if isinstance(event, SecurityEvent):
            return dialect.security_event(event, message_id, offset)
        return dialect.frame(event, message_id, foreign, offset)

    def _make_station(self) -> None:
        context, seams = self._context, self._context.seams
        self.clock = Clock(self.snapshot.boot, self._loop.time, RELEASED_MS, self.snapshot.last_wall_ms)
        self.station = Station(self.start.options, self.start.upstreams, self.snapshot, seams.new_uuid)
        self.writer = seams.make_writer(self.store, self.post, self._outboxes.ring, self._crashed)
        self.upstreams: dict[UpstreamId, UpstreamTask] = {}
        self.credentials = make_credentials(context, self.start.options, self.clock, self, self._departing)
        self.transfers = make_transfers(context, self, self.credentials)
        self.desk = make_desk(context, self)
        self.drain = Drain(self.writer, context.settings.billing, context.log)
        self.operators = make_operators(context, self)
        self.updater = make_updater(context, self, self.credentials)
        doors = Doors(
            self.hardware,
            self.writer,
            self.upstreams,
            self.narrator.note,
            self._restart,
            self._wake_at,
            self.recorder.record,
            self.credentials,
            self.transfers,
            self.operators,
            self._turn_over,
            self.updater,
        )
        self.engine = seams.engine(self.station, self.clock, doors, seams.barrier(), seams.grants())
        self.timekeeper = Timekeeper(
            self.clock, self.snapshot.boot, context.settings.billing, self.post, self.narrator.clock, seams.ntp
        )

    def _make_upstreams(self) -> None:
        addresses = addresses_of(self._context)
        self._outboxes.open([address.id for address in (*addresses, *self._departing)], self.writer)
        surroundings = Surroundings(
            self._context,
            self,
            self._outboxes,
            self.clock,
            self.timekeeper.on_time,
            self.timekeeper.judged_ms,
            self.narrator.note,
            self.credentials,
        )
        for address in addresses:
            self.upstreams[address.id] = make_upstream(address, self._dialects[address.id], surroundings)
        self._leavers = make_leavers(self._departing, self, surroundings)

    # ------------------------------------------------------------------------------------------------ the doors

    def post(self, given: Input) -> None:
        """Every input of the station comes through here."""
        self._guarded(partial(self.engine.post, given))

    def crowded(self, upstream: UpstreamId) -> bool:
        """An upstream's task must not read on in this turn of the loop."""
        return self.engine.crowded(upstream)

    def options(self, upstream: UpstreamId) -> UpstreamOptions:
        """Present options of an upstream, for its task."""
        return self.station.options(upstream)

    def abilities(self) -> Abilities:
        """What the control socket can do."""
        return make_abilities(self._context, self)

    def stop(self) -> None:
        """The service manager asks: end what runs, record it, then end. Called by the signal handler."""
        self._context.notifier.stopping()
        self.post(RestartRequested(reboot_system=False))
        self._loop.call_later(FAREWELL_S, self.supervisor.stop)

    def _turn_over(self) -> None:
        self._loop.call_soon(self._guarded, lambda: self.engine.turn())  # as it is then: a test may have ended it

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._crashed(error)
            raise

    def _restart(self, effect: Restart) -> None:
        if self._ending is None:
            stop, drained = self.supervisor.stop, self.drain.run
            self.supervisor.keep("farewell", partial(take_leave, self.writer, self.upstreams, drained, stop))
        self._ending = effect

    def _crashed(self, error: BaseException) -> None:
        """A bug in engine or writer: the process ends, what the station remembers is on the disk."""
        if not self._failed.done():
            self._failed.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _wake_at(self, monotonic_ms: int) -> None:
        if self._wake is not None:
            if self._wake_ms == monotonic_ms:
                return
            self._wake.cancel()
        self._wake_ms = monotonic_ms
        self._wake = self._loop.call_at(monotonic_ms / 1000, self._tick)

    def _tick(self) -> None:
        self._wake = None
        self.post(Tick())

    # ------------------------------------------------------------------------------------------------- its life

    async def run(self) -> int:
        """Live until asked to end or until a vital part fails; then end in order. Returns the exit status."""
        self._begin()
        failure = await self.supervisor.run()
        if self._wake is not None:
            self._wake.cancel()
        if failure is not None:
            dump_inputs(self._context, self.recorder)
        await self._finish()
        return EXIT_OK if failure is None else EXIT_FAILED

    def _begin(self) -> None:
        context, keeper = self._context, self.supervisor
        if isinstance(self.writer, ThreadWriter):
            self.writer.start()
        tell_limits(context, self.hardware)
        self.timekeeper.look_at_system()
        self.engine.perform(self.station.start(self.clock.now()))
        self.post(Tick())
        self.credentials.begin()
        keeper.require("engine", self._until_failed)
        keeper.require("hardware", self.hardware.run)
        for upstream, task in self.upstreams.items():
            keeper.keep(f"upstream {upstream}", task.run)
        for upstream, leaver in self._leavers.items():
            keeper.keep(f"retiring {upstream}", leaver.run)
        keeper.keep("forgetting", partial(forget_others, context, self._departing))
        for upstream, desk in self.credentials.desks.items():
            keeper.keep(f"credentials {upstream}", desk.run)
        keeper.keep("transfers", self.transfers.run)
        keeper.keep("operators", self.operators.run)
        keeper.keep("firmware", self.updater.run)
        keeper.keep("clock", lambda: self.timekeeper.run(partial(keep_time, self.writer, context.settings)))
        keeper.keep("control", Server(context.locations.socket, self.abilities(), context.log).run)
        keeper.require("watchdog", lambda: make_watchdog(context, self).run(context.watchdog_interval_s))
        context.notifier.ready()
        context.log("agent.ready")

    async def _finish(self) -> None:
        """After the upstreams have taken leave: close the store, and ask for the reboot if that is what ends us."""
        context, ending = self._context, self._ending
        try:
            if ending is not None:
                await self.writer.ask(lambda store: store.note_restart(StopReason(ending.reason)))
            await self.writer.close()
        except StoreError as error:
            context.log("store.write_failed", error=error)
        if ending is not None and ending.reboot_system:
            try:
                request_reboot(context.locations.reboot_request)
                context.log("system.reboot_requested", reason=ending.reason)
            except OSError as error:
                context.log("system.reboot_failed", error=error)

    async def _until_failed(self) -> None:
        await self._failed
