"""Commands to a PN532: send, acknowledgement, answer, with tries."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from hal.drivers.pn532 import WAKE_UP, Acknowledged, Answered, Frame, Parser, command
from hal.profile import ReaderProfile


class Pn532Chat:
    """`read` waits for bytes up to a time and returns what came; `write` hands bytes to the line."""

    def __init__(
        self,
        profile: ReaderProfile,
        read: Callable[[float], Awaitable[bytes]],
        write: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._profile = profile
        self._read = read
        self._write = write
        self._parser = Parser()
        self._frames: deque[Frame] = deque()
        self.alive = True
        """False after a command was not even acknowledged, whatever the tries."""

    async def ask(self, data: bytes, patience_s: float, wake: bool = False) -> Answered | None:
        """Send a command, up to the profile's tries; None: no answer (to a listing: no card in time).

        `wake` marks a command of the set-up: the chip is woken first and silence is tried again.
        """
        for _ in range(self._profile.tries):
            self._frames.clear()
            await self._write((WAKE_UP if wake else b"") + command(data))
            if not await self._acknowledged():
                continue
            answer = await self._answer(data[0] + 1, patience_s)
            if answer is not None or not wake:
                return answer
        self.alive = False
        return None

    async def _acknowledged(self) -> bool:
        deadline = self._now() + self._profile.answer_ms / 1000
        while (frame := await self._next(deadline)) is not None:
            if isinstance(frame, Acknowledged):
                return True
        return False

    async def _answer(self, code: int, patience_s: float) -> Answered | None:
        deadline = self._now() + patience_s
        while (frame := await self._next(deadline)) is not None:
            if isinstance(frame, Answered) and frame.code == code:
                return frame
        return None

    async def _next(self, deadline: float) -> Frame | None:
        while not self._frames:
            left_s = deadline - self._now()
            if left_s <= 0:
                return None
            self._frames.extend(self._parser.feed(await self._read(left_s)))
        return self._frames.popleft()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
