"""Requests by the hundred thousand, drawn fast: valid ones mostly, of every kind, with ids and cards that matter.

`hypothesis` shrinks what it finds and takes its time for that; here a seed is enough to see it again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.ocpp.v16.keys import KEYS
from tests.fuzz import schemas

SPOILT = 0.1
"""So many of the requests are wrong somewhere."""
OWN_LINK = frozenset({"AuthorizationKey", "SecurityProfile"})
"""Keys with which an upstream can only lose its own link."""
STAMPS = ("2025-12-31T23:00:00Z", "2026-01-01T12:00:00.5+02:00", "2030-01-01T00:00:00Z")
ODD: tuple[Any, ...] = (None, True, -1, 1.5, 2**40, "", "x" * 300, [], {}, [None])


@dataclass(slots=True)
class Crowd:
    """Draws requests."""

    chance: random.Random
    cards: Sequence[str]
    transactions: Sequence[int]
    """Ids that the backends gave."""
    never: frozenset[str] = frozenset()
    """Actions that are not drawn."""
    drawn: dict[str, int] = field(default_factory=dict)
    """How many there were of each."""

    def request(self, number: int) -> str:
        """The text of a request."""
        action = self.chance.choice([each for each in schemas.ASKED_OF_US if each not in self.never])
        self.drawn[action] = self.drawn.get(action, 0) + 1
        payload = self._value(schemas.request(action), "")
        if self.chance.random() < SPOILT and payload:
            name = self.chance.choice(sorted(payload))
            payload[name] = self.chance.choice(ODD)
        return json.dumps([2, f"crowd-{number}", action, payload])

    def _value(self, schema: Mapping[str, Any], name: str) -> Any:
        if name in self._known:
            return self.chance.choice(self._known[name])
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        match schema.get("type", "object"):
            case "object":
                return self._object(schema)
            case "array":
                items = schema.get("items", {"type": "string"})
                return [self._value(items, name) for _ in range(self.chance.randint(schema.get("minItems", 0), 3))]
            case "integer":
                return self.chance.choice((0, 1, 2, 3, 30, 86_400, -1))
            case "number":
                return self.chance.choice((0, 0.1, 6, 16, 32.5, 11_000))
            case "boolean":
                return self.chance.random() < 0.5
            case _:
                return self._text(schema)

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        needed = schema.get("required", ())
        members = schema.get("properties", {}).items()
        chosen = [(name, member) for name, member in members if name in needed or self.chance.random() < 0.5]
        return {name: self._value(member, name) for name, member in chosen}

    def _text(self, schema: Mapping[str, Any]) -> str:
        if schema.get("format") == "date-time":
            return self.chance.choice(STAMPS)
        if schema.get("format") == "uri":
            return "https://files.example/"
        return self.chance.choice(("", "a", "Z" * schema.get("maxLength", 20)))

    @property
    def _known(self) -> Mapping[str, Sequence[Any]]:
        return {
            "idTag": self.cards,
            "parentIdTag": self.cards,
            "connectorId": (0, 1, 1, 1, 2, -1),
            "transactionId": (*self.transactions, 0, 1, -1),
            "key": [key.name for key in KEYS if key.name not in OWN_LINK],
            "value": ("true", "false", "0", "1", "60", "", "FREE"),
            "listVersion": (1, 2, 3),
            "status": ("Accepted",),
        }
