"""Cards that some backends are told by pseudonyms: each stands for one card, and none is the card."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tests.rig.oracle_sessions import Finding, Session


def unveiled(
    books: Mapping[str, list[Session]],
    billing: str,
    pseudonymous: Collection[str],
    known: Collection[str],
    said_yes: Mapping[str, Collection[str]],
) -> tuple[dict[str, list[Session]], list[Finding]]:
    """The books with the cards that Billing was told, and what was wrong with those that stood for them.

    A session is known again by its connector, start and register. `known`: tags that are no secret, without case.
    `said_yes`: cards that a backend has accepted itself, so that it may be the one that owns the session.
    """
    cards = {place(session): session.id_tag for session in books.get(billing, [])}
    found: list[Finding] = []
    shown = dict(books)
    for name in pseudonymous:
        meant: dict[str, str] = {}
        shown[name] = [replace(one, id_tag=cards.get(place(one), one.id_tag)) for one in books.get(name, [])]
        for told, card in ((one.id_tag, cards.get(place(one))) for one in books.get(name, [])):
            if card is None or card.casefold() in known:
                continue
            if told.casefold() == card.casefold() and card.casefold() in said_yes.get(name, ()):
                continue
            if told.casefold() == card.casefold():
                found.append(Finding("ATK-28", f"{name} was told a card"))
            if meant.setdefault(told, card) != card or list(meant.values()).count(card) > 1:
                found.append(Finding("ATK-28", f"{name}: {told} and a card do not stand for each other"))
    return shown, found


def place(session: Session) -> tuple[int, int, int]:
    """By which a session is known again in every book: connector, start and register."""
    return session.connector, session.began_ms, session.meter_start_wh
