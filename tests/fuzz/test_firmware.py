"""Firmware that somebody has tampered with, by the thousand: none installs."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.credentials.firmware import CheckImage, CheckSigner, ImageFound, Verified, VerifyFile
from agent.credentials.image_format import read_head
from agent.credentials.requests import Found, Refused
from agent.credentials.worker import answer
from agent.host.update import InstallFailed
from tests.rig.certificates import SIGNER, Issued, issue
from tests.rig.firmware import MODEL, NOW_MS, Manufacturer, installer, new_manufacturer

PAYLOAD = bytes(range(256)) * 16
Mutate = Callable[[random.Random, bytes], bytes]
COUNTS = [500, pytest.param(10_000, marks=pytest.mark.nightly)]


@dataclass(frozen=True)
class Forge:
    """A good image, and everything that an attacker may have besides."""

    maker: Manufacturer
    others: tuple[Issued, ...]
    """Certificates with their keys: of somebody else, and of the manufacturer for something else."""
    image: bytes
    older: bytes

    def ways(self) -> list[Mutate]:
        return [flipped, flipped_in_head, cut, extended, with_length, moved, self.told_otherwise, self.signed_otherwise,
                self.mixed, self.resigned]  # fmt: skip

    def told_otherwise(self, chance: random.Random, image: bytes) -> bytes:
        """Another manifest, in good form."""
        head, payload = parts(image)
        manifest = json.loads(head[0])
        field = chance.choice(sorted(manifest))
        manifest[field] = chance.choice(["AC-11", "9.9.9", "0.0.1", len(payload) + 1, "00" * 32, "", None])
        return whole([json.dumps(manifest).encode(), *head[1:]], payload)

    def signed_otherwise(self, chance: random.Random, image: bytes) -> bytes:
        """Another signature, or one that was changed."""
        head, payload = parts(image)
        other = parts(self.older)[0][2]
        return whole([*head[:2], chance.choice([other, flipped(chance, head[2]), cut(chance, head[2]), bytes(64)])],
                     payload)  # fmt: skip

    def mixed(self, chance: random.Random, image: bytes) -> bytes:
        """Pieces of two good images."""
        (first, payload), (second, old) = parts(image), parts(self.older)
        pieces = [chance.choice(pair) for pair in zip([*first, payload], [*second, old], strict=True)]
        return whole(pieces[:3], pieces[3])

    def resigned(self, chance: random.Random, image: bytes) -> bytes:
        """Made anew with another payload, and signed by who may not sign."""
        payload = flipped(chance, PAYLOAD)
        return replace(self.maker, signer=chance.choice(self.others)).image("2.0", payload)


def parts(image: bytes) -> tuple[list[bytes], bytes]:
    """Manifest, certificate, signature; payload."""
    head = read_head(io.BytesIO(image))
    return [head.manifest, head.certificate, head.signature], image[head.offset :]


def whole(head: list[bytes], payload: bytes) -> bytes:
    return b"STATIMG1" + b"".join(struct.pack(">I", len(part)) + part for part in head) + payload


def flipped(chance: random.Random, content: bytes) -> bytes:
    """One to eight bits."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_in_head(chance: random.Random, image: bytes) -> bytes:
    at = len(image) - len(PAYLOAD)
    return flipped(chance, image[:at]) + image[at:]


def cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def extended(chance: random.Random, content: bytes) -> bytes:
    return content + chance.choice([b"\0", b"\n", content, chance.randbytes(chance.randrange(1, 5_000))])


def with_length(chance: random.Random, image: bytes) -> bytes:
    """One of the lengths is another."""
    at = 8
    for _ in range(chance.randrange(3)):
        at += 4 + struct.unpack_from(">I", image, at)[0]
    old = struct.unpack_from(">I", image, at)[0]
    new = chance.choice([0, 1, old - 1, old + 1, 2**31, 2**32 - 1, chance.randrange(2_000)])
    return image[:at] + struct.pack(">I", new) + image[at + 4 :]


def moved(chance: random.Random, content: bytes) -> bytes:
    """Two pieces have changed places."""
    first, second, third = sorted(chance.sample(range(len(content) + 1), 3))
    return content[:first] + content[second:third] + content[first:second] + content[third:]


@pytest.fixture(scope="module")
def forge() -> Forge:
    maker = new_manufacturer()
    others = (
        new_manufacturer().signer,
        issue(SIGNER),
        issue(replace(SIGNER, purposes=("server",)), maker.root),
        issue(replace(SIGNER, end=SIGNER.begin.replace(year=2024)), maker.root),
        issue(SIGNER, maker.signer),
    )
    return Forge(maker, others, maker.image("2.0", PAYLOAD), maker.image("0.9", PAYLOAD[::-1]))


@pytest.mark.rule("security.ATK-11")
@pytest.mark.rule("security.PROM-14")
@pytest.mark.parametrize("count", COUNTS)
def test_no_image_that_was_tampered_with_installs(tmp_path: Path, forge: Forge, count: int) -> None:
    (root := tmp_path / "root.pem").write_text(forge.maker.root.pem)
    file, chance = tmp_path / "image", random.Random(count)
    station = installer(tmp_path / "update", root)
    ways, tried = forge.ways(), 0
    while tried < count:
        mutated = ways[tried % len(ways)](chance, forge.image)
        if mutated == forge.image:
            continue
        tried += 1
        file.write_bytes(mutated)
        with pytest.raises(InstallFailed) as caught:
            station.install(file, lambda written, size: None)
        assert caught.value.verification
    assert not list((tmp_path / "update").glob("?/*"))
    file.write_bytes(forge.image)
    assert station.install(file, lambda written, size: None).version == "2.0"


@pytest.mark.rule("security.ATK-11")
def test_each_byte_of_the_head_counts(tmp_path: Path, forge: Forge) -> None:
    (root := tmp_path / "root.pem").write_text(forge.maker.root.pem)
    (file := tmp_path / "image").write_bytes(forge.image)
    request = CheckImage(str(file), MODEL, (str(root),), NOW_MS, NOW_MS)
    assert isinstance(answer(request), ImageFound)
    for at in range(len(forge.image) - len(PAYLOAD) + 1):
        changed = bytearray(forge.image)
        changed[at] ^= 1 << at % 8
        file.write_bytes(changed)
        assert isinstance(answer(request), Refused), at


@pytest.mark.rule("security.ATK-11")
@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("key", ["ec", "rsa2048"])
def test_no_signed_file_that_was_tampered_with_is_verified(tmp_path: Path, forge: Forge, key: str, count: int) -> None:
    maker = Manufacturer(forge.maker.root, issue(replace(SIGNER, key=key), forge.maker.root))
    (root := tmp_path / "root.pem").write_text(maker.root.pem)
    content, chance = forge.image, random.Random(count)
    signature = maker.signature(content)
    other = maker.signature(forge.older)
    file = tmp_path / "firmware"

    def passes(mutated: bytes, text: str, pem: str) -> bool:
        judged = answer(CheckSigner(pem, (str(root),), NOW_MS, NOW_MS))
        file.write_bytes(mutated)
        return isinstance(judged, Found) and isinstance(answer(VerifyFile(str(file), pem, text)), Verified)

    assert passes(content, signature, maker.signer.pem)
    for number in range(count):
        mutated, text, pem = content, signature, maker.signer.pem
        match number % 4:
            case 0:
                mutated = chance.choice([flipped, cut, extended, moved])(chance, content)
            case 1:
                raw = chance.choice([flipped, cut, extended])(chance, base64.b64decode(signature))
                text = base64.b64encode(raw).decode()
            case 2:
                text = chance.choice([other, signature.swapcase(), signature[:-1], signature + "A", "", "===="])
            case 3:
                pem = chance.choice([*forge.others, maker.root]).pem
        if (mutated, text, pem) != (content, signature, maker.signer.pem):
            assert not passes(mutated, text, pem)
