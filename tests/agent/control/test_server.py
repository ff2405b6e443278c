from __future__ import annotations

import asyncio
import json
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent.control import peers, server
from agent.control.protocol import LONGEST_LINE, ClearHold, Reboot, Request, Sessions, refuse
from agent.control.server import Abilities, CardAbilities, Server
from agent.settings.problems import Problem, SettingsError
from agent.settings.settings import UpstreamRequest

pytestmark = pytest.mark.rung3


class Agent:
    """What a test wants the agent to be able to do, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.told: list[str] = []
        self.number = 0
        self.listening = asyncio.Event()

    def permit(self, request: Request) -> None:
        if isinstance(request, ClearHold):
            raise refuse("command", "not for you", "ask somebody else")

    def status(self) -> object:
        self.number += 1
        return {"number": self.number}

    async def sessions(self, wanted: Sessions) -> object:
        await asyncio.sleep(0)
        return list(range(wanted.limit))

    def set_primary(self, request: UpstreamRequest) -> object:
        self.asked.append(request)
        if " " in request.url:
            raise SettingsError([Problem("url", "has a blank", "remove it"), Problem("identity", "bad", "mend it")])
        return {"staged": True}

    def remove_primary(self, word: str, who: str) -> object:
        raise refuse("word", "is wrong", "type delete")

    def clear_latch(self, connector: int) -> object:
        raise ZeroDivisionError("a bug")

    def dump_inputs(self) -> object:
        raise OSError(28, "No space left on device")

    def tell(self, event: str, **fields: object) -> None:
        self.told.append(event)
        self.listening.set()

    def abilities(self) -> Abilities:
        return Abilities(
            self.permit,
            self.status,
            self.sessions,
            lambda before_ms, word: self.asked.append((before_ms, word)),
            lambda wanted: self.asked.append(wanted),
            self.set_primary,
            self.remove_primary,
            self.set_primary,
            lambda name, word, who: self.asked.append((name, word, who)),
            lambda name, who: self.asked.append((name, who)),
            lambda: {"upstreams": []},
            lambda: None,
            self.asked.append,
            self.clear_latch,
            lambda connector: [connector],
            lambda connector, current_a: self.asked.append((connector, current_a)),
            lambda upstream, connector: self.asked.append((upstream, connector)),
            self.asked.append,
            lambda limit: limit,
            lambda: self.asked.append("clear"),
            self.dump_inputs,
            CardAbilities(
                lambda: {"asked": []},
                lambda edit, who: self.asked.append((edit, who)),
                lambda wanted: [wanted],
                lambda wanted, who: self.asked.append((wanted, who)),
            ),
        )


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ctl") as folder:
        yield f"{folder}/s"


class Caller:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def dial(cls, path: str) -> Caller:
        return cls(*await asyncio.open_unix_connection(path))

    async def ask(self, line: bytes) -> dict[str, Any]:
        self.writer.write(line + b"\n")
        return await self.next()

    async def next(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(await self.reader.readline())
        return held

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def served(path: str, check: Callable[[Agent], Awaitable[None]]) -> Agent:
    agent = Agent()

    async def main() -> None:
        task = asyncio.ensure_future(Server(path, agent.abilities(), agent.tell).run())
        await agent.listening.wait()
        try:
            await check(agent)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 20))
    assert not os.path.exists(path)
    return agent


def test_commands_are_answered_one_after_another(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        assert await caller.ask(b'{"command":"status"}') == {"ok": True, "result": {"number": 1}}
        assert await caller.ask(b'{"command":"sessions","limit":2}') == {"ok": True, "result": [0, 1]}
        assert (await caller.ask(b'{"command":"reboot","wait_for_idle":true}'))["ok"]
        assert agent.asked == [Reboot(wait_for_idle=True)]
        await caller.close()

    served(path, check)


def test_the_socket_is_for_owner_and_group(path: str) -> None:
    async def check(agent: Agent) -> None:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660

    served(path, check)


def test_who_asked_goes_with_the_change(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        assert (await caller.ask(b'{"command":"set-primary","url":"ws://a/","identity":"I"}'))["ok"]
        (request,) = agent.asked
        assert isinstance(request, UpstreamRequest)
        who = f"stationctl, user {os.getuid()}"
        assert request.changed_by == who
        assert (await caller.ask(b'{"command":"add-operator","url":"ws://b/","identity":"I","name":"B"}'))["ok"]
        assert (await caller.ask(b'{"command":"remove-operator","operator":"B","word":"delete"}'))["ok"]
        assert (await caller.ask(b'{"command":"set-billing","upstream":"management"}'))["ok"]
        assert agent.asked[1:] == [replace(request, url="ws://b/", name="B"), ("B", "delete", who), ("management", who)]
        await caller.close()

    served(path, check)


def test_refusals_carry_every_field_and_the_connection_lives_on(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        answer = await caller.ask(b'{"command":"set-primary","url":"ws://a /","identity":"I"}')
        assert [error["field"] for error in answer["errors"]] == ["url", "identity"]
        answer = await caller.ask(b'{"command":"remove-primary","word":"x"}')
        assert answer["errors"] == [{"field": "word", "message": "is wrong", "remedy": "type delete"}]
        answer = await caller.ask(b"what?")
        assert not answer["ok"]
        assert (await caller.ask(b'{"command":"status"}'))["ok"]
        await caller.close()

    served(path, check)


def test_what_is_not_permitted_is_not_done(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        answer = await caller.ask(b'{"command":"clear-hold","upstream":"management"}')
        assert answer["errors"] == [{"field": "command", "message": "not for you", "remedy": "ask somebody else"}]
        assert not agent.asked
        await caller.close()

    assert "control.refused" in served(path, check).told


@pytest.mark.parametrize("line", [b'{"command":"clear-latch","connector":1}', b'{"command":"dump"}'])
def test_a_bug_or_a_full_disk_behind_a_command_is_an_answer(path: str, line: bytes) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        answer = await caller.ask(line)
        assert "the agent could not do it" in answer["errors"][0]["message"]
        assert (await caller.ask(b'{"command":"status"}'))["ok"]
        await caller.close()

    assert "control.failed" in served(path, check).told


def test_a_line_that_never_ends_is_answered_and_hung_up_on(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        caller.writer.write(b"x" * (LONGEST_LINE + 10_000))
        assert "longer than" in (await caller.next())["errors"][0]["message"]
        await caller.close()
        other = await Caller.dial(path)
        assert (await other.ask(b'{"command":"status"}'))["ok"]
        await other.close()

    served(path, check)


def test_somebody_who_says_nothing_or_half_a_line_disturbs_nobody(path: str) -> None:
    async def check(agent: Agent) -> None:
        silent, half = await Caller.dial(path), await Caller.dial(path)
        half.writer.write(b'{"command":')
        await half.close()
        other = await Caller.dial(path)
        assert (await other.ask(b'{"command":"status"}'))["ok"]
        await other.close()
        await silent.close()

    served(path, check)


def test_watch_goes_on_until_the_caller_hangs_up(path: str) -> None:
    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        first = await caller.ask(b'{"command":"watch","interval_s":0.1}')
        second = await caller.next()
        assert second["result"]["number"] == first["result"]["number"] + 1
        await caller.close()
        other = await Caller.dial(path)
        assert (await other.ask(b'{"command":"status"}'))["ok"]
        await other.close()

    served(path, check)


def test_the_number_of_connections_is_bounded(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)

    async def check(agent: Agent) -> None:
        callers = [await Caller.dial(path) for _ in range(2)]
        for caller in callers:
            assert (await caller.ask(b'{"command":"status"}'))["ok"]
        third = await Caller.dial(path)
        assert not (await third.next())["ok"]
        for caller in [*callers, third]:
            await caller.close()

    served(path, check)


@pytest.mark.rule("security.ATK-25")
def test_a_stranger_is_refused_before_a_byte_is_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "peer_of", lambda held: peers.Peer(1, 54_321, 54_321))
    monkeypatch.setattr(os, "getuid", lambda: 990)

    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        assert "54321" in (await caller.next())["errors"][0]["message"]
        assert agent.number == 0
        await caller.close()

    assert "control.refused_peer" in served(path, check).told


def test_a_socket_left_by_a_crash_is_taken_over(path: str) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)

    async def check(agent: Agent) -> None:
        caller = await Caller.dial(path)
        assert (await caller.ask(b'{"command":"status"}'))["ok"]
        await caller.close()

    served(path, check)
