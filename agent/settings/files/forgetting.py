"""Forgets the credentials of an upstream that is not configured any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.settings.files.folder import Folder
from agent.settings.files.storage import remove_file
from agent.settings.locations import Locations
from agent.vocabulary.ids import UpstreamId


def forget_credentials(locations: Locations, upstream: UpstreamId) -> None:
    """Its passwords, roots, certificates and keys go, those that it has changed itself included. Raises OSError.

    Who is set in the meantime, or staged to be, keeps them.
    """
    folder = Folder(locations)
    if upstream in folder.in_use():
        return
    folder.passwords.save(upstream, None)
    folder.passwords.save_proxy_login(upstream, None)
    for file in (folder.trust(upstream), *folder.client(upstream)):
        if file.exists():
            remove_file(file)
    folder.known.forget(upstream)
    shutil.rmtree(Path(locations.state) / "credentials" / upstream, ignore_errors=True)
