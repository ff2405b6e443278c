"""What belongs to one upstream alone must never reach another one, nor the log: looked for after every scenario.

Theory of operation
-------------------
A *canary* is a text that one backend said to the station and that is nobody else's business: a password, private data,
a card of its list that was never shown here, a parent of a card, where files go, a certificate. They are read from the
ledger of that backend, whatever scenario is played; then every frame that the station sent to another backend is
searched for them, and every line of its log. Knows ledgers and log only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from tests.rig.ledger import CALL, CALL_RESULT, RECEIVED, SENT, Frame, Ledger

SHORTEST = 6
"""Shorter texts could be anything."""
PLACES = frozenset({"location", "remoteLocation"})
OF_CARDS = frozenset({"card", "parent of a card"})
"""No secret of a backend once the station has told that backend of such a card: then it was shown here."""


class Scene(Protocol):
    """What there is to search."""

    @property
    def backends(self) -> Any: ...
    @property
    def lives(self) -> Any: ...


def leaks(scene: Scene) -> list[str]:
    """Every canary that was found where it must not be, without repeating it."""
    ledgers = {backend.name: backend.ledger for backend in scene.backends}
    own = {name: secrets_of(ledger) for name, ledger in ledgers.items()}
    for backend in scene.backends:
        if backend.password:
            own[backend.name][backend.password.decode(errors="replace")] = "password"
    log = "\n".join(life.log for life in scene.lives) if any(own.values()) else ""
    found = []
    for name, canaries in own.items():
        for other, ledger in ledgers.items():
            if other != name and canaries:
                wire = "\n".join(frame.text for frame in ledger.frames if frame.direction == RECEIVED)
                mine = own[other]
                found += [
                    f"the {what} of {name} was sent to {other}"
                    for c, what in canaries.items()
                    if c in wire and c not in mine
                ]
        found += [f"the {what} of {name} is in the log" for c, what in canaries.items() if c in log]
    return found


def secrets_of(ledger: Ledger) -> dict[str, str]:
    """The canaries of one backend as they would stand in JSON, and what each of them is."""
    found: dict[str, str] = {}
    for frame in ledger.frames:
        if frame.direction == SENT and isinstance(frame.payload, Mapping):
            for what, text in _private(frame):
                if len(text) >= SHORTEST:
                    found[json.dumps(text)[1:-1]] = what
    if not found:
        return found
    told = "\n".join(frame.text for frame in ledger.frames if frame.direction == RECEIVED)
    return {text: what for text, what in found.items() if what not in OF_CARDS or text not in told}


def _private(frame: Frame) -> Iterator[tuple[str, str]]:
    payload = frame.payload
    if frame.type == CALL_RESULT:
        parent = payload.get("idTagInfo", {}) if isinstance(payload.get("idTagInfo"), Mapping) else {}
        if isinstance(parent.get("parentIdTag"), str):
            yield "parent of a card", parent["parentIdTag"]
    if frame.type != CALL:
        return
    if frame.action == "ChangeConfiguration" and payload.get("key") == "AuthorizationKey":
        yield "password", str(payload.get("value"))
    if frame.action == "DataTransfer" and isinstance(payload.get("data"), str):
        yield "private message", payload["data"]
    if frame.action == "InstallCertificate":
        yield "certificate", str(payload.get("certificate"))[100:160]
    for entry in payload.get("localAuthorizationList") or ():
        if isinstance(entry, Mapping):
            yield "card", str(entry.get("idTag"))
    for holder in (payload, payload.get("log")):
        if isinstance(holder, Mapping):
            yield from (("place of files", str(holder[key])) for key in PLACES if key in holder)
