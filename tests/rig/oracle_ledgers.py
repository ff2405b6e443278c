"""What the oracle reads from the ledgers: once, in order, the same for all, and the energy adds up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from tests.rig.ledger import CALL, RECEIVED, Frame, Ledger
from tests.rig.oracle_plant import Track
from tests.rig.oracle_sessions import Finding, Session, wall_ms_of

TRANSACTION_ACTIONS = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
NO_ID = -1
"""The transaction id of what follows a start that was given up."""


def delivery_findings(ledger: Ledger) -> list[Finding]:
    """INV-1, INV-2, INV-8 on one ledger: repeats are repeats, one message at a time, no id that was never given."""
    name = ledger.name
    found = [
        Finding("INV-1", f"{name}: message {frame.message_id} came again with other bytes")
        for frame in ledger.contradictions()
    ]
    found += _crowded(ledger)
    found += _unknown_ids(ledger)
    found += _out_of_order(ledger)
    return found


def session_findings(name: str, book: list[Session], *, running: bool) -> list[Finding]:
    """INV-1 and INV-3 on the sessions of one backend."""
    found = []
    for number, session in enumerate(book):
        may_run = running and not any(later.connector == session.connector for later in book[number + 1 :])
        if len(session.stops) != 1 and not (may_run and not session.stops):
            found.append(Finding("INV-1", f"{name}: {session.label} has {len(session.stops)} stops"))
        if session.meter_stop_wh is not None and session.meter_stop_wh < session.meter_start_wh:
            found.append(Finding("INV-3", f"{name}: {session.label} stops below its start"))
        found += _falling(name, session)
    doubles = [s for s in book if sum(o.connector == s.connector and o.began_ms == s.began_ms for o in book) > 1]
    found += [Finding("INV-1", f"{name}: {session.label} was started more than once") for session in doubles]
    for connector in {session.connector for session in book}:
        mine = [session for session in book if session.connector == connector]
        found += [finding for pair in pairwise(mine) for finding in _succession(name, *pair)]
    return found


def mirror_findings(books: Mapping[str, list[Session]]) -> list[Finding]:
    """INV-1: every backend was told of the same sessions."""
    told = {name: sorted(_essence(session) for session in book) for name, book in books.items()}
    names = sorted(told)
    return [
        Finding("INV-1", f"{name} and {names[0]} were told different sessions: {told[name]} and {told[names[0]]}")
        for name in names[1:]
        if told[name] != told[names[0]]
    ]


def energy_findings(
    name: str, book: list[Session], plant: Mapping[int, Track], *, lost_wh: float, running: bool
) -> list[Finding]:
    """INV-3: on each connector the sessions add up to what the meter counted, within 1 Wh."""
    found = []
    for connector, track in plant.items():
        counted = track.counted_wh()
        mine = [s for s in book if s.connector == connector]
        if counted is None or (running and any(not session.stops for session in mine)):
            continue
        billed = sum(s.meter_stop_wh - s.meter_start_wh for s in mine if s.meter_stop_wh is not None)
        if not -1.0 <= counted - billed <= 1.0 + lost_wh:
            found.append(
                Finding("INV-3", f"{name}: connector {connector} counted {counted:.1f} Wh, billed {billed} Wh")
            )
    return found


def _essence(session: Session) -> tuple[int, str, int, int, int, int, str]:
    ended = (session.ended_ms or -1, session.meter_stop_wh or -1, session.reason)
    return (session.connector, session.id_tag, session.began_ms, session.meter_start_wh, *ended)


def _crowded(ledger: Ledger) -> list[Finding]:
    """A new transaction message while the one before it, on the same connection, waits for its answer."""
    found: list[Finding] = []
    waiting: dict[int, Frame] = {}
    for frame in ledger.frames:
        if frame.direction == RECEIVED and frame.type == CALL and frame.action in TRANSACTION_ACTIONS:
            before = waiting.get(frame.connection)
            if before is not None and before.message_id != frame.message_id and not _given_up(before, frame):
                found.append(Finding("INV-2", f"{ledger.name}: {frame.action} did not wait for {before.action}"))
            waiting[frame.connection] = frame
        elif frame.direction != RECEIVED and frame.type != CALL:
            last = waiting.get(frame.connection)
            if last is not None and last.message_id == frame.message_id:
                del waiting[frame.connection]
    return found


def _given_up(before: Frame, after: Frame) -> bool:
    """The station may go on after its time-out, which is 5 s at least."""
    return after.at_s - before.at_s >= 5.0


def _unknown_ids(ledger: Ledger) -> list[Finding]:
    given = {identity for start in ledger.starts() for identity in ledger.foreign_ids(start.message_id)} | {NO_ID}
    used = {stop.foreign_id for stop in ledger.stops()}
    used |= {value.foreign_id for value in ledger.meter_values() if value.foreign_id is not None}
    return [
        Finding("INV-8", f"{ledger.name} never gave transaction id {stranger}") for stranger in sorted(used - given)
    ]


def _out_of_order(ledger: Ledger) -> list[Finding]:
    """Within a transaction: start, values, stop, in the order of their times; nothing after the stop."""
    found = []
    for session_ids in [set(ledger.foreign_ids(start.message_id)) for start in ledger.starts()]:
        steps = [step for frame in ledger.deduplicated() for step in _steps(ledger, frame, session_ids)]
        for (kind, at_ms), (next_kind, next_ms) in pairwise(steps):
            if next_ms < at_ms:
                found.append(
                    Finding("INV-2", f"{ledger.name}: {next_kind} of {sorted(session_ids)} is older than its {kind}")
                )
            if kind == "StopTransaction" or next_kind == "StartTransaction":
                found.append(
                    Finding("INV-2", f"{ledger.name}: {next_kind} of {sorted(session_ids)} follows its {kind}")
                )
    return found


def _steps(ledger: Ledger, frame: Frame, ids: set[int]) -> list[tuple[str, int]]:
    if frame.action == "StartTransaction":
        mine = bool(ids & set(ledger.foreign_ids(frame.message_id)))
        return [(frame.action, wall_ms_of(frame.payload["timestamp"]))] if mine else []
    if frame.action not in TRANSACTION_ACTIONS or frame.payload.get("transactionId") not in ids:
        return []
    if frame.action == "StopTransaction":
        return [(frame.action, wall_ms_of(frame.payload["timestamp"]))]
    return [(frame.action, wall_ms_of(element["timestamp"])) for element in frame.payload["meterValue"]]


def _falling(name: str, session: Session) -> list[Finding]:
    registers = [float(session.meter_start_wh)]
    registers += [value.energy_wh for value in session.meter_values if value.energy_wh is not None]
    registers += [float(stop.meter_stop_wh) for stop in session.stops]
    if all(before <= after for before, after in pairwise(registers)):
        return []
    return [Finding("INV-3", f"{name}: the register falls within {session.label}: {registers}")]


def _succession(name: str, before: Session, after: Session) -> list[Finding]:
    found = []
    if before.meter_stop_wh is not None and after.meter_start_wh < before.meter_stop_wh:
        found.append(Finding("INV-3", f"{name}: {after.label} starts below the end of the one before"))
    if before.ended_ms is not None and after.began_ms < before.ended_ms:
        found.append(Finding("INV-2", f"{name}: {after.label} began before the one before ended"))
    return found
