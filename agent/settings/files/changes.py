"""Changes of the installer's settings: checked, then staged whole for the next boot of the system.

Theory of operation
-------------------
Every change is made on top of what is staged already, or else of what is in force, so that several of them before one
reboot add up to one. Each leaves its line (what, by whom, when) in the staged file. Secrets and files of an upstream
are written before the pending file that needs them; what is refused writes nothing. If the changes undo each other,
nothing is left staged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.files.folder import Folder
from agent.settings.files.forgetting import forget_discarded
from agent.settings.files.provisioned import read_factory
from agent.settings.files.storage import remove_file, write_file
from agent.settings.installer import MOST_OPERATORS, OPERATOR, PRIMARY, Change, InstallerSettings
from agent.settings.locations import Locations
from agent.settings.pem import check_certificates, check_client_certificate, check_client_key
from agent.settings.problems import Complaint, Problem, SettingsError, quoted
from agent.settings.service_edits import ServiceEdit, Station, edited
from agent.settings.settings import UpstreamRequest
from agent.settings.validate import check_address, check_distinct, check_name, check_other_name
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

REMOVAL_WORD = "delete"
_ID = re.compile(f"(?:{PRIMARY}|{OPERATOR})[0-9]+", re.IGNORECASE)
_LOOKS_LIKE_ID = Complaint(f"is written like the ids here ({PRIMARY}1, {OPERATOR}1)", "give it another name")
CheckClient = Callable[[str, str], Complaint | None]
"""Judges a client certificate (PEM) with the file of its key: whether they fit, are valid and serve this purpose."""


def _unjudged(certificate_pem: str, key_file: str) -> None:
    return None


def stage_primary(
    locations: Locations, boot_id: str, request: UpstreamRequest, check_client: CheckClient = _unjudged
) -> InstallerSettings:
    """Check and stage a new primary, which is then Billing; a later boot applies it.

    Raises SettingsError and writes nothing if refused. Also raises OSError when the disk refuses; the settings in force
    and the staged ones are then as before.
    """
    folder = Folder(locations)
    before = folder.newest()
    if before.primary is not None:
        message = f"there is a primary already ({before.primary.name})"
        raise _refusal("primary", message, "remove it first, then set the new one")
    number = folder.highest_number(PRIMARY) + 1
    address = _kept(locations, folder, UpstreamId(f"{PRIMARY}{number}"), request, before, check_client)
    change = Change(f"set primary {address.url} as {address.identity}", request.changed_by, request.changed_at_ms)
    return _stage(folder, boot_id, replace(before, primary=address, primaries_made=number), change)


def stage_operator(
    locations: Locations, boot_id: str, request: UpstreamRequest, check_client: CheckClient = _unjudged
) -> InstallerSettings:
    """Check and stage a further operator in the Data & Control role. Raises as `stage_primary`."""
    folder = Folder(locations)
    before = _reliable(folder)
    if len(before.operators) >= MOST_OPERATORS:
        message = f"there are {MOST_OPERATORS} further operators already"
        raise _refusal("operator", message, f"remove one first: {_named(before.operators)}")
    number = folder.highest_number(OPERATOR) + 1
    address = _kept(locations, folder, UpstreamId(f"{OPERATOR}{number}"), request, before, check_client)
    change = Change(f"add operator {address.url} as {address.identity}", request.changed_by, request.changed_at_ms)
    after = replace(before, operators=(*before.operators, address), operators_made=number)
    return _stage(folder, boot_id, after, change)


def stage_removal(
    locations: Locations, boot_id: str, word: str, changed_by: str = "", at_ms: int | None = None
) -> InstallerSettings:
    """Stage the removal of the primary: management is then Billing. Asks for a word. Raises SettingsError."""
    _check_word(word)
    folder = Folder(locations)
    before = folder.newest()
    if before.primary is None and folder.active([])[1]:
        raise _refusal("primary", "there is none", "nothing needs to be removed")
    name = before.primary.name if before.primary is not None else "that could not be read"
    change = Change(f"remove primary {name}", changed_by, at_ms)
    return _stage(folder, boot_id, replace(before, primary=None), change)


def stage_operator_removal(
    locations: Locations, boot_id: str, operator: str, word: str, changed_by: str = "", at_ms: int | None = None
) -> InstallerSettings:
    """Stage the removal of one further operator, by name or id. Asks for the word `delete`. Raises SettingsError."""
    _check_word(word)
    folder = Folder(locations)
    before = _reliable(folder)
    if before.primary is not None and _is(before.primary, operator):
        raise _refusal("operator", f"{quoted(operator)} is the primary", "use remove-primary for it")
    found = next((one for one in before.operators if _is(one, operator)), None)
    if found is None:
        remedy = f"use one of: {_named(before.operators)}" if before.operators else "there is none"
        raise _refusal("operator", f"{quoted(operator)} is no further operator of this station", remedy)
    others = tuple(one for one in before.operators if one is not found)
    return _stage(
        folder, boot_id, replace(before, operators=others), Change(f"remove operator {found.name}", changed_by, at_ms)
    )


def stage_billing(
    locations: Locations, boot_id: str, upstream: str, changed_by: str = "", at_ms: int | None = None
) -> InstallerSettings:
    """Stage that one of the listed upstreams, by name or id, is Billing. Raises SettingsError.

    The primary that loses Billing stays as a further operator, with its id and all that belongs to it.
    """
    management = read_factory(locations).management
    folder = Folder(locations)
    before = _reliable(folder)
    listed = (management, *before.upstreams)
    found = next((one for one in listed if _is(one, upstream)), None)
    if found is None:
        message = f"{quoted(upstream)} is no upstream of this station"
        raise _refusal("billing", message, f"use one of: {_named(listed)}")
    if found.id == before.billing:
        raise _refusal("billing", f"{found.name} is Billing already", "nothing needs to be changed")
    primary = None if found.id == MANAGEMENT else found
    others = tuple(one for one in before.upstreams if one is not primary)
    if len(others) > MOST_OPERATORS:
        message = f"would leave {len(others)} further operators"
        raise _refusal("billing", message, f"remove one first, {MOST_OPERATORS} are possible: {_named(others)}")
    change = Change(f"Billing to {found.name}", changed_by, at_ms)
    return _stage(folder, boot_id, replace(before, primary=primary, operators=others), change)


def stage_services(
    locations: Locations, boot_id: str, edit: ServiceEdit, changed_by: str = "", at_ms: int | None = None
) -> InstallerSettings:
    """Stage an edit of the services: who is asked about whose card. Raises SettingsError and writes nothing."""
    factory = read_factory(locations)
    before = _reliable(folder := Folder(locations))
    connectors = [connector.id for connector in factory.connectors]
    station = Station((factory.management, *before.upstreams), before.billing, connectors)
    services, what = edited(before.services, edit, station)
    return _stage(folder, boot_id, replace(before, services=services), Change(what, changed_by, at_ms))


def discard_pending(locations: Locations) -> bool:
    """Forget what is staged. True if there was anything. Raises OSError."""
    folder = Folder(locations)
    present = folder.file("pending").exists()
    if present:
        remove_file(folder.file("pending"))
        forget_discarded(folder)
    return present


def _stage(folder: Folder, boot_id: str, wanted: InstallerSettings, change: Change) -> InstallerSettings:
    """Write the pending file, or remove it if nothing is left to change."""
    pending, (active, usable) = folder.read("pending", []), folder.active([])
    wanted = replace(wanted, services=wanted.services.only((MANAGEMENT, *(one.id for one in wanted.upstreams))))
    unchanged = wanted.services == active.services and wanted.operators == active.operators
    if usable and wanted.primary == active.primary and unchanged:
        remove_file(folder.file("pending"))
        forget_discarded(folder)
        return wanted
    staged = replace(
        wanted,
        staged_in_boot=boot_id,
        primaries_made=wanted.primaries_made or folder.highest_number(PRIMARY),
        operators_made=wanted.operators_made or folder.highest_number(OPERATOR),
        changes=(*(pending.changes if pending is not None else ()), change),
    )
    folder.stage(staged)
    forget_discarded(folder)
    return staged


def _reliable(folder: Folder) -> InstallerSettings:
    """What a change is made on top of, where that must be known. Raises SettingsError."""
    if folder.read("pending", []) is None and not folder.active([])[1]:
        message = "the settings in force cannot be read, so nobody knows who the others are"
        raise _refusal("", message, "set or remove the primary first, then reboot")
    return folder.newest()


def _kept(
    locations: Locations,
    folder: Folder,
    upstream: UpstreamId,
    request: UpstreamRequest,
    before: InstallerSettings,
    check_client: CheckClient,
) -> UpstreamAddress:
    """The request as an upstream, its secrets and files on the disk. Raises SettingsError with nothing written."""
    others = (read_factory(locations).management, *before.upstreams)
    address = _checked(request, upstream, others)
    if request.key_pem is not None:
        _keep_client(folder, upstream, request.certificate_pem, request.key_pem, check_client)
    folder.passwords.save(upstream, address.password)
    folder.passwords.save_proxy_login(upstream, address.proxy_login)
    if request.trust_pem:
        write_file(folder.trust(upstream), request.trust_pem, seal=False)
    return replace(address, password=None, proxy_login=None)


def _keep_client(
    folder: Folder, upstream: UpstreamId, certificate_pem: str, key_pem: Secret, check_client: CheckClient
) -> None:
    """The key is judged where it is going to lie; one that is not found good does not stay. Raises SettingsError."""
    certificate, key = folder.client(upstream)
    write_file(key, key_pem.reveal(), seal=False)
    try:
        if (complaint := check_client(certificate_pem, str(key))) is not None:
            raise _refusal("certificate", complaint.message, complaint.remedy)
    except Exception:
        remove_file(key)
        raise
    write_file(certificate, certificate_pem, seal=False)


def _checked(request: UpstreamRequest, upstream: UpstreamId, others: Sequence[UpstreamAddress]) -> UpstreamAddress:
    """The request as an upstream. Raises SettingsError with everything that is wrong with it.

    Its name may not look like an id: the next upstream may get that one, and whoever is meant by it was another.
    """
    if request.security not in tuple(SecurityProfile):
        remedy = "use 0 (ws), 1 (ws with password), 2 (wss with password) or 3 (wss with client certificate)"
        raise _refusal("security", f"{request.security} is no security profile", remedy)
    address = _address(request, upstream)
    problems = [*check_address(address), *check_distinct(address, others)]
    named = [("name", (check_name(address.name) if request.name else None) or check_other_name(address.name, others))]
    named += [("name", _LOOKS_LIKE_ID if _ID.fullmatch(address.name) else None)]
    named += [("trust", check_certificates(request.trust_pem) if request.trust_pem else None)]
    named += [("certificate", check_client_certificate(request.certificate_pem) if request.certificate_pem else None)]
    named += [("key", check_client_key(request.key_pem.reveal()) if request.key_pem is not None else None)]
    problems += [Problem(field, found.message, found.remedy) for field, found in named if found is not None]
    if problems:
        raise SettingsError(problems)
    return address


def _address(request: UpstreamRequest, upstream: UpstreamId) -> UpstreamAddress:
    return UpstreamAddress(
        id=upstream,
        name=request.name or request.identity,
        url=request.url,
        identity=request.identity,
        security=SecurityProfile(request.security),
        password=request.password,
        trust=f"{upstream}.pem" if request.trust_pem else SYSTEM_TRUST,
        certificate=f"{upstream}.pem" if request.certificate_pem else "",
        key=f"{upstream}.key" if request.key_pem is not None else "",
        interface=request.interface,
        proxy=request.proxy,
        proxy_login=request.proxy_login,
    )


def _is(address: UpstreamAddress, named: str) -> bool:
    """Somebody means this upstream: by its id, or by its name in letters of any size."""
    return named == address.id or named.casefold() == address.name.casefold()


def _named(upstreams: Sequence[UpstreamAddress]) -> str:
    return ", ".join(f"{one.name} ({one.id})" for one in upstreams)


def _check_word(word: str) -> None:
    if word != REMOVAL_WORD:
        raise _refusal("word", f"{quoted(word)} is not the word that confirms a removal", f"type {REMOVAL_WORD}")


def _refusal(field: str, message: str, remedy: str) -> SettingsError:
    return SettingsError([Problem(field, message, remedy)])
