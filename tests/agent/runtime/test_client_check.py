"""What is refused as a client certificate when it is saved; by the real child process."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.credentials.child import ChildFailed
from agent.credentials.requests import Hashes
from agent.runtime.client_check import client_check
from tests.rig.certificates import ROOT, STATION, Issued, Wish, issue

NOW_MS = int(datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC).timestamp() * 1000)


def ends(year: int) -> datetime.datetime:
    return datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue(ROOT)


@pytest.mark.rung3
@pytest.mark.rule("product.H8")
@pytest.mark.parametrize("wall_ms", [NOW_MS, None])
def test_a_good_certificate_with_its_key_may_be_saved(tmp_path: Path, root: Issued, wall_ms: int | None) -> None:
    own = issue(STATION, root)
    key = tmp_path / "own.key"
    key.write_text(own.key_pem)
    assert client_check(lambda: wall_ms)(own.pem + root.pem, str(key)) is None


@pytest.mark.rung3
@pytest.mark.rule("product.H8")
@pytest.mark.parametrize(
    ("wish", "wall_ms", "expected"),
    [
        (replace(STATION, end=ends(2026)), NOW_MS, "has expired"),
        (replace(STATION, end=ends(2024)), None, "has expired"),
        (replace(STATION, begin=ends(2030)), NOW_MS, "not valid before"),
        (replace(STATION, purposes=("server",)), NOW_MS, "for another purpose"),
        (replace(STATION, authority=True), NOW_MS, "of an authority"),
        (replace(STATION, key="rsa1024"), NOW_MS, "1024 bits"),
    ],
)
def test_a_bad_certificate_is_refused_with_its_reason(
    tmp_path: Path, root: Issued, wish: Wish, wall_ms: int | None, expected: str
) -> None:
    own = issue(wish, root)
    key = tmp_path / "own.key"
    key.write_text(own.key_pem)
    complaint = client_check(lambda: wall_ms)(own.pem, str(key))
    assert complaint is not None
    assert expected in complaint.message
    assert complaint.remedy


@pytest.mark.rung3
@pytest.mark.rule("product.H8")
@pytest.mark.parametrize("damage", [lambda own: issue(STATION).key_pem, lambda own: "no key", lambda own: own.pem])
def test_a_key_that_does_not_fit_is_refused(tmp_path: Path, root: Issued, damage: Callable[[Issued], str]) -> None:
    own = issue(STATION, root)
    key = tmp_path / "own.key"
    key.write_text(damage(own))
    assert client_check(lambda: NOW_MS)(own.pem, str(key)) is not None


def test_without_a_judgement_nothing_is_saved() -> None:
    with pytest.raises(ChildFailed):
        client_check(lambda: None, lambda request: Hashes((), (), ()))("pem", "key")
