"""What comes back: answers to our messages, news of links, and the state of the store."""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.authorization.desk import Desk
from agent.station.evse.connector import Connector
from agent.station.evse.recovery import decide_orphan
from agent.station.evse.transaction import Stop, Transaction
from agent.station.evse.verdicts import take_verdict
from agent.station.restart import Restarter
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.events import Trigger
from agent.vocabulary.ids import ConnectorId, TransactionId
from agent.vocabulary.inputs import (
    MessageAcknowledged,
    MessageFailed,
    RecordFailed,
    Registration,
    ReofferRequested,
    Synced,
    UpstreamChanged,
    WallTimeFixed,
)
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import Acknowledge, CountAttempt, FixWallTime, NoteAccepted, Park, Unpark


class Receipts:
    """One method per input."""

    def __init__(
        self, site: Site, connectors: Mapping[ConnectorId, Connector], desk: Desk, restarter: Restarter
    ) -> None:
        self._site = site
        self._connectors = connectors
        self._desk = desk
        self._restarter = restarter

    def upstream_changed(self, given: UpstreamChanged, turn: Turn) -> None:
        """Link or registration of an upstream changed."""
        upstream = self._site.registry.get(given.upstream)
        if upstream is None:
            turn.note(StationNote.UNKNOWN_UPSTREAM, "link news", upstream=given.upstream)
            return
        booted = given.connected and upstream.connected  # on one link, further news are answers to boots
        upstream.boot_accepted = booted and given.registration is Registration.ACCEPTED
        upstream.connected, upstream.registration = given.connected, given.registration
        if given.registration is Registration.ACCEPTED and not upstream.ever_accepted:
            upstream.ever_accepted = True
            turn.record(NoteAccepted(upstream.id), barrier=True)

    def acknowledged(self, given: MessageAcknowledged, turn: Turn) -> None:
        """An upstream answered. An id belongs to a start: a barrier; the authority's verdict may end it."""
        upstream = self._site.registry.get(given.upstream)
        is_start = given.foreign_id is not None
        turn.record(
            Acknowledge(given.upstream, given.message_id, given.transaction, given.foreign_id, given.verdict),
            barrier=is_start,
        )
        if upstream is None:
            return
        connector = self._owner(given.transaction)
        self._learn(given, connector if is_start else None, turn)
        if given.transaction is None or given.foreign_id is None:
            return
        upstream.ids.pop(given.transaction, None)
        if connector is not None:
            upstream.ids[given.transaction] = given.foreign_id
            self._obey(given, connector, turn)

    def _learn(self, given: MessageAcknowledged, connector: Connector | None, turn: Turn) -> None:
        """The verdict of a transaction's authority goes to its cache, also behind a session that is long over."""
        token = self._site.cards_told.pop(given.message_id, None)
        if given.verdict is None:
            return
        record = connector.record if connector is not None else None
        if record is not None and record.authority == given.upstream:
            token = record.token
        if token is not None:
            self._desk.knowledge.remember(given.upstream, token, given.verdict, turn)

    def _obey(self, given: MessageAcknowledged, connector: Connector, turn: Turn) -> None:
        """The verdict on a start, if it comes from the authority of that transaction."""
        record = connector.record
        if given.verdict is None or record is None:
            return
        if record.authority == given.upstream:
            take_verdict(connector, given.verdict, turn)
        elif not given.verdict.accepted:
            why = "not the authority of this transaction"
            turn.note(StationNote.VERDICT_IGNORED, why, connector.id, given.upstream)

    def failed(self, given: MessageFailed, turn: Turn) -> None:
        """An upstream could not process a message: counted, or given up and parked."""
        turn.record(CountAttempt(given.upstream, given.message_id, given.attempts))
        if given.given_up:
            upstream = self._site.registry.get(given.upstream)
            whole = upstream is not None and upstream.options.park_whole_session
            turn.record(Park(given.upstream, given.message_id, given.why, whole), barrier=True)
            turn.note(StationNote.MESSAGE_PARKED, given.why, upstream=given.upstream)

    def reoffer(self, given: ReofferRequested, turn: Turn) -> None:
        """Somebody on the spot wants what was parked to be tried again."""
        turn.record(*(Unpark(given.upstream, message) for message in given.message_ids))
        text = f"{len(given.message_ids)} messages"
        turn.note(StationNote.MESSAGES_REOFFERED, text, upstream=given.upstream)

    def synced(self, given: Synced, turn: Turn) -> None:
        """The store works."""
        self._site.synced = max(self._site.synced, given.sequence)
        if not self._site.storage_healthy:
            self._site.storage_healthy = True
            turn.note(StationNote.STORAGE_RECOVERED, f"records up to {given.sequence} are on the disk")

    def record_failed(self, given: RecordFailed, turn: Turn) -> None:
        """The store does not: nothing new starts; what runs goes on, or ends by the station's policy."""
        if self._site.storage_healthy:
            self._site.storage_healthy = False
            turn.note(StationNote.STORAGE_FAULT, given.why)
        self._restarter.disk_failed()

    def wall_time_fixed(self, given: WallTimeFixed, turn: Turn) -> None:
        """The clock became known: frames that waited for it are rendered in this record."""
        turn.record(FixWallTime(given.boot, given.offset_ms), barrier=True)

    def close_orphans(self, turn: Turn) -> None:
        """Open transactions that no connector can own (gone, or taken by a later one) are closed as stored."""
        for record in self._site.snapshot.open_transactions:
            connector = self._connectors.get(record.where.connector)
            if connector is not None and connector.recovered is record:
                continue
            outcome = decide_orphan(record, self._site.snapshot)
            transaction = Transaction(record, outcome.register_wh or record.meter_start_wh)
            transaction.stop = Stop(outcome.reason, Trigger.ABNORMAL_CONDITION, record.stop_token)
            at = record.last_at or record.started_at
            turn.record(*transaction.stop_entries(self._site, at, None, True), barrier=True)
            turn.note(StationNote.TRANSACTION_RECOVERED, outcome.why, record.where.connector)

    def _owner(self, transaction: TransactionId | None) -> Connector | None:
        for connector in self._connectors.values():
            if connector.record is not None and connector.record.id == transaction:
                return connector
        return None
