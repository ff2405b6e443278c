"""`make run`: a whole station on this machine, and one charging session played with no key pressed.

The plant is a process of its own; so is the agent, kept by a `Runner` that stands for the system; the backends live
here, so that what they were told can be compared at the end: management and a primary, or management alone
(`--primary none`), and up to four further operators (`--operators N`). Everything lies in one folder under `.run`.
`--once` ends after the session; the exit status is 0 only if all backends hold the same one session.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.rig.backend import ScriptedBackend
from tests.rig.demo_house import PlantProcess, free_port, make_places, status_or_none, write_factory
from tests.rig.demo_story import IDENTITY, Story, StoryFailed, verdict
from tests.rig.demo_view import Screen, table, view
from tests.rig.notify_supervisor import Plan, Runner

PLANT_PORT = 9700
REFRESH_S = 0.5
COUNTED = {1: "the backend holds", 2: "both backends hold", **{n: f"all {n} backends hold" for n in range(3, 7)}}


def make_backends(primary: bool, operators: int) -> list[ScriptedBackend]:
    """Management first; Basic authentication, as in the field."""
    names = ["management", *(["primary"] if primary else []), *(f"operator-{n}" for n in range(1, operators + 1))]
    return [
        ScriptedBackend(
            name,
            first_transaction_id=1000 * place,
            identity=IDENTITY,
            password=f"{name}-demo-password",
            port=free_port(PLANT_PORT + place),
        )
        for place, name in enumerate(names, start=1)
    ]


@asynccontextmanager
async def house(screen: Screen, primary: bool, operators: int) -> AsyncIterator[Story]:
    """Everything that a story needs, started in order and ended in order."""
    places = make_places()
    async with AsyncExitStack() as stack:
        screen.say(f"everything of this run lies in {places.base}")
        backends = [await stack.enter_async_context(one) for one in make_backends(primary, operators)]
        screen.say(f"backends listen: {', '.join(f'{one.name} at {one.url}' for one in backends)}", "+")
        write_factory(places, backends[0].url, IDENTITY, (backends[0].password or b"").decode())
        plant = PlantProcess(places, f"127.0.0.1:{free_port(PLANT_PORT)}")
        stack.push_async_callback(plant.stop)
        await plant.start()
        screen.say(f"plant runs: one EPC 2.0 Plus, one SDM72D-M, one PN532, control at http://{plant.control}", "+")
        command = [sys.executable, "-m", "agent", *places.arguments(), "--crash-limit", "0"]
        runner = Runner(Plan(command, places.run, output=places.agent_log, safe_off=places.safe_off()))
        await stack.enter_async_context(runner)
        story = Story(places, plant, backends, screen, runner)
        async with live_view(story):
            yield story


@asynccontextmanager
async def live_view(story: Story) -> AsyncIterator[None]:
    """Draw the view again and again while the story goes on."""

    async def draw() -> None:
        loop = asyncio.get_running_loop()
        while True:
            story.status = await status_or_none(story.places)
            story.screen.show(view(story.status, story.names), loop.time())
            await asyncio.sleep(REFRESH_S)

    task = asyncio.create_task(draw())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def play(once: bool, primary: bool = True, operators: int = 0) -> int:
    """The whole show; returns the exit status."""
    screen = Screen()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with house(screen, primary, operators) as story:
            told = asyncio.create_task(story.play())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({told, stopped}, return_when=asyncio.FIRST_COMPLETED)
            reasons = await _ending(story, told)
            if not once and not stop.is_set():
                for line in story.how_to_play():
                    screen.say(line)
                await stop.wait()
            stopped.cancel()
        if not reasons:
            story.places.remove()
    except (RuntimeError, OSError, TimeoutError) as error:
        screen.say(f"cannot play: {error}", "!")
        return 1
    if stop.is_set() and once:
        reasons.append("interrupted")
    for reason in reasons:
        screen.say(reason, "!")
    return 1 if reasons else 0


async def _ending(story: Story, told: asyncio.Task[None]) -> list[str]:
    """The table, and what is wrong with it."""
    reasons = []
    if not told.done():
        told.cancel()
    try:
        await told
    except StoryFailed as failure:
        reasons.append(str(failure))
    except asyncio.CancelledError:
        reasons.append("the session was not played to its end")
    story.screen.say("what each backend holds:")
    for line in table(story.backends, story.billing):
        story.screen.say(line)
    reasons += verdict(story.backends, story.billing)
    if not reasons:
        story.screen.say(f"{COUNTED[len(story.backends)]} the same session, exactly once", "+")
    return reasons


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = argparse.ArgumentParser(prog="python -m tests.rig.demo", description="A station on this machine.")
    options.add_argument("--once", action="store_true", help="end after the session; status 0 only if all is right")
    options.add_argument("--primary", choices=("one", "none"), default="one", help="none: management is Billing")
    options.add_argument("--operators", type=int, choices=range(5), default=0, help="further operators (default 0)")
    chosen = options.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    return asyncio.run(play(chosen.once, chosen.primary == "one", chosen.operators))


if __name__ == "__main__":
    sys.exit(main())
