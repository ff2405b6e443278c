"""The factory file with what it refers to: the file of management's password, and that of its roots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.settings.addresses import SYSTEM_TRUST, UpstreamAddress
from agent.settings.factory import Factory, parse_factory
from agent.settings.fields import Check
from agent.settings.files.storage import read_file
from agent.settings.lines import find_lines, line_of
from agent.settings.locations import Locations
from agent.settings.problems import Complaint, Problem, SettingsError
from agent.settings.uplinks import check_proxy_login
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
    """Management with the secrets of their files and the full paths of its roots and client certificate."""
    management, files = factory.management, factory.management_files
    if files.password:
        password = _secret_in("password_file", files.password, check_password, path, text)
        management = replace(management, password=password)
    if files.proxy_login:
        login = _secret_in("proxy_login_file", files.proxy_login, check_proxy_login, path, text)
        management = replace(management, proxy_login=login)
    trust = management.trust if management.trust == SYSTEM_TRUST else _path_of("trust", management.trust, path, text)
    return replace(
        management,
        trust=trust,
        certificate=management.certificate and _path_of("certificate", management.certificate, path, text),
        key=management.key and _path_of("key", management.key, path, text),
    )


def _path_of(field: str, name: str, factory: Path, text: str) -> str:
    file = factory.parent / name
    if not file.is_file():
        _refuse_field(factory, text, field, Complaint(f"there is no file {file}", _FACTORY_REMEDY))
    return str(file)


def _secret_in(field: str, name: str, check: Check, factory: Path, text: str) -> Secret:
    file, secret = factory.parent / name, ""
    try:
        secret = read_file(file, _FACTORY_REMEDY).removesuffix("\n")
    except (FileNotFoundError, SettingsError):
        _refuse_field(factory, text, field, Complaint(f"{file} cannot be read", _FACTORY_REMEDY))
    if (complaint := check(secret)) is not None:
        _refuse_field(factory, text, field, complaint)
    return Secret(secret)


def _refuse_field(path: Path, text: str, field: str, complaint: Complaint) -> None:
    line = line_of(find_lines(text), ("management", field))
    raise SettingsError([Problem(f"management.{field}", complaint.message, complaint.remedy, str(path), line)])
