"""Signs that another station uses our identity, or that nobody listens at the other end any more. Pure.

Theory of operation
-------------------
A backend to which a second connection comes under one identity closes one of the two, or keeps both and speaks with one
of them. So the station sees its link closed by the peer again and again, soon after it was open; or pongs come while
its calls stay without an answer. Each of these is a *sign*. A few within some minutes, and the identity is *in doubt*:
that is told once, and from then on an answered call does not set the backoff back any more, since two stations that
both dial at once would go on for ever. Only a link that has lasted ends the doubt.

A network that comes and goes gives the same signs, and a backend that takes every connection down; so the text says
what was seen first, and only then what it may mean.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SOON_MS: Final = 30_000
"""A link that the peer ends sooner is a sign."""
ENOUGH: Final = 3
WINDOW_MS: Final = 600_000
LASTING_MS: Final = 120_000
"""A link that has lasted, and on which a call was answered in the end, is nobody else's."""

CLOSED: Final = "closed by the other end {count} times soon after connecting"
DEAF: Final = "{count} times pings were answered and calls were not"
MEANING: Final = "perhaps another station uses the same identity; dialled less often until a link lasts"


class Rivalry:
    """What one upstream's links looked like. Times are monotonic milliseconds."""

    def __init__(self) -> None:
        self.doubt = ""
        """Why the identity is in doubt, in plain words; empty: it is not."""
        self._opened_ms = 0
        self._signs: deque[tuple[int, str]] = deque(maxlen=ENOUGH)

    def opened(self, now_ms: int) -> None:
        """A link is open."""
        self._opened_ms = now_ms

    def answered(self, now_ms: int) -> bool:
        """Calls are answered on the present link. True if that may set the backoff back."""
        if self.doubt and now_ms - self._opened_ms >= LASTING_MS:
            self.doubt = ""
            self._signs.clear()
        return not self.doubt

    def ended(self, now_ms: int, by_peer: bool, deaf: bool) -> bool:
        """The link has ended. True if the identity is in doubt from now on."""
        if deaf:
            self._signs.append((now_ms, DEAF))
        elif by_peer and now_ms - self._opened_ms <= SOON_MS:
            self._signs.append((now_ms, CLOSED))
        else:
            return False
        if self.doubt or len(self._signs) < ENOUGH or now_ms - self._signs[0][0] > WINDOW_MS:
            return False
        kinds = [kind for _, kind in self._signs]
        seen = [kind.format(count=kinds.count(kind)) for kind in (CLOSED, DEAF) if kind in kinds]
        self.doubt = f"{', '.join(seen)}: {MEANING}"
        return True
