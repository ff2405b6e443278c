"""The manufacturer's tool: its images install, and it makes none that cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.credentials.firmware import CheckImage, ImageFound
from agent.credentials.worker import answer
from certs.make_image import main
from tests.rig.certificates import ROOT, SIGNER, issue
from tests.rig.firmware import MODEL, NOW_MS


def made(folder: Path, *more: str, key: str = "ec") -> tuple[int, Path]:
    root = issue(ROOT)
    signer = issue(replace(SIGNER, key=key), root)
    texts = {"root.pem": root.pem, "signer.pem": signer.pem, "signer.key": signer.key_pem, "payload": "payload"}
    for name, text in texts.items():
        (folder / name).write_text(text)
    files = [str(folder / name) for name in ("payload", "image")]
    keys = ["--certificate", str(folder / "signer.pem"), "--key", str(folder / "signer.key")]
    return main([*files, *keys, "--model", MODEL, *more]), folder / "image"


@pytest.mark.parametrize("key", ["ec", "ec384", "rsa2048"])
def test_an_image_is_made_that_stations_take(tmp_path: Path, key: str) -> None:
    status, image = made(tmp_path, "--version", "1.4.0", key=key)
    assert status == 0
    found = answer(CheckImage(str(image), MODEL, (str(tmp_path / "root.pem"),), NOW_MS, NOW_MS))
    assert isinstance(found, ImageFound)
    assert (found.version, found.least_version, found.size) == ("1.4.0", "1.4.0", 7)


@pytest.mark.parametrize(
    ("more", "key", "says"),
    [
        (["--version", "1.4-rc1"], "ec", "no version"),
        (["--version", "1.4", "--least-version", "1.5"], "ec", "least_version"),
        (["--version", "1.4"], "ec521", "P-384"),
    ],
)
def test_what_no_station_would_take_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], key: str, says: str
) -> None:
    status, image = made(tmp_path, *more, key=key)
    assert status == 1
    assert says in capsys.readouterr().err
    assert not image.exists()


def test_an_image_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "image").write_text("mine")
    assert made(tmp_path, "--version", "1.4")[0] == 1
    assert (tmp_path / "image").read_text() == "mine"
