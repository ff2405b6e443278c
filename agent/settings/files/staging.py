"""The settings on the disk: read at the start of the agent, and what was staged before applied by the next boot.

Theory of operation
-------------------
Folder of the settings: `active.toml` (in force), `pending.toml` (staged), `previous.toml` (what was in force before),
`credentials.toml` (passwords by upstream id), `trust/<id>.pem` (own roots of an upstream), `client/<id>.pem` and
`client/<id>.key` (its client certificate), `known.toml` (everybody who was ever in force). Only the agent writes there;
`changes` says how a change comes about.

A pending file carries the boot it was staged in. `load` in a later boot copies active to previous and then renames
pending to active; a cut between the two leaves the old settings in force and the change staged, and the next `load`
does both again. A pending file that is bad is set aside and the active one stays. Passwords and roots are written
before the pending file that needs them. If the active file is bad, nobody knows who the operator is:
`Settings.usable` is false, management stays connected, and the station must not charge (it never falls to another
operator by itself). A further operator that cannot be used is left out, and the others stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.settings.addresses import UpstreamAddress
from agent.settings.credentials import Passwords
from agent.settings.files.folder import Folder
from agent.settings.files.provisioned import read_factory
from agent.settings.files.pseudonym_key import pseudonym_key
from agent.settings.known import Known, without
from agent.settings.locations import Locations
from agent.settings.problems import Problem
from agent.settings.settings import Settings
from agent.settings.validate import check_address, check_distinct
from agent.vocabulary.ids import UpstreamId


def load(locations: Locations, boot_id: str) -> Settings:
    """Everything the agent starts with; a change staged in an earlier boot is applied first.

    Raises SettingsError if the factory file cannot be used: without it there is no station.
    """
    factory = read_factory(locations)
    folder = Folder(locations)
    problems: list[Problem] = []
    passwords = folder.passwords.read(problems)
    management = factory.management
    applied = folder.apply_pending(boot_id, factory, passwords, problems)
    pending = folder.read("pending", problems)
    active, usable = folder.active(problems)
    primary = folder.complete(active.primary, passwords) if active.primary is not None else None
    if primary is not None:
        fights = check_distinct(primary, (management,), "primary.")
        problems += _in_active(folder, (*check_address(primary, "primary."), *fights))
        usable = usable and not fights
    primary = primary if usable else None
    before = (management,) if primary is None else (management, primary)
    operators = _operators(folder, [folder.complete(one, passwords) for one in active.operators], before, problems)
    key = pseudonym_key(locations, problems)
    return Settings(
        factory,
        primary,
        pending,
        tuple(problems),
        usable,
        applied,
        operators,
        _former(folder, [one.id for one in active.upstreams], passwords) if usable else (),
        active.services,
        key,
    )


def _operators(
    folder: Folder, listed: Sequence[UpstreamAddress], before: Sequence[UpstreamAddress], problems: list[Problem]
) -> tuple[UpstreamAddress, ...]:
    """Those further operators that can be used."""
    usable: list[UpstreamAddress] = []
    for operator in listed:
        fights = check_distinct(operator, (*before, *usable), f"{operator.id}.")
        problems += _in_active(folder, (*check_address(operator, f"{operator.id}."), *fights))
        usable += [] if fights else [operator]
    return tuple(usable)


def _former(folder: Folder, present: Sequence[UpstreamId], passwords: Passwords) -> tuple[Known, ...]:
    """What cannot be read costs a farewell at the most."""
    return tuple(
        replace(one, address=folder.complete(one.address, passwords)) for one in without(folder.known.read([]), present)
    )


def _in_active(folder: Folder, found: Sequence[Problem]) -> list[Problem]:
    return [replace(problem, file=str(folder.file("active"))) for problem in found]
