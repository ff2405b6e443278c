"""The session that `make run` plays: who does what, what is waited for, and what must be true at the end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.control.client import AgentAbsentError, CommandRefusedError
from tests.rig.backend import ScriptedBackend
from tests.rig.demo_house import Places, PlantProcess, ask_agent
from tests.rig.demo_view import Screen
from tests.rig.ledger import Ledger
from tests.rig.notify_supervisor import Runner
from tests.rig.oracle_ledgers import delivery_findings, mirror_findings, session_findings
from tests.rig.oracle_sessions import sessions_of

IDENTITY = "DEMO#1"
"""With a sign that the dialled address must carry percent-encoded."""
CARD = "04A1B2C3D4E5F6"
METER_VALUES = 6
"""Meter values that the primary shall have before it stops the charge."""
CONNECT_S, STEP_S = 45.0, 30.0
MOST_DEATHS, LAST_WORDS = 3, 12


class StoryFailed(Exception):
    """A step did not happen; the text says which."""


@dataclass(slots=True)
class Story:
    """One session, step by step."""

    places: Places
    plant: PlantProcess
    management: ScriptedBackend
    primary: ScriptedBackend
    screen: Screen
    primary_password: str
    runner: Runner
    status: Any = None
    names: dict[str, str] = field(default_factory=lambda: {"management": "management", "primary-1": "primary"})

    async def play(self) -> None:
        """From an empty station to an unplugged car. Raises StoryFailed."""
        await self._commission()
        await self._start_charging()
        await self._stop_by_remote()
        await self._leave()

    async def _commission(self) -> None:
        await self._until(
            lambda: self._booted(self.management), "the agent has told management that it booted", CONNECT_S
        )
        self.screen.say("agent runs and management has accepted it; with no primary set, management is Billing", "+")
        fields = {"url": self.primary.url, "identity": IDENTITY, "security": 1, "password": self.primary_password}
        await self._ask_agent("set-primary", name="Demo operator", **fields)
        self.screen.say("installer: stationctl set-primary; staged, nothing has changed yet", "+")
        await self._ask_agent("reboot")
        self.screen.say("installer: stationctl reboot; the runner ends the agent and starts it with a new boot id", "+")
        await self._until(lambda: self._booted(self.primary), "the primary has accepted the station", CONNECT_S)
        both = "both backends know connector 1 as Available"
        await self._until(lambda: self._both("Available"), both, CONNECT_S)
        self.screen.say(f"{both}; the primary is Billing now", "+")

    async def _start_charging(self) -> None:
        await self.plant.post("/v1/connectors/1/plug_in", amps=16, phases=3, soc=40)
        self.screen.say("driver: plugs in", "+")
        await self._until(lambda: self._both("Preparing"), "both backends see Preparing")
        await self.plant.post("/v1/cards", id_token=CARD)
        self.screen.say("driver: shows a card", "+")
        await self._until(lambda: bool(self.primary.ledger.calls("Authorize")), "the primary is asked about the card")
        self.screen.say("only the primary is asked about it; the session is on the disk before power is offered", "+")
        await self._until(lambda: all(self._ids()), "both backends have answered the start")
        ids = "management {}, primary {}".format(*self._ids())
        self.screen.say(f"one start at each backend, each with its own transaction id: {ids}", "+")
        await self._until(lambda: self._both("Charging"), "both backends see Charging")
        self.screen.say("the car charges", "+")
        enough = f"{METER_VALUES} meter values at the primary"
        await self._until(lambda: len(self.primary.ledger.meter_values()) >= METER_VALUES, enough)
        self.screen.say(f"{enough}; management gets its own at its own interval", "+")

    async def _stop_by_remote(self) -> None:
        management_id, primary_id = self._ids()
        answer = await self.management.remote_stop(management_id or 0)
        self._expect(answer, "Rejected", "RemoteStop from management")
        self.screen.say("management: RemoteStop is refused; the session belongs to the primary", "+")
        answer = await self.primary.remote_stop(primary_id or 0)
        self._expect(answer, "Accepted", "RemoteStop from the primary")
        self.screen.say("primary: RemoteStop is obeyed", "+")
        ledgers = (self.management.ledger, self.primary.ledger)
        await self._until(lambda: all(stopped(ledger) for ledger in ledgers), "both backends have the stop")
        self.screen.say("the contactor is open, the register is read, both backends have the stop", "+")

    async def _leave(self) -> None:
        await self._until(lambda: self._both("Finishing"), "both backends see Finishing")
        await self.plant.post("/v1/connectors/1/plug_out")
        self.screen.say("driver: unplugs and leaves", "+")
        await self._until(lambda: self._both("Available"), "both backends see Available")

    def how_to_play(self) -> list[str]:
        """What to type in another terminal."""
        python = os.path.relpath(sys.executable)
        plant = f"{python} -m hal.simulator.client --control {self.plant.control}"
        stationctl, socket = f"{python} -m agent.stationctl", f"--socket {self.places.socket}"
        return [
            "",
            "it stays up; in another terminal, in this folder:",
            *(f"  {plant} {verb}" for verb in ("plug", f"card {CARD}", "watch", "unplug", "fault residual_current")),
            *(f"  {stationctl} {verb} {socket}" for verb in ("status", "sessions", "reboot")),
            f"logs are in {self.places.log}; control-C ends everything",
        ]

    async def _ask_agent(self, command: str, **fields: Any) -> Any:
        try:
            return await ask_agent(self.places, command, **fields)
        except (CommandRefusedError, AgentAbsentError) as error:
            raise StoryFailed(f"stationctl {command}: {error}") from None

    async def _until(self, condition: Callable[[], bool], what: str, within_s: float = STEP_S) -> None:
        deadline_s = asyncio.get_running_loop().time() + within_s
        while not condition():
            if asyncio.get_running_loop().time() > deadline_s:
                raise StoryFailed(f"not within {within_s:g} s: {what}; {self._last_words()}")
            if sum(death.code != 0 for death in self.runner.deaths) >= MOST_DEATHS:
                raise StoryFailed(f"the agent died {MOST_DEATHS} times; {self._last_words()}")
            await asyncio.sleep(0.05)

    def _last_words(self) -> str:
        words = self.places.agent_log.read_text(errors="replace").splitlines()[-LAST_WORDS:]
        return "\n    ".join([f"the end of {self.places.agent_log}:", *words])

    def _expect(self, answer: str, wanted: str, what: str) -> None:
        if answer != wanted:
            raise StoryFailed(f"{what} was answered {answer}, not {wanted}")

    def _booted(self, backend: ScriptedBackend) -> bool:
        return any(backend.ledger.result(frame.message_id) for frame in backend.ledger.calls("BootNotification"))

    def _both(self, status: str) -> bool:
        return {self.management.ledger.status(1), self.primary.ledger.status(1)} == {status}

    def _ids(self) -> tuple[int | None, int | None]:
        management, primary = (backend.ledger.starts() for backend in (self.management, self.primary))
        return (management[-1].foreign_id if management else None, primary[-1].foreign_id if primary else None)


def stopped(ledger: Ledger) -> bool:
    """True once every start has its stop, answered."""
    stops = ledger.stops()
    return bool(stops) and len(stops) == len(ledger.starts()) and all(stop.answered for stop in stops)


def verdict(management: ScriptedBackend, primary: ScriptedBackend) -> list[str]:
    """What is wrong with the end, in words; nothing if both hold the same one session."""
    reasons = []
    books = {}
    for backend in (management, primary):
        starts, stops = backend.ledger.starts(), backend.ledger.stops()
        books[backend.name] = book = sessions_of(backend.ledger)
        if (len(starts), len(stops)) != (1, 1):
            reasons.append(f"{backend.name} holds {len(starts)} starts and {len(stops)} stops, not one and one")
        reasons += [
            str(f) for f in delivery_findings(backend.ledger) + session_findings(backend.name, book, running=False)
        ]
        reasons += [f"{backend.name}: {text}" for text in backend.complaints]
        reasons += [f"{backend.name}: {frame.text}" for frame in backend.ledger.errors()]
    reasons += [str(finding) for finding in mirror_findings(books)]
    energies = [s.meter_stop_wh - s.meter_start_wh for b in books.values() for s in b if s.meter_stop_wh is not None]
    if energies and not any(energies):
        reasons.append("no energy flowed")
    return list(dict.fromkeys(reasons))
