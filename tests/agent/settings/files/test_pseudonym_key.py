"""The secret behind the pseudonyms: made once, kept, and never replaced in silence."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agent.settings.files import pseudonym_key as module
from agent.settings.files.pseudonym_key import pseudonym_key
from agent.settings.locations import Locations
from agent.settings.problems import Problem


def test_it_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    problems: list[Problem] = []
    here = Locations(state=str(tmp_path))
    first = pseudonym_key(here, problems)
    assert first is not None
    assert pseudonym_key(here, problems) == first
    assert pseudonym_key(Locations(state=str(tmp_path / "other")), problems) != first
    assert stat.S_IMODE((tmp_path / "pseudonym.key").stat().st_mode) == 0o600
    assert problems == []


def test_a_decayed_one_is_told_and_none_is_used(tmp_path: Path) -> None:
    problems: list[Problem] = []
    here = Locations(state=str(tmp_path))
    pseudonym_key(here, problems)
    file = tmp_path / "pseudonym.key"
    file.write_text("0" + file.read_text())
    assert pseudonym_key(here, problems) is None
    assert "pseudonym.key" in str(problems[0])


@pytest.mark.parametrize("left", ["", "\n", "0f0f"])
def test_an_empty_or_short_one_is_none_since_anybody_could_try_cards_against_it(tmp_path: Path, left: str) -> None:
    problems: list[Problem] = []
    (tmp_path / "pseudonym.key").write_text(left)
    assert pseudonym_key(Locations(state=str(tmp_path)), problems) is None
    assert "pseudonym.key" in str(problems[0])


def test_a_disk_that_does_not_take_it_gives_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_file", full)
    problems: list[Problem] = []
    assert pseudonym_key(Locations(state=str(tmp_path)), problems) is None
    assert "No space left" in str(problems[0])
