"""The fields of one request of the control socket, read with their types; and how a request is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.settings.problems import Problem, quoted
from agent.vocabulary.ids import Secret


class RefusedError(Exception):
    """A request that is not carried out; what is wrong and what to do is in `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def refuse(field: str, message: str, remedy: str) -> RefusedError:
    """A refusal with one problem."""
    return RefusedError([Problem(field, message, remedy)])


class Fields:
    """Reads the fields of one request, each with its type; unknown ones are refused by `finish`."""

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held
        self._known = {"command"}

    def text(self, name: str, default: str | None = None, longest: int = 512) -> str:
        """A text."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise refuse(name, f"{quoted(value)} is not a text", "give it as a text")
        if len(value) > longest:
            raise refuse(name, f"has {len(value)} characters", f"use at most {longest}")
        return value

    def secret(self, name: str, longest: int = 512) -> Secret | None:
        """A secret; None if it is left out or empty."""
        text = self.text(name, "", longest)
        return Secret(text) if text else None

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refuse(name, f"{quoted(value)} is not possible", f"use a number from {low:g} to {high:g}")
        return value

    def integer(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number; without a default it must be given."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refuse(name, f"{quoted(value)} is not possible", f"use a whole number from {low} to {high}")
        return value

    def optional_number(self, name: str, low: float, high: float) -> float | None:
        """A number, or None where it is left out or null."""
        if self._held.get(name) is None:
            self._known.add(name)
            return None
        return self.number(name, low, low, high)

    def optional(self, name: str, low: int, high: int) -> int | None:
        """A whole number that may be left out."""
        self._known.add(name)
        return self.integer(name, None, low, high) if name in self._held else None

    def boolean(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise refuse(name, f"{quoted(value)} is neither true nor false", "use true or false")
        return value

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        unknown = sorted(set(self._held) - self._known)
        if unknown:
            known = ", ".join(sorted(self._known))
            raise refuse(quoted(unknown[0])[1:-1], "is not a field of this command", f"known here: {known}")

    def _take(self, name: str, default: object) -> Any:
        self._known.add(name)
        value = self._held.get(name, default)
        if value is None:
            raise refuse(name, "is missing", "give it")
        return value
