"""Certification, Security: what is installed, listed, deleted, renewed, and refused."""

from __future__ import annotations

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
    SERIAL_NUMBER,
    STATION,
    Secured,
    der,
    examine_secured,
    expect_request_of_certificate,
    expect_security_event,
    hashes_of,
    reconnected,
)
from tests.certification.tool import Tool
from tests.rig.certificates import ROOT, Wish, issue

NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
with_certificates = pytest.mark.parametrize("profile", [2, 3])


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
    chains: dict[str, Callable[[], str]] = {
        "of another authority": lambda: issue(STATION, issue(ROOT), request.public_key()).pem,
        "for another key": lambda: issue(STATION, secured.root).pem,
        "expired": lambda: issue(expired, secured.root, request.public_key()).pem,
        "no certificate": lambda: NO_CERTIFICATE,
    }
    return chains[wrong]()


@with_certificates
@pytest.mark.parametrize("wrong", ["expired", "no certificate", "no authority"])
@pytest.mark.certification("TC_078_CS")
@pytest.mark.rule("ocpp16.Z15")
def test_tc_078_a_root_of_the_backend_that_is_not_valid_is_refused_and_told(
    tmp_path: Path, profile: int, wrong: str
) -> None:
    expired = Wish("rig root", names=(), purposes=(), authority=True, begin=PAST[0], end=PAST[1])
    roots: dict[str, Callable[[], str]] = {
        "expired": lambda: issue(expired).pem,
        "no certificate": lambda: NO_CERTIFICATE,
        "no authority": lambda: issue(Wish()).pem,
    }

    async def script(tool: Tool, secured: Secured) -> None:
        before = await tool.backend.installed_certificates(CENTRAL_SYSTEM)
        await tool.ask(tool.backend.install_certificate(CENTRAL_SYSTEM, roots[wrong]()), "Rejected")
        await expect_security_event(tool, "InvalidCentralSystemCertificate")
        assert await tool.backend.installed_certificates(CENTRAL_SYSTEM) == before
        await tool.expect_nothing()

    examine_secured(tmp_path, profile, script)
