"""The installer's settings: which operator is the primary, and the whole that the agent starts with.

Theory of operation
-------------------
The settings file is written by the agent alone and read by the same grammar as anything typed. It names the primary but
never its password: passwords lie in a file of their own, so that settings can be shown and exported. Setting a primary
makes a new local id (`primary-1`, `primary-2`, ...): nothing of one operator is ever taken for another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.factory import Factory, InitialValue
from agent.settings.fields import Source, Table
from agent.settings.problems import Complaint, Problem, quoted
from agent.settings.uplinks import check_interface, check_proxy
from agent.settings.validate import check_identity, check_name, check_url
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

FORMAT = 1
"""Format of the settings file that this release writes and the newest that it reads."""

PRIMARY = "primary-"


@dataclass(frozen=True, slots=True)
class InstallerSettings:
    """One settings file: active, pending or previous."""

    primary: UpstreamAddress | None = None
    """Without its passwords; `trust` is `system` or the name of a file in the trust folder, `certificate` and `key`
    are names of files in the client folder."""
    primaries_made: int = 0
    """How many primaries were ever set here; the next gets the next number."""
    staged_in_boot: str = ""
    """Boot in which this change was staged; it applies in any later one."""
    changed_by: str = ""
    """Who asked for the change, for people."""


@dataclass(frozen=True, slots=True)
class PrimaryRequest:
    """What somebody asks to be set as the primary; not yet checked."""

    url: str
    identity: str
    security: int = 0
    password: Secret | None = None
    trust_pem: str = ""
    """Root certificates for this upstream alone; empty: the public bundle of the image."""
    name: str = ""
    changed_by: str = ""
    certificate_pem: str = ""
    """Client certificate (leaf first, then its chain) for security profile 3."""
    key_pem: Secret | None = None
    """Its private key."""
    interface: str = ""
    proxy: str = ""
    """`http://host:port`."""
    proxy_login: Secret | None = None
    """`user:password`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the agent starts with. The primary here is complete: password and resolved trust."""

    factory: Factory
    primary: UpstreamAddress | None
    pending: InstallerSettings | None = None
    """A staged change that the next boot of the system applies."""
    problems: tuple[Problem, ...] = ()
    """What was wrong with the installer's files and could be lived with."""
    usable: bool = True
    """False: the active settings cannot be read. Who is Billing is then unknown, and the station must not charge."""
    applied: bool = False
    """True: this boot made a pending change active."""
    former: tuple[UpstreamAddress, ...] = ()
    """Upstreams that were configured before and whose credentials are still there, complete."""

    @property
    def billing(self) -> UpstreamId:
        """The one upstream that authorises: the primary if there is one, else management."""
        return self.primary.id if self.primary is not None else MANAGEMENT

    @property
    def upstreams(self) -> tuple[UpstreamAddress, ...]:
        """All upstreams to dial, management first."""
        management = self.factory.management
        return (management,) if self.primary is None else (management, self.primary)

    def initial_keys(self, upstream: UpstreamId) -> Mapping[str, InitialValue]:
        """The factory's OCPP key values for an upstream."""
        return self.factory.initial_keys.get("management" if upstream == MANAGEMENT else "primary", {})


def parse_installer(file: str, text: str) -> InstallerSettings:
    """Read a settings file. Raises SettingsError with file, line, field and remedy."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, FORMAT)
    made = root.integer("primaries_made", 0, 10**9, default=0)
    settings = InstallerSettings(
        primary=_primary(root.table("primary")) if root.has("primary") else None,
        primaries_made=made,
        staged_in_boot=root.text("staged_in_boot", default="", longest=64),
        changed_by=root.text("changed_by", default="", longest=100),
    )
    root.finish()
    source.check()
    return settings


def render_installer(settings: InstallerSettings) -> str:
    """The text of a settings file; `parse_installer` reads the same settings back. It never holds a password."""
    lines = [
        "# Written by stationd. Use stationctl or the page to change it.",
        f"format = {FORMAT}",
        f"primaries_made = {settings.primaries_made}",
    ]
    lines += [f"staged_in_boot = {toml_text(settings.staged_in_boot)}"] if settings.staged_in_boot else []
    lines += [f"changed_by = {toml_text(settings.changed_by)}"] if settings.changed_by else []
    if settings.primary is not None:
        primary = settings.primary
        texts = {"id": primary.id, "name": primary.name, "url": primary.url, "identity": primary.identity}
        lines += ["", "[primary]", *(f"{key} = {toml_text(value)}" for key, value in texts.items())]
        lines += [f"security = {primary.security.value}", f"trust = {toml_text(primary.trust)}"]
        optional = {name: getattr(primary, name) for name in ("certificate", "key", "interface", "proxy")}
        lines += [f"{name} = {toml_text(value)}" for name, value in optional.items() if value]
    return "\n".join(lines) + "\n"


def toml_text(text: str) -> str:
    """A TOML basic string (TOML 1.0 "String"): quotes, backslashes and everything not printable escaped."""
    escaped = "".join(
        f"\\{character}" if character in '"\\' else character if character.isprintable() else f"\\U{ord(character):08X}"
        for character in text
    )
    return f'"{escaped}"'


def _primary(table: Table) -> UpstreamAddress:
    address = UpstreamAddress(
        id=UpstreamId(table.text("id", check=_check_id)),
        name=table.text("name", check=check_name),
        url=table.text("url", check=check_url),
        identity=table.text("identity", check=check_identity),
        security=SecurityProfile(table.integer("security", 0, max(SecurityProfile))),
        trust=table.text("trust", default=SYSTEM_TRUST, check=_check_trust_name),
        certificate=table.text("certificate", default="", check=_check_client_name),
        key=table.text("key", default="", check=_check_client_name),
        interface=table.text("interface", default="", check=check_interface),
        proxy=table.text("proxy", default="", check=check_proxy),
    )
    table.finish()
    return address


def _check_id(text: str) -> Complaint | None:
    number = text.removeprefix(PRIMARY)
    if text.startswith(PRIMARY) and number.isascii() and number.isdigit() and len(number) <= 9:
        return None
    return Complaint(f"{quoted(text)} is no id of a primary", f"ids are {PRIMARY}1, {PRIMARY}2 and so on")


def _check_trust_name(text: str) -> Complaint | None:
    if text == SYSTEM_TRUST or (_check_id(text.removesuffix(".pem")) is None and text.endswith(".pem")):
        return None
    return Complaint(f"{quoted(text)} names no roots", f"use {SYSTEM_TRUST} or set the primary again with its roots")


def _check_client_name(text: str) -> Complaint | None:
    if text.endswith((".pem", ".key")) and _check_id(text[:-4]) is None:
        return None
    return Complaint(f"{quoted(text)} names no file of a client certificate", "set the primary again with it")
