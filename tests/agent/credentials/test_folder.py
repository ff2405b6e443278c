"""The folder of live credentials: whole files for our own eyes, and nothing that nobody names."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import ClientCertificate, Holdings, Root
from agent.vocabulary.ids import Secret

HELD = Holdings(live=Secret("live password 16"), roots=(Root("aa"),), pending_key="new")


@pytest.mark.rule("ocpp16.Z08")
def test_what_is_saved_is_loaded_and_only_we_can_read_it(tmp_path: Path) -> None:
    folder = CredentialsFolder(tmp_path, "primary-1")
    assert folder.load() == (Holdings(), "")
    folder.save(HELD)
    folder.write_root("aa", "pem")
    assert CredentialsFolder(tmp_path, "primary-1").load() == (HELD, "")
    for path in (tmp_path / "credentials").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (tmp_path / "credentials").stat().st_mode & 0o777 == 0o700


def test_upstreams_have_folders_of_their_own(tmp_path: Path) -> None:
    CredentialsFolder(tmp_path, "primary-1").save(HELD)
    assert CredentialsFolder(tmp_path, "management").load() == (Holdings(), "")


@pytest.mark.parametrize("damage", [b"x", b"", b'{"format": 99}\n'])
def test_a_damaged_file_is_set_aside_and_told_without_its_content(tmp_path: Path, damage: bytes) -> None:
    folder = CredentialsFolder(tmp_path, "primary-1")
    folder.save(HELD)
    file = tmp_path / "credentials" / "primary-1" / "holdings.json"
    file.write_bytes(file.read_bytes().replace(b"live password", b"dead password") if damage == b"x" else damage)
    holdings, problem = folder.load()
    assert holdings == Holdings()
    assert "holdings.json" in problem
    assert "password 16" not in problem
    assert file.with_suffix(".json.bad").exists()
    assert folder.load() == (Holdings(), "")


def test_what_nobody_names_is_removed(tmp_path: Path) -> None:
    folder = CredentialsFolder(tmp_path, "primary-1")
    folder.prepare()
    for name in ("aa", "bb"):
        folder.write_root(name, "pem")
    for name in ("new", "old", "gone"):
        folder.key(name).write_text("key")
        folder.write_certificate(name, "pem")
    held = Holdings(roots=(Root("aa"),), pending_key="new", certificates=(ClientCertificate("old", 0, 1),))
    folder.tidy(held)
    left = {path.name for path in (tmp_path / "credentials" / "primary-1").rglob("*") if path.is_file()}
    assert left == {"aa.pem", "new.key", "old.key", "old.pem"}
