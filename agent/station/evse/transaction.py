"""One transaction: its journal row, what each upstream is told of it, and how it ends.

The authority is pinned at the start and decides about it until its end. The register never goes backwards within it,
nor faster than current can flow: what it jumps by (a meter was exchanged, or its counter set) is left out and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.station.evse.meter import Reading
from agent.station.evse.sampling import Due, Periodic, samples
from agent.station.power.profiles import rows
from agent.station.site import Site
from agent.station.upstreams.fanout import as_told
from agent.vocabulary.charging import ChargingProfile, InstalledProfile
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    StopReason,
    TransactionEvent,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.ids import ConnectorId, EvseAddress, EvseId, IdToken, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import DropReservation, Enqueue, Entry, SaveTransaction, TransactionRecord


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and by whom a transaction ends. `urgent`: open at once; `keep_cable`: held until the card comes back."""

    reason: StopReason
    trigger: Trigger
    token: IdToken | None = None
    urgent: bool = False
    keep_cable: bool = False


def address(connector: ConnectorId) -> EvseAddress:
    """AC: one connector per EVSE, with equal numbers."""
    return EvseAddress(EvseId(connector), connector)


def enqueue(
    site: Site, upstream: UpstreamId, event: TransactionEvent, authority: UpstreamId | None = None
) -> list[Entry]:
    """The outbox row of one upstream, as the fan-out gives it one. An upstream that is gone keeps its outbox.

    `authority`: of the transaction that the event is about.
    """
    known = site.registry.get(upstream)
    told = event if known is None else as_told(event, known, authority, site.options)
    return [] if told is None else [Enqueue(upstream, told, site.new_uuid())]


SLACK_WH = 1000
"""More than a register may be off by its own resolution, and less than is worth a dispute."""
FALL_WH = 100
"""A 32-bit float in kWh may fall by its resolution (62 Wh at a million kWh)."""

TRIGGERS: Mapping[ReadingContext, Trigger] = {
    ReadingContext.SAMPLE_CLOCK: Trigger.METER_VALUE_CLOCK,
    ReadingContext.TRIGGER: Trigger.TRIGGER,
}
"""What caused a sample, where that is not the interval of its plan."""


@dataclass(slots=True)
class Transaction:
    """A running (or ending) transaction."""

    record: TransactionRecord
    register_wh: int
    """What the upstreams are told: the meter's register but for its jumps."""
    seen: Reading | None = None
    """The newest reading that was followed."""
    left_out_wh: int = 0
    """The sum of the jumps."""
    periodic: list[Periodic] = field(default_factory=list)
    resumed: bool = False
    """It goes on from a former life, and nobody was told of the interruption yet."""
    saved_ms: int = 0
    """When the last energy was stored."""
    has_charged: bool = False
    stop: Stop | None = None
    energy_allowed_wh: int | None = None
    """After an invalid verdict: up to this register value energy still flows; None: no such end."""
    suspended_as_invalid: bool = False
    told_of_cap: bool = False
    closing_ms: int = 0
    """When the end began."""

    def see(self, reading: Reading, most_w: float) -> bool:
        """Follow the register, upwards only; False if it jumped. `most_w`: what can flow here."""
        before, self.seen = self.seen, reading
        jumped_wh = _jump_wh(before, reading, most_w)
        self.left_out_wh += jumped_wh
        self.register_wh = max(self.register_wh, reading.energy_wh - self.left_out_wh)
        return jumped_wh == 0

    @property
    def energy_wh(self) -> int:
        """What was delivered so far."""
        return self.register_wh - self.record.meter_start_wh

    @property
    def at_cap(self) -> bool:
        """Somebody whom nobody knew has had all that may be given without an answer."""
        return self.record.energy_cap_wh is not None and self.energy_wh >= self.record.energy_cap_wh

    def start_entries(self, site: Site, reading: Reading, profile: ChargingProfile | None = None) -> list[Entry]:
        """The journal row, one start per upstream, the reservation that it uses, and the profile that it brings."""
        row = self.record
        entries: list[Entry] = [SaveTransaction(row)]
        parent = site.parent_for_claims(row.authority, row.parent)
        claim = site.reservations.claim(row.where.connector, row.token, parent)
        if claim is not None:
            site.reservations.drop(claim.upstream, claim.id)
            entries.append(DropReservation(claim.upstream, claim.id))
        if profile is not None:
            sender = site.registry.billing.id  # it alone starts remotely, whoever the card belongs to
            entries += rows(site.profiles.put(InstalledProfile(sender, row.where.connector, profile, row.id)))
        event = TransactionStarted(
            row.id,
            row.where,
            row.token,
            row.started_at,
            row.meter_start_wh,
            row.trigger,
            row.offline,
            remote_start_id=row.remote_start_id,
        )
        for upstream in row.told:
            mine = claim is not None and claim.upstream == upstream
            told = replace(event, reservation=claim.id) if claim is not None and mine else event
            entries += enqueue(site, upstream, told, row.authority)
        self.open_plans(site, reading)
        return entries

    def open_plans(self, site: Site, reading: Reading | None = None) -> None:
        """One plan per upstream that knows of it. Without the start reading it goes on from a former life."""
        told, row = self.told(site), self.record
        self.resumed = reading is None
        first = reading or Reading(row.started_at, row.meter_start_wh, ())
        self.periodic = [Periodic(upstream) for upstream in site.registry if upstream.id in told]
        for plan in self.periodic:
            plan.not_before_ms = self.seen.at.monotonic_ms if self.resumed and self.seen else 0
            due = Due(plan.upstream.id, row.started_at, ReadingContext.TRANSACTION_BEGIN)
            plan.intervals.begin(first.energy_wh if reading else self.register_wh, first.values)
            plan.keep(*self._stop_sample(plan, first, row.meter_start_wh, due))

    def told(self, site: Site) -> tuple[UpstreamId, ...]:
        """Who has a start of it; a record without that knowledge was told to everybody and to its authority."""
        everybody = dict.fromkeys((*(upstream.id for upstream in site.registry), self.record.authority))
        return self.record.told or tuple(everybody)

    def sampled(self, site: Site, due: Due, taken: Sample) -> list[Entry]:
        """The row for one sample."""
        trigger = TRIGGERS.get(due.context, Trigger.METER_VALUE_PERIODIC)
        event = TransactionSampled(self.record.id, self.record.where, taken, trigger)
        return enqueue(site, due.upstream, event, self.record.authority)

    def intend(self, stop: Stop, now: Moment) -> SaveTransaction:
        """The end was decided: the reason is stored before anybody is told that it was."""
        self.stop = stop
        self.closing_ms = now.monotonic_ms
        self.record = replace(self.record, stop_reason=stop.reason, stop_token=stop.token)
        return SaveTransaction(self.record)

    def stop_entries(self, site: Site, at: Moment, reading: Reading | None, offline: bool) -> list[Entry]:
        """The closed journal row and one stop per upstream. Without a reading the last one closes it, marked."""
        stop = self.stop or Stop(StopReason.OTHER, Trigger.ABNORMAL_CONDITION)
        self.record = replace(
            self.record,
            stopped_at=at,
            meter_stop_wh=self.register_wh,
            stop_reason=stop.reason,
            stop_token=stop.token,
            last_at=at,
            last_energy_wh=self.register_wh,
        )
        entries: list[Entry] = [SaveTransaction(self.record), *rows(site.profiles.forget(self.record.id))]
        if not self.periodic:
            self.open_plans(site)
        for upstream in self.told(site):
            event = TransactionStopped(
                self.record.id,
                self.record.where,
                at,
                self.register_wh,
                stop.reason,
                stop.trigger,
                stop.token,
                offline,
                last_reading_estimated=reading is None,
                samples=self._stop_samples(upstream, at, reading),
                signed=self.record.signed,
            )
            entries += enqueue(site, upstream, event, self.record.authority)
        return entries

    def _stop_samples(self, upstream: UpstreamId, at: Moment, reading: Reading | None) -> tuple[Sample, ...]:
        plan = next((p for p in self.periodic if p.upstream.id == upstream), None)
        if plan is None:
            return ()
        final = reading or Reading(at, self.register_wh, ())
        due = Due(upstream, at, ReadingContext.TRANSACTION_END)
        return (*plan.kept, *self._stop_sample(plan, final, self.register_wh, due))

    @staticmethod
    def _stop_sample(plan: Periodic, reading: Reading, energy_wh: int, due: Due) -> tuple[Sample, ...]:
        """The first or last sample of the stop message, with what was counted since the one before."""
        counted = plan.intervals.take(energy_wh, reading.values)
        whole = replace(reading, values=(*reading.values, *counted))
        return samples(whole, energy_wh, due, plan.upstream.options.stop_sampled_measurands)


def _jump_wh(before: Reading | None, reading: Reading, most_w: float) -> int:
    """By how much the register moved if it cannot have counted that; else 0."""
    if before is None:
        return 0
    gained_wh = reading.energy_wh - before.energy_wh
    most_wh = most_w * (reading.at.monotonic_ms - before.at.monotonic_ms) / 3_600_000 + SLACK_WH
    return 0 if -FALL_WH <= gained_wh <= most_wh else gained_wh
