"""Bodies of control requests: named fields out of JSON, or an error that names field, value and fix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class BadRequest(Exception):
    """A request that cannot be done: answered as an error with status, field, value and fix."""

    def __init__(self, field: str, value: object, fix: str, *, status: int = 400, message: str = "") -> None:
        super().__init__(message or f"{field} cannot be {json.dumps(value, default=str)}")
        self.field = field
        self.value = value
        self.fix = fix
        self.status = status

    def document(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"error": str(self), "field": self.field, "value": self.value, "fix": self.fix}


class Body:
    """The JSON object of a request; an absent field, or null, is its default."""

    def __init__(self, text: bytes) -> None:
        """Raises BadRequest if it is no JSON object; an empty body is an empty object."""
        try:
            values = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError):
            raise BadRequest("body", text[:80].decode("utf-8", "replace"), "send a JSON object") from None
        if not isinstance(values, dict):
            raise BadRequest("body", values, 'send a JSON object such as {"amps": 16}')
        self._values: Mapping[str, Any] = values

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number between two bounds, both allowed."""
        value = self.optional_number(name, low, high)
        return default if value is None else value

    def optional_number(self, name: str, low: float, high: float) -> float | None:
        """A number between two bounds, or None."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadRequest(name, value, f"use a number from {low:g} to {high:g}")
        return float(value)

    def required_number(self, name: str, low: float, high: float) -> float:
        """A number that has to be there."""
        value = self.optional_number(name, low, high)
        if value is None:
            raise BadRequest(name, None, f"add {name}, a number from {low:g} to {high:g}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise BadRequest(name, value, "use true or false")
        return value

    def share(self, name: str, default: float, high: float) -> float:
        """A number of at least 0, or false for 0 and true for 1."""
        value = self._values.get(name)
        return float(value) if isinstance(value, bool) else self.number(name, default, 0, high)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self._values.get(name)
        value = default if value is None else value
        if not isinstance(value, str) or not value:
            raise BadRequest(name, value, f"add {name} as a text")
        return value

    def has(self, name: str) -> bool:
        """True if the field is there and not null."""
        return self._values.get(name) is not None
