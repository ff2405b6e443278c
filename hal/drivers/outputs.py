"""What gives power: the offered current and, where we command it, the contactor.

Theory of operation
-------------------
`desired_a` is the truth of what is wanted: a current, or None for off. Commands change it and submit a job at once.
`run` makes the board follow: a running offer is written again every few seconds (a board with a dead-man needs it, one
that restarted has forgotten it), and an "off" that did not get through is written again until it did, less often where
the board stays silent: what is urgent for a dead board is in the way of the living ones on its line. Power writes
carry their grant; "off" carries none and cannot be dropped, only replaced by a newer command.

`all_off` switches off, brings the settings of the board in order (written only where they differ), arms its dead-man,
switches off again and reads back; only then is `OutputsOff` told.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from hal.api import ContactorKind, Fault, OutputsOff
from hal.bus_queue import Job, Outcome, Priority, Result
from hal.device import Device, Reports
from hal.drivers.contactor import ContactorDriver
from hal.profile import BoardProfile, Write
from hal.registers import ValueType

TRY_AGAIN_S = 0.5
QUICK_TRIES = 2
AFTER_SILENCE_S = 1.5
"""Pause between attempts to reach a board after so many quick ones: the others on its line need most of the time."""
LONGEST_S = 2.0
"""By then an attempt has ended, unless the line has a lot to do that is as urgent."""
CHECK_DEAD_MAN_S = 10.0


class OutputsDriver:
    """The outputs of one connector. `most_a` is the least of what board and installation bear."""

    def __init__(
        self, board: BoardProfile, most_a: float, device: Device, contactor: ContactorDriver, reports: Reports
    ) -> None:
        self._board = board
        self._most_a = most_a
        self._device = device
        self._contactor = contactor
        self._reports = reports
        self._wake = asyncio.Event()
        self._grant = 0
        self._refresh_at = 0.0
        self._check_at = math.inf
        self._follow_at = 0.0
        """Nothing that is urgent is tried again before."""
        self._silences = 0
        self._off_pending = False
        self._open_pending = False
        self._all_off_wanted = False
        self._prepare_wanted = False
        self._told: set[str] = set()
        self.desired_a: float | None = None
        """The current that is offered or about to be; None: off."""
        self.wants_closed = False
        """Commanded contactors: what was asked for."""

    # ------------------------------------------------------------------------------------------------- commands

    def offer(self, current_a: float, grant: int) -> None:
        """POWER. See `Hardware.offer`."""
        if grant < self._grant:
            return
        if current_a < self._board.offer.minimum_a:
            self._reports.failed("offer", f"{current_a:g} A is below the minimum of the board")
            return
        self._grant = grant
        self.desired_a = self._whole(current_a)
        self._off_pending = False
        self._told.discard("offer")
        self._write_offer()

    def lower(self, current_a: float, grant: int) -> None:
        """SAFER. Writes the offer anew with less; below the minimum of the board there is only off."""
        if self.desired_a is None or grant < self._grant or current_a >= self.desired_a:
            return
        if current_a < self._board.offer.minimum_a:
            self.withdraw(grant)
            return
        self.desired_a = self._whole(current_a)
        self._write_offer()

    def withdraw(self, grant: int) -> None:
        """SAFER. PWM off."""
        self._revoke(grant)
        self.desired_a = None
        self._off_pending = True
        self._told.discard("withdraw")
        self._command_contactor()
        self._write_off()

    def close_contactor(self, grant: int) -> None:
        """POWER. Does nothing where the board closes by itself."""
        if self._board.contactor.kind is not ContactorKind.COMMANDED or grant < self._grant:
            return
        self._grant = grant
        self.wants_closed = True
        self._open_pending = False
        self._command_contactor()
        self._submit("close_contactor", self._board.contactor.close, Priority.ACTUATE, "contactor", grant)

    def open_contactor(self, grant: int) -> None:
        """SAFER. Opens what we command and takes the offer away: the strongest stop of an autonomous board."""
        if self._board.contactor.open:
            self._revoke(grant)
            self.wants_closed = False
            self._open_pending = True
            self._write_open()
        self.withdraw(grant)

    def all_off(self) -> None:
        """Everything off; answered by `OutputsOff`."""
        self.desired_a = None
        self.wants_closed = False
        self._all_off_wanted = True
        self._off_pending = True
        self._command_contactor()
        self._write_off()

    def board_is_back(self) -> None:
        """The board answers again after a silence: it may have restarted and forgotten everything."""
        self._prepare_wanted = True
        self._refresh_at = self._follow_at = 0.0
        self._off_pending = self.desired_a is None
        self._open_pending = bool(self._board.contactor.open) and not self.wants_closed
        self._wake.set()

    # ------------------------------------------------------------------------------------------------ follow-up

    async def run(self) -> None:
        """Make the board follow until cancelled."""
        while True:
            if not self._left_alone:
                await self._follow_up()
            self._refresh()
            self._wake.clear()
            try:
                next_at = self._next_at()
                async with asyncio.timeout_at(None if next_at == math.inf else next_at):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _next_at(self) -> float:
        """When there is something to do again, if nothing happens before."""
        due = self._refresh_at if self.desired_a is not None else math.inf
        if self._left_alone:
            return min(due, self._follow_at)
        if self._all_off_wanted or self._prepare_wanted or self._off_pending or self._open_pending:
            return min(due, self._now() + TRY_AGAIN_S)
        return min(due, self._check_at)

    async def _follow_up(self) -> None:
        """What the board still has to do, one after another; a silent one is left alone for a while."""
        if self._all_off_wanted:
            await self._switch_all_off()
        elif self._prepare_wanted or self._now() >= self._check_at:
            self._prepare_wanted = not await self._prepare()
        if self._left_alone:
            return
        if self._off_pending:
            self._write_off()
        if self._open_pending:
            self._write_open()

    def _refresh(self) -> None:
        if self.desired_a is not None and self._now() >= self._refresh_at:
            self._write_offer()
            if self.wants_closed:
                self._submit("close_contactor", self._board.contactor.close, Priority.ACTUATE, "contactor", self._grant)

    async def _switch_all_off(self) -> None:
        off = (*self._board.contactor.open, *self._board.offer.withdraw)
        outcome = await self._ask(off)
        prepared = outcome.done and await self._prepare()
        if prepared and (await self._ask(off)).done and not await self._differing(off):
            self._all_off_wanted = False
            self._reports.changes.tell_always(OutputsOff(self._reports.connector))

    async def _prepare(self) -> bool:
        """Settings as the profile wants them and the dead-man armed; a fault while they are not."""
        dead_man = self._board.dead_man
        if dead_man:
            self._check_at = self._now() + CHECK_DEAD_MAN_S
        right = await self._bring_in_order("setup", self._board.setup)
        if self._silences:
            return False
        armed = await self._bring_in_order("dead-man", dead_man.arm) if dead_man else True
        return right and armed

    async def _bring_in_order(self, name: str, writes: Sequence[Write]) -> bool:
        differ = await self._differing(writes) if writes else ()
        if not differ:
            self._reports.faults.set(Fault.CONTROLLER_OTHER, name, False, self._now())
            return True
        if self._silences:
            return False
        outcome = await self._ask(differ)
        right = outcome.done and not await self._differing(writes)
        if right or not outcome.failed or outcome.code:
            detail = f"{name} is not as the profile wants it"
            self._reports.faults.set(Fault.CONTROLLER_OTHER, name, not right, self._now(), detail)
        return right

    async def _differing(self, writes: Sequence[Write]) -> Sequence[Write]:
        """Those whose register holds something else; all of them where that cannot be read."""
        registers = [self._board.registers[one.register] for one in writes]
        values = await self._device.reader.read(registers, Priority.ACTUATE)
        if isinstance(values, Outcome):
            self._pause_after(values)
            return writes
        return [one for one in writes if values.get(one.register) != one.value]

    async def _ask(self, writes: Sequence[Write]) -> Outcome:
        outcome = await self._device.write(writes, Priority.STOP)
        self._pause_after(outcome)
        return outcome

    @property
    def _left_alone(self) -> bool:
        """The board was silent a moment ago, or the answer to something urgent is awaited."""
        return self._now() < self._follow_at

    def _pause_after(self, outcome: Outcome) -> None:
        self._silences = self._silences + 1 if outcome.result is Result.SILENT else 0
        pause_s = AFTER_SILENCE_S if self._silences >= QUICK_TRIES else TRY_AGAIN_S
        self._follow_at = self._now() + pause_s if outcome.failed else 0.0
        if self._all_off_wanted:
            self._wake.set()

    # --------------------------------------------------------------------------------------------------- writes

    def _write_offer(self) -> None:
        self._refresh_at = self._now() + self._board.offer.refresh_s
        self._wake.set()
        self._command_contactor()
        self._submit("offer", self._board.offer.grant, Priority.ACTUATE, "offer", self._grant)

    def _write_off(self) -> None:
        self._follow_at = self._now() + LONGEST_S
        self._wake.set()
        self._submit("withdraw", self._board.offer.withdraw, Priority.STOP, "offer", None)

    def _write_open(self) -> None:
        self._follow_at = self._now() + LONGEST_S
        self._wake.set()
        self._submit("open_contactor", self._board.contactor.open, Priority.STOP, "contactor", None)

    def _submit(self, what: str, writes: Sequence[Write], priority: Priority, key: str, grant: int | None) -> None:
        device = self._device

        def done(outcome: Outcome) -> None:
            self._written(what, outcome)

        requests = device.requests(writes, self.desired_a or 0.0)
        connector = self._reports.connector
        device.bus.submit(Job(device.unit, requests, priority, done, connector, key, grant, device.gap_s))

    def _written(self, what: str, outcome: Outcome) -> None:
        self._pause_after(outcome)
        if outcome.failed:
            self._wake.set()  # it may be tried again sooner than was thought
        if outcome.failed and what not in self._told:
            self._told.add(what)  # written again until it works, told once
            self._reports.failed(what, outcome.detail)
        if not outcome.done:
            return
        self._told.discard(what)
        if what == "withdraw":
            self._off_pending = False
        elif what == "open_contactor":
            self._open_pending = False

    def _revoke(self, grant: int) -> None:
        self._grant = max(grant, self._grant)
        self._device.bus.revoke(self._reports.connector, self._grant)

    def _command_contactor(self) -> None:
        commanded = self._board.contactor.kind is ContactorKind.COMMANDED
        self._contactor.command(self.wants_closed if commanded else self.desired_a is not None, self._now())

    def _whole(self, current_a: float) -> float:
        """Never more than allowed: cut to the maximum and down to the resolution of the register."""
        register = next(self._board.registers[one.register] for one in self._board.offer.grant if one.value is None)
        capped = min(current_a, self._most_a)
        if register.type is ValueType.FLOAT32:
            return capped
        return math.floor(capped / register.scale + 1e-9) * register.scale

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
