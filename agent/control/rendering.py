"""Answers of the control socket as lines of JSON; `plain` masks secrets and cards wherever they are. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from agent.settings.problems import Problem
from agent.vocabulary.ids import IdToken, Secret
from agent.vocabulary.signing import SignedValue


def render_result(result: object) -> bytes:
    """The line that answers a request that was carried out."""
    return _line({"ok": True, "result": plain(result)})


def render_refusal(problems: Iterable[Problem]) -> bytes:
    """The line that answers a request that was not."""
    errors = [{"field": found.field, "message": found.message, "remedy": found.remedy} for found in problems]
    return _line({"ok": False, "errors": errors})


def plain(value: object) -> Any:
    """Any value of ours as JSON can hold it: dataclasses by field, enums by word; cards and secrets masked.

    What a meter signed names a card: it is told by its digest.
    """
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, IdToken):
        return value.masked
    if isinstance(value, SignedValue):
        digest = hashlib.sha256(value.data.encode()).hexdigest()
        return {"encoding": value.encoding, "sha256": digest, "public_key": value.public_key}
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
