"""Certification, Security: what server and station show each other over TLS."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

import pytest
from cryptography import x509

from tests.certification.security import (
    OPERATOR_NAME,
    SERIAL_NUMBER,
    Secured,
    check_key,
    examine_secured,
    expect_security_event,
    names_of,
)
from tests.certification.tool import Tool, examine_from_boot
from tests.rig.certificates import Wish, context_of, issue
from tests.rig.station_rig import StationRig

REQUIRED_SUITES = frozenset(
    {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    }
)
"""One of each pair must be offered up to TLS 1.2 (A00.FR.319)."""
with_certificates = pytest.mark.parametrize("profile", [2, 3])


@with_certificates
@pytest.mark.parametrize("suite", [*sorted(REQUIRED_SUITES), "TLS 1.3"])
@pytest.mark.certification("TC_086_CS")
@pytest.mark.rule("ocpp16.Z03")
def test_tc_086_the_server_is_verified_over_tls_of_today(tmp_path: Path, profile: int, suite: str) -> None:
    secured = Secured.make(tmp_path)

    async def script(tool: Tool) -> None:
        await tool.boot()
        (only,) = tool.backend.handshakes_in_full
        assert only.tls_version in ("TLSv1.2", "TLSv1.3")
        assert (only.tls_version if suite == "TLS 1.3" else only.cipher) == suite.replace("TLS ", "TLSv")
        await tool.expect_nothing()

    def prepare(rig: StationRig) -> None:
        context = secured.server_context(profile, "rsa2048" if suite.startswith("AES") else "ec")
        secured.prepare(rig, profile)
        rig.management.ssl = context
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
