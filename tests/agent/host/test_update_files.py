"""Two slots: what installs, what runs after which boot, and what a cut at any instruction leaves."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.credentials.child import ChildFailed
from agent.credentials.requests import Answer, Made, Request
from agent.credentials.worker import answer
from agent.host.download_order import FREE_FLOOR_BYTES
from agent.host.update import BOOTS, InstallFailed, Slot
from agent.host.update_files import FileInstaller
from agent.host.update_slots import NAMES, Slots
from tests.rig.certificates import SIGNER, issue
from tests.rig.firmware import FACTORY_VERSION, MODEL, Manufacturer, installer, new_manufacturer
from tests.rig.fuse import Fuse, PowerCut

PAYLOAD = bytes(range(256)) * 3_000


def unheard(written: int, whole: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def maker() -> Manufacturer:
    return new_manufacturer()


@dataclass
class Station:
    """A folder with slots, and boots of it."""

    folder: Path
    maker: Manufacturer

    def __post_init__(self) -> None:
        self.root = self.folder / "root.pem"
        self.root.write_text(self.maker.root.pem)
        self.boots = 0

    def boot(self) -> FileInstaller:
        self.boots += 1
        return self.restart()

    def restart(self, ask: Callable[[Request], Answer] = answer) -> FileInstaller:
        """The agent alone."""
        return installer(self.folder / "update", self.root, f"boot{self.boots}", ask)

    def image(self, version: str, payload: bytes = PAYLOAD, **options: Any) -> Path:
        return self.file(self.maker.image(version, payload, **options))

    def file(self, content: bytes) -> Path:
        (file := self.folder / "image").write_bytes(content)
        return file

    def update(self, version: str, **options: Any) -> FileInstaller:
        """Installed, activated, booted."""
        running = self.restart()
        running.activate(running.install(self.image(version, **options), unheard))
        return self.boot()


@pytest.fixture
def station(tmp_path: Path, maker: Manufacturer) -> Station:
    made = Station(tmp_path, maker)
    made.boot()
    return made


def refused(station: Station, image: Path, *, verification: bool = True) -> str:
    running = station.restart()
    before = running.running_version(), running.pending()
    with pytest.raises(InstallFailed) as caught:
        running.install(image, unheard)
    assert caught.value.verification is verification
    assert (running.running_version(), running.pending()) == before
    assert not list((station.folder / "update").glob("?/payload"))
    assert not list((station.folder / "update").glob("?/.payload.new"))
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------- how it goes well


@pytest.mark.rule("ocpp16.F03")
def test_a_new_version_runs_from_the_next_boot_on_and_is_good_once_confirmed(station: Station) -> None:
    running = station.restart()
    told: list[tuple[int, int]] = []
    slot = running.install(station.image("1.1.0"), lambda written, whole: told.append((written, whole)))
    assert slot == Slot("a", "1.1.0")
    assert told[-1] == (len(PAYLOAD), len(PAYLOAD))
    assert (running.running_version(), running.pending()) == (FACTORY_VERSION, None)
    running.activate(slot)
    pending = running.pending()
    assert running.running_version() == FACTORY_VERSION
    assert pending is not None
    assert not pending.running

    booted = station.boot()
    pending = booted.pending()
    assert booted.running_version() == "1.1.0"
    assert pending is not None
    assert (pending.running, pending.slot.version) == (True, "1.1.0")
    booted.confirm()
    booted.confirm()
    assert (booted.running_version(), booted.pending()) == ("1.1.0", None)
    assert station.boot().running_version() == "1.1.0"
    assert (station.folder / "update" / "a" / "payload").read_bytes() == PAYLOAD


def test_each_update_goes_into_the_slot_that_does_not_run(station: Station) -> None:
    for version, slot in [("1.1", "a"), ("1.2", "b"), ("1.3", "a")]:
        booted = station.update(version)
        pending = booted.pending()
        assert pending is not None
        assert pending.slot == Slot(slot, version)
        booted.confirm()


def test_a_restart_of_the_agent_alone_changes_nothing(station: Station) -> None:
    running = station.restart()
    running.activate(running.install(station.image("1.1"), unheard))
    for _ in range(BOOTS + 1):
        assert station.restart().running_version() == FACTORY_VERSION
    station.boot()
    for _ in range(BOOTS + 1):
        again = station.restart()
        pending = again.pending()
        assert again.running_version() == "1.1"
        assert pending is not None
        assert pending.boots_left == BOOTS - 1


# ------------------------------------------------------------------------------------------------- how it falls back


@pytest.mark.rule("ocpp16.F03")
def test_a_version_that_is_never_confirmed_is_left_after_some_boots(station: Station) -> None:
    booted = station.update("1.1")
    for left in range(BOOTS - 1, -1, -1):
        pending = booted.pending()
        assert booted.running_version() == "1.1"
        assert pending is not None
        assert pending.boots_left == left
        booted = station.boot()
    assert (booted.running_version(), booted.pending()) == (FACTORY_VERSION, None)
    assert station.boot().running_version() == FACTORY_VERSION


def test_what_is_rolled_back_still_runs_until_the_next_boot(station: Station) -> None:
    station.update("1.1").confirm()
    booted = station.update("1.2")
    booted.rollback()
    assert (booted.running_version(), booted.pending()) == ("1.2", None)
    with pytest.raises(InstallFailed, match="confirmed"):
        booted.install(station.image("1.3"), unheard)
    booted = station.boot()
    assert booted.running_version() == "1.1"
    booted.install(station.image("1.3"), unheard)


def test_an_update_that_has_not_booted_can_be_given_up(station: Station) -> None:
    running = station.restart()
    running.activate(running.install(station.image("1.1"), unheard))
    running.rollback()
    assert running.pending() is None
    assert station.boot().running_version() == FACTORY_VERSION


def test_a_newer_update_replaces_one_that_has_not_booted(station: Station) -> None:
    running = station.restart()
    running.activate(running.install(station.image("1.1"), unheard))
    slot = running.install(station.image("1.2"), unheard)
    assert running.pending() is None
    running.activate(slot)
    assert station.boot().running_version() == "1.2"


def test_while_a_version_is_not_confirmed_no_other_takes_the_place_of_the_good_one(station: Station) -> None:
    station.update("1.1").confirm()
    booted = station.update("1.2")
    with pytest.raises(InstallFailed, match="confirmed"):
        booted.install(station.image("1.3"), unheard)
    booted.rollback()
    assert station.boot().running_version() == "1.1"


def test_a_trial_whose_payload_is_not_whole_does_not_boot(station: Station) -> None:
    running = station.restart()
    running.activate(running.install(station.image("1.1"), unheard))
    (station.folder / "update" / "a" / "payload").write_bytes(PAYLOAD[:-1])
    booted = station.boot()
    assert (booted.running_version(), booted.pending()) == (FACTORY_VERSION, None)


def test_a_trial_that_cannot_be_read_any_more_is_not_confirmed(station: Station) -> None:
    running = station.update("1.1")
    (station.folder / "update" / "a" / "manifest.json").unlink()
    with pytest.raises(InstallFailed, match="cannot be read"):
        running.confirm()
    assert station.boot().pending() is None


@pytest.mark.parametrize("slot", [Slot("a", "1.2"), Slot("b", "1.1"), Slot("../a", "1.1")])
def test_only_what_was_installed_can_be_activated(station: Station, slot: Slot) -> None:
    running = station.restart()
    running.install(station.image("1.1"), unheard)
    with pytest.raises(InstallFailed, match="not installed"):
        running.activate(slot)
    assert station.boot().running_version() == FACTORY_VERSION


def test_what_runs_cannot_be_activated(station: Station) -> None:
    station.update("1.1").confirm()
    with pytest.raises(InstallFailed, match="runs"):
        station.restart().activate(Slot("a", "1.1"))


# --------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.rule("security.ATK-11")
def test_an_image_for_another_model_is_refused_and_both_are_named(station: Station) -> None:
    why = refused(station, station.image("1.1", model="AC-11"))
    assert "AC-11" in why
    assert MODEL in why


@pytest.mark.rule("security.ATK-11")
@pytest.mark.parametrize("cut", [1, 100, len(PAYLOAD), len(PAYLOAD) + 1, len(PAYLOAD) + 900])
def test_an_image_that_ends_early_is_refused(station: Station, cut: int) -> None:
    assert "early" in refused(station, station.file(station.maker.image("1.1", PAYLOAD)[:-cut]))


@pytest.mark.rule("security.ATK-11")
def test_an_image_with_bytes_behind_it_is_refused(station: Station) -> None:
    assert "behind" in refused(station, station.file(station.maker.image("1.1", PAYLOAD) + b"\0"))


@pytest.mark.rule("security.ATK-11")
def test_an_image_of_somebody_else_is_refused(station: Station) -> None:
    assert "manufacturer" in refused(station, station.file(new_manufacturer().image("1.1", PAYLOAD)))


@pytest.mark.rule("security.ATK-11")
@pytest.mark.parametrize("purposes", [("server",), ("client",)])
def test_an_image_signed_with_a_certificate_for_another_purpose_is_refused(
    station: Station, purposes: tuple[str, ...]
) -> None:
    other = issue(replace(SIGNER, purposes=purposes), station.maker.root)
    image = replace(station.maker, signer=other).image("1.1", PAYLOAD)
    assert "purpose" in refused(station, station.file(image))


def test_without_a_root_of_the_manufacturer_nothing_installs(station: Station) -> None:
    station.root.unlink()
    assert "manufacturer" in refused(station, station.image("1.1"))


@pytest.mark.parametrize("content", [b"", b"STATIMG", b"#!/bin/sh\n", bytes(5_000)])
def test_what_is_no_image_is_refused(station: Station, content: bytes) -> None:
    refused(station, station.file(content))


def test_an_image_that_is_not_there_is_refused(station: Station) -> None:
    refused(station, station.folder / "none")


@pytest.mark.rule("security.PROM-14")
def test_what_is_older_than_what_runs_is_refused_unless_the_manufacturer_allowed_it(station: Station) -> None:
    assert FACTORY_VERSION in refused(station, station.image("0.9"))
    station.update("1.2", least_version="1.1").confirm()
    with pytest.raises(InstallFailed, match=r"1\.0\.9 is older than 1\.1"):
        station.restart().install(station.image("1.0.9"), unheard)
    station.update("1.1").confirm()
    station.update("1.3").confirm()
    station.update("1.4", least_version="1.0").confirm()  # what was forbidden once stays so
    with pytest.raises(InstallFailed, match=r"older than 1\.3"):
        station.restart().install(station.image("1.2.9", least_version="1.0"), unheard)


@pytest.mark.rule("security.PROM-14")
def test_a_version_that_did_not_prove_itself_forbids_nothing(station: Station) -> None:
    booted = station.update("9.0")
    booted.rollback()
    station.boot()
    assert station.update("1.1").running_version() == "1.1"


def test_a_check_that_fails_or_says_something_else_installs_nothing(station: Station) -> None:
    def broken(request: Request) -> Answer:
        raise ChildFailed("it took too long")

    for ask, says in [(broken, "took too long"), (lambda request: Made("csr"), "another kind")]:
        with pytest.raises(InstallFailed, match=says) as caught:
            station.restart(ask).install(station.image("1.1"), unheard)
        assert not caught.value.verification


@pytest.mark.rule("security.ATK-11")
def test_an_image_that_is_another_after_its_check_is_not_installed(station: Station) -> None:
    image = station.image("1.1")

    def swapping(request: Request) -> Answer:
        found = answer(request)
        image.write_bytes(image.read_bytes()[:-1] + b"x")
        return found

    with pytest.raises(InstallFailed, match="changed") as caught:
        station.restart(swapping).install(image, unheard)
    assert caught.value.verification
    assert not list((station.folder / "update").glob("?/payload"))


def test_a_link_instead_of_an_image_is_not_followed(station: Station) -> None:
    (link := station.folder / "link").symlink_to(station.image("1.1"))
    refused(station, link)


# ------------------------------------------------------------------------------------------- disks, and cuts anywhere


def test_a_state_that_is_damaged_is_told_and_still_allows_no_way_back(station: Station) -> None:
    station.update("1.2").confirm()
    (station.folder / "update" / "state.json").write_text("{}\n# sha256 00\n")
    booted = station.boot()
    assert "checksum" in booted.problem
    assert booted.running_version() == FACTORY_VERSION
    with pytest.raises(InstallFailed, match=r"older than 1\.2"):
        booted.install(station.image("1.1"), unheard)


@pytest.mark.parametrize(
    "text",
    [
        '{"good": "../b"}',
        '{"running": "c"}',
        '{"good": ["a"]}',
        '{"trial": "a", "boots": "1"}',
        '{"boot": 3}',
        '{"least_version": 1}',
        '{"more": 1}',
        "[]",
        "3",
    ],
)
def test_a_state_that_cannot_be_meant_is_told_and_the_factory_version_runs(station: Station, text: str) -> None:
    (station.folder / "update" / "state.json").write_text(text)
    booted = station.boot()
    assert "state.json" in booted.problem
    assert booted.running_version() == FACTORY_VERSION


def test_a_slot_whose_version_is_none_is_empty(station: Station) -> None:
    station.update("1.1").confirm()
    manifest = station.folder / "update" / "a" / "manifest.json"
    manifest.write_text(manifest.read_text().partition("\n#")[0].replace('"version": "1.1"', '"version": 11'))
    assert station.boot().running_version() == FACTORY_VERSION


def test_an_image_that_would_fill_the_disk_is_not_installed(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    image = station.image("1.1.0")

    def nearly_full(descriptor: int) -> SimpleNamespace:
        return SimpleNamespace(f_frsize=1, f_bavail=FREE_FLOOR_BYTES + len(PAYLOAD) - 1)

    monkeypatch.setattr(os, "fstatvfs", nearly_full)
    assert "make room" in refused(station, image, verification=False)


def test_a_full_disk_costs_the_update_and_nothing_else(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    station.update("1.1").confirm()
    running = station.restart()
    write, left = os.write, [200_000]

    def full(descriptor: int, content: Any) -> int:
        left[0] -= len(content)
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(InstallFailed, match="No space left") as caught:
        running.install(station.image("1.2"), unheard)
    monkeypatch.undo()
    assert not caught.value.verification
    assert list((station.folder / "update" / "b").iterdir()) == []
    assert station.boot().running_version() == "1.1"


CALLS = ("open", "write", "fsync", "replace", "unlink")


def lit(fuse: Fuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Burn before each system call that changes something."""

    def fused(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def burning(*arguments: Any, **options: Any) -> Any:
            fuse.burn(name)
            return call(*arguments, **options)

        return burning

    for name in CALLS:
        monkeypatch.setattr(os, name, fused(name))


def life(station: Station) -> None:
    """Boot with what there is, update to 1.2, boot, confirm."""
    booted = station.update("1.2")
    if booted.running_version() == "1.2":
        booted.confirm()


@pytest.mark.sweep
@pytest.mark.rule("security.PROM-14")
def test_a_cut_at_any_instruction_leaves_a_version_that_runs(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.update("1.1", payload=b"old").confirm()
    station.restart().install(station.image("1.1.5", PAYLOAD[::-1]), unheard)  # lies in the other slot, unused
    first, at, seen = station.folder / "update", 0, set()
    while True:
        shutil.copytree(first, (folder := tmp_path / str(at)) / "update")
        cut = Station(folder, station.maker)
        fuse = Fuse(at)
        with monkeypatch.context() as patch:
            lit(fuse, patch)
            try:
                life(cut)
            except PowerCut:
                pass
            else:
                break
        for name in NAMES:
            content = Slots(folder / "update").read(name)
            whole = (folder / "update" / name / "payload").read_bytes() if content else b""
            assert content is None or hashlib.sha256(whole).hexdigest() == content.sha256
        booted = cut.boot()
        seen.add(booted.running_version())
        assert booted.problem == ""
        pending = booted.pending()
        slot = pending.slot.name if pending else ("b" if booted.running_version() == "1.2" else "a")
        payload = (folder / "update" / slot / "payload").read_bytes()
        assert payload == {"1.1": b"old", "1.2": PAYLOAD}[booted.running_version()]
        if at % 5 == 0:  # and it can be updated after all
            booted.confirm()
            cut.update("1.3").confirm()
            assert cut.boot().running_version() == "1.3"
        at += 1
    assert at > 20
    assert seen == {"1.1", "1.2"}
