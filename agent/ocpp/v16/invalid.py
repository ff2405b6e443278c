"""The exception of the generated validators, and the CALLERROR code that each broken rule gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from agent.ocpp.wire import ErrorCode

CODES: Final[Mapping[str, ErrorCode]] = {
    "required": ErrorCode.PROTOCOL_ERROR,
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "enum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "maxLength": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "minLength": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "minimum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "maximum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "minItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "maxItems": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
}
"""Broken rule of a schema to the code of OCPP-J 1.6 4.2.3."""


WORDS: Final[Mapping[str, str]] = {
    "required": "is missing",
    "type": "has another type than it must have",
    "enum": "is none of the values that it may have",
    "maxLength": "is longer than it may be",
    "minItems": "has fewer items than it must have",
    "additionalProperties": "is no field of this message",
}
"""What is wrong with the field, for the description of the CALLERROR."""
MOST_NAMES: Final = 3
LONGEST_NAME: Final = 40


class Invalid(ValueError):
    """A payload breaks a rule of its schema. Keeps rule and place, never the value: it may be a key or a card.

    `fields` are those that are missing, or that should not be there, at `name`.
    """

    def __init__(self, name: str, rule: str, fields: Iterable[str] = ()) -> None:
        self.rule = rule
        self.place = name.removeprefix("data").removeprefix(".")
        self._fields = tuple(sorted(fields)[:MOST_NAMES])
        super().__init__(self.text)

    @property
    def code(self) -> ErrorCode:
        """The CALLERROR code; FormationViolation for a rule that the table does not name."""
        return CODES.get(self.rule, ErrorCode.FORMATION_VIOLATION)

    @property
    def text(self) -> str:
        """What is wrong, for the description of the CALLERROR. Names that a peer has made up are cut and made ASCII."""
        inner = [f"{self.place}.{name}" if self.place else name for name in self._fields]
        names = [ascii(name)[1:-1][: LONGEST_NAME + len(self.place)] for name in inner] or [self.place or "the payload"]
        return f"{', '.join(names)}: {WORDS.get(self.rule, 'is not as the schema says')}"
