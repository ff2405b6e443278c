"""Changes of the installer's settings, as the control socket and management ask for them: one after another.

What syncs a file does so beside the event loop. Everything here is staged; the next boot of the system applies it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from agent.control.views import Cost, PendingView
from agent.runtime.client_check import client_check
from agent.settings import files
from agent.settings.catalogue import CatalogueEntry, resolved
from agent.settings.installer import InstallerSettings
from agent.settings.locations import Locations
from agent.settings.service_edits import ServiceEdit
from agent.settings.settings import Settings, UpstreamRequest

_Kept = TypeVar("_Kept")


async def _nothing() -> Cost:
    return Cost()


class SettingsDesk:
    """The one that stages changes. Each method raises SettingsError if refused, OSError if the disk does."""

    def __init__(
        self,
        locations: Locations,
        boot_id: str,
        settings: Settings,
        wall_ms: Callable[[], int | None],
        tell: Callable[..., None],
        cost: Callable[[], Awaitable[Cost]] = _nothing,
        staged: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`cost`: what a reboot now would cost. `staged` is told in short what the next boot applies."""
        self._locations = locations
        self._boot_id = boot_id
        self._settings = settings
        self._wall_ms = wall_ms
        self._tell = tell
        self._cost = cost
        self._staged = staged
        self._one_by_one = asyncio.Lock()
        self._pending = settings.pending

    @property
    def pending(self) -> PendingView | None:
        """What is staged."""
        return _view(self._pending)

    async def set_primary(self, request: UpstreamRequest) -> PendingView | None:
        """Stage a primary, which is then Billing."""
        return await self._stage_upstream(files.stage_primary, request)

    async def add_operator(self, request: UpstreamRequest) -> PendingView | None:
        """Stage a further operator."""
        return await self._stage_upstream(files.stage_operator, request)

    async def remove_primary(self, word: str, who: str) -> PendingView | None:
        """Stage the removal of the primary."""
        return await self._stage(lambda at: files.stage_removal(self._locations, self._boot_id, word, who, at))

    async def remove_operator(self, operator: str, word: str, who: str) -> PendingView | None:
        """Stage the removal of a further operator, by name or id."""

        def stage(at_ms: int | None) -> InstallerSettings:
            return files.stage_operator_removal(self._locations, self._boot_id, operator, word, who, at_ms)

        return await self._stage(stage)

    async def set_billing(self, upstream: str, who: str) -> PendingView | None:
        """Stage that one of the listed upstreams, by name or id, is Billing."""
        return await self._stage(lambda at: files.stage_billing(self._locations, self._boot_id, upstream, who, at))

    async def edit_services(self, edit: ServiceEdit, who: str) -> PendingView | None:
        """Stage who is asked about whose card, and which cards are stored here."""
        return await self._stage(lambda at: files.stage_services(self._locations, self._boot_id, edit, who, at))

    async def discard_pending(self) -> bool:
        """Forget what is staged; False if there was nothing."""
        async with self._one_by_one:
            discarded = await asyncio.to_thread(files.discard_pending, self._locations)
            self._pending = None
            self._staged("")
            return discarded

    async def catalogue(self) -> tuple[CatalogueEntry, ...]:
        """The backoffices that can be set by name."""
        return await asyncio.to_thread(files.read_catalogue, self._locations)

    async def put_entry(self, name: str, url: str, who: str) -> None:
        """Management puts a backoffice into the catalogue; nobody is connected by that."""
        async with self._one_by_one:
            await asyncio.to_thread(files.put_entry, self._locations, name, url)
            self._tell("settings.catalogue", what=f"{name} {url}", by=who)

    async def remove_entry(self, name: str, who: str) -> None:
        """Management takes one out again."""
        async with self._one_by_one:
            await asyncio.to_thread(files.remove_entry, self._locations, name)
            self._tell("settings.catalogue", what=f"{name} removed", by=who)

    async def _stage_upstream(
        self, stage: Callable[..., InstallerSettings], request: UpstreamRequest
    ) -> PendingView | None:
        check = client_check(self._wall_ms)

        def staged(at_ms: int | None) -> InstallerSettings:
            wanted = resolved(request, files.read_catalogue(self._locations))
            return stage(self._locations, self._boot_id, replace(wanted, changed_at_ms=at_ms), check)

        return await self._stage(staged)

    async def _stage(self, stage: Callable[[int | None], InstallerSettings]) -> PendingView | None:
        """Stage one change. Changes that undo each other leave nothing pending."""
        async with self._one_by_one:
            staged = await asyncio.to_thread(stage, self._wall_ms())
            self._pending = staged if self._differs(staged) else None
            last = staged.changes[-1] if staged.changes else None
            self._tell("settings.staged", what=last.what if last else "", by=last.by if last else "")
            self._staged(self._pending.told if self._pending is not None else "")
            return None if self._pending is None else _view(self._pending, await self._cost())

    def _differs(self, staged: InstallerSettings) -> bool:
        now = self._settings
        same = [one.id for one in staged.upstreams] == [one.id for one in now.upstreams[1:]]
        return not same or staged.billing != now.billing or staged.services != now.services or not now.usable


def _view(staged: InstallerSettings | None, cost: Cost | None = None) -> PendingView | None:
    if staged is None:
        return None
    primary = staged.primary
    return PendingView(
        staged.changes,
        staged.billing,
        primary.url if primary else "",
        primary.identity if primary else "",
        tuple(operator.name for operator in staged.operators),
        cost,
    )
