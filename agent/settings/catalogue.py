"""Backoffices that can be set by name: of the image, put there by management, or set on this station before.

A catalogue only helps with typing: it connects to nobody, and what is set by it is checked as if it had been typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.fields import Source
from agent.settings.installer import toml_text
from agent.settings.problems import Problem, SettingsError, quoted
from agent.settings.settings import FITTING, UpstreamRequest
from agent.settings.validate import check_name, check_url

MOST_ENTRIES = 200
_FORMAT = 1


class CatalogueSource(StrEnum):
    """Where an entry comes from. Of equal names that of management counts, then that of the image."""

    MANAGEMENT = "management"
    IMAGE = "image"
    STATION = "station"
    """It was set here before, and stays known after its removal."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One backoffice."""

    name: str
    url: str
    source: CatalogueSource


def parse_catalogue(file: str, text: str, source: CatalogueSource) -> tuple[CatalogueEntry, ...]:
    """Read a file. Raises SettingsError with file, line, field and remedy."""
    held = Source(file, text)
    root = held.root()
    root.integer("format", 1, _FORMAT)
    found = []
    for table in root.tables("backoffice"):
        found.append(CatalogueEntry(table.text("name", check=check_name), table.text("url", check=check_url), source))
        table.finish()
    if len(found) > MOST_ENTRIES:
        root.complain("backoffice", f"there are {len(found)}", f"keep at most {MOST_ENTRIES}")
    root.finish()
    held.check()
    return tuple(found)


def render_catalogue(entries: Iterable[CatalogueEntry]) -> str:
    """The text of a file; `parse_catalogue` reads the same back."""
    lines = ["# Written by stationd: backoffices that management has put here.", f"format = {_FORMAT}"]
    for entry in entries:
        lines += ["", "[[backoffice]]", f"name = {toml_text(entry.name)}", f"url = {toml_text(entry.url)}"]
    return "\n".join(lines) + "\n"


def merged(
    management: Iterable[CatalogueEntry], image: Iterable[CatalogueEntry], known: Iterable[UpstreamAddress]
) -> tuple[CatalogueEntry, ...]:
    """All of them, each name once, in the order of the names."""
    here = [CatalogueEntry(one.name, one.url, CatalogueSource.STATION) for one in known]
    by_name: dict[str, CatalogueEntry] = {}
    for entry in (*management, *image, *reversed(here)):
        by_name.setdefault(entry.name.casefold(), entry)
    return tuple(by_name[name] for name in sorted(by_name))


def with_entry(entries: Sequence[CatalogueEntry], name: str, url: str) -> tuple[CatalogueEntry, ...]:
    """The same with this one, in the place of the one of its name. Raises SettingsError."""
    wrong = [
        Problem(field, found.message, found.remedy)
        for field, found in (("name", check_name(name)), ("url", check_url(url)))
        if found is not None
    ]
    others = without_entry(entries, name)
    if len(others) >= MOST_ENTRIES:
        wrong.append(Problem("name", f"there are {MOST_ENTRIES} entries already", "remove one first"))
    if wrong:
        raise SettingsError(wrong)
    return (*others, CatalogueEntry(name, url, CatalogueSource.MANAGEMENT))


def without_entry(entries: Iterable[CatalogueEntry], name: str) -> tuple[CatalogueEntry, ...]:
    """The same without the one of this name, in letters of any size."""
    return tuple(entry for entry in entries if entry.name.casefold() != name.casefold())


def resolved(request: UpstreamRequest, catalogue: Iterable[CatalogueEntry]) -> UpstreamRequest:
    """What is asked for, with the URL of the catalogue where it names an entry. Raises SettingsError for none."""
    if "://" not in request.url:
        known = tuple(catalogue)
        entry = next((one for one in known if one.name.casefold() == request.url.casefold()), None)
        if entry is None:
            names = ", ".join(one.name for one in known) or "it is empty"
            message = f"{quoted(request.url)} is no URL, and no name in the catalogue"
            remedy = f"write ws://host/path or wss://host/path, or a name: {names}"
            raise SettingsError([Problem("url", message, remedy)])
        request = replace(request, url=entry.url, name=request.name or entry.name)
    return replace(request, security=_fitting(request)) if request.security == FITTING else request


def _fitting(request: UpstreamRequest) -> int:
    """The security profile that fits the rest."""
    if request.certificate_pem:
        return SecurityProfile.MUTUAL_TLS.value
    if request.url.lower().startswith("wss:"):
        return SecurityProfile.TLS_BASIC.value
    return SecurityProfile.BASIC.value if request.password is not None else SecurityProfile.UNSECURED.value
