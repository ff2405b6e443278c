"""One archive of several texts, and how anything of ours becomes a text without secrets and cards.

Made in memory and never on the disk: nothing is left behind, and a full disk is no matter. Names of files are ours;
nothing that a backend or a card says becomes one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from agent.vocabulary.ids import IdToken, Secret

_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: equal texts give equal archives."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    text: str


def zipped(parts: Sequence[Part]) -> bytes:
    """A ZIP file. Takes its time: for a thread beside the event loop."""
    import zipfile  # needed now and then only: not kept in memory for years by who never asks

    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            entry = zipfile.ZipInfo(part.name, _BEGINNING)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, part.text.encode("utf-8", "backslashreplace"))
    return whole.getvalue()


def shown(value: object) -> str:
    """JSON of anything of ours."""
    return json.dumps(plain(value), indent=1, ensure_ascii=True) + "\n"


def plain(value: object) -> Any:
    """Texts, numbers, lists and dictionaries; secrets and cards masked, bytes left out."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Secret):
        return "***" if value else ""
    if isinstance(value, IdToken):
        return value.masked
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return type(value).__name__
