"""The factory file with what it refers to: the file of management's password, and that of its roots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.settings.addresses import SYSTEM_TRUST, UpstreamAddress
from agent.settings.factory import Factory, parse_factory
from agent.settings.files.storage import read_file
from agent.settings.lines import find_lines, line_of
from agent.settings.locations import Locations
from agent.settings.problems import Complaint, Problem, SettingsError
from agent.settings.validate import check_password
from agent.vocabulary.ids import Secret

_FACTORY_REMEDY = "have the manufacturer provision this unit again"


def read_factory(locations: Locations) -> Factory:
    """The factory file as the rest of the agent needs it. Raises SettingsError with file, line, field and remedy."""
    path = Path(locations.factory)
    try:
        text = read_file(path, _FACTORY_REMEDY)
    except FileNotFoundError:
        remedy = "give the place of the factory file with --factory, or provision this unit"
        raise SettingsError([Problem("", "there is no such file", remedy, str(path))]) from None
    factory = parse_factory(str(path), text)
    management = _resolved_management(factory, path, text)
    profiles = path.parent / "profiles"
    folders = (str(profiles),) if profiles.is_dir() else ()
    hardware = replace(factory.hardware, safe_off_folder=locations.run, profile_folders=folders)
    return replace(factory, management=management, hardware=hardware)


def _resolved_management(factory: Factory, path: Path, text: str) -> UpstreamAddress:
    """Management with the password of its file and the full path of its roots."""
    management = factory.management
    if factory.management_password_file:
        password = _password_in(path.parent / factory.management_password_file, path, text)
        management = replace(management, password=password)
    if management.trust != SYSTEM_TRUST:
        roots = path.parent / management.trust
        if not roots.is_file():
            _refuse_field(path, text, "trust", Complaint(f"there is no file {roots}", _FACTORY_REMEDY))
        management = replace(management, trust=str(roots))
    return management


def _password_in(file: Path, factory: Path, text: str) -> Secret:
    password = ""
    try:
        password = read_file(file, _FACTORY_REMEDY).removesuffix("\n")
    except (FileNotFoundError, SettingsError):
        _refuse_field(factory, text, "password_file", Complaint(f"{file} cannot be read", _FACTORY_REMEDY))
    if (complaint := check_password(password)) is not None:
        _refuse_field(factory, text, "password_file", complaint)
    return Secret(password)


def _refuse_field(path: Path, text: str, field: str, complaint: Complaint) -> None:
    line = line_of(find_lines(text), ("management", field))
    raise SettingsError([Problem(f"management.{field}", complaint.message, complaint.remedy, str(path), line)])
