"""The link cutter does to a link what its table says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.rig.link_cutter import LinkCutter, Mode
from tests.rig.virtual_time import now_s, run_virtual, until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echo_behind_cutter(delay_s: float = 0.0) -> AsyncIterator[LinkCutter]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1024):
                writer.write(data)
        except ConnectionResetError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with LinkCutter(lambda: server.sockets[0].getsockname()[1], delay_s=delay_s) as cutter:
        yield cutter
    server.close()
    await server.wait_closed()


def proxied(scenario: Callable[[LinkCutter, Streams], Awaitable[None]], delay_s: float = 0.0) -> None:
    async def main() -> None:
        async with echo_behind_cutter(delay_s) as cutter:
            streams = await asyncio.open_connection("127.0.0.1", cutter.port)
            try:
                await scenario(cutter, streams)
            finally:
                streams[1].close()

    run_virtual(main())


async def round_trip(streams: Streams, within_s: float = 1.0) -> float:
    began_s = now_s()
    streams[1].write(b"x")
    async with asyncio.timeout(within_s):
        assert await streams[0].readexactly(1) == b"x"
    return now_s() - began_s


def test_passes_with_its_delay() -> None:
    async def scenario(cutter: LinkCutter, streams: Streams) -> None:
        assert await round_trip(streams) == pytest.approx(0.5, abs=0.01)

    proxied(scenario, delay_s=0.25)


def test_cut_is_a_reset_and_the_next_connection_passes() -> None:
    async def scenario(cutter: LinkCutter, streams: Streams) -> None:
        await round_trip(streams)
        cutter.cut()
        with pytest.raises(ConnectionResetError):
            await streams[0].read()
        fresh = await asyncio.open_connection("127.0.0.1", cutter.port)
        await round_trip(fresh)
        fresh[1].close()
        assert cutter.accepted == 2

    proxied(scenario)


def test_refuse_resets_new_connections_only() -> None:
    async def scenario(cutter: LinkCutter, streams: Streams) -> None:
        await round_trip(streams)
        cutter.set(Mode.REFUSE)
        reader, writer = await asyncio.open_connection("127.0.0.1", cutter.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await round_trip(streams)

    proxied(scenario)


def test_half_open_holds_bytes_and_hands_them_on() -> None:
    async def scenario(cutter: LinkCutter, streams: Streams) -> None:
        await round_trip(streams)
        cutter.set(Mode.HALF_OPEN)
        with pytest.raises(TimeoutError):
            await round_trip(streams, within_s=600)
        cutter.set(Mode.PASS)
        async with asyncio.timeout(1):
            assert await streams[0].readexactly(1) == b"x"

    proxied(scenario)


def test_black_hole_loses_bytes_and_resets_afterwards() -> None:
    async def scenario(cutter: LinkCutter, streams: Streams) -> None:
        await round_trip(streams)
        cutter.set(Mode.BLACK_HOLE)
        with pytest.raises(TimeoutError):
            await round_trip(streams, within_s=600)
        cutter.set(Mode.PASS)
        with pytest.raises(ConnectionResetError):
            await streams[0].read()

    proxied(scenario)


def test_accepted_but_never_answered() -> None:
    async def main() -> None:
        async with echo_behind_cutter() as cutter:
            cutter.set(Mode.BLACK_HOLE)
            streams = await asyncio.open_connection("127.0.0.1", cutter.port)
            with pytest.raises(TimeoutError):
                await round_trip(streams, within_s=3600)
            streams[1].close()
            cutter.cut()
            await until(lambda: cutter.running == 0, within_s=1)

    run_virtual(main())
