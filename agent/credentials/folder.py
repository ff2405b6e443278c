"""The live credentials of one upstream on the disk, apart from the settings.

Theory of operation
-------------------
`<state>/credentials/<upstream>/` (0700) holds `holdings.json` and, by name, `roots/<name>.pem`, `keys/<name>.key` and
`keys/<name>.pem` (all 0600). What holdings name is written before them, and removed after: a cut in between leaves a
file that nobody names, which the next `tidy` removes. Keys are made by the child process in place; this module never
reads one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agent.credentials import codec
from agent.credentials.access import ClientFiles
from agent.credentials.holdings import Holdings
from agent.settings.files.storage import move_file, read_file, remove_file, write_file
from agent.settings.problems import SettingsError

MANUFACTURER = "manufacturer"
"""Folder of the roots that firmware is checked against; they belong to the station."""
_REMEDY = "the credentials of the settings are used; have the backend set a new password"


class CredentialsFolder:
    """One folder. What writes raises OSError; all of it may take as long as the disk does."""

    def __init__(self, state: str | Path, name: str) -> None:
        self._folder = Path(state) / "credentials" / name
        self._file = self._folder / "holdings.json"

    def load(self) -> tuple[Holdings, str]:
        """What is held, and what was wrong with it: a bad file is set aside and the settings alone count."""
        try:
            return codec.parse(read_file(self._file, _REMEDY)), ""
        except FileNotFoundError:
            return Holdings(), ""
        except SettingsError as error:
            problem = str(error)
        except codec.CodecError as error:
            problem = f"{self._file}: {error}; {_REMEDY}"
        try:
            move_file(self._file, self._file.with_suffix(".json.bad"))
        except OSError as error:
            problem += f" (and it could not be set aside: {error.strerror})"
        return Holdings(), problem

    def save(self, holdings: Holdings) -> None:
        """Make these the holdings."""
        self.prepare()
        write_file(self._file, codec.render(holdings))

    def prepare(self) -> None:
        """Make the folders, for our own eyes."""
        for folder in (self._folder.parent, self._folder, self._folder / "roots", self._folder / "keys"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def root(self, name: str) -> Path:
        """The place of an installed root."""
        return self._folder / "roots" / f"{name}.pem"

    def key(self, name: str) -> Path:
        """The place of a private key."""
        return self._folder / "keys" / f"{name}.key"

    def certificate(self, name: str) -> Path:
        """The place of a client certificate with its chain."""
        return self._folder / "keys" / f"{name}.pem"

    def client(self, name: str) -> ClientFiles:
        """Certificate and key together."""
        return ClientFiles(str(self.certificate(name)), str(self.key(name)))

    def write_root(self, name: str, pem: str) -> None:
        """Keep a root."""
        self.prepare()
        write_file(self.root(name), pem, seal=False)

    def write_certificate(self, name: str, pem: str) -> None:
        """Keep a client certificate."""
        self.prepare()
        write_file(self.certificate(name), pem, seal=False)

    def tidy(self, holdings: Holdings) -> None:
        """Remove what nobody names."""
        roots = {self.root(root.name) for root in holdings.roots}
        names = [one.name for one in holdings.certificates]
        keys = {self.key(name) for name in [*names, holdings.pending_key] if name}
        self._remove_others(self._folder / "roots", roots)
        self._remove_others(self._folder / "keys", keys | {self.certificate(name) for name in names})

    def _remove_others(self, folder: Path, named: Iterable[Path]) -> None:
        kept = set(named)
        for file in folder.iterdir() if folder.is_dir() else ():
            if file not in kept:
                remove_file(file)
