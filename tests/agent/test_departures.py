"""Who is set again is known by its place: that of the settings, or that where it had moved by itself."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings
from agent.departures import standing_of
from agent.runtime.context import Context
from agent.settings.files import load, stage_primary, stage_removal
from tests.agent.settings.files.test_staging import REQUEST
from tests.agent.settings.files.test_staging import locations as locations

NEW = "wss://moved.example/ocpp"


@pytest.mark.rule("two-upstreams.RC05")
@pytest.mark.parametrize("url", [REQUEST.url, NEW])
def test_a_backoffice_that_had_moved_by_itself_is_the_same_at_either_place(locations: Any, url: str) -> None:
    """Else its farewell and its new link would be two sessions with one identity."""
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    CredentialsFolder(locations.state, "primary-1").save(Holdings(own_url=NEW, own_url_basis=REQUEST.url))
    stage_removal(locations, "boot2", "delete")
    stage_primary(locations, "boot2", replace(REQUEST, url=url))
    context = SimpleNamespace(settings=load(locations, "boot3"), safe_mode=False, locations=locations)
    standing = standing_of(cast(Context, context))
    assert standing is not None
    assert standing.successions == (("primary-1", "primary-2"),)
