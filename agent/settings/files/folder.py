"""The settings folder of one station: its files, and the step from a staged change to one in force."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from agent.settings.addresses import SYSTEM_TRUST, UpstreamAddress
from agent.settings.credentials import Passwords
from agent.settings.factory import Factory
from agent.settings.files.known import KnownFile
from agent.settings.files.passwords import PasswordFile
from agent.settings.files.storage import move_file, read_file, write_file
from agent.settings.installer import PRIMARY, InstallerSettings, parse_installer, render_installer
from agent.settings.locations import Locations
from agent.settings.problems import Problem, SettingsError
from agent.settings.validate import check_address, check_distinct
from agent.vocabulary.ids import UpstreamId

_REMEDY = "set or remove the upstreams again with stationctl, then reboot"
UNSURE = 100
"""Numbers that are left out after a file that cannot be read."""
_NUMBER = re.compile(r"[0-9]{1,8}")


class Folder:
    """The settings folder of one station."""

    def __init__(self, locations: Locations) -> None:
        self._folder = Path(locations.settings)
        self._live = Path(locations.state) / "credentials"
        self.passwords = PasswordFile(self._folder / "credentials.toml")
        self.known = KnownFile(self._folder / "known.toml")

    def file(self, which: str) -> Path:
        """The place of `active`, `pending` or `previous`."""
        return self._folder / f"{which}.toml"

    def trust(self, upstream: UpstreamId) -> Path:
        """The place of an upstream's own roots."""
        return self._folder / "trust" / f"{upstream}.pem"

    def client(self, upstream: UpstreamId) -> tuple[Path, Path]:
        """The places of an upstream's client certificate and of its key."""
        folder = self._folder / "client"
        return folder / f"{upstream}.pem", folder / f"{upstream}.key"

    def parse(self, which: str) -> InstallerSettings | None:
        """One settings file, None if there is none. Raises SettingsError."""
        path = self.file(which)
        try:
            text = read_file(path, _REMEDY)
        except FileNotFoundError:
            return None
        return parse_installer(str(path), text)

    def read(self, which: str, problems: list[Problem]) -> InstallerSettings | None:
        """As `parse`, but what is wrong is noted and the file is then treated as missing."""
        try:
            return self.parse(which)
        except SettingsError as error:
            problems += error.problems
            return None

    def active(self, problems: list[Problem]) -> tuple[InstallerSettings, bool]:
        """The settings in force, and whether they can be relied on."""
        known = len(problems)
        settings = self.read("active", problems)
        return settings or InstallerSettings(), len(problems) == known

    def newest(self) -> InstallerSettings:
        """What will be in force after the next boot; nothing where the files say nothing usable."""
        return self.read("pending", []) or self.active([])[0]

    def in_use(self) -> frozenset[UpstreamId]:
        """The ids of everybody who is set, or staged to be."""
        files = (self.read(which, []) for which in ("active", "pending"))
        return frozenset(one.id for file in files if file is not None for one in file.upstreams)

    def stage(self, settings: InstallerSettings) -> None:
        """Make these the settings of the next boot. Raises OSError."""
        write_file(self.file("pending"), render_installer(settings))

    def highest_number(self, prefix: str) -> int:
        """The highest number that any id of this station ever had behind `prefix`, or a higher one if that is not sure.

        What cannot be read may have held a higher one, and nobody must get the queue or the passwords of another.
        """
        problems: list[Problem] = []
        read = [self.read(which, problems) for which in ("active", "pending", "previous")]
        files = [settings for settings in read if settings is not None]
        held: list[str] = [*self.passwords.read(problems).backends]
        held += [file.stem for folder in ("trust", "client") for file in (self._folder / folder).glob(f"{prefix}*")]
        held += [file.name for file in self._live.glob(f"{prefix}*")]
        held += [upstream.id for settings in files for upstream in settings.upstreams]
        held += [one.address.id for one in self.known.read(problems)]
        ids = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
        numbers = [int(text) for text in ids if _NUMBER.fullmatch(text)]
        made = [settings.primaries_made if prefix == PRIMARY else settings.operators_made for settings in files]
        highest = max([0, *numbers, *made])
        return highest + UNSURE if problems else highest

    def complete(self, address: UpstreamAddress, passwords: Passwords) -> UpstreamAddress:
        """An upstream with its passwords and the paths of its roots and client certificate."""
        trust = address.trust if address.trust == SYSTEM_TRUST else str(self._folder / "trust" / address.trust)
        client = self._folder / "client"
        return replace(
            address,
            password=passwords.backends.get(address.id),
            trust=trust,
            certificate=address.certificate and str(client / address.certificate),
            key=address.key and str(client / address.key),
            proxy_login=passwords.proxies.get(address.id) if address.proxy else None,
        )

    def apply_pending(self, boot_id: str, factory: Factory, passwords: Passwords, problems: list[Problem]) -> bool:
        """Make a change of an earlier boot active. A bad one is set aside. True if a change was applied."""
        try:
            pending = self.parse("pending")
            if pending is None or pending.staged_in_boot == boot_id:
                return False
            self._check_pending(pending, factory, passwords)
            active = self.read("active", [])
            self.known.note([*(active.upstreams if active is not None else ()), *pending.upstreams])
            if active is not None or not self.file("active").exists():
                write_file(self.file("previous"), render_installer(active or InstallerSettings()))
            move_file(self.file("pending"), self.file("active"))
        except SettingsError as error:
            problems += error.problems
            self._set_pending_aside(problems)
            return False
        except OSError as error:
            message = f"the staged change could not be applied ({error.strerror})"
            problems.append(Problem("", message, "it is tried again at the next start", str(self._folder)))
            return False
        return True

    def _check_pending(self, pending: InstallerSettings, factory: Factory, passwords: Passwords) -> None:
        found: list[Problem] = []
        others = [factory.management]
        for upstream in (self.complete(one, passwords) for one in pending.upstreams):
            prefix = "primary." if upstream.id == pending.billing else f"{upstream.id}."
            found += check_address(upstream, prefix) + check_distinct(upstream, others, prefix)
            found += _missing_files(upstream, prefix)
            others.append(upstream)
        if found:
            raise SettingsError([replace(problem, file=str(self.file("pending"))) for problem in found])

    def _set_pending_aside(self, problems: list[Problem]) -> None:
        try:
            move_file(self.file("pending"), self.file("pending").with_suffix(".toml.bad"))
        except OSError as error:
            message = f"the bad file could not be set aside ({error.strerror})"
            problems.append(Problem("", message, _REMEDY, str(self.file("pending"))))


def _missing_files(upstream: UpstreamAddress, prefix: str) -> tuple[Problem, ...]:
    wanted = {
        "trust": ("roots", "" if upstream.trust == SYSTEM_TRUST else upstream.trust),
        "certificate": ("client certificate", upstream.certificate),
        "key": ("client key", upstream.key),
    }
    return tuple(
        Problem(f"{prefix}{field}", f"its file of {what} is gone", _REMEDY)
        for field, (what, path) in wanted.items()
        if path and not Path(path).is_file()
    )
