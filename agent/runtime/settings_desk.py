"""Changes of the installer's settings, as the control socket and management ask for them: one after another.

What syncs a file does so beside the event loop. Everything here is staged; the next boot of the system applies it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from agent.control.views import Cost, PendingView
from agent.runtime.client_check import client_check
from agent.settings import files
from agent.settings.catalogue import CatalogueEntry, resolved
from agent.settings.installer import InstallerSettings
from agent.settings.locations import Locations
from agent.settings.problems import Problem, SettingsError, quoted
from agent.settings.service_edits import ServiceEdit
from agent.settings.settings import Settings, UpstreamRequest
from agent.settings.validate import normal_url
from agent.store.errors import StoreError
from agent.vocabulary.ids import UpstreamId

Places = Mapping[UpstreamId, frozenset[tuple[str, str]]]
"""Normal URL and identity of every place at which an upstream is dialled, or has asked to be."""


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
        places: Callable[[], Places] = dict,
    ) -> None:
        """`cost`: what a reboot now would cost. `staged` is told in short what the next boot applies. `places`: where
        each upstream is dialled, which may be elsewhere than the settings say."""
        self._locations = locations
        self._boot_id = boot_id
        self._settings = settings
        self._wall_ms = wall_ms
        self._tell = tell
        self._cost = cost
        self._staged = staged
        self._places = places
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

    async def discard_pending(self, who: str = "somebody at the station") -> bool:
        """Forget what is staged; False if there was nothing."""
        async with self._one_by_one:
            discarded = await asyncio.to_thread(files.discard_pending, self._locations)
            if discarded:
                self._tell("settings.discarded", what=self._pending.told if self._pending is not None else "", by=who)
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
            self._check_place(wanted)
            return stage(self._locations, self._boot_id, replace(wanted, changed_at_ms=at_ms), check)

        return await self._stage(staged)

    def _check_place(self, wanted: UpstreamRequest) -> None:
        """Two upstreams with one URL and identity would fight, also where one has moved by itself."""
        staying = (self._pending or self._settings).upstreams
        here = {one.id: one.name for one in (self._settings.factory.management, *staying)}
        for upstream, held in self._places().items():
            if upstream in here and (normal_url(wanted.url), wanted.identity) in held:
                message = f"{quoted(wanted.url)} as {quoted(wanted.identity)} is {here[upstream]} ({upstream}) already"
                raise SettingsError([Problem("url", message, "give the operator's own URL or another identity")])

    async def _stage(self, stage: Callable[[int | None], InstallerSettings]) -> PendingView | None:
        """Stage one change. Changes that undo each other leave nothing pending."""
        async with self._one_by_one:
            staged = await asyncio.to_thread(stage, self._wall_ms())
            self._pending = staged if self._differs(staged) else None
            last = staged.changes[-1] if staged.changes else None
            self._tell("settings.staged", what=last.what if last else "", by=last.by if last else "")
            self._staged(self._pending.told if self._pending is not None else "")
            return None if self._pending is None else _view(self._pending, await self._present_cost())

    async def _present_cost(self) -> Cost | None:
        """None while the store cannot be read: what is staged is staged all the same."""
        try:
            return await self._cost()
        except StoreError:
            return None

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
