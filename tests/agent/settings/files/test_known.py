"""Who was ever set here stays known: by place, with the id that it had, until its credentials are forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings.files import forget_credentials, load, stage_operator, stage_primary, stage_removal
from agent.settings.files import known as known_module
from agent.settings.files import passwords as passwords_module
from agent.settings.files.folder import Folder
from agent.settings.files.known import KnownFile
from agent.settings.known import MOST_KNOWN, Known, successions, with_present
from agent.settings.locations import Locations
from agent.settings.problems import Problem
from agent.vocabulary.ids import Secret, UpstreamId
from tests.agent.settings.files.test_changes import ENERGY
from tests.agent.settings.files.test_staging import PEM, REQUEST, locations

__all__ = ["locations"]

P1 = UpstreamId("primary-1")


def removed(locations: Locations) -> None:
    """A primary was in force and is not any more."""
    stage_primary(locations, "boot1", replace(REQUEST, trust_pem=PEM))
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")


@pytest.mark.rule("two-upstreams.RC05")
def test_a_removed_upstream_can_still_be_dialled_until_its_credentials_are_forgotten(locations: Locations) -> None:
    removed(locations)
    assert load(locations, "boot2").former == ()
    (known,) = load(locations, "boot3").former
    gone = known.address
    assert not known.forgotten
    assert (gone.id, gone.password, Path(gone.trust).read_text()) == (P1, REQUEST.password, PEM)
    live = Path(locations.state) / "credentials" / P1
    live.mkdir(parents=True)
    (live / "holdings.json").write_text("{}")
    forget_credentials(locations, P1)
    assert [one.forgotten for one in load(locations, "boot3").former] == [True]
    left = [file for folder in (locations.settings, locations.state) for file in Path(folder).rglob("*primary-1*")]
    assert left == []
    assert REQUEST.password is not None
    canary = REQUEST.password.reveal()
    assert [file for file in Path(locations.settings).rglob("*.toml") if canary in file.read_text()] == []


@pytest.mark.rule("product.N10")
@pytest.mark.rule("two-upstreams.RC04")
def test_the_same_backoffice_succeeds_to_what_it_is_owed_however_its_url_is_written(locations: Locations) -> None:
    removed(locations)
    load(locations, "boot3")
    forget_credentials(locations, P1)
    again = replace(REQUEST, url="wss://CPMS.example:443", password=Secret("new-password"), trust_pem="")
    stage_operator(locations, "boot3", again)
    settings = load(locations, "boot4")
    assert successions(settings.former, settings.upstreams) == ((P1, "operator-1"),)
    assert settings.operators[0].trust == "system", "nothing of the old credentials comes back"


@pytest.mark.rule("product.N10")
def test_another_identity_at_the_same_url_is_another_backoffice(locations: Locations) -> None:
    removed(locations)
    load(locations, "boot3")
    stage_primary(locations, "boot3", replace(REQUEST, identity="CP2"))
    settings = load(locations, "boot4")
    assert settings.billing == "primary-2"
    assert [one.address.id for one in settings.former] == [P1]
    assert successions(settings.former, settings.upstreams) == ()


def test_who_is_set_or_staged_keeps_its_credentials(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    forget_credentials(locations, P1)
    primary = load(locations, "boot2").primary
    assert primary is not None
    assert primary.password == REQUEST.password
    forget_credentials(locations, P1)
    assert load(locations, "boot2").primary == primary


def test_a_bad_file_is_set_aside_and_costs_nothing_that_is_in_force(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    (Path(locations.settings) / "known.toml").write_text("nonsense")
    settings = load(locations, "boot2")
    assert (settings.billing, settings.former) == (P1, ())
    stage_removal(locations, "boot2", "delete")
    assert [one.address.id for one in load(locations, "boot3").former] == [P1]
    assert (Path(locations.settings) / "known.toml.bad").exists()


def test_the_list_is_bounded_and_drops_the_oldest_that_are_not_in_force(locations: Locations) -> None:
    stage_operator(locations, "boot1", ENERGY)
    present = load(locations, "boot2").operators
    many = tuple(Known(replace(present[0], id=UpstreamId(f"primary-{n}"))) for n in range(1, MOST_KNOWN + 3))
    kept = with_present(many, present)
    assert len(kept) == MOST_KNOWN
    assert (kept[0].address.id, kept[-1].address.id) == ("primary-4", "operator-1")


def test_it_is_written_only_when_it_says_something_else(tmp_path: Path, locations: Locations) -> None:
    stage_operator(locations, "boot1", ENERGY)
    load(locations, "boot2")
    present = Folder(locations).newest().operators
    file = KnownFile(tmp_path / "known.toml")
    file.note(present)
    (tmp_path / "known.toml").chmod(0o400)
    before = (tmp_path / "known.toml").stat().st_ino
    file.note(present)
    assert (tmp_path / "known.toml").stat().st_ino == before
    problems: list[Problem] = []
    assert [one.address.id for one in file.read(problems)] == ["operator-1"]
    assert Folder(locations).in_use() == {"operator-1"}


@pytest.mark.parametrize("module", [passwords_module, known_module])
def test_two_that_are_forgotten_at_once_leave_everything_whole(
    locations: Locations, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    """Farewells that began together end together, each in a thread of its own."""
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    load(locations, "boot2")
    Folder(locations).file("active").unlink()
    other = threading.Thread(target=forget_credentials, args=(locations, UpstreamId("operator-1")))
    write: Callable[[Path, str], None] = module.write_file  # type: ignore[attr-defined]

    def slow(path: Path, text: str) -> None:
        """The disk takes its time, and meanwhile another begins."""
        if other.ident is None:
            other.start()
            other.join(0.3)
        write(path, text)

    monkeypatch.setattr(module, "write_file", slow)
    forget_credentials(locations, P1)
    other.join()
    problems: list[Problem] = []
    folder = Folder(locations)
    assert folder.passwords.read(problems).backends == {}
    assert [one.forgotten for one in folder.known.read(problems)] == [True, True]
    assert problems == []
