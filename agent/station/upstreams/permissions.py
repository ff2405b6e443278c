"""Permission table: command x who asks x state -> decision.

Theory of operation
-------------------
Whoever asks, the table says; no handler has an opinion of its own. The columns are what an upstream is to this station
(`Asker`), and besides somebody at the station and the manufacturer's line. Calls of upstreams ask here in `commands`,
the control socket in `agent/runtime/permit.py`. The state is that of what the command
touches (one connector, or all of them for a reset): no transaction, a transaction whose authority (pinned at its start)
is the one who asks, or a transaction of another. A refusal is always a regular status, with a reason that is noted.

For a Data & Control upstream nothing may start or stop a transaction of another authority, directly or by unlocking or
resetting, and nothing may decide who may charge. What is not immediate is `SCHEDULE`: done when the transaction ends.

What the factory file or the installer may give beyond the table is a named `Condition` of the cell, never hidden.
Configuration keys have a table of their own, by scope: `OPTION_WRITES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.commands import AT_THE_STATION, CommandKind, ResultStatus
from agent.vocabulary.firmware import FirmwarePolicy
from agent.vocabulary.options import Option, Scope
from agent.vocabulary.upstreams import Asker


class Situation(StrEnum):
    NO_TRANSACTION = "no_transaction"
    OWN_TRANSACTION = "own_transaction"
    FOREIGN_TRANSACTION = "foreign_transaction"


class Verb(StrEnum):
    ALLOW = "allow"
    REFUSE = "refuse"
    SCHEDULE = "schedule"


class Condition(StrEnum):
    """What turns a refusal into permission."""

    HARD_RESET = "the factory file allows a hard reset during a transaction"
    RESERVATIONS = "the reservation service is this upstream's (by default Billing's)"
    FIRMWARE = "the factory file lets this upstream update the firmware"


@dataclass(frozen=True, slots=True)
class Decision:
    """One cell. `status` and `reason` are set for refusals; `unless` names what lifts one."""

    verb: Verb
    status: ResultStatus | None = None
    reason: str = ""
    unless: Condition | None = None


ALLOW = Decision(Verb.ALLOW)
SCHEDULE = Decision(Verb.SCHEDULE, ResultStatus.SCHEDULED)

_Cell = Decision | tuple[Decision, Decision, Decision]
"""The same in every state; or for no transaction, one's own, another's."""


def _refuse(reason: str, status: ResultStatus = ResultStatus.REJECTED, unless: Condition | None = None) -> Decision:
    return Decision(Verb.REFUSE, status, reason, unless)


def _row(
    billing: _Cell,
    beside: _Cell,
    page: _Cell,
    line: _Cell,
    *,
    primary: _Cell | None = None,
    operator: _Cell | None = None,
) -> Mapping[Asker, _Cell]:
    """`billing`: management alone, and the primary where nothing else is said. `beside`: management beside a primary,
    and further operators where nothing else is said."""
    return {
        Asker.MANAGEMENT_BILLING: billing,
        Asker.MANAGEMENT: beside,
        Asker.PRIMARY: billing if primary is None else primary,
        Asker.OPERATOR: beside if operator is None else operator,
        Asker.PAGE: page,
        Asker.LINE: line,
    }


def _same(cell: _Cell) -> Mapping[Asker, _Cell]:
    return dict.fromkeys(Asker, cell)


_K = CommandKind
_OCCUPIED = _refuse("a transaction runs on this connector")
_ONLY_BILLING_STARTS = _refuse("only the Billing upstream may start a transaction")
_UNKNOWN = _refuse("no running transaction has this id")
_ONLY_ITS_OWN = _refuse("only the upstream that authorised a transaction may stop it")
_UNLOCK_WOULD_STOP = _refuse("unlocking would stop a transaction of another upstream", ResultStatus.UNLOCK_FAILED)
_WOULD_STOP = _refuse("a reset would stop a transaction")
_WOULD_STOP_HARD = _refuse("a reset would stop a transaction", unless=Condition.HARD_RESET)
_ONLY_BILLING_DECIDES = _refuse("only the Billing upstream decides who may charge")
_ONLY_BILLING_LISTS = _refuse("only the Billing upstream decides who may charge", ResultStatus.NOT_SUPPORTED)
_NOT_ITS_LIST = _refuse("the local list is that of the Billing upstream", ResultStatus.NOT_SUPPORTED)
_NOT_ITS_RESERVATION = _refuse("reservations belong to another upstream", unless=Condition.RESERVATIONS)
_NOT_ITS_ROOTS = _refuse("only management installs roots of the manufacturer")
_NOT_ITS_OPERATORS = _refuse("only management changes operators", ResultStatus.UNKNOWN_VENDOR)
_ROOTS_HIDDEN = _refuse("roots of the manufacturer are not shown here", ResultStatus.NOT_FOUND)
_NOT_ITS_FIRMWARE = _refuse("firmware is a matter of others here", unless=Condition.FIRMWARE)
_NOT_ITS_PLAIN_FIRMWARE = _refuse(_NOT_ITS_FIRMWARE.reason, ResultStatus.NOT_SUPPORTED, Condition.FIRMWARE)
_FOR_UPSTREAMS = _refuse("this is for upstreams; use the settings of the station")
_AT_THE_STATION = _refuse("this is done at the station")
_OWN_LINK = _row(ALLOW, ALLOW, _FOR_UPSTREAMS, _FOR_UPSTREAMS)
"""What concerns the asking upstream's own link, profiles or uploads: allowed to each, at any time."""

_STOPS_OWN = (_UNKNOWN, ALLOW, _ONLY_ITS_OWN)
_STOPS_ANY = (_UNKNOWN, ALLOW, ALLOW)
_AFTER_THE_TRANSACTION = (ALLOW, SCHEDULE, SCHEDULE)
_UNLOCKS_OWN = (ALLOW, ALLOW, _UNLOCK_WOULD_STOP)
_RESETS_IDLE = (ALLOW, _WOULD_STOP, _WOULD_STOP)
_RESETS_IDLE_HARD = (ALLOW, _WOULD_STOP_HARD, _WOULD_STOP_HARD)
_RESETS_OWN = (ALLOW, ALLOW, _WOULD_STOP)

ROWS: Mapping[CommandKind, Mapping[Asker, _Cell]] = {
    _K.REMOTE_START: _row(
        (ALLOW, _OCCUPIED, _OCCUPIED), _ONLY_BILLING_STARTS, _ONLY_BILLING_STARTS, _ONLY_BILLING_STARTS
    ),
    _K.REMOTE_STOP: _row(_STOPS_OWN, _STOPS_OWN, _STOPS_ANY, _STOPS_OWN),
    _K.CHANGE_AVAILABILITY: _same(_AFTER_THE_TRANSACTION),
    _K.UNLOCK: _row(_UNLOCKS_OWN, _UNLOCKS_OWN, ALLOW, _UNLOCKS_OWN),
    _K.RESET_SOFT: _row(ALLOW, _RESETS_IDLE, ALLOW, _RESETS_OWN),
    _K.RESET_HARD: _row(ALLOW, _RESETS_IDLE_HARD, ALLOW, _RESETS_OWN),
    _K.GET_OPTIONS: _same(ALLOW),
    _K.SET_OPTION: _same(ALLOW),
    _K.CLEAR_CACHE: _row(ALLOW, _ONLY_BILLING_DECIDES, _ONLY_BILLING_DECIDES, _ONLY_BILLING_DECIDES),
    _K.SEND_LIST: _row(ALLOW, _ONLY_BILLING_LISTS, _ONLY_BILLING_LISTS, _ONLY_BILLING_LISTS),
    _K.GET_LIST_VERSION: _row(ALLOW, _NOT_ITS_LIST, ALLOW, ALLOW),
    _K.RESERVE: _same(_NOT_ITS_RESERVATION),
    _K.CANCEL_RESERVATION: _same(_NOT_ITS_RESERVATION),
    _K.SET_PROFILE: _OWN_LINK,
    _K.CLEAR_PROFILES: _OWN_LINK,
    _K.GET_COMPOSITE: _same(ALLOW),
    _K.TRIGGER: _OWN_LINK,
    _K.GET_DIAGNOSTICS: _OWN_LINK,
    _K.GET_LOG: _OWN_LINK,
    _K.SET_PASSWORD: _OWN_LINK,
    _K.RAISE_SECURITY_PROFILE: _OWN_LINK,
    _K.INSTALL_ROOT: _OWN_LINK,
    _K.LIST_ROOTS: _OWN_LINK,
    _K.DELETE_CERTIFICATE: _OWN_LINK,
    _K.TAKE_CERTIFICATE: _OWN_LINK,
    _K.RENEW_CERTIFICATE: _OWN_LINK,
    _K.SET_OWN_URL: _OWN_LINK,
    _K.ASK_OPERATORS: _row(
        ALLOW, ALLOW, ALLOW, _FOR_UPSTREAMS, primary=_NOT_ITS_OPERATORS, operator=_NOT_ITS_OPERATORS
    ),
    _K.UPDATE_FIRMWARE: _row(
        ALLOW,
        ALLOW,
        _FOR_UPSTREAMS,
        _FOR_UPSTREAMS,
        primary=_NOT_ITS_PLAIN_FIRMWARE,
        operator=_NOT_ITS_PLAIN_FIRMWARE,
    ),
    _K.SIGNED_UPDATE_FIRMWARE: _row(
        ALLOW, ALLOW, _FOR_UPSTREAMS, _FOR_UPSTREAMS, primary=_NOT_ITS_FIRMWARE, operator=_NOT_ITS_FIRMWARE
    ),
    _K.INSTALL_MANUFACTURER_ROOT: _row(
        ALLOW, ALLOW, _NOT_ITS_ROOTS, ALLOW, primary=_NOT_ITS_ROOTS, operator=_NOT_ITS_ROOTS
    ),
    _K.LIST_MANUFACTURER_ROOTS: _row(ALLOW, ALLOW, ALLOW, ALLOW, primary=_ROOTS_HIDDEN, operator=_ROOTS_HIDDEN),
    **dict.fromkeys(AT_THE_STATION, _row(_AT_THE_STATION, _AT_THE_STATION, ALLOW, ALLOW)),
}
"""The table by rows. `SET_OPTION` is allowed as a command; which option may be written is `OPTION_WRITES`."""


def _cell(cell: _Cell, situation: Situation) -> Decision:
    return cell[list(Situation).index(situation)] if isinstance(cell, tuple) else cell


PERMISSIONS: Mapping[tuple[Asker, CommandKind, Situation], Decision] = {
    (asker, kind, situation): _cell(cell, situation)
    for kind, row in ROWS.items()
    for asker, cell in row.items()
    for situation in Situation
}
"""The table cell by cell."""

_EVERYBODY = frozenset(Asker)
_UPSTREAMS = _EVERYBODY - {Asker.PAGE, Asker.LINE}
_BILLING = frozenset({Asker.MANAGEMENT_BILLING, Asker.PRIMARY})
_INSTALLERS = frozenset({Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT, Asker.PAGE, Asker.LINE})

OPTION_WRITES: Mapping[Scope, frozenset[Asker]] = {
    Scope.CONNECTION: _UPSTREAMS,
    Scope.AUTHORITY: _BILLING,
    Scope.WIRING: _BILLING | _INSTALLERS,
    Scope.SHARED: _EVERYBODY,
    Scope.INSTALLATION: _INSTALLERS,
    Scope.CONSTANT: frozenset(),
}
"""Who may write the options of a scope; everybody else sees them read-only."""

_MANAGEMENT = frozenset({Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT})
_OF_THE_OTHERS = ("billing_upstream", "primary_backoffice", "further_operators", "pending_change")

HIDDEN_OPTIONS: Mapping[str, frozenset[Asker]] = {
    "local_list_enabled": _EVERYBODY - _BILLING,
    **dict.fromkeys(_OF_THE_OTHERS, _EVERYBODY - _MANAGEMENT),
}
"""Options of features that only the Billing upstream has, or that tell of the others: the rest has no such key."""


def permission(asker: Asker, kind: CommandKind, situation: Situation, given: Set[Condition] = frozenset()) -> Decision:
    """The decision for one command, where these conditions hold."""
    decision = PERMISSIONS[asker, kind, situation]
    return ALLOW if decision.unless is not None and decision.unless in given else decision


def may_update(asker: Asker, policy: FirmwarePolicy) -> bool:
    """True if such an upstream may update the firmware: management always, others as the manufacturer says."""
    if asker is Asker.PRIMARY:
        return not policy.reserved_for_management
    if asker is Asker.OPERATOR:
        return policy.operators_may_update and not policy.reserved_for_management
    return asker in (Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT)


def may_write(row: Option, asker: Asker) -> bool:
    """True if whoever asks may write this option."""
    return row.writable and asker in OPTION_WRITES[row.scope]


def may_see(row: Option, asker: Asker) -> bool:
    """True if whoever asks has a key for this option at all."""
    return asker not in HIDDEN_OPTIONS.get(row.name, frozenset())
