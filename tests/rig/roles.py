"""`python -m tests.rig.roles`: writes ROLES.md, who may do what and who sees what, from the tables of the station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.ocpp.v16.keys import KEYS
from agent.station.upstreams.fanout import FANOUT, RECEIVERS, Delivery, EventKind
from agent.station.upstreams.permissions import (
    ALSO_WRITE,
    HIDDEN_OPTIONS,
    OPTION_WRITES,
    PERMISSIONS,
    Condition,
    Decision,
    Situation,
    Verb,
)
from agent.vocabulary.commands import AT_THE_STATION, CommandKind
from agent.vocabulary.options import OPTION_BY_NAME, Scope
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.upstreams import Asker, UpstreamKind
from tests.rig.source_tree import ROOT

TARGET = ROOT / "ROLES.md"
HEAD = """# Who may do what, and who sees what

Made from the tables that the station itself obeys (`agent/station/upstreams/permissions.py`, `fanout.py`); a test says
whether it still agrees, and others ask every one of these requests over real links and (the local page) over the
control socket.

Exactly one upstream is **Billing**: it authorises cards and owns transactions. That is the primary if one is set, else
management. All others are **Data & Control**: management beside a primary, and up to four further operators. A
transaction belongs to whoever authorised it, until it has ended.
"""
NAMES: Mapping[Asker, str] = {
    Asker.MANAGEMENT_BILLING: "management, Billing",
    Asker.PRIMARY: "primary, Billing",
    Asker.MANAGEMENT: "management beside a primary",
    Asker.OPERATOR: "further operator",
    Asker.PAGE: "local page",
    Asker.LINE: "line",
}
MESSAGES: Mapping[CommandKind, str] = {
    CommandKind.REMOTE_START: "RemoteStartTransaction",
    CommandKind.REMOTE_STOP: "RemoteStopTransaction",
    CommandKind.CHANGE_AVAILABILITY: "ChangeAvailability",
    CommandKind.UNLOCK: "UnlockConnector",
    CommandKind.RESET_SOFT: "Reset (Soft)",
    CommandKind.RESET_HARD: "Reset (Hard), `stationctl reboot`",
    CommandKind.GET_OPTIONS: "GetConfiguration",
    CommandKind.SET_OPTION: "ChangeConfiguration",
    CommandKind.CLEAR_CACHE: "ClearCache",
    CommandKind.SEND_LIST: "SendLocalList",
    CommandKind.GET_LIST_VERSION: "GetLocalListVersion",
    CommandKind.RESERVE: "ReserveNow",
    CommandKind.CANCEL_RESERVATION: "CancelReservation",
    CommandKind.SET_PROFILE: "SetChargingProfile",
    CommandKind.CLEAR_PROFILES: "ClearChargingProfile",
    CommandKind.GET_COMPOSITE: "GetCompositeSchedule",
    CommandKind.TRIGGER: "TriggerMessage, ExtendedTriggerMessage",
    CommandKind.GET_DIAGNOSTICS: "GetDiagnostics",
    CommandKind.GET_LOG: "GetLog",
    CommandKind.SET_PASSWORD: "ChangeConfiguration of AuthorizationKey",
    CommandKind.RAISE_SECURITY_PROFILE: "ChangeConfiguration of SecurityProfile",
    CommandKind.INSTALL_ROOT: "InstallCertificate (CentralSystemRoot)",
    CommandKind.INSTALL_MANUFACTURER_ROOT: "InstallCertificate (ManufacturerRoot)",
    CommandKind.LIST_ROOTS: "GetInstalledCertificateIds (CentralSystemRoot)",
    CommandKind.LIST_MANUFACTURER_ROOTS: "GetInstalledCertificateIds (ManufacturerRoot)",
    CommandKind.DELETE_CERTIFICATE: "DeleteCertificate",
    CommandKind.TAKE_CERTIFICATE: "CertificateSigned",
    CommandKind.RENEW_CERTIFICATE: "ExtendedTriggerMessage (SignChargePointCertificate)",
    CommandKind.ASK_OPERATORS: "changes of operators (DataTransfer of stationd; `stationctl set-primary` and the like)",
    CommandKind.SET_OWN_URL: "ChangeConfiguration of stationd.OwnUrl",
    CommandKind.UPDATE_FIRMWARE: "UpdateFirmware",
    CommandKind.SIGNED_UPDATE_FIRMWARE: "SignedUpdateFirmware",
    CommandKind.CLEAR_LATCH: "`stationctl clear-latch`",
    CommandKind.CLEAR_HOLD: "`stationctl clear-hold`",
    CommandKind.SET_LIMIT: "`stationctl set-limit`",
    CommandKind.SET_OUTAGE_MODE: "`stationctl outage-mode`",
    CommandKind.EDIT_SERVICES: "`stationctl services` that change something",
    CommandKind.REOFFER: "`stationctl reoffer`",
    CommandKind.DELETE_RECORDS: "`stationctl delete-sessions`, `clear-security-log`",
}
EVENTS: Mapping[EventKind, str] = {
    EventKind.STARTED: "StartTransaction",
    EventKind.SAMPLED: "MeterValues of a transaction",
    EventKind.STOPPED: "StopTransaction",
    EventKind.SAMPLED_OUTSIDE: "MeterValues outside of transactions",
    EventKind.CONDITION: "StatusNotification",
    EventKind.OWN_JOB: "status of an upload or update that it asked for",
    EventKind.OTHER_UPLOAD: "status of an upload that another asked for",
    EventKind.OTHER_UPDATE: "FirmwareStatusNotification of an update that another asked for; "
    "not with `tell_management = false` in the factory file",
    EventKind.SECURITY_OF_STATION: "SecurityEventNotification about the station",
    EventKind.SECURITY_OF_OWN_LINK: "the same about its own link",
    EventKind.SECURITY_OF_OTHER_LINK: "the same about another's link",
    EventKind.SECURITY_FOR_MANAGEMENT: "what only who looks after the station can act on",
}
SCOPES: Mapping[Scope, str] = {
    Scope.CONNECTION: "each has its own value",
    Scope.AUTHORITY: "the value of Billing counts",
    Scope.SHARED: "one value, the last writer wins",
    Scope.INSTALLATION: "one value that describes the installation",
    Scope.CONSTANT: "fixed",
}
_DELIVERIES = {Delivery.DURABLE: "every one, in order, kept until delivered", Delivery.LIVE: "while connected"}
_STATES = {
    Situation.NO_TRANSACTION: "idle",
    Situation.OWN_TRANSACTION: "own transaction",
    Situation.FOREIGN_TRANSACTION: "another's transaction",
}
_WORDS = {"rejected": "Rejected", "not_supported": "NotSupported", "unlock_failed": "UnlockFailed"}
_OTHER_WORDS = {CommandKind.GET_LIST_VERSION: "-1", CommandKind.UPDATE_FIRMWARE: "CALLERROR NotSupported"}
"""How a refusal is told where the confirmation has no status."""
_WORDS |= {"unknown_vendor": "UnknownVendorId", "not_found": "NotFound", "scheduled": "Scheduled"}


def text() -> str:
    """The whole of ROLES.md."""
    parts = [HEAD, _commands(), _conditions(), _options(), _events(), _privacy()]
    return "\n".join(parts)


def _commands() -> str:
    lines = ["## Requests\n", _header("request", NAMES.values())]
    for kind, message in MESSAGES.items():
        cells = (_permitted(asker, kind) for asker in NAMES)
        lines.append(f"| {message} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _permitted(asker: Asker, kind: CommandKind) -> str:
    if kind in AT_THE_STATION and asker in RECEIVERS:
        return "no such request"
    words = {situation: _word(PERMISSIONS[asker, kind, situation], kind) for situation in Situation}
    if len(set(words.values())) == 1:
        return words[Situation.NO_TRANSACTION]
    return "; ".join(f"{_STATES[situation]}: {word}" for situation, word in words.items())


def _word(decision: Decision, kind: CommandKind) -> str:
    if decision.verb is Verb.ALLOW:
        return "yes"
    word = _OTHER_WORDS.get(kind) or (_WORDS[decision.status.value] if decision.status else "")
    mark = f" ({list(Condition).index(decision.unless) + 1})" if decision.unless else ""
    return word + mark


def _conditions() -> str:
    lines = ["A refusal with a number is lifted where this is so:\n"]
    lines += [f"{number}. {condition.value}" for number, condition in enumerate(Condition, start=1)]
    return "\n".join(lines) + "\n"


def _options() -> str:
    lines = ["## Configuration keys\n", _header("keys", ("what they are", "written by"))]
    for scope, meaning in SCOPES.items():
        keys = [key.name for key in KEYS if _scope(key.option) is scope]
        writers = [NAMES[asker] for asker in NAMES if asker in OPTION_WRITES[scope]]
        lines.append(f"| {', '.join(keys) or '-'} | {meaning} | {_list(writers)} |")
    lines.append("\nEverybody else reads them as read-only. Besides:\n")
    for option, writers_too in ALSO_WRITE.items():
        lines.append(f"* {_key(option)} is also written by {_list(NAMES[a] for a in NAMES if a in writers_too)}.")
    for option, hidden in HIDDEN_OPTIONS.items():
        lines.append(f"* {_key(option)} is not there for {_list(NAMES[a] for a in NAMES if a in hidden)}.")
    return "\n".join(lines) + "\n"


def _events() -> str:
    lines = ["## Messages of the station\n", _header("message", (NAMES[one] for one in NAMES if one in RECEIVERS))]
    for event, message in EVENTS.items():
        cells = (_DELIVERIES.get(FANOUT[event, one], "no") for one in NAMES if one in RECEIVERS)
        lines.append(f"| {message} | {' | '.join(cells)} |")
    lines.append("\nAuthorize goes to Billing, or to whom the installer's routes name, and to nobody else.")
    return "\n".join(lines) + "\n"


def _privacy() -> str:
    lines = ["## Cards\n", "Billing, and whoever authorised a transaction, are told of its card in full. The others:\n"]
    lines.append(_header("upstream", ("told as shipped", "the factory file may say (`[privacy]`)")))
    choices = ", ".join(f"`{policy.value}`" for policy in IdTagPolicy)
    for kind in (UpstreamKind.MANAGEMENT, UpstreamKind.OPERATOR):
        lines.append(f"| {kind.value} | `{DEFAULT_PRIVACY[kind].value}` | {choices} |")
    return "\n".join(lines) + "\n"


def _scope(option: str | None) -> Scope:
    return Scope.CONSTANT if option is None else OPTION_BY_NAME[option].scope


def _key(option: str) -> str:
    return next(key.name for key in KEYS if key.option == option)


def _list(words: Iterable[str]) -> str:
    return "; ".join(words) or "nobody"


def _header(first: str, others: Iterable[str]) -> str:
    names = (first, *others)
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name} written")
