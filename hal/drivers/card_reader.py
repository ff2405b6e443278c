"""A card reader on its own line: opened again with backoff, a card told once per presentation.

A presentation ends when the same card has not been seen for the profile's `same_card_s`. UIDs are upper-case hex in the
order in which the card sends them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hal.api import CardSeen, Fault, Observer, ReaderPlan
from hal.changes import FaultKeeper
from hal.drivers import pn532, rdm6300
from hal.drivers.pn532_chat import Pn532Chat
from hal.profile import CardProtocol, ReaderProfile
from hal.serial_port import PortFactory, SerialPort, SerialSettings

FIRST_REOPEN_S = 1.0
LONGEST_REOPEN_S = 10.0
BETWEEN_CARDS_S = 0.25


class Presentations:
    """Which sighting of a card is a new presentation."""

    def __init__(self, same_card_s: float) -> None:
        self._same_card_s = same_card_s
        self._seen_at: dict[bytes, float] = {}

    def is_new(self, uid: bytes, now: float) -> bool:
        """Note a sighting; True when the card was not there a moment ago."""
        self._seen_at = {one: at for one, at in self._seen_at.items() if now - at < self._same_card_s}
        known = uid in self._seen_at
        self._seen_at[uid] = now
        return not known


class CardReader:
    """One reader. `run` owns its line until cancelled."""

    def __init__(
        self,
        plan: ReaderPlan,
        profile: ReaderProfile,
        ports: PortFactory,
        observer: Observer,
        log: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._profile = profile
        self._ports = ports
        self._observer = observer
        self._log = log
        self._settings = SerialSettings(
            plan.baud or profile.serial.baud, profile.serial.parity, profile.serial.stop_bits
        )
        self._presentations = Presentations(profile.same_card_s)
        self._faults = [FaultKeeper(one, observer, log) for one in plan.connectors]
        self._reopen_s = FIRST_REOPEN_S

    async def run(self) -> None:
        """Read cards until cancelled."""
        while True:
            detail = await self._once()
            self._offline(True, detail)
            await asyncio.sleep(self._reopen_s)
            self._reopen_s = min(2 * self._reopen_s, LONGEST_REOPEN_S)

    async def _once(self) -> str:
        """Open, listen until the reader fails, close. Returns what went wrong."""
        port: SerialPort | None = None
        try:
            port = await self._ports(self._plan.port, self._settings)
            if self._profile.protocol is CardProtocol.PN532:
                await self._listen_pn532(port)
            else:
                await self._listen_rdm6300(port)
        except OSError as error:
            return str(error)
        finally:
            if port is not None:
                with contextlib.suppress(OSError):
                    await port.close()
        return "reader does not answer"

    def _offline(self, offline: bool, detail: str = "") -> None:
        for one in self._faults:
            one.set(Fault.READER_OFFLINE, self._plan.name, offline, self._now(), detail)
        if not offline:
            self._reopen_s = FIRST_REOPEN_S

    def _see(self, uid: bytes) -> None:
        if pn532.is_random(uid):
            if self._presentations.is_new(uid[:1], self._now()):
                self._log(f"reader {self._plan.name}: a card with a random number was refused (phone or passport)")
        elif self._presentations.is_new(uid, self._now()):
            self._observer(CardSeen(self._plan.name, uid.hex().upper()))

    async def _listen_rdm6300(self, port: SerialPort) -> None:
        parser = rdm6300.Parser()
        self._offline(False)
        while True:
            data = await self._read(port, 1.0)
            for one in self._faults:
                one.tick(self._now())
            for uid in parser.feed(data):
                self._see(uid)

    async def _listen_pn532(self, port: SerialPort) -> None:
        """Set the chip up, then ask for a target again and again; returns when it has stopped answering."""
        chat = Pn532Chat(self._profile, lambda wait_s: self._read(port, wait_s), port.write)
        for setup in (pn532.SET_UP_SAM, pn532.GET_FIRMWARE):
            if await chat.ask(setup, self._profile.answer_ms / 1000, wake=True) is None:
                return
        self._offline(False)
        while chat.alive:
            answer = await chat.ask(pn532.LIST_TARGET, self._profile.listen_ms / 1000)
            self._offline(False)
            uid = pn532.card_of(answer) if answer is not None else None
            if uid is not None:
                self._see(uid)
                await asyncio.sleep(BETWEEN_CARDS_S)  # a card that stays is listed again at once

    async def _read(self, port: SerialPort, wait_s: float) -> bytes:
        """What came within the time, perhaps nothing. Raises `OSError` when the line is gone."""
        try:
            async with asyncio.timeout(wait_s):
                data = await port.read()
        except TimeoutError:
            return b""
        if not data:
            raise OSError(f"{self._plan.port}: the line is gone")
        return data

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
