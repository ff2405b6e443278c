"""`make bench`: the performance budgets beside their targets, floors and peer measured in the same run.

`python -m tests.bench [--only 1,2,...] [--quick]`. A missed budget is named, never an error: the exit status is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.bench import (
    arbitration,
    draining,
    floors,
    growing,
    idling,
    misery,
    quiet_hour,
    reconnecting,
    sessions,
    starting,
    talking,
    tearing,
    thinking,
    uploading,
)
from tests.bench.report import Figure, Say, header

Step = Callable[[Say, bool], list[Figure] | Awaitable[list[Figure]]]

STEPS: Sequence[tuple[str, str, Step]] = (
    ("floor", "floors of this machine", lambda say, quick: floors.measure()),
    ("1", "start beside the peer", starting.start_up),
    ("2", "round trips beside the peer", starting.round_trip),
    ("3", "starts of sessions", sessions.start_of_session),
    ("3b", "a sync that stalls", sessions.stalled_sync),
    ("4", "one upstream in misery", misery.misery),
    ("5", "flash of a session", lambda say, quick: quiet_hour.session(say)),
    ("6", "flash of an idle hour", lambda say, quick: quiet_hour.quiet_hour(say)),
    ("7", "a long queue is drained", draining.drain),
    ("8", "writes that are torn", tearing.torn_writes),
    ("9", "reconnect after a reset", reconnecting.reconnect),
    ("13", "the most that the mind is given", thinking.think),
    ("14", "bytes of an idle day", talking.idle_day),
    ("14b", "an archive is uploaded", uploading.upload),
    ("15", "growth of dividing limits", arbitration.growth),
    ("15", "growth of queues, upstreams and lists", growing.growth),
    ("10,11,12", "memory and processor time", idling.hours),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Says on standard error what goes on."""

    begun_s: float

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self.begun_s:5.0f} s]   {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; always 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Performance budgets beside targets.")
    parser.add_argument("--only", default="", metavar="1,2,...", help="these budgets (and `floor`); default: all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter samples")
    options = parser.parse_args(arguments)
    wanted = {name.strip() for name in options.only.split(",") if name.strip()}
    unknown = wanted - {name for names, _, _ in STEPS for name in names.split(",")}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))} is measured nowhere here")
    say = Progress(time.monotonic())
    figures: list[Figure] = []
    for names, what, step in STEPS:
        if not wanted or wanted & set(names.split(",")):
            say(f"{names}: {what}")
            figures += measure(step, names, what, say, options.quick)
    print(header())
    for figure in figures:
        print(figure.line())
    return 0


def measure(step: Step, names: str, what: str, say: Say, quick: bool) -> list[Figure]:
    """The figures of a step; one that breaks is not measured, and the others go on."""
    try:
        figures = step(say, quick)
        return asyncio.run(_awaited(figures)) if inspect.isawaitable(figures) else figures
    except Exception as error:  # whatever breaks one measurement must not cost the others
        say(f"{names}: {type(error).__name__}: {error}")
        return [Figure(names, what, "", f"not measured: {type(error).__name__}: {error}")]


async def _awaited(figures: Awaitable[list[Figure]]) -> list[Figure]:
    return await figures


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(main(sys.argv[1:]))
