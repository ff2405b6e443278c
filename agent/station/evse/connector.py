"""One connector: its parts, and the few things that can be asked of it.

Theory of operation
-------------------
The connector owns what belongs to one socket: facts, meter, lock, energy, faults, session table, and the transaction.
Readings come in by `intake`, the passing of time and everything that follows from a change is `progress`, and what the
outside sees is `view`. Here are the verbs: authorise, abandon, stop, let go; and what a step of the session table does.

`epoch` changes whenever what an authorisation was asked for is over (unplugged, timed out, cancelled): an answer that
comes for an older epoch does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.station.authorization.ladder import Authorisation
from agent.station.authorization.readers import Seat
from agent.station.authorization.refusals import Refusal
from agent.station.authorization.reservations import Occupancy
from agent.station.evse.energy import Energy
from agent.station.evse.facts import Facts
from agent.station.evse.faults import FaultBook, Reaction
from agent.station.evse.kept import Kept, kept_after, kept_before
from agent.station.evse.lock import Lock
from agent.station.evse.meter import Meter
from agent.station.evse.sampling import Aligned
from agent.station.evse.session import SessionAction, SessionState, SessionTable, SessionTrigger
from agent.station.evse.signing import Signing
from agent.station.evse.transaction import Stop, Transaction, address
from agent.station.power.limits import Limit
from agent.station.power.profile_limit import ProfileLimit
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import TransactionId
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import AuthorisePolicy, ConnectorOptions, UpstreamOptions
from agent.vocabulary.records import SaveKeptCable, SaveTransaction, TransactionRecord
from hal.api import Fault

SECURE_MS = 10_000
BLOCKING = (Reaction.END, Reaction.PAUSE, Reaction.METER, Reaction.CONTROLLER)


class Connector:
    """Everything of one connector. Its parts are public to its own folder."""

    def __init__(self, options: ConnectorOptions, site: Site) -> None:
        self.options = options
        self.id = options.id
        self.site = site
        self.facts = Facts(options.capabilities)
        self.meter = Meter(options.id, site)
        self.signing = Signing(options, site)
        self.lock = Lock(options.id, self.facts, options.captive_cable)
        self.energy = Energy(options.id, self.facts, self.meter, site)
        latched = frozenset(r.fault for r in site.snapshot.latches if r.latched and r.connector == options.id)
        self.faults = FaultBook(latched, site.faults)
        mine = [row for row in site.snapshot.open_transactions if row.where.connector == options.id]
        self.recovered: TransactionRecord | None = mine[-1] if mine else None
        self.session = SessionTable(SessionState.RECOVERING if mine else SessionState.FREE)
        self.aligned = [Aligned(upstream) for upstream in site.registry]
        self.authorisation: Authorisation | None = None
        self.transaction: Transaction | None = None
        self.kept: Kept | None = self._kept_before()
        self.limit = Limit(None, "no transaction")
        self.profile_limit = ProfileLimit(site.profiles)
        self.asked = False
        """Somebody is being asked whether a card may charge here."""
        self.epoch = 0
        self.window_ms: int | None = None
        self.secure_ms = 0
        self.last_refusal: Refusal | None = None
        self.in_session = False
        self.alone_ms: int | None = None
        """Since when neither car nor cable was seen of what a former life held."""
        self.impaired_ms: dict[Reaction, int] = {}
        self._stop: Stop | None = None
        self._deeds: Mapping[SessionAction, Callable[[Turn], None]] = {
            SessionAction.OPEN_WINDOW: self._open_window,
            SessionAction.SECURE: self._secure,
            SessionAction.READ_METER: self.meter.ask,
            SessionAction.START: self._start,
            SessionAction.HALT: self._halt,
            SessionAction.RELEASE: self._release,
            SessionAction.CONTINUE: self._continue,
        }

    @property
    def state(self) -> SessionState:
        """State in the session table."""
        return self.session.state

    @property
    def authority_options(self) -> UpstreamOptions:
        """Options of the authority: there is one set of them at a time, whoever may authorise beside Billing."""
        return self.site.registry.billing.options

    @property
    def refusal(self) -> str | None:
        """Why nothing can start here now, in plain words; None if it can."""
        if self.site.restarting is not None:
            return "the station is about to restart"
        if self.site.options.charging_refused:
            return self.site.options.charging_refused
        if not self.site.storage_healthy:
            return "sessions cannot be recorded at the moment"
        fault = self.faults.has(*BLOCKING)
        if fault is not None:
            return f"fault: {fault.value}"
        if not self.site.holds.operative(self.id):
            return self.site.holds.closed or "out of service"
        return None if self.facts.outputs_off else "the outputs are not confirmed off yet"

    @property
    def may_keep(self) -> bool:
        """The cable may be held after a session: there is a lock, and a card that can come back for it."""
        return self.lock.exists and self.options.authorise is AuthorisePolicy.CARD

    @property
    def record(self) -> TransactionRecord | None:
        """Journal row of the transaction that is open here, running or of a former life."""
        return self.transaction.record if self.transaction is not None else self.recovered

    def seat(self) -> Seat:
        """As the reader rules see it."""
        token = self.authorisation.token if self.authorisation else None
        if self.transaction is not None:
            token = self.transaction.record.token
        kept_for = self.kept.token if self.kept else None
        plugged_at = self.facts.plugged_at_ms if self.facts.plugged else None
        return Seat(self.id, self.state, plugged_at, token, kept_for, self.refusal)

    # ------------------------------------------------------------------------------------------------- verbs

    def fire(self, trigger: SessionTrigger, turn: Turn) -> None:
        """One step of the session table, and what it asks for."""
        for action in self.session.fire(trigger):
            self._deeds[action](turn)

    def authorise(self, authorisation: Authorisation, turn: Turn) -> bool:
        """Somebody may charge here; False if nothing can start."""
        free = self.state in (SessionState.FREE, SessionState.WAITING_CARD, SessionState.FINISHED)
        if not free or self.refusal is not None or self.kept is not None:
            return False
        parent = self.site.parent_for_claims(authorisation.authority, authorisation.parent)
        if self.site.claimed(self.id, authorisation.token, parent) is not None:
            return False
        self.authorisation = authorisation
        self.site.occupied[self.id] = Occupancy.IN_USE
        self.fire(SessionTrigger.AUTHORISE, turn)
        return True

    def abandon(self, why: str, turn: Turn) -> None:
        """What has not become a transaction is over."""
        turn.note(StationNote.SESSION_ABANDONED, why, self.id)
        self.fire(SessionTrigger.ABANDON, turn)

    def stop(self, stop: Stop, turn: Turn) -> None:
        """End the transaction, if one runs. The first reason counts."""
        if self.state is SessionState.RUNNING:
            self._stop = stop
            self.fire(SessionTrigger.STOP, turn)

    def stop_recovered(self, stop: Stop, turn: Turn) -> None:
        """A transaction of a former life that is about to be judged: it will not be resumed."""
        if self.recovered is not None and self.recovered.stop_reason is None:
            self.recovered = replace(self.recovered, stop_reason=stop.reason, stop_token=stop.token)
            turn.record(SaveTransaction(self.recovered), barrier=True)

    def unplugged(self, turn: Turn) -> None:
        """The cable went. A transaction lives on where its authority says so (StopTransactionOnEVSideDisconnect)."""
        self.faults.cable_gone()
        if self.state is SessionState.RUNNING:
            if not self.authority_options.stop_on_ev_disconnect:
                return
            keep = self.may_keep and not self.authority_options.unlock_on_ev_disconnect
            self._stop = Stop(StopReason.EV_DISCONNECTED, Trigger.EV_DEPARTED, keep_cable=keep)
        if self.lock.holds_nothing:
            self.keep(None, turn)
        self.fire(SessionTrigger.UNPLUG, turn)

    def keep(self, kept: Kept | None, turn: Turn) -> None:
        """Hold the cable for somebody, or for nobody any more; that survives a restart."""
        if kept != self.kept:
            self.kept = kept
            turn.record(SaveKeptCable(self.id, None) if kept is None else kept.row(self.id), barrier=True)

    def let_go(self, turn: Turn) -> None:
        """Hold the cable no longer."""
        self.keep(None, turn)
        if self.state in (SessionState.FREE, SessionState.FINISHED, SessionState.WAITING_CARD):
            self.lock.wanted = False
            self.lock.retry()

    def refused(self, why: str, turn: Turn) -> None:
        """Show that a card was refused, and remember why."""
        self.last_refusal = Refusal(turn.now, why)

    # ------------------------------------------------------------------------------------------------- deeds

    def _open_window(self, turn: Turn) -> None:
        self.window_ms = turn.now_ms

    def _secure(self, turn: Turn) -> None:
        self.secure_ms = turn.now_ms
        if self.lock.exists:
            self.lock.wanted = True
            self.lock.retry()

    def _start(self, turn: Turn) -> None:
        reading, who = self.meter.answer, self.authorisation
        assert reading is not None
        assert who is not None
        plugged_last = (self.facts.plugged_at_ms or 0) > who.step.at.monotonic_ms
        by_cable = plugged_last and who.trigger is not Trigger.REMOTE_START
        trigger = Trigger.CABLE_PLUGGED_IN if by_cable else who.trigger
        record = TransactionRecord(
            TransactionId(self.site.new_uuid()),
            address(self.id),
            who.token,
            who.authority,
            reading.at,
            reading.energy_wh,
            trigger,
            who.offline,
            who.parent,
            who.remote_start_id,
            told=tuple(upstream.id for upstream in self.site.registry),
            energy_cap_wh=who.energy_cap_wh,
            signing=self.signing.first,
        )
        self.transaction = Transaction(record, reading.energy_wh, reading, saved_ms=turn.now_ms)
        turn.record(*self.transaction.start_entries(self.site, reading, who.profile), who.step, barrier=True)
        turn.note(StationNote.TRANSACTION_STARTED, f"register {reading.energy_wh} Wh", self.id)
        self.meter.close()
        self.authorisation = None
        self.window_ms = None

    def _halt(self, turn: Turn) -> None:
        stop, transaction = self._stop, self.transaction
        assert stop is not None
        assert transaction is not None
        turn.record(transaction.intend(stop, turn.now), barrier=True)
        if stop.urgent:
            self.energy.open_now(turn)
        self.energy.withdraw(turn)
        turn.note(StationNote.TRANSACTION_STOPPING, stop.reason.value, self.id)

    def _release(self, turn: Turn) -> None:
        if self.authorisation is not None:
            turn.record(self.authorisation.step)
        ended, stop = self.transaction, self._stop
        if ended is not None and stop is not None and stop.keep_cable:
            self.keep(kept_after(ended.record, stop.reason.value), turn)
        self.authorisation = self.transaction = self.window_ms = self._stop = None
        self.asked = False
        self.epoch += 1
        self.meter.close()
        if self.lock.exists and self.kept is None:
            self.lock.wanted = False

    def _continue(self, turn: Turn) -> None:
        record, reading = self.recovered, self.meter.answer
        assert record is not None
        assert reading is not None
        self.transaction = Transaction(record, reading.energy_wh, reading, saved_ms=turn.now_ms)
        self.transaction.open_plans(self.site)
        self.recovered = None
        self.meter.close()
        if self.lock.exists:
            self.lock.wanted = True

    def _kept_before(self) -> Kept | None:
        """Whose cable a former life held here."""
        mine = [kept_before(row) for row in self.site.snapshot.kept_cables if row.connector == self.id]
        return mine[-1] if mine and self.may_keep else None

    def may_unlock(self, turn: Turn) -> bool:
        """The contactor is open for all that can be seen, and it can be seen."""
        return self.energy.quiet(turn) and not self.welded() and self.faults.has(Reaction.CONTROLLER) is None

    def welded(self) -> bool:
        """The contactor may be closed for good: the cable may be live."""
        return Fault.CONTACTOR_WELDED in self.faults.latched
