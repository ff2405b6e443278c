"""Firmware for tests: a manufacturer who signs files and images, and an installer that knows its root."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agent.credentials.requests import Answer, Request
from agent.credentials.worker import answer
from agent.host.update_files import FileInstaller, UpdateWorld
from certs.make_image import make_image, manifest_of, signer
from tests.rig.certificates import ROOT, SIGNER, Issued, issue

NOW_MS = 1_780_000_000_000
MODEL = "AC-22"
FACTORY_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Manufacturer:
    """A root, and a certificate that it has issued to sign firmware."""

    root: Issued
    signer: Issued

    def image(self, version: str, payload: bytes = b"payload", *, model: str = MODEL, least_version: str = "") -> bytes:
        """An image for the file-backed installer."""
        manifest = manifest_of(payload, model, version, least_version)
        return make_image(manifest, payload, self.signer.certificate, self.signer.key)

    def signature(self, content: bytes) -> str:
        """Over a whole file, as SignedUpdateFirmware has it: in Base64, RSA-PSS or ECDSA."""
        return base64.b64encode(signer(self.signer.key)(content)).decode()


def new_manufacturer(key: str = "ec") -> Manufacturer:
    """With new keys; `key` as in `Wish`."""
    root = issue(ROOT)
    return Manufacturer(root, issue(replace(SIGNER, key=key), root))


def installer(
    folder: Path, root: Path, boot: str = "boot1", ask: Callable[[Request], Answer] = answer
) -> FileInstaller:
    """The installer of a station that trusts the root in this file. Another `boot`: the station has booted anew."""
    world = UpdateWorld(MODEL, FACTORY_VERSION, boot, ask, lambda: (str(root),), lambda: (NOW_MS, NOW_MS))
    return FileInstaller(folder, world)
