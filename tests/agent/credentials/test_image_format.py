"""The bytes of an image, spelled out by hand: what a manufacturer's tool must write."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from agent.credentials.image_format import (
    Manifest,
    NotAnImage,
    checked,
    read_head,
    read_manifest,
    version_numbers,
    write_head,
)

MANIFEST = Manifest("AC-22", "1.10.0", "1.2", 3, "ab" * 32)
TEXT = b'{"model": "AC-22", "version": "1.10.0", "least_version": "1.2", "size": 3, "sha256": "' + b"ab" * 32 + b'"}'
SIGNED = b"STATIMG1" + b"\0\0\0" + bytes([len(TEXT)]) + TEXT + b"\0\0\0\4CERT"
HEAD = SIGNED + b"\0\0\0\3SIG"


def test_a_head_is_these_bytes() -> None:
    signed: list[bytes] = []

    def sign(content: bytes) -> bytes:
        signed.append(content)
        return b"SIG"

    assert write_head(MANIFEST, b"CERT", sign) == HEAD
    assert signed == [SIGNED]


def test_a_head_is_read_as_it_was_written() -> None:
    head = read_head(io.BytesIO(HEAD + b"payload"))
    assert (head.certificate, head.signature, head.signed, head.offset) == (b"CERT", b"SIG", SIGNED, len(HEAD))
    assert read_manifest(head.manifest) == MANIFEST


@pytest.mark.parametrize("length", range(len(HEAD)))
def test_a_head_that_ends_early_is_told(length: int) -> None:
    with pytest.raises(NotAnImage):
        read_head(io.BytesIO(HEAD[:length]))


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\0\0\x40\1", b"\xff\xff\xff\xff"])
def test_a_length_that_cannot_be_meant_is_not_tried(length: bytes) -> None:
    with pytest.raises(NotAnImage, match="length"):
        read_head(io.BytesIO(b"STATIMG1" + length + bytes(100_000)))


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"[]", b"{}", b"[" * 9000, TEXT.replace(b"size", b"sise"), TEXT[:-1] + b', "more": 1}'],
)
def test_a_manifest_that_is_none_is_told(text: bytes) -> None:
    with pytest.raises(NotAnImage, match="manifest"):
        read_manifest(text)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"version": "1.2-rc1"}, "version"),
        ({"version": "1.2.3.4.5"}, "version"),
        ({"version": ""}, "version"),
        ({"least_version": "1.10.1"}, "least_version"),
        ({"size": 0}, "size"),
        ({"size": True}, "size"),
        ({"size": "3"}, "size"),
        ({"sha256": "AB" * 32}, "sha256"),
        ({"sha256": "ab" * 31}, "sha256"),
    ],
)
def test_what_a_manifest_may_not_say_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(NotAnImage, match=field):
        checked(replace(MANIFEST, **change))  # type: ignore[arg-type]


def test_versions_are_compared_as_numbers() -> None:
    ordered = ["0.9", "1", "1.2", "1.2.0.1", "1.10", "2.0"]
    assert sorted(ordered, key=version_numbers) == ordered
    assert version_numbers("1.2") == version_numbers("1.2.0.0")
