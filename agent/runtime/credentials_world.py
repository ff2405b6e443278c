"""What the desks of the credentials share: their surroundings, their replies, and how a change comes into force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass

from agent.credentials.choice import Choice
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings
from agent.credentials.requests import Answer, Request
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.inputs import Input
from agent.vocabulary.security import SecurityEventKind


@dataclass(frozen=True, slots=True)
class World:
    """What a desk needs of the agent."""

    post: Callable[[Input], None]
    note: Callable[[str], None]
    """A line for the log."""
    wall_ms: Callable[[], int | None]
    cpo_name: Callable[[], str]
    ask: Callable[[Request], Answer]
    """Ask the child process; takes its time. Raises ChildFailed."""
    new_name: Callable[[], str]
    """A name that no file has."""
    boot_id: str = ""
    taken: Callable[[], Set[tuple[str, str]]] = frozenset
    """Normal URL and identity of every other upstream."""
    serial_number: str = ""
    released_ms: int = 0
    single_root: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command comes to."""

    result: Result
    csr_pem: str = ""
    reconnect: str = ""
    changed: str = ""
    """The security parameter that is another now; empty: none."""
    event: SecurityEventKind | None = None
    """The security event of a refusal, whose reason is that of the result."""


ACCEPTED = Result(ResultStatus.ACCEPTED)


def refusal(reason: str, status: ResultStatus = ResultStatus.REJECTED) -> Reply:
    """Nothing was changed."""
    return Reply(Result(status, reason))


async def keep(choice: Choice, change: Callable[[Holdings], Holdings]) -> None:
    """Onto the disk, then in force. Raises OSError, with nothing changed.

    An attempt to dial may change what is held while the disk works: then it is done again upon that.
    """
    while True:
        before = choice.holdings
        after = change(before)
        await asyncio.to_thread(_save, choice.folder, after)
        if choice.holdings is before:
            choice.adopt(after)
            return


def _save(folder: CredentialsFolder, holdings: Holdings) -> None:
    folder.save(holdings)
    folder.tidy(holdings)
