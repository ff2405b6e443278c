"""Signed metering: whether it is wanted, how far it is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class SignedMetering(StrEnum):
    """Whether the meter signs the energy of a transaction."""

    REQUIRED = "required"  # nothing is charged without
    IF_POSSIBLE = "if possible"  # charged without, where the meter cannot or does not
    OFF = "off"


class SigningState(StrEnum):
    """How far the meter is that signs a transaction: each is written before the meter is told the next."""

    NONE = "none"  # nobody asked for a signature
    ORDERED = "ordered"  # the meter is told to begin
    BEGUN = "begun"
    ENDING = "ending"  # power is off; the meter is told to end
    SIGNED = "signed"
    UNSIGNED = "unsigned"  # it could not be had


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What the meter signed of a whole transaction, as it gave it, to the byte. It names who charged."""

    data: str = field(repr=False)
    encoding: str
    """By which verifiers know the form: `OCMF`."""
    public_key: str
    """Hexadecimal."""
