"""The credentials file of the settings on the disk: read whole, written whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.settings.credentials import Passwords, parse_passwords, render_passwords
from agent.settings.files.storage import REWRITING, move_file, read_file, write_file
from agent.settings.problems import Problem, SettingsError
from agent.vocabulary.ids import Secret, UpstreamId

_REMEDY = "set or remove the upstreams again with stationctl, then reboot"


class PasswordFile:
    """One file. What writes raises OSError; a file that cannot be read is then set aside, not overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, problems: list[Problem]) -> Passwords:
        """All passwords; a bad file is noted and gives none."""
        try:
            return parse_passwords(str(self._path), read_file(self._path, _REMEDY))
        except FileNotFoundError:
            return Passwords()
        except SettingsError as error:
            problems += error.problems
            return Passwords()

    def save(self, upstream: UpstreamId, password: Secret | None) -> None:
        """Set or forget the password that a backend is shown."""
        with REWRITING:
            held = self._rewritable()
            self._write(held, replace(held, backends=_with(held.backends, upstream, password)))

    def save_proxy_login(self, upstream: UpstreamId, login: Secret | None) -> None:
        """Set or forget the login of the proxy of an upstream."""
        with REWRITING:
            held = self._rewritable()
            self._write(held, replace(held, proxies=_with(held.proxies, upstream, login)))

    def _rewritable(self) -> Passwords:
        problems: list[Problem] = []
        held = self.read(problems)
        if problems:
            move_file(self._path, self._path.with_suffix(".toml.bad"))
        return held

    def _write(self, before: Passwords, after: Passwords) -> None:
        if after != before:
            write_file(self._path, render_passwords(after))


def _with(held: Mapping[UpstreamId, Secret], upstream: UpstreamId, secret: Secret | None) -> dict[UpstreamId, Secret]:
    others = {one: other for one, other in held.items() if one != upstream}
    return others if secret is None else {**others, upstream: secret}
