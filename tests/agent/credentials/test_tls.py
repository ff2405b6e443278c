"""TLS contexts: one upstream's roots only, nothing old, nothing from the environment."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
from pathlib import Path

import pytest

from agent.credentials.access import Access
from agent.credentials.tls import TrustError, client_context
from tests.rig.certificates import make_authority


def own_roots(file: Path) -> Access:
    return Access("wss://a", "CP1", trust_files=(str(file),), public_roots=False)


def test_a_context_checks_name_and_chain_and_speaks_nothing_old(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = client_context(Access("wss://a", "CP1"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.keylog_filename is None


@pytest.mark.rule("product.H9")
def test_a_file_of_roots_is_all_that_counts(tmp_path: Path) -> None:
    file = tmp_path / "roots.pem"
    file.write_text(make_authority().root_pem)
    assert client_context(own_roots(file)).cert_store_stats()["x509_ca"] == 1


def test_a_missing_or_useless_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="install the roots"):
        client_context(own_roots(tmp_path / "none.pem"))
    file = tmp_path / "bad.pem"
    file.write_text("no certificate")
    with pytest.raises(TrustError, match="install it anew"):
        client_context(own_roots(file))


@pytest.mark.rule("product.H9")
def test_a_damaged_file_costs_its_own_roots_alone(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.pem", tmp_path / "bad.pem"
    good.write_text(make_authority().root_pem)
    bad.write_text("damaged")
    for files in ((good, bad), (bad, good)):
        access = Access("wss://a", "CP1", trust_files=tuple(map(str, files)), public_roots=False)
        assert client_context(access).cert_store_stats()["x509_ca"] == 1


@pytest.mark.rule("security.ATK-9")
def test_nothing_of_the_environment_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "roots.pem"
    file.write_text(make_authority().root_pem)
    before = client_context(Access("wss://a", "CP1")).cert_store_stats()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert client_context(Access("wss://a", "CP1")).cert_store_stats() == before


@pytest.mark.rule("product.H9")
def test_the_public_bundle_is_that_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bundle.pem"
    file.write_text(make_authority().root_pem)
    places = ssl.get_default_verify_paths()._replace(openssl_cafile=str(file), openssl_capath=str(tmp_path / "none"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: places)
    assert client_context(Access("wss://a", "CP1")).cert_store_stats()["x509_ca"] == 1
    file.write_text("damaged")
    with pytest.raises(TrustError, match="public bundle"):
        client_context(Access("wss://a", "CP1"))
    file.unlink()
    assert client_context(Access("wss://a", "CP1")).cert_store_stats()["x509_ca"] == 0


@pytest.mark.rule("ocpp16.Z03")
def test_the_suites_of_the_standard_are_offered_and_no_weak_ones() -> None:
    offered = {suite["name"] for suite in client_context(Access("wss://a", "CP1")).get_ciphers()}
    assert {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"} <= offered
    assert {"AES128-GCM-SHA256", "AES256-GCM-SHA384"} <= offered
    assert {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"} <= offered
    assert not [name for name in offered if "GCM" not in name and "CHACHA20" not in name]


@pytest.mark.rung3
def test_a_peer_that_goes_before_tls_begins_leaves_no_socket_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        peer = listener.accept()[0]
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        descriptor = raw.fileno()
        with pytest.raises(ConnectionResetError) as caught:
            client_context(Access("wss://x", "CP1")).wrap_socket(raw, server_hostname="localhost")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
        assert caught.value.errno == errno.ECONNRESET
