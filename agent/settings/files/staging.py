"""The settings on the disk: read at the start of the agent, staged by a command, applied by the next boot.

Theory of operation
-------------------
Folder of the settings: `active.toml` (in force), `pending.toml` (staged), `previous.toml` (what was in force before),
`credentials.toml` (passwords by upstream id), `trust/<id>.pem` (own roots of an upstream), `client/<id>.pem` and
`client/<id>.key` (its client certificate). Only the agent writes there.

A pending file carries the boot it was staged in. `load` in a later boot copies active to previous and then renames
pending to active; a cut between the two leaves the old settings in force and the change staged, and the next `load`
does both again. A pending file that is bad is set aside and the active one stays. Passwords and roots are written
before the pending file that needs them. If the active file is bad, nobody knows who the operator is:
`Settings.usable` is false, management stays connected, and the station must not charge (it never falls to another
operator by itself).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.credentials import Passwords
from agent.settings.files.folder import Folder
from agent.settings.files.provisioned import read_factory
from agent.settings.files.storage import remove_file, write_file
from agent.settings.locations import Locations
from agent.settings.pem import check_certificates, check_client_certificate, check_client_key
from agent.settings.problems import Complaint, Problem, SettingsError
from agent.settings.settings import PRIMARY, InstallerSettings, PrimaryRequest, Settings
from agent.settings.validate import check_address, check_distinct, check_name
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

REMOVAL_WORD = "delete"
CheckClient = Callable[[str, str], Complaint | None]
"""Judges a client certificate (PEM) with the file of its key: whether they fit, are valid and serve this purpose."""


def load(locations: Locations, boot_id: str) -> Settings:
    """Everything the agent starts with; a change staged in an earlier boot is applied first.

    Raises SettingsError if the factory file cannot be used: without it there is no station.
    """
    factory = read_factory(locations)
    folder = Folder(locations)
    problems: list[Problem] = []
    passwords = folder.passwords.read(problems)
    factory = replace(factory, management=_with_live_password(factory.management, passwords))
    applied = folder.apply_pending(boot_id, factory, passwords, problems)
    pending = folder.read("pending", problems)
    active, usable = folder.active(problems)
    primary = folder.complete(active.primary, passwords) if active.primary is not None else None
    if primary is not None:
        found = check_address(primary, "primary.") + check_distinct(primary, factory.management, "primary.")
        problems += [replace(problem, file=str(folder.file("active"))) for problem in found]
        usable = usable and not check_distinct(primary, factory.management)
    return Settings(factory, primary if usable else None, pending, tuple(problems), usable, applied)


def stage_primary(
    locations: Locations, boot_id: str, request: PrimaryRequest, check_client: CheckClient = lambda pem, key_file: None
) -> InstallerSettings:
    """Check and stage a new primary; a later boot applies it. Raises SettingsError and writes nothing if refused.

    Also raises OSError when the disk refuses; the settings in force and the staged ones are then as before.
    """
    factory = read_factory(locations)
    folder = Folder(locations)
    before = folder.newest()
    if before.primary is not None:
        message = f"there is a primary already ({before.primary.name})"
        raise SettingsError([Problem("primary", message, "remove it first, then set the new one")])
    number = folder.highest_number() + 1
    upstream = UpstreamId(f"{PRIMARY}{number}")
    address = _checked(request, upstream, factory.management)
    if request.key_pem is not None:
        _keep_client(folder, upstream, request.certificate_pem, request.key_pem, check_client)
    folder.passwords.save(upstream, address.password)
    folder.passwords.save_proxy_login(upstream, address.proxy_login)
    if request.trust_pem:
        write_file(folder.trust(upstream), request.trust_pem, seal=False)
    staged = InstallerSettings(replace(address, password=None, proxy_login=None), number, boot_id, request.changed_by)
    folder.stage(staged)
    return staged


def stage_removal(locations: Locations, boot_id: str, word: str, changed_by: str = "") -> InstallerSettings:
    """Stage the removal of the primary. Asks for the word `delete`; anything else raises SettingsError."""
    if word != REMOVAL_WORD:
        raise SettingsError([Problem("word", "is not the word that confirms a removal", f"type {REMOVAL_WORD}")])
    folder = Folder(locations)
    active, usable = folder.active([])
    if usable and folder.newest().primary is None:
        raise SettingsError([Problem("primary", "there is none", "nothing needs to be removed")])
    staged = InstallerSettings(None, folder.highest_number(), boot_id, changed_by)
    if usable and active.primary is None:
        remove_file(folder.file("pending"))  # what was staged never came into force: nothing is left to change
    else:
        folder.stage(staged)
    return staged


def discard_pending(locations: Locations) -> bool:
    """Forget a staged change. True if there was one. Raises OSError."""
    folder = Folder(locations)
    present = folder.file("pending").exists()
    if present:
        remove_file(folder.file("pending"))
    return present


def save_password(locations: Locations, upstream: UpstreamId, password: Secret) -> None:
    """Keep a password that a backend has changed; it is used before the provisioned one. Raises OSError."""
    Folder(locations).passwords.save(upstream, password)


def _keep_client(
    folder: Folder, upstream: UpstreamId, certificate_pem: str, key_pem: Secret, check_client: CheckClient
) -> None:
    """The key is judged where it is going to lie; one that is not found good does not stay. Raises SettingsError."""
    certificate, key = folder.client(upstream)
    write_file(key, key_pem.reveal(), seal=False)
    try:
        if (complaint := check_client(certificate_pem, str(key))) is not None:
            raise SettingsError([Problem("certificate", complaint.message, complaint.remedy)])
    except Exception:
        remove_file(key)
        raise
    write_file(certificate, certificate_pem, seal=False)


def _with_live_password(management: UpstreamAddress, passwords: Passwords) -> UpstreamAddress:
    if not management.security.has_password or MANAGEMENT not in passwords.backends:
        return management
    return replace(management, password=passwords.backends[MANAGEMENT])


def _checked(request: PrimaryRequest, upstream: UpstreamId, management: UpstreamAddress) -> UpstreamAddress:
    """The request as an upstream. Raises SettingsError with everything that is wrong with it."""
    problems: list[Problem] = []
    if request.security not in tuple(SecurityProfile):
        remedy = "use 0 (ws), 1 (ws with password), 2 (wss with password) or 3 (wss with client certificate)"
        raise SettingsError([Problem("security", f"{request.security} is no security profile", remedy)])
    name = request.name or request.identity
    address = UpstreamAddress(
        id=upstream,
        name=name,
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
    problems += check_address(address) + check_distinct(address, management)
    named = [("name", check_name(name) if request.name else None)]
    named += [("trust", check_certificates(request.trust_pem) if request.trust_pem else None)]
    named += [("certificate", check_client_certificate(request.certificate_pem) if request.certificate_pem else None)]
    named += [("key", check_client_key(request.key_pem.reveal()) if request.key_pem is not None else None)]
    problems += [Problem(field, found.message, found.remedy) for field, found in named if found is not None]
    if problems:
        raise SettingsError(problems)
    return address
