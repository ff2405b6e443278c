"""Texts without secrets and cards, in one archive."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass

from agent.host.archive import Part, plain, shown, zipped
from agent.vocabulary.ids import IdToken, Secret
from agent.vocabulary.uploads import UploadStatus


@dataclass(frozen=True)
class Held:
    password: Secret
    card: IdToken
    status: UploadStatus
    things: tuple[object, ...]


def test_anything_of_ours_becomes_text_without_secrets_and_cards() -> None:
    held = Held(Secret("hunter2"), IdToken("04A1B2C3"), UploadStatus.IDLE, ({"a": 1}, None, b"key", frozenset({2})))
    found = json.loads(shown(held))
    assert found == {"password": "***", "card": "04***", "status": "idle", "things": [{"a": 1}, None, "bytes", [2]]}
    assert plain(Secret("")) == ""


def test_an_archive_holds_its_parts_and_is_always_the_same() -> None:
    parts = [Part("a.txt", "text\n"), Part("b.txt", "\ud800 broken")]
    with zipfile.ZipFile(io.BytesIO(zipped(parts))) as archive:
        assert archive.namelist() == ["a.txt", "b.txt"]
        assert archive.read("a.txt") == b"text\n"
    assert zipped(parts) == zipped(parts)
