"""The catalogue on the disk: a file of the image that is only read, and one that management fills."""

from __future__ import annotations

from pathlib import Path

from agent.settings.addresses import UpstreamAddress
from agent.settings.catalogue import (
    CatalogueEntry,
    CatalogueSource,
    merged,
    parse_catalogue,
    render_catalogue,
    with_entry,
    without_entry,
)
from agent.settings.files.folder import Folder
from agent.settings.files.storage import read_file, write_file
from agent.settings.locations import Locations
from agent.settings.problems import Problem, SettingsError, quoted

_REMEDY = "put the entries into the catalogue again"


def read_catalogue(locations: Locations) -> tuple[CatalogueEntry, ...]:
    """Every backoffice that can be set by name. A file that cannot be read has none."""
    image = _read(Path(locations.catalogue), CatalogueSource.IMAGE)
    known = (one.address for one in Folder(locations).known.read([]))
    present = (one for which in ("active", "pending") for one in _listed(locations, which))
    return merged(_read(_own(locations), CatalogueSource.MANAGEMENT), image, (*known, *present))


def put_entry(locations: Locations, name: str, url: str) -> None:
    """Management puts one in. Raises SettingsError, OSError."""
    before = _read(_own(locations), CatalogueSource.MANAGEMENT)
    after = with_entry(before, name, url)
    if after != before:
        write_file(_own(locations), render_catalogue(after))


def remove_entry(locations: Locations, name: str) -> None:
    """Management takes out one that it has put in. Raises SettingsError, OSError."""
    before = _read(_own(locations), CatalogueSource.MANAGEMENT)
    after = without_entry(before, name)
    if after == before:
        names = ", ".join(entry.name for entry in before) or "there is none"
        message = f"{quoted(name)} is no entry that management has put there"
        raise SettingsError([Problem("name", message, f"use one of: {names}")])
    write_file(_own(locations), render_catalogue(after))


def _own(locations: Locations) -> Path:
    return Path(locations.settings) / "catalogue.toml"


def _listed(locations: Locations, which: str) -> tuple[UpstreamAddress, ...]:
    file = Folder(locations).read(which, [])
    return file.upstreams if file is not None else ()


def _read(path: Path, source: CatalogueSource) -> tuple[CatalogueEntry, ...]:
    try:
        return parse_catalogue(str(path), read_file(path, _REMEDY), source)
    except (FileNotFoundError, SettingsError):
        return ()
