"""Log lines: one per event of the closed list, to standard error, fit for journald and for a terminal.

A line is `<level>event.id: text field=value`; the `<level>` prefix only where journald reads along. No value can break
a line or carry a secret: control characters are escaped, long values cut, cards and secrets masked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TextIO

from agent.host.log_events import EVENTS, Level, LogEvent
from agent.vocabulary.ids import IdToken, Secret

LONGEST_VALUE = 400
LONGEST_LINE = 1_500
_MASKED_NAMES = frozenset({"password", "authorization_key", "id_token", "token", "uid_of_card", "secret", "key"})


class UnknownEventError(LookupError):
    """An event, or a field of it, that the closed list does not have. Only raised by a strict `Log`."""


class Log:
    """Writes events. `Log(...)("area.event", field=value)` is the only way to say something."""

    def __init__(self, stream: TextIO, prefixes: bool = False, strict: bool = False, least: Level = Level.INFO) -> None:
        """`prefixes`: write `<N>` for journald. `strict`: raise on an unknown event instead of logging that (tests)."""
        self._stream = stream
        self._prefixes = prefixes
        self._strict = strict
        self._least = least
        self._copy: Callable[[str], None] | None = None

    def __call__(self, event_id: str, **fields: object) -> None:
        """Write one event. Never raises but for a strict log: a line is not worth a process."""
        event = EVENTS.get(event_id)
        missing = [name for name in event.fields if name not in fields] if event is not None else []
        if event is None or missing:
            if self._strict:
                raise UnknownEventError(f"{event_id} (missing: {missing})" if event is not None else event_id)
            if event is None:
                event, fields = EVENTS["log.unknown_event"], {"event": event_id, **fields}
        if event.level > self._least:
            return
        prefix = f"<{event.level.value}>" if self._prefixes else ""
        line = f"{event.id}: {render(event, fields)}"[:LONGEST_LINE]
        if self._copy is not None:
            self._copy(line)
        self._write(f"{prefix}{line}\n")

    def copy_to(self, copy: Callable[[str], None]) -> None:
        """From now on every line goes there too, without its level for journald."""
        self._copy = copy

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            return  # nobody listens any more; the station goes on


def render(event: LogEvent, fields: Mapping[str, object]) -> str:
    """The text of an event with its fields filled in and the further ones behind it."""
    shown = {name: shown_value(name, value) for name, value in fields.items() if value is not None}
    text = re.sub(r"{(\w+)}", lambda match: shown.get(match[1], "?"), event.text)
    rest = " ".join(f"{name}={value}" for name, value in shown.items() if name not in event.fields)
    return f"{text} {rest}" if rest else text


def shown_value(name: str, value: object) -> str:
    """A value as a log line may show it: masked, escaped, bounded."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, IdToken):
        return value.masked
    if name in _MASKED_NAMES:
        return "***"
    text = str(value)
    cut = text[:LONGEST_VALUE] + ("..." if len(text) > LONGEST_VALUE else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def is_under_journald(environment: Mapping[str, str], descriptor: int) -> bool:
    """True if this descriptor is the one that systemd connected to journald (`JOURNAL_STREAM`, systemd.exec(5))."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
