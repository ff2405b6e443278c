"""The file of passwords, apart from the settings: by upstream id, never exported, never printed."""

from __future__ import annotations

from collections.abc import Mapping

from agent.settings.fields import Source
from agent.settings.settings import toml_text
from agent.settings.validate import check_password
from agent.vocabulary.ids import Secret, UpstreamId

FORMAT = 1
"""Format of the credentials file that this release writes and the newest that it reads."""


def parse_passwords(file: str, text: str) -> dict[UpstreamId, Secret]:
    """All passwords by upstream. Raises SettingsError; no message quotes a password."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, FORMAT)
    passwords: dict[UpstreamId, Secret] = {}
    table = root.table("password")
    for name, value in table.items():
        if not isinstance(value, str):
            table.complain(name, "is not a text", "set the password of this upstream again")
        elif (complaint := check_password(value)) is not None:
            table.complain(name, complaint.message, complaint.remedy)
        else:
            passwords[UpstreamId(name)] = Secret(value)
    root.finish()
    source.check()
    return passwords


def render_passwords(passwords: Mapping[UpstreamId, Secret]) -> str:
    """The text of the credentials file. The one place besides the link where a password is revealed."""
    lines = ["# Written by stationd. Passwords: never copy this file.", f"format = {FORMAT}", "", "[password]"]
    lines += [f"{toml_text(upstream)} = {toml_text(secret.reveal())}" for upstream, secret in sorted(passwords.items())]
    return "\n".join(lines) + "\n"
