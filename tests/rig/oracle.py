"""The independent oracle: it reads the plant's history and the backends' ledgers, and nothing of the agent.

Theory of operation
-------------------
A scenario hands over what the outside world saw: what happened at the connectors on plant time, and every frame of
every backend. Each law below turns that into findings; a scenario is green only with none. The laws know the product's
promises, not its code: this file and its two parts import neither `agent` nor `hal`.

Two clocks are mapped onto plant time: that of the ledgers (`ledger_zero_s`: what they read at plant time 0) and the
wall time in the frames (`wall_zero_ms`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.rig.ledger import Ledger
from tests.rig.oracle_cards import place, unveiled
from tests.rig.oracle_ledgers import delivery_findings, energy_findings, mirror_findings, session_findings
from tests.rig.oracle_plant import Limits, Track, due_s, safety_findings, tracks
from tests.rig.oracle_sessions import Finding, Session, sessions_of


class Happening(Protocol):
    """One change in the plant: `hal.simulator.history.PlantEvent` has this shape."""

    @property
    def time_s(self) -> float: ...
    @property
    def connector(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> bool | float | str: ...


@dataclass(frozen=True, slots=True)
class Commit:
    """Seen at the disk: the record of a transaction's start on a connector was synced at this plant time."""

    time_s: float
    connector: int


@dataclass(slots=True)
class World:
    """What the outside saw, and what the station was told to be."""

    happenings: Iterable[Happening]
    ledgers: Mapping[str, Ledger]
    billing: str
    ended_s: float = 0.0
    """Plant time at which the story ends; what is late by then is late."""
    ledger_zero_s: float = 0.0
    wall_zero_ms: int = 0
    commits: Iterable[Commit] | None = None
    """Synced starts, where the rig watches the disk; None: nobody watched."""
    limits: Limits = field(default_factory=Limits)
    offline_cards: frozenset[str] = frozenset()
    """Cards that may charge with no answer of Billing (cache, list, free connectors), without case."""
    asked: frozenset[str] = frozenset()
    """Backends that may be asked about cards beside Billing."""
    running: bool = False
    """The scenario ends within a transaction: a start without its stop is right."""
    undelivered: frozenset[str] = frozenset()
    """Backends that were never reached again: what they lack is no finding."""
    held_after: frozenset[str] = frozenset({"DeAuthorized"})
    """Reasons of an end after which the cable may be held."""
    outages: Iterable[tuple[float, float]] = ()
    """From when to when supply or process were away, in plant time: deadlines of the agent begin anew after it."""
    pseudonymous: frozenset[str] = frozenset()
    """Backends that are told of cards by pseudonyms."""
    lost_energy_wh: float = 0.0
    """Energy that a power cut may have hidden between the last stored reading and the end."""


def findings(world: World) -> list[Finding]:
    """Everything that is wrong, by law. An empty list is a green scenario."""
    plant = tracks(world.happenings, world.ended_s)
    found = safety_findings(plant.values(), world.limits, world.outages)
    books = {name: sessions_of(ledger) for name, ledger in world.ledgers.items()}
    for name, ledger in world.ledgers.items():
        found += delivery_findings(ledger)
        if name not in world.undelivered:
            found += session_findings(name, books[name], running=world.running)
    books, betrayed = unveiled(
        books,
        world.billing,
        world.pseudonymous,
        world.offline_cards,
        {name: _granted([world.ledgers[name]]) for name in world.asked},
    )
    found += betrayed
    told = {name: book for name, book in books.items() if name not in world.undelivered}
    found += mirror_findings(told)
    if world.billing in told:
        book = told[world.billing]
        found += energy_findings(world.billing, book, plant, lost_wh=world.lost_energy_wh, running=world.running)
        found += _power_findings(world, plant, book)
        found += _lock_findings(world, plant, book)
    found += authority_findings(world, books)
    return found


def check(world: World) -> None:
    """Raise AssertionError with every finding."""
    found = findings(world)
    assert not found, "the oracle found:\n" + "\n".join(f"  {finding}" for finding in found)


def authority_findings(world: World, books: Mapping[str, list[Session]]) -> list[Finding]:
    """INV-7 and INV-8: nobody is asked but who may be, and every started card has a yes of one of them, in time.

    A pseudonym says nothing of the card until Billing was told of the same session. While a scenario still runs
    Billing may be told last (it was away): that session is passed over until then, and no other. At the end everybody
    was told and every session is judged: one that Billing was never told is a finding of INV-7 and of INV-1.
    """
    may = {world.billing, *world.asked}
    found = [
        Finding("INV-7", f"{name} has no say and was asked about {len(ledger.calls('Authorize'))} cards")
        for name, ledger in world.ledgers.items()
        if name not in may and ledger.calls("Authorize")
    ]
    granted = _granted(world.ledgers[name] for name in may)
    for name, book in books.items():
        for session in book:
            if _veiled(world, name, session, books.get(world.billing, [])):
                continue
            card = session.id_tag.casefold()
            began_s = (session.began_ms - world.wall_zero_ms) / 1000
            in_time = [at_s for at_s in granted.get(card, []) if at_s - world.ledger_zero_s <= began_s + 0.05]
            if card not in world.offline_cards and not in_time:
                found.append(Finding("INV-7", f"{name}: {session.label} started with no yes of {world.billing}"))
    return found


def _veiled(world: World, name: str, session: Session, billed: list[Session]) -> bool:
    """Nobody can tell yet whose card this is."""
    may_be_late = name in world.pseudonymous and world.billing in world.undelivered
    return may_be_late and place(session) not in {place(one) for one in billed}


def _granted(ledgers: Iterable[Ledger]) -> dict[str, list[float]]:
    """When somebody with a say said yes to a card, by Authorize or by a remote start."""
    granted: dict[str, list[float]] = {}
    asking = list(ledgers)
    calls = [(ledger, call) for ledger in asking for call in ledger.calls("Authorize")]
    for asked, call in calls:
        for answer in asked.answers(call.message_id):
            if isinstance(answer.payload, dict) and answer.payload.get("idTagInfo", {}).get("status") == "Accepted":
                granted.setdefault(call.payload["idTag"].casefold(), []).append(answer.at_s)
    for frame in (frame for ledger in asking for frame in ledger.frames):
        if frame.direction == "out" and frame.action == "RemoteStartTransaction":
            granted.setdefault(frame.payload["idTag"].casefold(), []).append(frame.at_s)
    return granted


def _power_findings(world: World, plant: Mapping[int, Track], book: list[Session]) -> list[Finding]:
    """INV-2 and INV-4: whenever the contactor closes, a recorded transaction of its connector is running."""
    found = []
    commits = None if world.commits is None else list(world.commits)
    for connector, track in plant.items():
        for at_s in track.times("contactor", True):
            if track.held("fault contactor_welded", at_s):
                continue
            at_ms = world.wall_zero_ms + at_s * 1000
            around = [s for s in book if s.connector == connector and s.began_ms <= at_ms + 1]
            if not any(session.ended_ms is None or at_ms <= session.ended_ms for session in around):
                found.append(Finding("INV-4", f"connector {connector} closed at {at_s:.3f} s outside any transaction"))
            began_s = max((s.began_ms - world.wall_zero_ms for s in around), default=0) / 1000 - 0.01
            synced = [c for c in commits or () if c.connector == connector and began_s <= c.time_s <= at_s]
            if commits is not None and not synced:
                found.append(Finding("INV-2", f"connector {connector} closed at {at_s:.3f} s before any synced record"))
    return found


def _lock_findings(world: World, plant: Mapping[int, Track], book: list[Session]) -> list[Finding]:
    """INV-6: some seconds after the end of a transaction the lock is open, unless a rule keeps it.

    A lock that opened in that time has kept the promise, though it may be closed again: the next card may be accepted
    within those seconds, and locks before a transaction begins, or without one if its car goes first.
    """
    found = []
    for session in book:
        track = plant.get(session.connector)
        if track is None or session.ended_ms is None or session.reason in world.held_after:
            continue
        ended_s = (session.ended_ms - world.wall_zero_ms) / 1000
        latest_s = due_s(ended_s, world.limits.unlock_s, world.outages)
        excused = track.held("contactor", latest_s) or track.held("fault lock_jam", latest_s)
        opened = any(ended_s <= at_s <= latest_s for at_s in track.times("lock", False))
        restarted = opened or any(s.connector == session.connector and s.began_ms > session.began_ms for s in book)
        if latest_s < track.end_s and track.held("lock", latest_s) and not excused and not restarted:
            found.append(Finding("INV-6", f"{session.label}: still locked {world.limits.unlock_s:g} s after its end"))
    return found
