"""Every part of the store that owns a table, made on one database."""

from __future__ import annotations

from dataclasses import dataclass

from agent.store.accepted import Accepted
from agent.store.boots import Boots
from agent.store.cache import Cache
from agent.store.damage import Damage, Report
from agent.store.database import Database
from agent.store.frames import Frames, Render
from agent.store.holds import Holds
from agent.store.installer_limits import InstallerLimits
from agent.store.journal import Journal
from agent.store.kept_cables import KeptCables
from agent.store.ladder import Ladder
from agent.store.limits import Limits
from agent.store.local_lists import LocalLists
from agent.store.names import UpstreamNumbers
from agent.store.notices import Notices, RenderNotice
from agent.store.numbered import Numbered
from agent.store.options import SavedOptions
from agent.store.outbox import Outbox
from agent.store.parked import Parked
from agent.store.parting import Parting
from agent.store.receipts import Receipts
from agent.store.retention import Retention
from agent.store.samples import Readings
from agent.store.security_log import SecurityLog
from agent.store.unframed import Unframed
from agent.vocabulary.charging import InstalledProfile
from agent.vocabulary.records import SaveReservation


@dataclass(frozen=True, slots=True)
class Tables:
    """Every part of the store that owns a table."""

    upstreams: UpstreamNumbers
    boots: Boots
    journal: Journal
    readings: Readings
    outbox: Outbox
    parked: Parked
    receipts: Receipts
    frames: Frames
    limits: Limits
    retention: Retention
    parting: Parting
    options: SavedOptions
    holds: Holds
    installer_limits: InstallerLimits
    cache: Cache
    ladder: Ladder
    security_log: SecurityLog
    notices: Notices
    accepted: Accepted
    kept_cables: KeptCables
    profiles: Numbered[InstalledProfile]
    local_lists: LocalLists
    reservations: Numbered[SaveReservation]
    damage: Damage

    def forget(self) -> None:
        """Drop all that is remembered, after a rolled-back transaction."""
        self.upstreams.forget()
        self.journal.forget()
        self.readings.forget()
        self.outbox.forget()
        self.security_log.forget()
        self.notices.forget()
        self.limits.forget()


def make_tables(database: Database, render: Render, report: Report) -> Tables:
    """For a store. `report` is told what is set aside."""
    upstreams, boots, damage = UpstreamNumbers(database), Boots(database), Damage(database, report)
    outbox, receipts, journal = Outbox(database), Receipts(database, upstreams), Journal(database)
    return Tables(
        upstreams,
        boots,
        journal,
        Readings(database),
        outbox,
        Parked(database),
        receipts,
        Frames(render, outbox, Unframed(database), receipts, upstreams, boots, damage),
        Limits(outbox, journal, receipts, upstreams, database),
        Retention(database, upstreams, outbox, receipts, report),
        Parting(database, upstreams),
        SavedOptions(database, upstreams),
        Holds(database, upstreams),
        InstallerLimits(database),
        Cache(database, upstreams),
        Ladder(database),
        SecurityLog(database, boots),
        Notices(database, _of_notices(render), upstreams, boots, damage, report),
        Accepted(database, upstreams),
        KeptCables(database),
        Numbered(database, upstreams, "profiles", InstalledProfile),
        LocalLists(database, upstreams),
        Numbered(database, upstreams, "reservations", SaveReservation),
        damage,
    )


def _of_notices(render: Render) -> RenderNotice:
    return lambda upstream, event, message_id, offset_ms: render(upstream, event, message_id, None, offset_ms)
