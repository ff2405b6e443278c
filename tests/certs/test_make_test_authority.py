from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from agent.credentials.requests import CheckChain, Found
from agent.credentials.worker import answer
from agent.settings.pem import check_certificates
from certs.make_test_authority import main


def test_the_files_load_and_fit_together(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    assert main([str(folder), "--host", "backend.example"]) == 0
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    ssl.create_default_context(cafile=str(folder / "root.pem"))
    assert check_certificates((folder / "root.pem").read_text()) is None
    assert check_certificates((folder / "server.key").read_text()) is not None
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_client_certificate_for_a_station_comes_with_it(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--station", "SN1", "--operator", "CPO"]) == 0
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_cert_chain(tmp_path / "station.pem", tmp_path / "station.key")
    files = (str(tmp_path / "station.key"), 0, None, (str(tmp_path / "root.pem"),), "SN1", "CPO", False)
    assert isinstance(answer(CheckChain((tmp_path / "station.pem").read_text(), *files)), Found)


def test_a_key_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.key").write_text("mine")
    assert main([str(tmp_path)]) == 1
    assert "server.key" in capsys.readouterr().err
    assert (tmp_path / "server.key").read_text() == "mine"


def test_nothing_secret_is_kept_in_the_folder() -> None:
    folder = Path(__file__).parents[2] / "certs"
    assert not [path for path in folder.rglob("*") if path.suffix in (".pem", ".key", ".p12", ".pfx")]
