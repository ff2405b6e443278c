"""The exception of the generated validators, and the CALLERROR code that each broken rule gets."""

from __future__ import annotations

from collections.abc import Mapping
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


class Invalid(ValueError):
    """A payload breaks a rule of its schema. Keeps rule and place, never the value: it may be a key or a card."""

    def __init__(self, name: str, rule: str) -> None:
        self.rule = rule
        self.place = name.removeprefix("data").removeprefix(".")
        super().__init__(self.text)

    @property
    def code(self) -> ErrorCode:
        """The CALLERROR code; FormationViolation for a rule that the table does not name."""
        return CODES.get(self.rule, ErrorCode.FORMATION_VIOLATION)

    @property
    def text(self) -> str:
        """What is wrong, for the description of the CALLERROR."""
        return f"{self.place or 'payload'}: {self.rule or 'not as the schema'}"
