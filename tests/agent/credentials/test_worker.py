"""What the child process finds of keys, roots, chains and hashes; here without the process."""

from __future__ import annotations

import datetime
import hashlib
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.credentials import worker
from agent.credentials.requests import CheckChain, CheckRoot, Found, HashCertificates, Hashes, Made, MakeKey, Refused
from agent.credentials.worker import answer
from tests.rig.certificates import ROOT, STATION, Issued, Wish, issue

NOW = 1_800_000_000_000
RELEASED = 1_735_689_600_000


def at(year: int) -> datetime.datetime:
    return datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue(replace(ROOT, key="rsa2048"))


# ------------------------------------------------------------------------------------------------------------ keys


@pytest.mark.rule("ocpp16.Z06")
def test_a_key_is_made_in_its_file_and_the_request_names_station_and_operator(tmp_path: Path) -> None:
    file = tmp_path / "new.key"
    made = answer(MakeKey(str(file), "SN1", "Rig CPO"))
    assert isinstance(made, Made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE" not in made.csr_pem
    request = x509.load_pem_x509_csr(made.csr_pem.encode())
    assert request.is_signature_valid
    assert request.signature_hash_algorithm is not None
    assert request.signature_hash_algorithm.name == "sha256"
    assert request.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert request.subject.rfc4514_string() == "CN=SN1,O=Rig CPO"
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert len(made.csr_pem) <= 5500


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    file = tmp_path / "new.key"
    file.write_text("somebody's")
    assert isinstance(answer(MakeKey(str(file), "SN1", "Rig CPO")), Refused)
    assert file.read_text() == "somebody's"


def test_a_name_that_no_certificate_can_hold_is_refused(tmp_path: Path) -> None:
    refused = answer(MakeKey(str(tmp_path / "k"), "x" * 65, "Rig CPO"))
    assert isinstance(refused, Refused)
    assert not (tmp_path / "k").exists()


# ----------------------------------------------------------------------------------------------------------- roots


def judged(pem: str, **values: Any) -> str:
    """Why a root is refused; empty if it is not."""
    request = CheckRoot(pem, NOW, NOW)
    found = answer(replace(request, **values))
    return found.reason if isinstance(found, Refused) else ""


@pytest.mark.rule("ocpp16.Z15")
@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({}, ""),
        ({"key": "rsa2048"}, ""),
        ({"end": at(2026)}, "expired"),
        ({"begin": at(2030)}, "not valid before"),
        ({"authority": False}, "no certificate of an authority"),
        ({"constraints": False}, "no certificate of an authority"),
        ({"key": "rsa1024"}, "1024 bits"),
        ({"key": "ec192"}, "192 bits"),
        ({"key": "rsa2048", "sha1": True}, "sha1"),
    ],
)
def test_a_root_is_judged(wish: dict[str, Any], says: str) -> None:
    found = judged(issue(replace(ROOT, **wish)).pem)
    assert (found == "") == (says == "")
    assert says in found


@pytest.mark.rule("ocpp16.Z15")
@pytest.mark.parametrize(
    "pem", ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\ud800"]
)
def test_a_malformed_root_is_refused(pem: str) -> None:
    assert judged(pem)


def test_one_certificate_and_no_key_is_wanted(root: Issued) -> None:
    assert "2 certificates" in judged(root.pem * 2)
    assert "private key" in judged(root.pem + root.key_pem)
    assert "characters" in judged(root.pem + " " * 5500)


def test_while_the_time_is_unknown_a_root_may_still_have_to_begin() -> None:
    assert judged(issue(replace(ROOT, begin=at(2030))).pem, earliest_ms=RELEASED, latest_ms=None) == ""
    assert "expired" in judged(issue(replace(ROOT, end=at(2024))).pem, earliest_ms=RELEASED, latest_ms=None)


@pytest.mark.rule("ocpp16.Z13")
def test_a_new_root_is_signed_by_the_old_where_that_is_the_rule(root: Issued, tmp_path: Path) -> None:
    (tmp_path / "old.pem").write_text(root.pem)
    old = (str(tmp_path / "old.pem"),)
    by_the_old = issue(replace(ROOT, common_name="new"), root)
    assert judged(by_the_old.pem, issuers=old, must_be_signed=True) == ""
    assert "not signed by the present root" in judged(issue(ROOT).pem, issuers=old, must_be_signed=True)
    assert "not signed by the present root" in judged(root.pem, issuers=old, must_be_signed=True)
    assert "neither by itself" in judged(by_the_old.pem)


def test_a_good_root_is_named_by_its_hash_and_nothing_else_comes_with_it(root: Issued) -> None:
    found = answer(CheckRoot("Subject: somebody\n" + root.pem, NOW, NOW))
    assert isinstance(found, Found)
    assert (found.name, found.pem) == (root.name, root.pem)


# ---------------------------------------------------------------------------------------------------------- chains


@pytest.fixture
def key(tmp_path: Path) -> Issued:
    """The station's own key, in its file."""
    own = issue(STATION)
    (tmp_path / "own.key").write_text(own.key_pem)
    return own


def chain_judged(folder: Path, pem: str, root: Issued | None, **values: Any) -> str:
    """Why a chain is refused; empty if it is not."""
    roots: tuple[str, ...] = ()
    if root is not None:
        (folder / "root.pem").write_text(root.pem)
        roots = (str(folder / "root.pem"),)
    request = CheckChain(pem, str(folder / "own.key"), NOW, NOW, roots, "SN1", "Rig CPO")
    found = answer(replace(request, **values))
    return found.reason if isinstance(found, Refused) else ""


@pytest.mark.rule("ocpp16.Z11")
@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({}, ""),
        ({"purposes": ()}, ""),
        ({"organisation": ""}, ""),
        ({"begin": at(2030)}, ""),
        ({"end": at(2026)}, "expired"),
        ({"purposes": ("server",)}, "another purpose"),
        ({"authority": True}, "of an authority"),
        ({"common_name": "SN2"}, "serial number"),
        ({"organisation": "Another CPO"}, "CpoName"),
        ({"sha1": True}, "sha1"),
    ],
)
def test_a_signed_certificate_is_judged(
    wish: dict[str, Any], says: str, root: Issued, key: Issued, tmp_path: Path
) -> None:
    signed = issue(replace(STATION, **wish), root, key.key.public_key())
    found = chain_judged(tmp_path, signed.pem, root)
    assert (found == "") == (says == "")
    assert says in found


@pytest.mark.rule("product.H8")
def test_for_an_installer_it_must_have_begun(root: Issued, key: Issued, tmp_path: Path) -> None:
    signed = issue(replace(STATION, begin=at(2030)), root, key.key.public_key())
    assert "not valid before" in chain_judged(tmp_path, signed.pem, root, may_begin_later=False)


@pytest.mark.rule("product.H8")
def test_it_must_be_for_our_key(root: Issued, key: Issued, tmp_path: Path) -> None:
    assert "not for the key" in chain_judged(tmp_path, issue(STATION, root).pem, root)
    assert "private key cannot be read" in _with_bad_key(tmp_path, root)


def _with_bad_key(folder: Path, root: Issued) -> str:
    (folder / "own.key").write_text("no key")
    return chain_judged(folder, issue(STATION, root).pem, root)


def test_the_chain_leads_in_order_to_a_root_that_counts(root: Issued, key: Issued, tmp_path: Path) -> None:
    between = issue(replace(ROOT, common_name="between"), root)
    signed = issue(STATION, between, key.key.public_key())
    assert chain_judged(tmp_path, signed.pem + between.pem, root) == ""
    assert chain_judged(tmp_path, signed.pem + between.pem + root.pem, root) == ""
    assert "does not lead" in chain_judged(tmp_path, signed.pem, root)
    assert "does not lead" in chain_judged(tmp_path, signed.pem + between.pem, issue(ROOT))
    assert chain_judged(tmp_path, signed.pem + between.pem, None) == ""
    assert "not in order" in chain_judged(tmp_path, signed.pem + root.pem + between.pem, root)
    assert chain_judged(tmp_path, between.pem + signed.pem, root)


def test_a_chain_that_is_too_long_or_holds_a_key_is_refused(root: Issued, key: Issued, tmp_path: Path) -> None:
    signed = issue(STATION, root, key.key.public_key())
    assert "characters" in chain_judged(tmp_path, signed.pem * 20, root)
    assert "private key" in chain_judged(tmp_path, signed.pem + key.key_pem, root)
    assert chain_judged(tmp_path, "", root)


# ---------------------------------------------------------------------------------------------------------- hashes


@pytest.mark.rule("ocpp16.Z14")
@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_hashes_are_those_of_the_issuers_name_and_bare_key(algorithm: str, tmp_path: Path) -> None:
    root = issue(ROOT)
    leaf = issue(STATION, root)
    (tmp_path / "root.pem").write_text(root.pem)
    (tmp_path / "leaf.pem").write_text(leaf.pem + root.pem)
    found = answer(HashCertificates(algorithm, (str(tmp_path / "root.pem"), "/nowhere"), (str(tmp_path / "leaf.pem"),)))
    assert isinstance(found, Hashes)
    name = root.certificate.subject.public_bytes()
    point = root.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    for one, issued in zip(found.certificates, (root, leaf), strict=True):
        assert one.issuer_name_hash == hashlib.new(algorithm, name).hexdigest()
        assert one.issuer_key_hash == hashlib.new(algorithm, point).hexdigest()
        assert one.serial_number == f"{issued.certificate.serial_number:x}"
    assert found.names == (root.name, leaf.name)


def test_every_certificate_of_a_file_of_roots_is_named(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text(issue(ROOT).pem + issue(replace(ROOT, common_name="second")).pem)
    found = answer(HashCertificates("SHA256", (str(tmp_path / "roots.pem"),)))
    assert isinstance(found, Hashes)
    assert len(found.certificates) == len(set(found.names)) == 2


def test_the_wish_of_these_tests_is_a_good_one() -> None:
    names = issue(Wish()).certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == ["localhost"]


def test_what_the_library_has_an_error_of_its_own_for_is_refused(root: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise UnsupportedAlgorithm("never heard of it")

    monkeypatch.setattr(worker, "check_root", unsupported)
    found = answer(CheckRoot(root.pem, NOW, NOW))
    assert isinstance(found, Refused)
