"""The virtual-time loop: it jumps, it waits for data in the kernel, and it never hangs."""

from __future__ import annotations

import asyncio
import time

import pytest
from websockets.asyncio.server import ServerConnection

from tests.rig.virtual_time import RealTimeLimit, VirtualDeadlock, VirtualTimeLoop, now_s, run_virtual, settle, until
from tests.rig.web_socket_pair import link_pair, opened, stream_pair


def test_a_day_passes_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(86_399)
        return now_s()

    began = time.monotonic()
    assert run_virtual(main(), limit_s=90_000) == pytest.approx(86_399)
    assert time.monotonic() - began < 2


def test_timers_fire_in_order_at_their_times() -> None:
    seen: list[tuple[str, float]] = []

    async def one(name: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        seen.append((name, round(now_s(), 6)))

    async def main() -> None:
        await asyncio.gather(one("c", 3.5), one("a", 0.001), one("b", 2))

    run_virtual(main())
    assert seen == [("a", 0.001), ("b", 2.0), ("c", 3.5)]


def test_data_on_tcp_is_not_overtaken_by_a_jump() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    async def main() -> float:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for number in range(300):
            writer.write(b"%d\n" % number)
            async with asyncio.timeout(0.02):  # a jump ahead of the data would be a time-out
                assert await reader.readline() == b"%d\n" % number
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return now_s()

    assert run_virtual(main()) < 0.001


def test_a_socket_pair_takes_no_time() -> None:
    async def main() -> float:
        near, far = stream_pair()
        reader, writer = await opened(near)
        other_reader, other_writer = await opened(far)
        for _ in range(100):
            writer.write(b"ping")
            async with asyncio.timeout(0.001):
                assert await other_reader.readexactly(4) == b"ping"
        writer.close()
        assert await other_reader.read() == b""
        other_writer.close()
        del reader
        return now_s()

    assert run_virtual(main()) == 0


def test_two_web_sockets_for_two_hours() -> None:
    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> int:
        async with link_pair(handler) as first, link_pair(handler) as second:
            for number in range(240):
                await first.send(str(number))
                await second.send(str(number))
                async with asyncio.timeout(1):
                    assert await first.recv() == await second.recv() == str(number)
                await asyncio.sleep(30)
        return round(now_s())

    assert run_virtual(main()) == 7200


def test_a_close_is_seen_without_a_timer() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def handler(connection: ServerConnection) -> None:
            await connection.wait_closed()
            gone.set()

        async with link_pair(handler) as client:
            await client.close()
            await asyncio.wait_for(gone.wait(), 1)

    run_virtual(main())


def test_deadlock_is_an_error_that_names_the_task() -> None:
    async def waits_for_nothing() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.get_running_loop().create_task(waits_for_nothing(), name="the stuck one")

    with pytest.raises(VirtualDeadlock, match="the stuck one"):
        run_virtual(main())


def test_limit_of_virtual_time() -> None:
    with pytest.raises(TimeoutError, match="more than 10 virtual seconds"):
        run_virtual(asyncio.sleep(11), limit_s=10)


def test_limit_of_real_time() -> None:
    async def busy() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    with pytest.raises(RealTimeLimit):
        run_virtual(busy(), real_limit_s=0.1)


def test_executor_runs_inline() -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        return [await asyncio.to_thread(lambda: 7), round(loop.elapsed_s)]

    assert run_virtual(main()) == [7, 0]


def test_until_and_settle() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        flags: list[int] = []
        loop.call_later(2, flags.append, 1)
        loop.call_soon(flags.append, 0)
        await settle()
        assert flags == [0]
        assert await until(lambda: 1 in flags, within_s=3) == pytest.approx(2, abs=0.06)
        with pytest.raises(AssertionError, match="not within 1 s: a second flag"):
            await until(lambda: 2 in flags, within_s=1, what="a second flag")

    run_virtual(main())
