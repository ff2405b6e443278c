"""Who may sign firmware, and whether a file is what was signed; here without the process."""

from __future__ import annotations

import base64
import datetime
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from agent.credentials.child import ask
from agent.credentials.firmware import CheckSigner, Verified, VerifyFile
from agent.credentials.requests import Found, Refused
from agent.credentials.worker import answer
from tests.rig.certificates import ROOT, SIGNER, Issued, Wish, issue

NOW = 1_800_000_000_000
CONTENT = bytes(range(256)) * 50
SHA256 = hashes.SHA256()
PSS = padding.PSS(padding.MGF1(SHA256), 32)


def at(year: int) -> datetime.datetime:
    return datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue(ROOT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (file := tmp_path / "firmware").write_bytes(CONTENT)
    return file


def judged(folder: Path, pem: str, roots: list[Issued], now: int | None = NOW) -> Found | Refused:
    files = []
    for number, root in enumerate(roots):
        (file := folder / f"root{number}.pem").write_text(root.pem)
        files.append(str(file))
    found = answer(CheckSigner(pem, tuple(files), now or 0, now))
    assert isinstance(found, Found | Refused)
    return found


# ------------------------------------------------------------------------------------------------- who may sign


@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize("key", ["ec", "ec384", "rsa2048"])
def test_a_certificate_that_a_root_of_the_manufacturer_issued_is_good(tmp_path: Path, root: Issued, key: str) -> None:
    signer = issue(replace(SIGNER, key=key), root)
    found = judged(tmp_path, signer.pem, [issue(ROOT), root])
    assert isinstance(found, Found)
    assert found.name == signer.name


@pytest.mark.parametrize("wish", [replace(SIGNER, purposes=()), replace(SIGNER, purposes=(), constraints=False)])
def test_what_a_certificate_does_not_say_is_not_asked_for(tmp_path: Path, root: Issued, wish: Wish) -> None:
    assert isinstance(judged(tmp_path, issue(wish, root).pem, [root]), Found)


@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (replace(SIGNER, end=at(2024)), "expired"),
        (replace(SIGNER, begin=at(2050)), "not valid before"),
        (replace(SIGNER, purposes=("server",)), "purpose"),
        (replace(SIGNER, purposes=("client",)), "purpose"),
        (replace(SIGNER, key="rsa1024"), "1024 bits"),
        (replace(SIGNER, key="ec192"), "192 bits"),
        (replace(SIGNER, authority=True), "authority"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_with_the_reason(
    tmp_path: Path, root: Issued, wish: Wish, why: str
) -> None:
    found = judged(tmp_path, issue(wish, root).pem, [root])
    assert isinstance(found, Refused)
    assert why in found.reason


@pytest.mark.rule("ocpp16.F04")
def test_a_certificate_under_an_intermediate_one_is_refused(tmp_path: Path, root: Issued) -> None:
    between = issue(replace(ROOT, common_name="between"), root)
    signer = issue(SIGNER, between)
    for pem in (signer.pem, signer.pem + between.pem):
        assert isinstance(judged(tmp_path, pem, [root]), Refused)


@pytest.mark.rule("ocpp16.F04")
def test_a_certificate_of_nobody_or_of_itself_is_refused(tmp_path: Path, root: Issued) -> None:
    for pem, roots in [
        (issue(SIGNER, issue(ROOT)).pem, [root]),
        (issue(SIGNER, root).pem, []),
        (issue(SIGNER).pem, [root]),
        (root.pem, [root]),
        ("", [root]),
        ("x" * 6_000, [root]),
        (issue(SIGNER, root).key_pem, [root]),
    ]:
        assert isinstance(judged(tmp_path, pem, roots), Refused)


def test_a_root_that_has_expired_or_is_none_vouches_for_nobody(tmp_path: Path) -> None:
    for wish, why in [(replace(ROOT, end=at(2024)), "expired"), (replace(SIGNER, names=("x",)), "authority")]:
        issuer = issue(wish)
        found = judged(tmp_path, issue(SIGNER, issuer).pem, [issuer])
        assert isinstance(found, Refused)
        assert "root that issued it" in found.reason
        assert why in found.reason


def test_while_the_time_is_not_known_a_certificate_may_still_begin(tmp_path: Path, root: Issued) -> None:
    assert isinstance(judged(tmp_path, issue(replace(SIGNER, begin=at(2050)), root).pem, [root], now=None), Found)


# --------------------------------------------------------------------------------------------- what was signed


def signed(signer: Issued, way: Any) -> str:
    return base64.b64encode(signer.key.sign(CONTENT, *way)).decode()


WAYS = [
    ("rsa2048", (PSS, SHA256)),
    ("rsa2048", (padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH), SHA256)),
    ("rsa2048", (padding.PSS(padding.MGF1(SHA256), 0), SHA256)),
    ("rsa2048", (padding.PKCS1v15(), SHA256)),
    ("ec", (ec.ECDSA(SHA256),)),
    ("ec384", (ec.ECDSA(SHA256),)),
]


@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize(("key", "way"), WAYS)
def test_a_file_that_was_signed_is_verified(file: Path, root: Issued, key: str, way: Any) -> None:
    signer = issue(replace(SIGNER, key=key), root)
    found = answer(VerifyFile(str(file), signer.pem, signed(signer, way)))
    digest = hashes.Hash(SHA256)
    digest.update(CONTENT)
    assert found == Verified(digest.finalize().hex())


@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("rsa2048", (padding.PKCS1v15(), hashes.SHA1())),
        ("rsa2048", (padding.PKCS1v15(), hashes.SHA512())),
        ("ec", (ec.ECDSA(hashes.SHA384()),)),
        ("ec521", (ec.ECDSA(SHA256),)),
    ],
)
def test_a_signature_of_a_kind_that_is_not_taken_is_refused(file: Path, root: Issued, key: str, way: Any) -> None:
    signer = issue(replace(SIGNER, key=key), root)
    assert isinstance(answer(VerifyFile(str(file), signer.pem, signed(signer, way))), Refused)


@pytest.mark.rule("ocpp16.F04")
def test_another_file_another_signature_or_another_certificate_is_refused(
    file: Path, root: Issued, tmp_path: Path
) -> None:
    signer, other = issue(SIGNER, root), issue(SIGNER, root)
    good = signed(signer, (ec.ECDSA(SHA256),))
    (longer := tmp_path / "longer").write_bytes(CONTENT + b"\0")
    (link := tmp_path / "link").symlink_to(file)
    for path, pem, signature in [
        (longer, signer.pem, good),
        (tmp_path / "none", signer.pem, good),
        (link, signer.pem, good),
        (file, other.pem, good),
        (file, signer.pem + signer.pem, good),
        (file, signer.pem, ""),
        (file, signer.pem, base64.b64encode(base64.b64decode(good)[:-1]).decode()),
    ]:
        assert isinstance(answer(VerifyFile(str(path), pem, signature)), Refused)
    assert isinstance(answer(VerifyFile(str(file), signer.pem, good)), Verified)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "\n",
        lambda text: text[:10] + "\n" + text[10:],
        lambda text: " " + text,
        lambda text: text.rstrip("="),
        lambda text: text.replace("w==", "x=="),  # the same bytes, written in another way
        lambda text: text + "====",
        lambda text: text.replace("+", "-").replace("/", "_") + "-",
        lambda text: "ä" + text,
        lambda text: text * 30,
    ],
)
def test_base64_is_taken_strictly(file: Path, root: Issued, spoil: Any) -> None:
    signer = issue(SIGNER, root)
    content = b"\0" + b"\xff" * 69  # of a length that needs padding
    text = spoil(base64.b64encode(content).decode())
    found = answer(VerifyFile(str(file), signer.pem, text))
    assert isinstance(found, Refused)
    assert "Base64" in found.reason or "characters" in found.reason


def test_a_large_file_takes_little_memory(tmp_path: Path, root: Issued) -> None:
    with (large := tmp_path / "large").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    tracemalloc.start()
    try:
        answer(VerifyFile(str(large), issue(SIGNER, root).pem, base64.b64encode(bytes(70)).decode()))
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.rung3
def test_the_process_verifies(file: Path, root: Issued) -> None:
    signer = issue(SIGNER, root)
    assert isinstance(ask(VerifyFile(str(file), signer.pem, signed(signer, (ec.ECDSA(SHA256),)))), Verified)
