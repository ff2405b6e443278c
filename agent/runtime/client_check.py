"""Judges a client certificate that somebody wants to save, by the child process that knows cryptography."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.credentials import child
from agent.credentials.requests import Answer, CheckChain, Found, Refused, Request
from agent.host.clock import RELEASED_MS
from agent.settings.files import CheckClient
from agent.settings.problems import Complaint

_REMEDY: Final = "give a valid client certificate that was issued for this key"


def client_check(wall_ms: Callable[[], int | None], ask: Callable[[Request], Answer] = child.ask) -> CheckClient:
    """A check for `settings.files.stage_primary`; takes seconds. Raises ChildFailed if there is no judgement.

    While the time is unknown, a certificate must not have expired before this release was made.
    """

    def check(pem: str, key_file: str) -> Complaint | None:
        now_ms = wall_ms()
        request = CheckChain(pem, key_file, now_ms or RELEASED_MS, now_ms, may_begin_later=False)
        match ask(request):
            case Found():
                return None
            case Refused(reason):
                return Complaint(f"cannot be used: {reason}", _REMEDY)
            case other:
                raise child.ChildFailed(f"the check of a certificate gave an answer of another kind ({other!r})")

    return check
