"""The file of passwords, apart from the settings: by upstream id, never exported, never printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.settings.fields import Source, Table
from agent.settings.installer import toml_text
from agent.settings.problems import Complaint
from agent.settings.uplinks import check_proxy_login
from agent.settings.validate import check_password
from agent.vocabulary.ids import Secret, UpstreamId

FORMAT = 1
"""Format of the credentials file that this release writes and the newest that it reads."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """All secrets that the settings know, by upstream. Prints none."""

    backends: Mapping[UpstreamId, Secret] = field(default_factory=dict)
    proxies: Mapping[UpstreamId, Secret] = field(default_factory=dict)
    """`user:password` of the proxy that an upstream is reached by."""


def parse_passwords(file: str, text: str) -> Passwords:
    """All passwords by upstream. Raises SettingsError; no message quotes a password."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, FORMAT)
    backends = _secrets(root.table("password"), check_password)
    proxies = _secrets(root.table("proxy"), check_proxy_login) if root.has("proxy") else {}
    root.finish()
    source.check()
    return Passwords(backends, proxies)


def render_passwords(passwords: Passwords) -> str:
    """The text of the credentials file. The one place besides the link where a password is revealed."""
    lines = ["# Written by stationd. Passwords: never copy this file.", f"format = {FORMAT}"]
    lines += ["", "[password]", *_lines(passwords.backends)]
    lines += ["", "[proxy]", *_lines(passwords.proxies)] if passwords.proxies else []
    return "\n".join(lines) + "\n"


def _secrets(table: Table, check: Callable[[str], Complaint | None]) -> dict[UpstreamId, Secret]:
    secrets: dict[UpstreamId, Secret] = {}
    for name, value in table.items():
        if not isinstance(value, str):
            table.complain(name, "is not a text", "set the password of this upstream again")
        elif (complaint := check(value)) is not None:
            table.complain(name, complaint.message, complaint.remedy)
        else:
            secrets[UpstreamId(name)] = Secret(value)
    return secrets


def _lines(secrets: Mapping[UpstreamId, Secret]) -> list[str]:
    return [f"{toml_text(upstream)} = {toml_text(secret.reveal())}" for upstream, secret in sorted(secrets.items())]
