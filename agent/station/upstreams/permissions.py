"""Permission table: role x command x state -> decision.

Theory of operation
-------------------
Whoever asks, the table says; no handler has an opinion of its own. The state is that of what the command touches (one
connector, or all of them for a reset): no transaction, a transaction whose authority (pinned at its start) is the
asking upstream, or a transaction of another. A refusal is always a regular status, with a reason that is noted.

For a Data & Control upstream nothing may start or stop a transaction of another authority, directly or by unlocking or
resetting, and nothing may decide who may charge. What is not immediate is `SCHEDULE`: done when the transaction ends.

Two conditions are named, not hidden: `unless_hard_reset_allowed` is the option of the factory file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.commands import CommandKind, ResultStatus
from agent.vocabulary.firmware import DEFAULT_POLICY, FirmwarePolicy
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.options import Option, Scope
from agent.vocabulary.upstreams import Role


class Situation(StrEnum):
    NO_TRANSACTION = "no_transaction"
    OWN_TRANSACTION = "own_transaction"
    FOREIGN_TRANSACTION = "foreign_transaction"


class Verb(StrEnum):
    ALLOW = "allow"
    REFUSE = "refuse"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Decision:
    """One cell. `status` and `reason` are set for refusals."""

    verb: Verb
    status: ResultStatus | None = None
    reason: str = ""
    unless_hard_reset_allowed: bool = False


ALLOW = Decision(Verb.ALLOW)
SCHEDULE = Decision(Verb.SCHEDULE, ResultStatus.SCHEDULED)


def _refuse(reason: str, status: ResultStatus = ResultStatus.REJECTED, unless: bool = False) -> Decision:
    return Decision(Verb.REFUSE, status, reason, unless)


_K, _S, _B, _D = CommandKind, Situation, Role.BILLING, Role.DATA_AND_CONTROL
_ONLY_BILLING_STARTS = _refuse("only the Billing upstream may start a transaction")
_ONLY_ITS_OWN = _refuse("only the upstream that authorised a transaction may stop it")
_ONLY_BILLING_CACHE = _refuse("only the Billing upstream decides who may charge")
_WOULD_STOP = _refuse("a reset would stop a transaction")
_WOULD_STOP_HARD = _refuse("a reset would stop a transaction", unless=True)
_UNLOCK_WOULD_STOP = _refuse("unlocking would stop a transaction of another upstream", ResultStatus.UNLOCK_FAILED)
_UNKNOWN = _refuse("no running transaction has this id")
_OCCUPIED = _refuse("a transaction runs on this connector")

OWN_CREDENTIALS = frozenset(
    {
        _K.SET_PASSWORD,
        _K.RAISE_SECURITY_PROFILE,
        _K.INSTALL_ROOT,
        _K.LIST_ROOTS,
        _K.DELETE_CERTIFICATE,
        _K.TAKE_CERTIFICATE,
        _K.RENEW_CERTIFICATE,
    }
)
"""What concerns the asking upstream's own link alone: allowed to each, at any time."""

ON_DEMAND = frozenset({_K.TRIGGER})
"""Messages to the asking upstream alone about what it is told anyhow: allowed to each."""

OWN_UPLOADS = frozenset({_K.GET_DIAGNOSTICS, _K.GET_LOG})
"""Each upstream has one upload of its own, of what it may see: allowed to each."""

OWN_PROFILES = frozenset({_K.SET_PROFILE, _K.CLEAR_PROFILES, _K.GET_COMPOSITE})
"""Each upstream has charging profiles of its own, and the least of all limits counts: allowed to each."""

BILLING_ONLY: Mapping[CommandKind, Decision] = {
    _K.RESERVE: _refuse("reservations belong to the Billing upstream"),
    _K.CANCEL_RESERVATION: _refuse("reservations belong to the Billing upstream"),
    _K.SEND_LIST: _refuse("only the Billing upstream decides who may charge", ResultStatus.NOT_SUPPORTED),
    _K.GET_LIST_VERSION: _refuse("the local list is that of the Billing upstream", ResultStatus.NOT_SUPPORTED),
}
"""What belongs to who may charge, at any time, and the refusal for the others."""

HIDDEN_OPTIONS = frozenset({"local_list_enabled"})
"""Options of features that only the Billing upstream has: the others have no such key."""

MANAGEMENT_ONLY: Mapping[CommandKind, Decision] = {
    _K.INSTALL_MANUFACTURER_ROOT: _refuse("only management installs roots of the manufacturer"),
    _K.LIST_MANUFACTURER_ROOTS: _refuse("roots of the manufacturer are not shown here", ResultStatus.NOT_FOUND),
}
"""What only the manufacturer's upstream may do, in any role, and the refusal for the others."""

BY_POLICY: Mapping[CommandKind, Decision] = {
    _K.UPDATE_FIRMWARE: _refuse("firmware is a matter of others here", ResultStatus.NOT_SUPPORTED),
    _K.SIGNED_UPDATE_FIRMWARE: _refuse("firmware is a matter of others here"),
}
"""What the manufacturer gives or refuses by `may_update`, at any time, and the refusal."""

PERMISSIONS: Mapping[tuple[Role, CommandKind, Situation], Decision] = {
    (_B, _K.REMOTE_START, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.REMOTE_START, _S.OWN_TRANSACTION): _OCCUPIED,
    (_B, _K.REMOTE_START, _S.FOREIGN_TRANSACTION): _OCCUPIED,
    (_B, _K.REMOTE_STOP, _S.NO_TRANSACTION): _UNKNOWN,
    (_B, _K.REMOTE_STOP, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.REMOTE_STOP, _S.FOREIGN_TRANSACTION): _ONLY_ITS_OWN,
    (_B, _K.CHANGE_AVAILABILITY, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.CHANGE_AVAILABILITY, _S.OWN_TRANSACTION): SCHEDULE,
    (_B, _K.CHANGE_AVAILABILITY, _S.FOREIGN_TRANSACTION): SCHEDULE,
    (_B, _K.UNLOCK, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.UNLOCK, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.UNLOCK, _S.FOREIGN_TRANSACTION): _UNLOCK_WOULD_STOP,
    (_B, _K.RESET_SOFT, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.RESET_SOFT, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.RESET_SOFT, _S.FOREIGN_TRANSACTION): ALLOW,
    (_B, _K.RESET_HARD, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.RESET_HARD, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.RESET_HARD, _S.FOREIGN_TRANSACTION): ALLOW,
    (_B, _K.GET_OPTIONS, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.GET_OPTIONS, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.GET_OPTIONS, _S.FOREIGN_TRANSACTION): ALLOW,
    (_B, _K.SET_OPTION, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.SET_OPTION, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.SET_OPTION, _S.FOREIGN_TRANSACTION): ALLOW,
    (_B, _K.CLEAR_CACHE, _S.NO_TRANSACTION): ALLOW,
    (_B, _K.CLEAR_CACHE, _S.OWN_TRANSACTION): ALLOW,
    (_B, _K.CLEAR_CACHE, _S.FOREIGN_TRANSACTION): ALLOW,
    (_D, _K.REMOTE_START, _S.NO_TRANSACTION): _ONLY_BILLING_STARTS,
    (_D, _K.REMOTE_START, _S.OWN_TRANSACTION): _ONLY_BILLING_STARTS,
    (_D, _K.REMOTE_START, _S.FOREIGN_TRANSACTION): _ONLY_BILLING_STARTS,
    (_D, _K.REMOTE_STOP, _S.NO_TRANSACTION): _UNKNOWN,
    (_D, _K.REMOTE_STOP, _S.OWN_TRANSACTION): ALLOW,
    (_D, _K.REMOTE_STOP, _S.FOREIGN_TRANSACTION): _ONLY_ITS_OWN,
    (_D, _K.CHANGE_AVAILABILITY, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.CHANGE_AVAILABILITY, _S.OWN_TRANSACTION): SCHEDULE,
    (_D, _K.CHANGE_AVAILABILITY, _S.FOREIGN_TRANSACTION): SCHEDULE,
    (_D, _K.UNLOCK, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.UNLOCK, _S.OWN_TRANSACTION): ALLOW,
    (_D, _K.UNLOCK, _S.FOREIGN_TRANSACTION): _UNLOCK_WOULD_STOP,
    (_D, _K.RESET_SOFT, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.RESET_SOFT, _S.OWN_TRANSACTION): _WOULD_STOP,
    (_D, _K.RESET_SOFT, _S.FOREIGN_TRANSACTION): _WOULD_STOP,
    (_D, _K.RESET_HARD, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.RESET_HARD, _S.OWN_TRANSACTION): _WOULD_STOP_HARD,
    (_D, _K.RESET_HARD, _S.FOREIGN_TRANSACTION): _WOULD_STOP_HARD,
    (_D, _K.GET_OPTIONS, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.GET_OPTIONS, _S.OWN_TRANSACTION): ALLOW,
    (_D, _K.GET_OPTIONS, _S.FOREIGN_TRANSACTION): ALLOW,
    (_D, _K.SET_OPTION, _S.NO_TRANSACTION): ALLOW,
    (_D, _K.SET_OPTION, _S.OWN_TRANSACTION): ALLOW,
    (_D, _K.SET_OPTION, _S.FOREIGN_TRANSACTION): ALLOW,
    (_D, _K.CLEAR_CACHE, _S.NO_TRANSACTION): _ONLY_BILLING_CACHE,
    (_D, _K.CLEAR_CACHE, _S.OWN_TRANSACTION): _ONLY_BILLING_CACHE,
    (_D, _K.CLEAR_CACHE, _S.FOREIGN_TRANSACTION): _ONLY_BILLING_CACHE,
    **{
        (role, kind, situation): ALLOW
        for role in Role
        for kind in OWN_CREDENTIALS | OWN_UPLOADS | OWN_PROFILES | ON_DEMAND | MANAGEMENT_ONLY.keys() | BY_POLICY.keys()
        for situation in Situation
    },
    **{(_B, kind, situation): ALLOW for kind in BILLING_ONLY for situation in Situation},
    **{(_D, kind, situation): refused for kind, refused in BILLING_ONLY.items() for situation in Situation},
}
"""`SET_OPTION` is allowed as a command; which option may be written is `OPTION_WRITES`."""

OPTION_WRITES: Mapping[tuple[Scope, Role], bool] = {
    (Scope.CONNECTION, Role.BILLING): True,
    (Scope.CONNECTION, Role.DATA_AND_CONTROL): True,
    (Scope.AUTHORITY, Role.BILLING): True,
    (Scope.AUTHORITY, Role.DATA_AND_CONTROL): False,
    (Scope.SHARED, Role.BILLING): True,
    (Scope.SHARED, Role.DATA_AND_CONTROL): True,
    (Scope.CONSTANT, Role.BILLING): False,
    (Scope.CONSTANT, Role.DATA_AND_CONTROL): False,
}

MANAGEMENT_MAY_WRITE = frozenset({"connector_phase_rotation"})
"""Authority options that describe the installation, so that management may write them in any role."""


def permission(
    role: Role,
    kind: CommandKind,
    situation: Situation,
    hard_reset_allowed: bool = False,
    management: bool = True,
    firmware: FirmwarePolicy = DEFAULT_POLICY,
) -> Decision:
    """The decision for one command. `management`: the manufacturer's upstream asks."""
    if kind in BY_POLICY and not may_update(role, management, firmware):
        return BY_POLICY[kind]
    if kind in MANAGEMENT_ONLY and not management:
        return MANAGEMENT_ONLY[kind]
    decision = PERMISSIONS[role, kind, situation]
    if decision.unless_hard_reset_allowed and hard_reset_allowed:
        return ALLOW
    return decision


def may_update(role: Role, management: bool, policy: FirmwarePolicy) -> bool:
    """True if such an upstream may update the firmware: management always, others as the manufacturer says."""
    if management or policy.reserved_for_management:
        return management
    return role is Role.BILLING or policy.operators_may_update


def may_write(row: Option, role: Role, upstream: UpstreamId) -> bool:
    """True if this upstream may write this option."""
    if not row.writable:
        return False
    if row.name in MANAGEMENT_MAY_WRITE and upstream == MANAGEMENT:
        return True
    return OPTION_WRITES[row.scope, role]
