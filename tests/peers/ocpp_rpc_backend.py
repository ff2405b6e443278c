"""The npm package `ocpp-rpc` as a backend: a process of `ocpp_rpc_backend.mjs`, and what it says of itself.

The Makefile installs the package, as pinned beside this file, into `.peers`. Where it or `node` is missing the tests
are skipped, unless `CI=true`: there it is an error.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.peers.peer import IDENTITY, PASSWORD
from tests.rig.ledger import Ledger
from tests.rig.source_tree import ROOT

PROGRAM = Path(__file__).with_suffix(".mjs")
INSTALLED = ROOT / ".peers"
READY_S, ANSWER_S, END_S = 15.0, 10.0, 5.0


def needs_node() -> None:
    """Skip the test, or fail it where everything must be there, if node or the package is missing."""
    if shutil.which("node") and (INSTALLED / "node_modules" / "ocpp-rpc").is_dir():
        return
    missing = "node or .peers/node_modules/ocpp-rpc is missing; `make test` installs both"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


class OcppRpcBackend:
    """One process of it. `async with OcppRpcBackend("primary") as backend:`; a `Peer`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = Ledger(name)
        self.connected = asyncio.Event()
        self.complaints: list[str] = []
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._connection = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *("node", str(PROGRAM), str(INSTALLED), IDENTITY, PASSWORD), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._listening = asyncio.ensure_future(self._listen())
        async with asyncio.timeout(READY_S):
            await self._port
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await self._listening
        finally:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    @property
    def url(self) -> str:
        """What the station is configured with."""
        return f"ws://127.0.0.1:{self._port.result()}/ocpp"

    async def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        """Send a request in the spelling of the wire; its answer. Raises AssertionError for a CALLERROR."""
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ask": number, "action": action, "payload": payload}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            answer = await self._asked[number]
        assert "error" not in answer, f"{action}: {answer}"
        return dict(answer["result"])

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        hear: dict[str, Callable[[dict[str, Any]], object]] = {
            "port": lambda said: self._port.set_result(said["port"]),
            "connected": self._opened,
            "closed": self._closed,
            "frame": self._frame,
            "complaint": lambda said: self.complaints.append(said["complaint"]),
            "answer": lambda said: self._asked[said["answer"]].set_result(said),
        }
        hear[next(iter(said))](said)

    def _opened(self, said: dict[str, Any]) -> None:
        self._connection = said["connected"]
        self.connected.set()

    def _closed(self, said: dict[str, Any]) -> None:
        if said["closed"] == self._connection:
            self.connected.clear()

    def _frame(self, said: dict[str, Any]) -> None:
        self.ledger.add(asyncio.get_running_loop().time(), said["direction"], said["frame"], said["connection"])
