"""Certification, Security: passwords, certificates and security profiles, over real TLS."""

from __future__ import annotations

import base64
import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.certification.security import (
    CENTRAL_SYSTEM,
    MANUFACTURER,
    OPERATOR_NAME,
    PASSWORD,
    SERIAL_NUMBER,
    STATION,
    Secured,
    check_key,
    expect_request_of_certificate,
    expect_security_event,
    hashes_of,
    names_of,
    reconnected,
)
from tests.certification.tool import Script, Tool, examine_from_boot
from tests.rig.certificates import ROOT, Issued, Wish, context_of, issue

NEW_PASSWORD = "4F43415F4F4354545F61646D696E5F74657374"
NEW_KEY = b"OCA_OCTT_admin_test"
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
REQUIRED_SUITES = frozenset(
    {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    }
)
"""One of each pair must be offered up to TLS 1.2 (A00.FR.319)."""
with_password = pytest.mark.parametrize("profile", [1, 2])
with_certificates = pytest.mark.parametrize("profile", [2, 3])


def examine_secured(folder: Path, profile: int, script: Callable[[Tool, Secured], object]) -> None:
    """Run a case on a station that has booted with a security profile."""
    secured = Secured.make(folder)

    async def booted(tool: Tool) -> None:
        await tool.boot()
        await script(tool, secured)  # type: ignore[misc]

    run: Script = booted
    examine_from_boot(folder, run, secured.options(profile), lambda rig: secured.prepare(rig, profile))


def basic(key: bytes) -> str:
    """The header for this key."""
    return "Basic " + base64.b64encode(b"CP1:" + key).decode()


@with_password
@pytest.mark.certification("TC_073_CS")
@pytest.mark.rule("ocpp16.Z10")
def test_tc_073_a_new_password_is_used_at_once_and_from_then_on(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        tool.backend.password = NEW_KEY  # from the next handshake on
        await tool.ask(tool.backend.change_configuration("AuthorizationKey", NEW_PASSWORD), "Accepted")
        await reconnected(tool, 2)
        assert [one.authorization for one in tool.backend.handshakes_in_full] == [
            basic(PASSWORD.encode()),
            basic(NEW_KEY),
        ]
        known, unknown = await tool.backend.get_configuration("AuthorizationKey")
        assert unknown or known["AuthorizationKey"][0] is None
        await tool.expect_nothing()
        tool.backend.drop()
        await reconnected(tool, 3)
        assert tool.backend.handshakes_in_full[-1].authorization == basic(NEW_KEY)

    examine_secured(tmp_path, profile, script)


@pytest.mark.certification("TC_074_CS")
@pytest.mark.rule("ocpp16.Z06")
@pytest.mark.rule("ocpp16.Z11")
def test_tc_074_a_new_client_certificate_is_asked_for_taken_and_shown(tmp_path: Path) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        await tool.ask(tool.backend.trigger_certificate(), "Accepted")
        request = await expect_request_of_certificate(tool)
        signed = issue(STATION, secured.root, request.public_key())
        await tool.ask(tool.backend.certificate_signed(signed.pem + secured.root.pem), "Accepted")
        await reconnected(tool, 2)
        shown = [one.certificate for one in tool.backend.handshakes_in_full]
        assert shown == [der(secured.client), der(signed)]
        await tool.expect_nothing()

    examine_secured(tmp_path, 3, script)


@with_certificates
@pytest.mark.certification("TC_075_1_CS")
@pytest.mark.rule("ocpp16.Z14")
def test_tc_075_1_a_root_of_the_manufacturer_is_installed_and_listed(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        await installed_and_listed(tool, MANUFACTURER)

    examine_secured(tmp_path, profile, script)


@with_certificates
@pytest.mark.certification("TC_075_2_CS")
@pytest.mark.rule("ocpp16.Z14")
def test_tc_075_2_a_root_of_the_backend_is_installed_and_listed(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        await installed_and_listed(tool, CENTRAL_SYSTEM)

    examine_secured(tmp_path, profile, script)


async def installed_and_listed(tool: Tool, use: str) -> dict[str, str]:
    """A new root is installed, and its hashes are in the list; they are returned."""
    root = issue(ROOT).certificate
    pem = root.public_bytes(serialization.Encoding.PEM).decode()
    await tool.ask(tool.backend.install_certificate(use, pem), "Accepted")
    status, listed = await tool.backend.installed_certificates(use)
    assert status == "Accepted"
    wanted = hashes_of(root, root, listed[0]["hash_algorithm"])
    assert wanted in listed
    await tool.expect_nothing()
    return wanted


@with_certificates
@pytest.mark.parametrize("use", [MANUFACTURER, CENTRAL_SYSTEM])
@pytest.mark.certification("TC_076_CS")
@pytest.mark.rule("ocpp16.Z14")
def test_tc_076_a_root_is_deleted_and_no_longer_listed(tmp_path: Path, profile: int, use: str) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        hashes = await installed_and_listed(tool, use)
        await tool.ask(tool.backend.delete_certificate(hashes), "Accepted")
        _, listed = await tool.backend.installed_certificates(use)
        assert hashes not in listed
        await tool.ask(tool.backend.delete_certificate(hashes), "NotFound")
        await tool.expect_nothing()

    examine_secured(tmp_path, profile, script)


@pytest.mark.parametrize("wrong", ["of another authority", "for another key", "expired", "no certificate"])
@pytest.mark.certification("TC_077_CS")
@pytest.mark.rule("ocpp16.Z20")
def test_tc_077_a_client_certificate_that_is_not_valid_is_refused_and_told(tmp_path: Path, wrong: str) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        await tool.ask(tool.backend.trigger_certificate(), "Accepted")
        request = await expect_request_of_certificate(tool)
        await tool.ask(tool.backend.certificate_signed(bad_chain(wrong, secured, request)), "Rejected")
        await expect_security_event(tool, "InvalidChargePointCertificate")
        await tool.expect_nothing()
        assert tool.backend.connections == 1
        tool.backend.drop()
        await reconnected(tool, 2)
        assert tool.backend.handshakes_in_full[-1].certificate == der(secured.client)

    examine_secured(tmp_path, 3, script)


def bad_chain(wrong: str, secured: Secured, request: x509.CertificateSigningRequest) -> str:
    """What is brought in answer to a request, wrong in one way."""
    expired = Wish(SERIAL_NUMBER, OPERATOR_NAME, names=(), purposes=("client",), begin=PAST[0], end=PAST[1])
    return {
        "of another authority": lambda: issue(STATION, issue(ROOT), request.public_key()).pem,
        "for another key": lambda: issue(STATION, secured.root).pem,
        "expired": lambda: issue(expired, secured.root, request.public_key()).pem,
        "no certificate": lambda: "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
    }[wrong]()


@with_certificates
@pytest.mark.parametrize("wrong", ["expired", "no certificate", "no authority"])
@pytest.mark.certification("TC_078_CS")
@pytest.mark.rule("ocpp16.Z15")
def test_tc_078_a_root_of_the_backend_that_is_not_valid_is_refused_and_told(
    tmp_path: Path, profile: int, wrong: str
) -> None:
    expired = Wish("rig root", names=(), purposes=(), authority=True, begin=PAST[0], end=PAST[1])
    bad = {
        "expired": lambda: issue(expired).pem,
        "no certificate": lambda: "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
        "no authority": lambda: issue(Wish()).pem,
    }[wrong]

    async def script(tool: Tool, secured: Secured) -> None:
        before = await tool.backend.installed_certificates(CENTRAL_SYSTEM)
        await tool.ask(tool.backend.install_certificate(CENTRAL_SYSTEM, bad()), "Rejected")
        await expect_security_event(tool, "InvalidCentralSystemCertificate")
        assert await tool.backend.installed_certificates(CENTRAL_SYSTEM) == before
        await tool.expect_nothing()

    examine_secured(tmp_path, profile, script)


@pytest.mark.parametrize("profile", [0, 1, 2])
@pytest.mark.certification("TC_083_CS")
@pytest.mark.rule("ocpp16.Z12")
def test_tc_083_the_security_profile_is_raised_and_used_at_once(tmp_path: Path, profile: int) -> None:
    higher = profile + 1

    async def script(tool: Tool, secured: Secured) -> None:
        await prepared_for(higher, tool, secured)
        changed = await tool.backend.change_configuration("SecurityProfile", str(higher))
        assert changed in ("Accepted", "RebootRequired")
        await tool.backend.stop()
        secured.prepare(tool.rig, higher)
        await tool.backend.start()
        links = tool.backend.connections
        await reconnected(tool, links + 1, within_s=120)
        last = tool.backend.handshakes_in_full[-1]
        assert bool(last.tls_version) == (higher >= 2)
        assert (last.authorization is not None) == (higher in (1, 2))
        assert bool(last.certificate) == (higher == 3)
        known, _ = await tool.backend.get_configuration("SecurityProfile")
        assert known["SecurityProfile"][0] == str(higher)

    examine_secured(tmp_path, profile, script)


async def prepared_for(profile: int, tool: Tool, secured: Secured) -> None:
    """The station gets what a profile needs above the one before."""
    if profile == 1:
        await tool.ask(tool.backend.change_configuration("AuthorizationKey", PASSWORD), "Accepted")
    elif profile == 2:
        await tool.ask(tool.backend.install_certificate(CENTRAL_SYSTEM, secured.root.pem), "Accepted")
    else:
        await certified(tool, secured)


async def certified(tool: Tool, secured: Secured) -> None:
    """The station gets a first client certificate."""
    await tool.ask(tool.backend.trigger_certificate(), "Accepted")
    request = await expect_request_of_certificate(tool)
    signed = issue(STATION, secured.root, request.public_key())
    await tool.ask(tool.backend.certificate_signed(signed.pem), "Accepted")


@pytest.mark.parametrize("profile", [1, 2, 3])
@pytest.mark.certification("TC_084_CS")
@pytest.mark.rule("ocpp16.Z01")
@pytest.mark.rule("ocpp16.Z12")
def test_tc_084_the_security_profile_is_never_lowered(tmp_path: Path, profile: int) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        for lower in range(profile + 1):
            await tool.ask(tool.backend.change_configuration("SecurityProfile", str(lower)), "Rejected")
        known, _ = await tool.backend.get_configuration("SecurityProfile")
        assert known["SecurityProfile"][0] == str(profile)
        await tool.expect_nothing()
        assert tool.backend.connections == 1

    examine_secured(tmp_path, profile, script)


@with_password
@pytest.mark.parametrize("password", [PASSWORD, NEW_PASSWORD + "ff"])
@pytest.mark.certification("TC_085_CS")
def test_tc_085_the_header_holds_identity_and_password(tmp_path: Path, profile: int, password: str) -> None:
    key = PASSWORD.encode() if password == PASSWORD else bytes.fromhex(password)
    secured = Secured.make(tmp_path)

    async def script(tool: Tool) -> None:
        await tool.boot()
        (only,) = tool.backend.handshakes_in_full
        kind, _, text = str(only.authorization).partition(" ")
        assert kind == "Basic"
        user, _, sent = base64.b64decode(text, validate=True).partition(b":")
        assert (user, sent) == (b"CP1", key)
        tool.backend.drop()
        await reconnected(tool, 2)
        assert tool.backend.handshakes_in_full[-1].authorization == only.authorization

    def prepare(rig: object) -> None:
        secured.prepare(rig, profile)  # type: ignore[arg-type]
        rig.management.password = key  # type: ignore[attr-defined]

    examine_from_boot(tmp_path, script, secured.options(profile, password=password), prepare)


@with_certificates
@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS 1.3"])
@pytest.mark.certification("TC_086_CS")
@pytest.mark.rule("ocpp16.Z03")
def test_tc_086_the_server_is_verified_over_tls_of_today(tmp_path: Path, profile: int, suite: str) -> None:
    secured = Secured.make(tmp_path)

    async def script(tool: Tool) -> None:
        await tool.boot()
        (only,) = tool.backend.handshakes_in_full
        assert only.tls_version in ("TLSv1.2", "TLSv1.3")
        assert only.tls_version == "TLSv1.3" or only.cipher in REQUIRED_SUITES
        await tool.expect_nothing()

    def prepare(rig: object) -> None:
        secured.prepare(rig, profile)  # type: ignore[arg-type]
        context: ssl.SSLContext = rig.management.ssl  # type: ignore[attr-defined]
        if suite != "TLS 1.3":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(suite)

    examine_from_boot(tmp_path, script, secured.options(profile), prepare)


@pytest.mark.parametrize(
    ("wrong", "event"),
    [
        ("certificate of somebody else", "InvalidCentralSystemCertificate"),
        ("certificate for another host", "InvalidCentralSystemCertificate"),
        ("TLS 1.1", ""),
        ("weak suite", ""),
    ],
)
@pytest.mark.certification("TC_086_CS")
@pytest.mark.rule("ocpp16.Z03")
@pytest.mark.rule("ocpp16.Z04")
def test_tc_086_a_server_that_is_not_right_is_left_and_told(tmp_path: Path, wrong: str, event: str) -> None:
    """No event: servers on asyncio end such a handshake without an alert, so that nobody can know why it ended."""

    async def script(tool: Tool, secured: Secured) -> None:
        await tool.backend.stop()
        tool.backend.ssl = wrong_context(wrong, secured)
        await tool.backend.start()
        await tool.wait(120)
        assert len(tool.backend.handshakes) == 1  # nothing was said to the wrong one
        await tool.backend.stop()
        tool.backend.ssl = secured.server_context()
        await tool.restore_connection()
        if event:
            await expect_security_event(tool, event)

    examine_secured(tmp_path, 2, script)


def wrong_context(wrong: str, secured: Secured) -> ssl.SSLContext:
    """TLS of a server as no station may accept it."""
    if wrong == "certificate of somebody else":
        return Secured.make(secured.folder).server_context()
    if wrong == "certificate for another host":
        server = issue(Wish("other.example", names=("other.example",)), secured.root)
        return context_of(server.pem, server.key_pem)
    context = secured.server_context()
    if wrong == "TLS 1.1":
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    return context


@pytest.mark.certification("TC_087_CS")
@pytest.mark.rule("ocpp16.Z06")
@pytest.mark.rule("ocpp16.Z07")
def test_tc_087_the_station_shows_a_certificate_with_its_serial_number(tmp_path: Path) -> None:
    async def script(tool: Tool, secured: Secured) -> None:
        (only,) = tool.backend.handshakes_in_full
        assert only.tls_version in ("TLSv1.2", "TLSv1.3")
        assert only.authorization is None
        certificate = x509.load_der_x509_certificate(only.certificate)
        assert names_of(certificate.subject) == {"commonName": SERIAL_NUMBER, "organizationName": OPERATOR_NAME}
        check_key(certificate.public_key())
        await tool.expect_nothing()

    examine_secured(tmp_path, 3, script)


def der(issued: Issued) -> bytes:
    """The certificate as it is shown."""
    return issued.certificate.public_bytes(serialization.Encoding.DER)
