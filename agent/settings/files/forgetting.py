"""Forgets the credentials of an upstream that is not configured any more, or never came to be."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from agent.settings.files.folder import Folder
from agent.settings.files.storage import remove_file
from agent.settings.locations import Locations
from agent.settings.problems import Problem
from agent.vocabulary.ids import MANAGEMENT, UpstreamId


def forget_credentials(locations: Locations, upstream: UpstreamId) -> None:
    """Its passwords, roots, certificates and keys go, those that it has changed itself included. Raises OSError.

    Who is set in the meantime, or staged to be, keeps them.
    """
    folder = Folder(locations)
    if upstream in folder.in_use():
        return
    _remove(folder, upstream)
    folder.known.forget(upstream)
    shutil.rmtree(Path(locations.state) / "credentials" / upstream, ignore_errors=True)


def forget_discarded(folder: Folder) -> None:
    """The same for all that were staged and taken back: else whoever does so often fills the disk.

    Nothing goes while a file cannot be read, since nobody knows then whose it is. What a disk keeps goes the next time.
    """
    problems: list[Problem] = []
    needed = _ever_in_force(folder, problems)
    held = _with_secrets(folder, problems)
    with suppress(OSError):
        for upstream in () if problems else held - needed:
            _remove(folder, upstream)


def _remove(folder: Folder, upstream: UpstreamId) -> None:
    folder.passwords.save(upstream, None)
    folder.passwords.save_proxy_login(upstream, None)
    for file in (folder.trust(upstream), *folder.client(upstream)):
        if file.exists():
            remove_file(file)


def _ever_in_force(folder: Folder, problems: list[Problem]) -> frozenset[UpstreamId]:
    """Everybody who is set, was set, or is staged to be."""
    files = (folder.read(which, problems) for which in ("active", "pending", "previous"))
    listed = {one.id for file in files if file is not None for one in file.upstreams}
    return frozenset(listed | {one.address.id for one in folder.known.read(problems)})


def _with_secrets(folder: Folder, problems: list[Problem]) -> frozenset[UpstreamId]:
    """Everybody of whom a password, roots or a key lie here."""
    passwords = folder.passwords.read(problems)
    places = {path.parent for path in (folder.trust(MANAGEMENT), *folder.client(MANAGEMENT))}
    files = (file for place in places for file in place.glob("[!.]*"))
    return frozenset({*passwords.backends, *passwords.proxies, *(UpstreamId(file.stem) for file in files)})
