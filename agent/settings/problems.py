"""What is wrong with a setting: told with file, line, field, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a grammar rule says about one value. It knows neither file nor field; whoever asked adds those."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint about one field. `line` is 0 where there is no file (a form, a command line)."""

    field: str
    message: str
    remedy: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        field = f"{self.field}: " if self.field else ""
        return f"{place}{field}{self.message}; {self.remedy}"


class SettingsError(ValueError):
    """Settings that cannot be used, with every problem found, so that one round of edits mends them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def quoted(value: object, limit: int = 60) -> str:
    """A value as a message may show it: bounded, and with control and invisible characters escaped."""
    text = value if isinstance(value, str) else repr(value)
    shown = ascii(text[:limit] + ("..." if len(text) > limit else ""))
    return f'"{shown[1:-1]}"' if isinstance(value, str) else shown[1:-1]
