"""Forgets the credentials of an upstream that is not configured any more, or never came to be."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from agent.settings.files.folder import Folder
from agent.settings.files.storage import remove_file
from agent.settings.locations import Locations
from agent.settings.problems import Problem
from agent.vocabulary.ids import UpstreamId


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
    needed = folder.ever_in_force(problems)
    held = folder.with_secrets(problems)
    with suppress(OSError):
        for upstream in () if problems else held - needed:
            _remove(folder, upstream)


def _remove(folder: Folder, upstream: UpstreamId) -> None:
    folder.passwords.save(upstream, None)
    folder.passwords.save_proxy_login(upstream, None)
    for file in (folder.trust(upstream), *folder.client(upstream)):
        if file.exists():
            remove_file(file)
