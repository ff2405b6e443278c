"""How a scripted backend answers: verdicts by card, boot answers, and a queue of moods for any action."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer, ever."""


@dataclass(frozen=True, slots=True)
class Delayed:
    """The usual answer, so much later; other frames are answered meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fails:
    """A CALLERROR."""

    code: str = "InternalError"


@dataclass(frozen=True, slots=True)
class HangsUp:
    """The connection is aborted instead of an answer; with `after_answer`, right behind it."""

    after_answer: bool = False


@dataclass(frozen=True, slots=True)
class Says:
    """This payload as CALLRESULT, unchecked: for answers that no schema allows."""

    payload: Any


Mood = Silent | Delayed | Fails | HangsUp | Says


@dataclass(slots=True)
class Script:
    """How a backend answers."""

    boot: deque[str] = field(default_factory=deque)
    """Answers to the next BootNotifications (`Accepted`, `Pending`, `Rejected`); Accepted once it is empty."""
    interval_s: int = 300
    cards: dict[str, str] = field(default_factory=dict)
    """AuthorizationStatus by card, for Authorize."""
    starts: dict[str, str] = field(default_factory=dict)
    """AuthorizationStatus by card, for StartTransaction; where absent, as in `cards`."""
    parents: dict[str, str] = field(default_factory=dict)
    default: str = "Accepted"
    """For cards in no list."""
    signs: str = "Accepted"
    """Answer to SignCertificate; the certificate is brought by the test."""
    remembers: bool = True
    """A repeated start gets the id it got before; a backend that does not remember gives a new one."""
    http_status: int = 0
    """Refuse every handshake with this status; 0: let in."""
    moods: defaultdict[str, deque[Mood]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Mood] = field(default_factory=dict)

    def next_time(self, action: str, *moods: Mood) -> None:
        """The next frames of this action get these moods, one each."""
        self.moods[action].extend(moods)

    def mood(self, action: str) -> Mood | None:
        """What to do with the frame just received."""
        return self.moods[action].popleft() if self.moods[action] else self.always.get(action)
