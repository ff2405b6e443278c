"""The session that `make run` plays: who does what, what is waited for, and what must be true at the end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.control.client import AgentAbsentError, CommandRefusedError
from agent.control.tables import upstreams_text
from tests.rig.backend import ScriptedBackend
from tests.rig.demo_house import Places, PlantProcess, ask_agent
from tests.rig.demo_view import Screen
from tests.rig.ledger import Ledger
from tests.rig.notify_supervisor import Runner
from tests.rig.oracle_cards import unveiled
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
    backends: list[ScriptedBackend]
    """Management first."""
    screen: Screen
    runner: Runner
    status: Any = None
    names: dict[str, str] = field(default_factory=lambda: {"primary-1": "primary"})

    @property
    def management(self) -> ScriptedBackend:
        """The manufacturer's."""
        return self.backends[0]

    @property
    def billing(self) -> ScriptedBackend:
        """The primary if there is one, else management."""
        return next((one for one in self.backends if one.name == "primary"), self.management)

    @property
    def others(self) -> list[ScriptedBackend]:
        """Data & Control."""
        return [one for one in self.backends if one is not self.billing]

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
        for backend in self.backends[1:]:
            command = "set-primary" if backend is self.billing else "add-operator"
            password = (backend.password or b"").decode()
            fields = {"url": backend.url, "identity": IDENTITY, "security": 1, "password": password}
            await self._ask_agent(command, name=f"Demo {backend.name}", **fields)
            self.screen.say(f"installer: stationctl {command} ({backend.name}); staged, nothing has changed yet", "+")
        if self.backends[1:]:
            await self._ask_agent("reboot")
            text = "installer: stationctl reboot; the runner ends the agent and starts it with a new boot id"
            self.screen.say(text, "+")
        for backend in self.backends[1:]:
            await self._until(lambda one=backend: self._booted(one), f"{backend.name} has accepted us", CONNECT_S)  # type: ignore[misc]
        everybody = "every backend knows connector 1 as Available"
        await self._until(lambda: self._all("Available"), everybody, CONNECT_S)
        self.screen.say(f"{everybody}; {self.billing.name} is Billing", "+")
        for line in upstreams_text(await self._ask_agent("upstreams")).splitlines():
            self.screen.say(line)

    async def _start_charging(self) -> None:
        await self.plant.post("/v1/connectors/1/plug_in", amps=16, phases=3, soc=40)
        self.screen.say("driver: plugs in", "+")
        await self._until(lambda: self._all("Preparing"), "every backend sees Preparing")
        await self.plant.post("/v1/cards", id_token=CARD)
        self.screen.say("driver: shows a card", "+")
        name = self.billing.name
        await self._until(lambda: bool(self.billing.ledger.calls("Authorize")), f"{name} is asked about the card")
        self.screen.say(f"only {name} is asked about it; the session is on the disk before power is offered", "+")
        await self._until(lambda: all(self._ids()), "every backend has answered the start")
        ids = ", ".join(f"{one.name} {given}" for one, given in zip(self.backends, self._ids(), strict=True))
        self.screen.say(f"one start at each backend, each with its own transaction id: {ids}", "+")
        await self._until(lambda: self._all("Charging"), "every backend sees Charging")
        self.screen.say("the car charges", "+")
        enough = f"{METER_VALUES} meter values at {name}"
        await self._until(lambda: len(self.billing.ledger.meter_values()) >= METER_VALUES, enough)
        self.screen.say(f"{enough}; each of the others gets its own at its own interval", "+")

    async def _stop_by_remote(self) -> None:
        for backend in self.others:
            answer = await backend.remote_stop(_id_at(backend) or 0)
            self._expect(answer, "Rejected", f"RemoteStop from {backend.name}")
            self.screen.say(f"{backend.name}: RemoteStop is refused; the session is {self.billing.name}'s", "+")
        answer = await self.billing.remote_stop(_id_at(self.billing) or 0)
        self._expect(answer, "Accepted", f"RemoteStop from {self.billing.name}")
        self.screen.say(f"{self.billing.name}: RemoteStop is obeyed", "+")
        await self._until(lambda: all(stopped(one.ledger) for one in self.backends), "every backend has the stop")
        self.screen.say("the contactor is open, the register is read, every backend has the stop", "+")

    async def _leave(self) -> None:
        await self._until(lambda: self._all("Finishing"), "every backend sees Finishing")
        await self.plant.post("/v1/connectors/1/plug_out")
        self.screen.say("driver: unplugs and leaves", "+")
        await self._until(lambda: self._all("Available"), "every backend sees Available")

    def how_to_play(self) -> list[str]:
        """What to type in another terminal."""
        python = os.path.relpath(sys.executable)
        plant = f"{python} -m hal.simulator.client --control {self.plant.control}"
        stationctl, socket = f"{python} -m agent.stationctl", f"--socket {self.places.socket}"
        return [
            "",
            "it stays up; in another terminal, in this folder:",
            *(f"  {plant} {verb}" for verb in ("plug", f"card {CARD}", "watch", "unplug", "fault residual_current")),
            *(f"  {stationctl} {verb} {socket}" for verb in ("status", "upstreams", "sessions", "reboot")),
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

    def _all(self, status: str) -> bool:
        return {backend.ledger.status(1) for backend in self.backends} == {status}

    def _ids(self) -> list[int | None]:
        return [_id_at(backend) for backend in self.backends]


def _id_at(backend: ScriptedBackend) -> int | None:
    """The id that it gave to the newest transaction."""
    starts = backend.ledger.starts()
    return starts[-1].foreign_id if starts else None


def stopped(ledger: Ledger) -> bool:
    """True once every start has its stop, answered."""
    stops = ledger.stops()
    return bool(stops) and len(stops) == len(ledger.starts()) and all(stop.answered for stop in stops)


def verdict(backends: Sequence[ScriptedBackend], billing: ScriptedBackend) -> list[str]:
    """What is wrong with the end, in words; nothing if all hold the same one session."""
    reasons = []
    books = {}
    for backend in backends:
        starts, stops = backend.ledger.starts(), backend.ledger.stops()
        books[backend.name] = book = sessions_of(backend.ledger)
        if (len(starts), len(stops)) != (1, 1):
            reasons.append(f"{backend.name} holds {len(starts)} starts and {len(stops)} stops, not one and one")
        reasons += [
            str(f) for f in delivery_findings(backend.ledger) + session_findings(backend.name, book, running=False)
        ]
        reasons += [f"{backend.name}: {text}" for text in backend.complaints]
        reasons += [f"{backend.name}: {frame.text}" for frame in backend.ledger.errors()]
    pseudonymous = [backend.name for backend in backends if backend.name.startswith("operator")]
    books, betrayed = unveiled(books, billing.name, pseudonymous, (), {})
    reasons += [str(finding) for finding in [*betrayed, *mirror_findings(books)]]
    energies = [s.meter_stop_wh - s.meter_start_wh for b in books.values() for s in b if s.meter_stop_wh is not None]
    if energies and not any(energies):
        reasons.append("no energy flowed")
    return list(dict.fromkeys(reasons))
