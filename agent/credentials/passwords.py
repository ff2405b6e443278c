"""Which bytes a password may mean, and in which order those that are known are tried.

Theory of operation
-------------------
A password of 32 to 40 hex digits may mean its bytes or its text: the bytes are tried first. Known passwords are the
*live* one (set by the backend), the *previous* one (kept until the live one has opened a link) and the *provisioned*
one (of the settings). They are tried in this order, each in its forms; what opened a link last comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agent.vocabulary.ids import Secret

_HEX_KEY: Final = re.compile(r"(?:[0-9a-fA-F]{2}){16,20}")


class Source(StrEnum):
    """Where a password comes from."""

    LIVE = "live"
    PREVIOUS = "previous"
    PROVISIONED = "provisioned"


class Form(StrEnum):
    """What of a password goes into the header."""

    DECODED = "decoded"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What opened a link last."""

    source: Source
    form: Form


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to try. Prints no password."""

    source: Source
    form: Form
    key: bytes = field(repr=False)

    @property
    def as_remembered(self) -> Remembered:
        """Its name without its bytes."""
        return Remembered(self.source, self.form)


def key_forms(password: Secret) -> tuple[bytes, ...]:
    """The bytes that a password may mean, the likelier first: hex of 16 to 20 bytes is tried decoded, then as text."""
    return tuple(key for _, key in _forms(password))


def candidates(
    live: Secret | None, previous: Secret | None, provisioned: Secret | None, remembered: Remembered | None = None
) -> tuple[Candidate, ...]:
    """Everything to try, each key once, in order."""
    known = ((Source.LIVE, live), (Source.PREVIOUS, previous), (Source.PROVISIONED, provisioned))
    found: dict[bytes, Candidate] = {}
    for source, secret in known:
        for form, key in _forms(secret) if secret else ():
            found.setdefault(key, Candidate(source, form, key))
    return tuple(sorted(found.values(), key=lambda candidate: candidate.as_remembered != remembered))


def _forms(password: Secret) -> tuple[tuple[Form, bytes], ...]:
    text = password.reveal()
    as_text = (Form.TEXT, text.encode())
    return ((Form.DECODED, bytes.fromhex(text)), as_text) if _HEX_KEY.fullmatch(text) else (as_text,)
