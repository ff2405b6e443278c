"""Messages to the service manager (sd_notify(3)): ready, alive, stopping. Without `NOTIFY_SOCKET` they go nowhere."""

from __future__ import annotations

import socket
from collections.abc import MutableMapping
from typing import Self


class Notifier:
    """Tells the service manager. Never raises and never waits: a manager that is gone must not stop the station."""

    def __init__(self, address: str = "") -> None:
        """`address` as in `NOTIFY_SOCKET`: a path, or `@name` for the abstract namespace; empty: nobody listens."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> Self:
        """Take the address out of the environment, so that no child process speaks in our name."""
        return cls(environment.pop("NOTIFY_SOCKET", ""))

    @property
    def listening(self) -> bool:
        """True if there is a service manager to talk to."""
        return bool(self._address)

    def ready(self) -> None:
        """Start-up is over (`READY=1`)."""
        self._send("READY=1")

    def watchdog(self) -> None:
        """The station made progress (`WATCHDOG=1`). Only `runtime.supervision` decides when."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split())[:200])

    def stopping(self) -> None:
        """The process ends on purpose (`STOPPING=1`)."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Close the socket. Called at the end of the process and by tests."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto(message.encode("utf-8"), self._address)
        except OSError:
            return


def watchdog_interval_s(environment: MutableMapping[str, str], pid: int) -> float | None:
    """Seconds within which the manager wants a `WATCHDOG=1` (sd_watchdog_enabled(3)); None: it wants none."""
    text = environment.get("WATCHDOG_USEC", "")
    meant_for = environment.get("WATCHDOG_PID", "")
    if not text.isdigit() or int(text) == 0 or (meant_for and meant_for != str(pid)):
        return None
    return int(text) / 1_000_000
