"""The file of the known backoffices: read whole, written whole, and only when it says something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agent.settings.addresses import UpstreamAddress
from agent.settings.files.storage import REWRITING, move_file, read_file, write_file
from agent.settings.known import Known, parse_known, render_known, with_forgotten, with_present
from agent.settings.problems import Problem, SettingsError
from agent.vocabulary.ids import UpstreamId

_REMEDY = "define the backoffices again when they are set; nothing in force depends on this file"


class KnownFile:
    """One file. What writes raises OSError; a file that cannot be read is then set aside, not overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, problems: list[Problem]) -> tuple[Known, ...]:
        """Everybody; a bad file is noted and knows nobody."""
        try:
            return parse_known(str(self._path), read_file(self._path, _REMEDY))
        except FileNotFoundError:
            return ()
        except SettingsError as error:
            problems += error.problems
            return ()

    def note(self, present: Iterable[UpstreamAddress]) -> None:
        """These are set: they are known from now on."""
        with REWRITING:
            known = self._rewritable()
            self._write(known, with_present(known, present))

    def forget(self, upstream: UpstreamId) -> None:
        """The credentials of this one are gone."""
        with REWRITING:
            known = self._rewritable()
            self._write(known, with_forgotten(known, upstream))

    def _rewritable(self) -> tuple[Known, ...]:
        problems: list[Problem] = []
        known = self.read(problems)
        if problems:
            move_file(self._path, self._path.with_suffix(".toml.bad"))
        return known

    def _write(self, before: tuple[Known, ...], after: tuple[Known, ...]) -> None:
        if after != before:
            write_file(self._path, render_known(after))
