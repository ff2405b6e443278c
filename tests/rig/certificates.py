"""Throw-away certificates for tests: an authority with a server for `localhost` and 127.0.0.1, and any other kind.

`make_authority` is what most tests want. `issue` makes one certificate as a `Wish` says it, good or bad in any way.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BEGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2060, 1, 1, tzinfo=datetime.UTC)
_PEM = serialization.Encoding.PEM
_PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
}
_CURVES = {"ec": ec.SECP256R1(), "ec192": ec.SECP192R1(), "ec384": ec.SECP384R1(), "ec521": ec.SECP521R1()}
SHA256_WITH_RSA, SHA1_WITH_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a certificate is to be. The defaults are those of a good server for `localhost` and 127.0.0.1."""

    common_name: str = "localhost"
    organisation: str = ""
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    """Host names and addresses; none: no such extension."""
    purposes: tuple[str, ...] = ("server",)
    """`server`, `client` and `code`; none: no such extension."""
    authority: bool = False
    constraints: bool = True
    """It says whether it is an authority."""
    path_length: int | None = None
    permitted: tuple[str, ...] = ()
    """Domains that it may vouch for."""
    key: str = "ec"
    """`ec` (P-256), `ec192`, `ec384`, `ec521`, or `rsa` with the number of bits behind it."""
    sha1: bool = False
    """Signed with SHA-1; its issuer's key must be RSA."""
    begin: datetime.datetime = _BEGIN
    end: datetime.datetime = _END


ROOT = Wish("rig root", names=(), purposes=(), authority=True)
STATION = Wish("SN1", organisation="Rig CPO", names=(), purposes=("client",))
"""A client certificate as a station with the serial number SN1 has it."""
SIGNER = Wish("firmware", names=(), purposes=("code",))
"""A certificate that signs firmware."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(_PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key."""
        form = serialization.PrivateFormat.PKCS8
        text: bytes = self.key.private_bytes(_PEM, form, serialization.NoEncryption())
        return text.decode()

    @property
    def name(self) -> str:
        """SHA-256 of the certificate in hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def issue(wish: Wish = Wish(), issuer: Issued | None = None, public_key: Any = None) -> Issued:
    """One certificate; without an issuer it signs itself. `public_key`: of somebody else, as a request has it."""
    key = _key(wish.key) if public_key is None else None
    public = key.public_key() if public_key is None else public_key
    subject = _name(wish)
    builder = _builder(subject, subject if issuer is None else issuer.certificate.subject, public, wish)
    for extension, critical in _extensions(wish, public, issuer):
        builder = builder.add_extension(extension, critical=critical)
    signer = key if issuer is None else issuer.key
    certificate = builder.sign(signer, hashes.SHA256())
    return Issued(_with_sha1(certificate, signer) if wish.sha1 else certificate, key)


@dataclass(frozen=True, slots=True)
class Authority:
    """PEM texts of a root and of a server certificate signed by it, with the server's key."""

    root_pem: str
    server_pem: str
    server_key_pem: str


def make_authority(name: str = "rig root", host: str = "localhost") -> Authority:
    """A new root and a server certificate; each call makes new keys."""
    root = issue(Wish(name, names=(), purposes=(), authority=True, path_length=0))
    server = issue(Wish(host, names=(host, "127.0.0.1")), root)
    return Authority(root.pem, server.pem, server.key_pem)


def server_context(authority: Authority) -> ssl.SSLContext:
    """TLS context of a backend."""
    return context_of(authority.server_pem, authority.server_key_pem)


def context_of(chain_pem: str, key_pem: str) -> ssl.SSLContext:
    """TLS context of a server with this chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "server.pem"), Path(folder, "server.key")
        certificate.write_text(chain_pem)
        key.write_text(key_pem)
        context.load_cert_chain(certificate, key)
    return context


def client_context(authority: Authority) -> ssl.SSLContext:
    """TLS context of a client that trusts only this root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.root_pem)
    return context


def _key(kind: str) -> Any:
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(_CURVES[kind])


def _name(wish: Wish) -> x509.Name:
    organisation = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, wish.organisation)] if wish.organisation else []
    return x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, wish.common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: Any, wish: Wish) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(wish.begin)
        .not_valid_after(wish.end)
    )


def _extensions(wish: Wish, key: Any, issuer: Issued | None) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = [(_key_usage(sign_certificates=wish.authority), True)]
    found.append((x509.SubjectKeyIdentifier.from_public_key(key), False))
    if wish.constraints:
        found.append((x509.BasicConstraints(wish.authority, wish.path_length), True))
    if issuer is not None:
        found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False))
    if wish.names:
        found.append((x509.SubjectAlternativeName([_general_name(name) for name in wish.names]), False))
    if wish.purposes:
        found.append((x509.ExtendedKeyUsage([_PURPOSES[purpose] for purpose in wish.purposes]), False))
    if wish.permitted:
        found.append((x509.NameConstraints([x509.DNSName(name) for name in wish.permitted], None), True))
    return found


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _with_sha1(certificate: x509.Certificate, signer: Any) -> x509.Certificate:
    """The same, signed with SHA-1, which the library refuses to do: both names of the algorithm have one length."""
    changed = certificate.public_bytes(serialization.Encoding.DER).replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    signed = certificate.tbs_certificate_bytes.replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    signature = signer.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(changed[: -len(signature)] + signature)


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
