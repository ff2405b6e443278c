"""The installer's settings: who is the primary, which further operators there are, and what was changed by whom.

Theory of operation
-------------------
The settings file is written by the agent alone and read by the same grammar as anything typed. It names the upstreams
but never their passwords: those lie in a file of their own, so that settings can be shown and exported. Every new
upstream gets a new local id (`primary-1`, `primary-2`, `operator-1`, ...), and keeps it whatever becomes of its role:
nothing of one operator is ever taken for another's.

Exactly one upstream is Billing; the file stores its id. The primary is the upstream that is Billing and not management,
so `billing` alone says who it is: whoever else is listed is a further operator in the Data & Control role. A file
without `billing` means its `[primary]`, or management if there is none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.fields import Source, Table
from agent.settings.problems import Complaint, quoted
from agent.settings.services import ServiceSettings, parse_services, services_lines
from agent.settings.uplinks import check_interface, check_proxy
from agent.settings.validate import check_identity, check_name, check_url
from agent.vocabulary.ids import MANAGEMENT, UpstreamId

FORMAT = 1
"""Format of the settings file that this release writes and the newest that it reads."""

PRIMARY, OPERATOR = "primary-", "operator-"
"""How ids of upstreams begin: by what they were set as, whatever their role is now."""

MOST_OPERATORS = 4
"""Further operators, a primary that lost Billing among them."""
_MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the settings, for people."""

    what: str
    by: str = ""
    at_ms: int | None = None
    """Wall time, Unix milliseconds; None if the time was not known."""


@dataclass(frozen=True, slots=True)
class InstallerSettings:
    """One settings file: active, pending or previous.

    Addresses are without their passwords; `trust` is `system` or the name of a file in the trust folder, `certificate`
    and `key` are names of files in the client folder.
    """

    primary: UpstreamAddress | None = None
    """The upstream that is Billing and not management."""
    primaries_made: int = 0
    """How many primaries were ever set here; the next gets the next number."""
    staged_in_boot: str = ""
    """Boot in which this was staged; it applies in any later one."""
    operators: tuple[UpstreamAddress, ...] = ()
    """Further operators, in the order in which they came."""
    operators_made: int = 0
    """How many operators were ever added here."""
    changes: tuple[Change, ...] = ()
    """What was changed since the settings before these, oldest first."""
    services: ServiceSettings = field(default_factory=ServiceSettings)
    """Who is asked about whose card, and which cards are stored here."""

    @property
    def billing(self) -> UpstreamId:
        """The one upstream that authorises."""
        return self.primary.id if self.primary is not None else MANAGEMENT

    @property
    def told(self) -> str:
        """The changes in short, for people."""
        return "; ".join(change.what for change in self.changes) or "as it is"

    @property
    def upstreams(self) -> tuple[UpstreamAddress, ...]:
        """All but management."""
        return self.operators if self.primary is None else (self.primary, *self.operators)


def parse_installer(file: str, text: str) -> InstallerSettings:
    """Read a settings file. Raises SettingsError with file, line, field and remedy."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, FORMAT)
    primaries_made = root.integer("primaries_made", 0, 10**9, default=0)
    operators_made = root.integer("operators_made", 0, 10**9, default=0)
    staged_in_boot = root.text("staged_in_boot", default="", longest=64)
    changes = tuple(_change(table) for table in root.tables("change"))
    primary = read_address(root.table("primary")) if root.has("primary") else None
    listed = (*((primary,) if primary else ()), *(read_address(table) for table in root.tables("operator")))
    services = parse_services(root.table("services")) if root.has("services") else ServiceSettings()
    billing = _billing(root, primary.id if primary else MANAGEMENT, listed)
    root.finish()
    source.check()
    chosen = next((one for one in listed if one.id == billing), None)
    others = tuple(one for one in listed if one is not chosen)
    services = services.only((MANAGEMENT, *(one.id for one in listed)))
    return InstallerSettings(chosen, primaries_made, staged_in_boot, others, operators_made, changes, services)


def render_installer(settings: InstallerSettings) -> str:
    """The text of a settings file; `parse_installer` reads the same settings back. It never holds a password."""
    lines = [
        "# Written by stationd. Use stationctl or the page to change it.",
        f"format = {FORMAT}",
        f"primaries_made = {settings.primaries_made}",
        f"operators_made = {settings.operators_made}",
        f"billing = {toml_text(settings.billing)}",
    ]
    lines += [f"staged_in_boot = {toml_text(settings.staged_in_boot)}"] if settings.staged_in_boot else []
    lines += ["", "[primary]", *address_lines(settings.primary)] if settings.primary is not None else []
    for operator in settings.operators:
        lines += ["", "[[operator]]", *address_lines(operator)]
    lines += services_lines(settings.services)
    for change in settings.changes[-_MOST_CHANGES:]:
        lines += ["", "[[change]]", f"what = {toml_text(change.what)}"]
        lines += [f"by = {toml_text(change.by)}"] if change.by else []
        lines += [f"at_ms = {change.at_ms}"] if change.at_ms is not None else []
    return "\n".join(lines) + "\n"


def toml_text(text: str) -> str:
    """A TOML basic string (TOML 1.0 "String"): quotes, backslashes and everything not printable escaped."""
    escaped = "".join(
        f"\\{character}" if character in '"\\' else character if character.isprintable() else f"\\U{ord(character):08X}"
        for character in text
    )
    return f'"{escaped}"'


def address_lines(address: UpstreamAddress) -> list[str]:
    """An upstream as lines of TOML, without its secrets; `read_address` reads it back."""
    texts = {"id": address.id, "name": address.name, "url": address.url, "identity": address.identity}
    lines = [f"{key} = {toml_text(value)}" for key, value in texts.items()]
    lines += [f"security = {address.security.value}", f"trust = {toml_text(address.trust)}"]
    optional = {name: getattr(address, name) for name in ("certificate", "key", "interface", "proxy")}
    return lines + [f"{name} = {toml_text(value)}" for name, value in optional.items() if value]


def _billing(root: Table, default: UpstreamId, listed: tuple[UpstreamAddress, ...]) -> UpstreamId:
    """The stored id of the Billing upstream, and whether it fits the list."""
    billing = UpstreamId(root.text("billing", default=default))
    known = [MANAGEMENT, *(one.id for one in listed)]
    if billing not in known:
        root.complain("billing", f"{quoted(billing)} is no upstream of this file", f"use one of: {', '.join(known)}")
    for twice in [one for one, count in Counter(known).items() if count > 1]:
        root.complain("operator", f"{quoted(twice)} is an id twice", "remove one of the two")
    if len(listed) - (billing != MANAGEMENT) > MOST_OPERATORS:
        root.complain("operator", "there are too many", f"keep at most {MOST_OPERATORS} beside the Billing upstream")
    return billing


def _change(table: Table) -> Change:
    at_ms = table.integer("at_ms", 0, 10**15) if table.has("at_ms") else None
    change = Change(table.text("what", longest=300), table.text("by", default="", longest=100), at_ms)
    table.finish()
    return change


def read_address(table: Table) -> UpstreamAddress:
    """An upstream from its table; what is wrong is complained of there."""
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
    number = text.removeprefix(PRIMARY).removeprefix(OPERATOR)
    if text != number and number.isascii() and number.isdigit() and len(number) <= 9:
        return None
    return Complaint(f"{quoted(text)} is no id of an upstream", f"ids are {PRIMARY}1, {OPERATOR}1 and so on")


def _check_trust_name(text: str) -> Complaint | None:
    if text == SYSTEM_TRUST or (_check_id(text.removesuffix(".pem")) is None and text.endswith(".pem")):
        return None
    return Complaint(f"{quoted(text)} names no roots", f"use {SYSTEM_TRUST} or set the upstream again with its roots")


def _check_client_name(text: str) -> Complaint | None:
    if text.endswith((".pem", ".key")) and _check_id(text[:-4]) is None:
        return None
    return Complaint(f"{quoted(text)} names no file of a client certificate", "set the upstream again with it")
