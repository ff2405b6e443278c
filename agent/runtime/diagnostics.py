"""What an upload of diagnostics or of the security log holds, and who may see what of it.

Theory of operation
-------------------
Management sees everything but secrets and cards. Any other upstream sees nothing of somebody else's link: lines that
name another upstream, its server or its identity are left out, of the settings it sees its own, and of the security log
what concerns it or the station as a whole. Cards are pseudonyms in the recorded inputs, and masked everywhere else.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from agent.host.archive import Part, shown, zipped
from agent.host.log_ring import LogRing
from agent.links.upstream import UpstreamTask
from agent.runtime.clock import Clock
from agent.runtime.writer import Writer
from agent.settings.addresses import UpstreamAddress
from agent.settings.settings import Settings
from agent.store.security_log import KEPT, SecurityLine
from agent.vocabulary.commands import GetDiagnostics, GetLog, UploadCommand, UploadWish
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.inputs import SettingsStaged
from agent.vocabulary.moments import Moment, iso8601
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.overview import StationOverview
from agent.vocabulary.privacy import IdTagPolicy
from agent.vocabulary.uploads import LogKind

Make = Callable[[], bytes]
"""Makes the file; takes its time."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the contents come from."""

    settings: Settings
    state: str
    """The state folder."""
    clock: Clock
    log: LogRing
    inputs: Callable[[], Iterable[str]]
    overview: Callable[[Moment], StationOverview]
    options: Callable[[UpstreamId], UpstreamOptions]
    links: Mapping[UpstreamId, UpstreamTask]
    restarts: Callable[[], Mapping[str, int]]
    writer: Writer


class Diagnostics:
    """Gathers on the event loop, in no time; what takes time is in the function that it returns."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def file_name(self, command: UploadCommand) -> str:
        """A name that says whose it is, what and when; of letters that every server takes."""
        now = self._sources.clock.now()
        serial = self._sources.settings.factory.station.serial_number or "station"
        when = f"boot{now.boot}-{now.monotonic_ms}" if now.wall_ms is None else iso8601(now.wall_ms)[:19] + "Z"
        what, ending = ("security", "log") if _is_security(command) else ("diagnostics", "zip")
        name = f"{serial}-{what}-{when}".replace(":", "")
        return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name) + f".{ending}"

    async def gather(self, upstream: UpstreamId, command: UploadCommand) -> Make:
        """The contents as they are now, to be made into a file. Raises StoreError."""
        if _is_security(command):
            lines = await self._sources.writer.ask(lambda store: store.archive.security_log(2 * KEPT))
            return partial(_security_text, lines, upstream, command.wish)
        return partial(self._archive, upstream, command.wish, await self._depths(upstream), self._overview(upstream))

    def _archive(
        self, upstream: UpstreamId, wish: UploadWish, queued: Mapping[UpstreamId, int], overview: StationOverview
    ) -> bytes:
        sources = self._sources
        hidden, cards = self._hidden(upstream), self._may_see_cards(upstream)
        log = sources.log.lines(wish.since_wall_ms, wish.until_wall_ms)
        parts = [
            Part("log.txt", _text(log, hidden, cards)),
            Part("inputs.jsonl", _text(sources.inputs(), hidden, cards)),
            Part("settings.json", shown(self._settings(upstream))),
            Part("options.json", shown(sources.options(upstream))),
            Part("station.json", shown(overview)),
            Part("device.json", shown(self._device(queued))),
        ]
        return zipped(parts)

    async def _depths(self, upstream: UpstreamId) -> dict[UpstreamId, int]:
        sources = self._sources
        return {one: await sources.writer.depth(one) for one in sources.links if _may_see(upstream, one)}

    def _overview(self, upstream: UpstreamId) -> StationOverview:
        whole = self._sources.overview(self._sources.clock.now())
        connectors = [
            replace(
                c,
                foreign_ids=tuple(i for i in c.foreign_ids if _may_see(upstream, i.upstream)),
                token_masked=c.token_masked if self._may_see_cards(upstream) else None,
            )
            for c in whole.connectors
        ]
        seen = tuple(u for u in whole.upstreams if _may_see(upstream, u.id))
        return replace(whole, connectors=tuple(connectors), upstreams=seen)

    def _settings(self, upstream: UpstreamId) -> dict[str, object]:
        settings = self._sources.settings
        addresses = [a for a in settings.upstreams if _may_see(upstream, a.id)]
        return {
            "station": settings.factory.station,
            "hardware": settings.factory.hardware,
            "connectors": settings.factory.connectors,
            "transfers": sorted(settings.factory.transfers),
            "upstreams": [_address(address) for address in addresses],
            "problems": [str(problem) for problem in settings.problems] if upstream == MANAGEMENT else [],
        }

    def _device(self, queued: Mapping[UpstreamId, int]) -> dict[str, object]:
        sources = self._sources
        now, disk = sources.clock.now(), shutil.disk_usage(sources.state)
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "boot": now.boot,
            "monotonic_ms": now.monotonic_ms,
            "wall_ms": now.wall_ms,
            "queued": queued,
            "links": {one: sources.links[one].state.told(now.monotonic_ms) for one in queued},
            "restarted_tasks": sum(sources.restarts().values()),
            "disk_total_bytes": disk.total,
            "disk_free_bytes": disk.free,
            "memory_peak_kib": used.ru_maxrss,
            "processor_s": round(used.ru_utime + used.ru_stime, 1),
            "load": os.getloadavg(),
            "python": platform.python_version(),
            "kernel": platform.release(),
            "machine": platform.machine(),
        }

    def _may_see_cards(self, upstream: UpstreamId) -> bool:
        """It is told of all cards in full anyhow."""
        settings = self._sources.settings
        return upstream == settings.billing or settings.factory.privacy[settings.kind(upstream)] is IdTagPolicy.FULL

    def _hidden(self, upstream: UpstreamId) -> frozenset[str]:
        """Words that a line must not have to be shown to this upstream."""
        settings = self._sources.settings
        addresses = (*settings.upstreams, *(one.address for one in settings.former))
        own = {word for address in addresses if address.id == upstream for word in _words(address)}
        others = {word for a in addresses if not _may_see(upstream, a.id) for word in _words(a)}
        return frozenset((others - own) | (set() if upstream == MANAGEMENT else set(_OF_THE_SETTINGS)))


_OF_THE_SETTINGS = (" settings.", SettingsStaged.__name__)
"""Lines of log and inputs that tell who is to come or could be set, whom no list names yet: for management alone."""
_CARD = re.compile(r"[0-9A-Za-z]{1,2}\*\*\*")
"""A masked card."""


def _is_security(command: UploadCommand) -> bool:
    match command:
        case GetDiagnostics():
            return False
        case GetLog(log):
            return log is LogKind.SECURITY


def _may_see(upstream: UpstreamId, whose: UpstreamId) -> bool:
    return upstream in (MANAGEMENT, whose)


def _words(address: UpstreamAddress) -> tuple[str, ...]:
    host = address.url.partition("://")[2].partition("/")[0]
    return tuple(word for word in (address.id, host, address.identity, address.name) if word)


def _address(address: UpstreamAddress) -> dict[str, object]:
    """Without the paths of key files, which are nobody's business."""
    names = ("id", "name", "url", "identity", "security", "trust", "interface", "proxy")
    return {name: getattr(address, name) for name in names}


def _text(lines: Iterable[str], hidden: frozenset[str], cards: bool = True) -> str:
    """The lines that may be shown; without `cards` not even the first two characters of a card."""
    seen = (line for line in lines if not any(word in line for word in hidden))
    return "".join(f"{line if cards else _CARD.sub('***', line)}\n" for line in seen)


def _security_text(lines: Iterable[SecurityLine], upstream: UpstreamId, wish: UploadWish) -> bytes:
    """One line per event: number, time, kind, whose link, and what else is known."""
    return "".join(_security_line(line) for line in lines if _wanted(line, upstream, wish)).encode("ascii")


def _wanted(line: SecurityLine, upstream: UpstreamId, wish: UploadWish) -> bool:
    event, wall_ms = line.event, line.event.at.wall_ms
    if event.upstream is not None and not _may_see(upstream, event.upstream):
        return False
    if wall_ms is None:
        return True
    return (wish.since_wall_ms or wall_ms) <= wall_ms <= (wish.until_wall_ms or wall_ms)


def _security_line(line: SecurityLine) -> str:
    event = line.event
    at = event.at
    when = f"boot {at.boot} {at.monotonic_ms} ms" if at.wall_ms is None else iso8601(at.wall_ms)
    text = f"{line.sequence} {when} {event.kind.value} {event.upstream or '-'} {event.tech_info}".rstrip()
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in text) + "\n"
