"""Budget 14: what an idle day costs on the line, from exchanges that are measured over real TLS and then multiplied.

The kernel counts for each connection what was sent and received and in how many segments (tcp(7), TCP_INFO); so the
bytes of TLS are as they are, and the headers of TCP and IPv4 with the timestamps of TCP, 52 bytes a segment, are
reckoned apart. On loopback an answer may carry an acknowledgement that goes alone on a slow link.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.bench.backend import Traffic
from tests.bench.house import house
from tests.bench.report import Figure, Say

DAY_S, HEARTBEAT_S = 86_400, 3_600
DEFAULT_PING_S, SLOW_PING_S = 60, 240
HEADERS = 52
MOST_MB = 0.5
WATCHED_S, SETTLED_S = 20.0, 3.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """The mean of one."""

    payload: float
    """Bytes of TLS, both ways."""
    segments: float

    def a_day(self, interval_s: int) -> tuple[float, float]:
        """Megabytes of TLS, and of headers."""
        times = DAY_S / interval_s / 1e6
        return self.payload * times, self.segments * HEADERS * times


async def idle_day(say: Say, quick: bool) -> list[Figure]:
    """Both intervals of pings."""
    watched_s = WATCHED_S / 4 if quick else WATCHED_S
    ping = await _measured(watched_s, ping_s=1, heartbeat_s=HEARTBEAT_S)
    heartbeat = await _measured(watched_s, ping_s=0, heartbeat_s=1)
    say(f"a ping {ping}, a heartbeat {heartbeat}")
    one = f"a ping {ping.payload:.0f} bytes, {ping.segments:.1f} segments; "
    one += f"a heartbeat {heartbeat.payload:.0f} bytes, {heartbeat.segments:.1f} segments"
    figures = [Figure("14", "one exchange over TLS, both ways", "", one)]
    for ping_s in (DEFAULT_PING_S, SLOW_PING_S):
        payload, headers = (sum(each) for each in zip(ping.a_day(ping_s), heartbeat.a_day(HEARTBEAT_S), strict=True))
        bound = ping_s == SLOW_PING_S
        figures.append(
            Figure(
                "14",
                f"an idle day, ping {ping_s} s, heartbeat 1 h",
                f"<= {MOST_MB} MB" if bound else "stated",
                f"{payload:.3f} MB, and {headers:.3f} MB of TCP/IP headers, an upstream",
                payload + headers <= MOST_MB if bound else None,
            )
        )
    return figures


async def _measured(watched_s: float, *, ping_s: int, heartbeat_s: int) -> Exchange:
    """The mean exchange at management while nothing else is said."""
    async with house(plant=False, tls=True, heartbeat_s=heartbeat_s, WebSocketPingInterval=ping_s) as whole:
        await whole.bare_agent()
        await whole.booted()
        await asyncio.sleep(SETTLED_S)
        backend = whole.management
        backend.frames, pings, before = [], len(backend.pings), backend.traffic()
        await asyncio.sleep(watched_s)
        after = backend.traffic()
        times = max(1, len(backend.pings) - pings if ping_s else len(backend.frames))
    return _mean(before, after, times)


def _mean(before: Traffic, after: Traffic, times: int) -> Exchange:
    payload = after.received + after.acknowledged - before.received - before.acknowledged
    return Exchange(payload / times, (after.segments - before.segments) / times)
