"""`[transfers]` of the factory file: what a backend may name as a place for files beyond https and ftps in public."""

from __future__ import annotations

from enum import StrEnum

from agent.settings.fields import Table
from agent.settings.problems import quoted


class Allowance(StrEnum):
    """What is refused unless the factory file allows it."""

    HTTP = "http"
    """Without TLS: whoever is on the way reads along."""
    FTP = "ftp"
    PRIVATE = "private"
    """Addresses of private networks: those of the site where the station stands."""
    LINK_LOCAL = "link_local"
    LOOPBACK = "loopback"
    """The station itself."""


def protocols(allowed: frozenset[Allowance]) -> tuple[str, ...]:
    """What files are brought by, as OCPP spells it ("SupportedFileTransferProtocols")."""
    plain = {Allowance.FTP: "FTP", Allowance.HTTP: "HTTP"}
    return tuple(sorted({"FTPS", "HTTPS"} | {name for allowance, name in plain.items() if allowance in allowed}))


def read_transfers(table: Table) -> frozenset[Allowance]:
    """`allow`: a list of allowances; none by default."""
    words = {allowance.value: allowance for allowance in Allowance}
    allowed = set()
    for name, value in table.items():
        if name != "allow":
            table.complain(name, "is not a known field", "known here: allow")
        elif not isinstance(value, list):
            table.complain(name, f"{quoted(value)} is not a list", 'write allow = ["http", "private"] or the like')
        else:
            for word in value:
                if isinstance(word, str) and word in words:
                    allowed.add(words[word])
                else:
                    table.complain(name, f"{quoted(word)} is not known", f"use some of: {', '.join(words)}")
    return frozenset(allowed)
