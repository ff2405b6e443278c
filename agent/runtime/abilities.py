"""What the control socket can do, in terms of the running agent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from agent.control import protocol
from agent.control.protocol import refuse
from agent.control.server import Abilities
from agent.control.undelivered_export import ExportedMessage, exported
from agent.control.views import FirmwareView, LinkView, SecurityLogView, StatusView, UpstreamsView, UpstreamView
from agent.links.upstream import UpstreamTask
from agent.runtime.card_desk import CardDesk
from agent.runtime.clock import Clock
from agent.runtime.drain import Drain
from agent.runtime.limits_desk import LimitsDesk
from agent.runtime.permit import permit
from agent.runtime.settings_desk import SettingsDesk
from agent.runtime.writer import Writer
from agent.settings.problems import quoted
from agent.settings.settings import Settings
from agent.store.history import Session, SessionQuery
from agent.store.past import Deleted
from agent.store.store import Store
from agent.store.undelivered import UndeliveredMessage
from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.inputs import (
    Input,
    LatchCleared,
    Registration,
    ReofferRequested,
    RestartRequested,
    SecurityEventSeen,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.overview import StationOverview, UpstreamOverview
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.upstreams import kind_of

_REGISTERED = {
    Registration.UNKNOWN: "it has not answered our boot yet",
    Registration.PENDING: "it keeps us waiting (Pending)",
    Registration.REJECTED: "it does not accept us (Rejected)",
    Registration.ACCEPTED: "it has accepted us",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the agent that local people may look at or touch."""

    settings: Settings
    problems: tuple[str, ...]
    safe_mode: bool
    clock: Clock
    writer: Writer
    links: Mapping[UpstreamId, UpstreamTask]
    overview: Callable[[Moment], StationOverview]
    post: Callable[[Input], None]
    drain: Drain
    restarts: Callable[[], Mapping[str, int]]
    firmware: Callable[[], FirmwareView]
    """Reads files: for a thread."""
    dump_inputs: Callable[[], Awaitable[str]]
    tell: Callable[..., None]


class _Local:
    """The abilities, as methods over the surroundings."""

    def __init__(self, around: Surroundings, desk: SettingsDesk) -> None:
        self._around = around
        self._desk = desk

    async def status(self) -> StatusView:
        """Everything `stationctl status` shows."""
        around = self._around
        now = around.clock.now()
        station = around.settings.factory.station
        return StatusView(
            overview=around.overview(now),
            links=tuple([await self._link(upstream) for upstream in around.links]),
            vendor=station.vendor,
            model=station.model,
            serial_number=station.serial_number,
            pending=self._desk.pending,
            problems=around.problems,
            safe_mode=around.safe_mode,
            wall_ms=now.wall_ms,
            restarts=around.restarts(),
            firmware=await asyncio.to_thread(around.firmware),
        )

    async def upstreams(self) -> UpstreamsView:
        """Every upstream with its role and state, and what is staged."""
        overview = self._around.overview(self._around.clock.now())
        links = {link.upstream: link for link in [await self._link(upstream) for upstream in self._around.links]}
        views = tuple(_upstream_view(one, links[one.id]) for one in overview.upstreams if one.id in links)
        return UpstreamsView(views, self._desk.pending, await self._around.drain.view())

    async def sessions(self, wanted: protocol.Sessions) -> list[Session]:
        """The newest sessions first."""
        seen = TransactionId(wanted.before) if wanted.before else None
        connector = None if wanted.connector is None else ConnectorId(wanted.connector)
        query = SessionQuery(wanted.limit, wanted.since_ms, wanted.until_ms, connector, seen)
        try:
            return await self._around.writer.ask(lambda store: store.archive.sessions(query))
        except LookupError as error:
            raise refuse("before", str(error), "ask again from the newest on") from None

    async def delete_sessions(self, before_ms: int, word: str) -> Deleted:
        """Delete sessions that started before, for good; those that are not delivered stay."""
        if word != "delete":
            raise refuse("word", f"{quoted(word)} does not confirm it", 'write "delete"')
        return await self._around.writer.ask(lambda store: store.archive.delete_sessions(before_ms))

    async def export(self, asked: protocol.Export) -> list[ExportedMessage]:
        """What an upstream has not got, be it configured or not."""

        def look(store: Store) -> tuple[list[UpstreamId], list[UndeliveredMessage]]:
            undelivered = store.archive.undelivered
            return undelivered.upstreams(), undelivered.messages(UpstreamId(asked.upstream), asked.behind, asked.limit)

        known, messages = await self._around.writer.ask(look)
        if asked.upstream not in known:
            raise refuse("upstream", f"nothing was ever kept for {quoted(asked.upstream)}", f"use one of {known}")
        return [exported(message, asked.with_cards) for message in messages]

    def reboot(self, asked: protocol.Reboot) -> str:
        """Reboot the system. From now on no transaction begins."""
        around = self._around
        if asked.drain and around.settings.billing not in around.links:
            raise refuse("drain", f"{around.settings.billing} is not dialled now", "reboot without it: nothing is lost")
        around.drain.order(asked.drain)
        around.post(RestartRequested(reboot_system=True, wait_for_idle=asked.wait_for_idle))
        return "the system reboots once no transaction runs" if asked.wait_for_idle else "the system reboots"

    def clear_latch(self, connector: int) -> str:
        """Service has mended what was latched."""
        known = [c.id for c in self._around.settings.factory.connectors]
        if ConnectorId(connector) not in known:
            raise refuse("connector", f"{connector} is no connector of this station", f"use one of {known}")
        self._around.post(LatchCleared(ConnectorId(connector)))
        return f"latched faults of connector {connector} cleared"

    async def reoffer(self, upstream: str) -> dict[str, int]:
        """Messages that were given up go back into their queues; how many for each upstream."""
        known = list(self._around.links)
        if upstream and UpstreamId(upstream) not in known:
            raise refuse("upstream", f"{quoted(upstream)} is no upstream of this station", f"use one of {known}")
        found: dict[str, int] = {}
        for one in [UpstreamId(upstream)] if upstream else known:
            messages = await self._around.writer.ask(partial(_parked, upstream=one))
            found[one] = len(messages)
            if messages:
                self._around.post(ReofferRequested(one, messages))
        return found

    async def security_log(self, limit: int) -> SecurityLogView:
        """The newest lines, and what became of the chain."""

        def look(store: Store) -> SecurityLogView:
            return SecurityLogView(tuple(store.archive.security_log(limit)), store.archive.check_security_log())

        return await self._around.writer.ask(look)

    async def clear_security_log(self) -> str:
        """Drop its lines; the next one says so."""
        await self._around.writer.ask(lambda store: store.archive.clear_security_log())
        self._around.post(SecurityEventSeen(SecurityEventKind.SECURITY_LOG_WAS_CLEARED, "stationctl"))
        return "the security log is cleared"

    async def dump_inputs(self) -> str:
        """Write the last inputs to the state folder; the file's name."""
        name = await self._around.dump_inputs()
        self._around.tell("agent.inputs_dumped", file=name)
        return name

    async def _link(self, upstream: UpstreamId) -> LinkView:
        address = next(a for a in self._around.settings.upstreams if a.id == upstream)
        link, writer = self._around.links[upstream], self._around.writer
        return LinkView(
            upstream,
            link.dials or address.url,
            address.identity,
            queued=await writer.depth(upstream),
            parked=await writer.ask(lambda store: store.archive.parked_count(upstream)),
            detail=link.state.told(self._around.clock.monotonic_ms),
        )


def make_abilities(around: Surroundings, desk: SettingsDesk) -> Abilities:
    """For the control server."""
    local = _Local(around, desk)
    limits = LimitsDesk(around.settings, lambda: around.overview(around.clock.now()), around.post)
    cards = CardDesk(around.settings, desk, around.writer, lambda: around.overview(around.clock.now()), around.post)
    return Abilities(
        permit=lambda request: permit(request, around.overview(around.clock.now())),
        status=local.status,
        sessions=local.sessions,
        delete_sessions=local.delete_sessions,
        export=local.export,
        set_primary=desk.set_primary,
        remove_primary=desk.remove_primary,
        add_operator=desk.add_operator,
        remove_operator=desk.remove_operator,
        set_billing=desk.set_billing,
        upstreams=local.upstreams,
        catalogue=desk.catalogue,
        cards=cards.abilities(),
        discard_pending=desk.discard_pending,
        reboot=local.reboot,
        clear_latch=local.clear_latch,
        why=limits.why,
        set_limit=limits.set_limit,
        clear_hold=limits.clear_hold,
        reoffer=local.reoffer,
        security_log=local.security_log,
        clear_security_log=local.clear_security_log,
        dump_inputs=local.dump_inputs,
    )


def _parked(store: Store, upstream: UpstreamId) -> tuple[str, ...]:
    return tuple(store.archive.parked(upstream))


def _upstream_view(seen: UpstreamOverview, link: LinkView) -> UpstreamView:
    return UpstreamView(
        seen.id,
        seen.name,
        kind_of(seen.id, seen.role),
        seen.role,
        f"{link.detail}; {_REGISTERED[seen.registration]}" if seen.connected else link.detail,
        link.url,
        link.identity,
        link.queued,
        link.parked,
    )
