"""A station and a backend with a security profile, for the cases of the security extension.

`Secured` holds the authority of the backend. `secured(folder, profile)` makes the options of a station that is
provisioned for a profile, and `Secured.prepare` the backend that asks for it.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.certification.messages import message
from tests.certification.tool import Tool, examine_from_boot, station
from tests.rig.certificates import ROOT, Issued, Wish, context_of, issue
from tests.rig.ledger import Frame
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig

SERIAL_NUMBER, OPERATOR_NAME = "SN1", "Rig CPO"
HOST = "management.example"
PASSWORD = "a-password-of-23-letters"
CENTRAL_SYSTEM, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
STATION = Wish(SERIAL_NUMBER, organisation=OPERATOR_NAME, names=(), purposes=("client",))
"""A client certificate as this station must have it."""


@dataclass(frozen=True, slots=True)
class Secured:
    """The authority of a backend, and what it has made."""

    folder: Path
    root: Issued
    server: Issued
    client: Issued

    @classmethod
    def make(cls, folder: Path) -> Secured:
        """A new authority, with the server's certificate and a first one for the station."""
        root = issue(ROOT)
        server = issue(Wish(HOST, names=(HOST,)), root)
        return cls(folder, root, server, issue(STATION, root))

    def options(self, profile: int, **management: Any) -> RigOptions:
        """A station that is provisioned with what this profile needs, and no more."""
        files = {"trust": self.root.pem, "certificate": self.client.pem, "key": self.client.key_pem}
        paths = {name: str(self.folder / f"{name}.pem") for name in files}
        for name, text in files.items():
            Path(paths[name]).write_text(text)
            Path(paths[name]).chmod(0o600)
        values: dict[str, Any] = {"security": profile}
        values |= {"password": PASSWORD} if profile in (1, 2) else {}
        values |= {"trust": paths["trust"]} if profile >= 2 else {}
        values |= {"certificate": paths["certificate"], "key": paths["key"]} if profile == 3 else {}
        keys = {"CpoName": OPERATOR_NAME}
        return station(
            station={"serial_number": SERIAL_NUMBER}, management={**values, **management}, management_keys=keys
        )

    def prepare(self, rig: StationRig, profile: int) -> None:
        """The backend asks for this profile: before it starts, or between `stop` and `start`."""
        rig.management.password = PASSWORD.encode() if profile in (1, 2) else None
        rig.management.ssl = self.server_context(profile) if profile >= 2 else None

    def server_context(self, profile: int = 2, key: str = "ec") -> ssl.SSLContext:
        """TLS of the backend; with profile 3 it wants a certificate of the station. `key` as in `Wish`."""
        server = self.server if key == "ec" else issue(Wish(HOST, names=(HOST,), key=key), self.root)
        context = context_of(server.pem, server.key_pem)
        if profile == 3:
            context.load_verify_locations(cadata=self.root.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


async def reconnected(tool: Tool, links: int, within_s: float = 60.0) -> None:
    """The station has gone and come back: it is connected for the `links`-th time."""

    def back() -> bool:
        return tool.backend.connections >= links and tool.backend.connected.is_set()

    await tool.until(back, within_s, f"connection {links}")


async def expect_request_of_certificate(tool: Tool) -> x509.CertificateSigningRequest:
    """SignCertificate with a request as the security extension wants it (A00.FR.504 to 511)."""
    asked = await tool.expect(message("SignCertificate"), within_s=30)
    text = asked.payload["csr"]
    assert len(text) <= 5500
    request = x509.load_pem_x509_csr(text.encode())
    assert request.is_signature_valid
    assert isinstance(request.signature_hash_algorithm, hashes.SHA256)
    assert names_of(request.subject) == {"commonName": SERIAL_NUMBER, "organizationName": OPERATOR_NAME}
    check_key(request.public_key())
    return request


def check_key(public_key: Any) -> None:
    """Long enough (A00.FR.501, 502)."""
    shortest = 2048 if "RSA" in type(public_key).__name__ else 224
    assert public_key.key_size >= shortest


def names_of(name: x509.Name) -> dict[str, str]:
    """The parts of a name by what they are."""
    return {attribute.oid._name: str(attribute.value) for attribute in name}


def hashes_of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str) -> dict[str, str]:
    """CertificateHashData by another reading of the standard than the station's."""
    key = issuer.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )  # of an EC key: exactly the bits of its BIT STRING
    digest = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}[algorithm]
    return {
        "hash_algorithm": algorithm,
        "issuer_name_hash": digest(certificate.issuer.public_bytes()).hexdigest(),
        "issuer_key_hash": digest(key).hexdigest(),
        "serial_number": f"{certificate.serial_number:x}",
    }


def security_events(tool: Tool, kind: str) -> list[Frame]:
    """Those of a kind that were told so far."""
    calls = tool.backend.ledger.calls("SecurityEventNotification")
    return [frame for frame in calls if frame.payload["type"] == kind]


async def expect_security_event(tool: Tool, kind: str) -> None:
    """It is told now, once, other events beside it or not."""
    await tool.until(lambda: security_events(tool, kind), what=f"security event {kind}")
    assert len(security_events(tool, kind)) == 1, f"{kind} was told more than once"


def examine_secured(folder: Path, profile: int, script: Callable[[Tool, Secured], Awaitable[None]]) -> None:
    """Run a case on a station that has booted with a security profile."""
    secured = Secured.make(folder)

    async def booted(tool: Tool) -> None:
        await tool.boot()
        await script(tool, secured)

    examine_from_boot(folder, booted, secured.options(profile), lambda rig: secured.prepare(rig, profile))


async def certified(tool: Tool, secured: Secured) -> None:
    """The station gets a first client certificate."""
    await tool.ask(tool.backend.trigger_certificate(), "Accepted")
    request = await expect_request_of_certificate(tool)
    signed = issue(STATION, secured.root, request.public_key())
    await tool.ask(tool.backend.certificate_signed(signed.pem), "Accepted")


def der(issued: Issued) -> bytes:
    """The certificate as it is shown."""
    return issued.certificate.public_bytes(serialization.Encoding.DER)
