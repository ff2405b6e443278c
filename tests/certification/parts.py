"""Whom the certification tool plays, and what may differ then: as the tables of the station say, and nothing else.

Theory of operation
-------------------
The cases are written for one backend that decides everything. They are run three times: with management alone, where
all of them pass; with the primary as the tool beside a silent management; and with management as the tool beside a
primary. No list of differing cases is kept: a case that goes otherwise is *excused* by what it asked for and the
station's tables refuse to who asked, or by a question about a card that went to another backend, as it should; and what
the tables refuse in every situation must have been refused. A case that differs without an excuse fails.
"""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.keys import find
from agent.ocpp.wire import Call
from agent.station.upstreams.fanout import FANOUT, Delivery, EventKind
from agent.station.upstreams.permissions import Condition, Situation, Verb, may_see, may_write, permission
from agent.vocabulary.commands import CommandKind
from agent.vocabulary.options import OPTION_BY_NAME, Option
from agent.vocabulary.roles import Asker
from tests.rig.backend import ScriptedBackend
from tests.rig.ledger import RECEIVED, SENT, Frame
from tests.rig.miseries import ACTIONS
from tests.rig.rig_options import RigOptions
from tests.rig.script import Silent
from tests.rig.station_rig import StationRig


class Part(StrEnum):
    """Whom the tool plays."""

    ALONE = "management alone"
    PRIMARY = "the primary beside a silent management"
    MANAGEMENT = "management beside a primary"


ASKERS = {Part.ALONE: Asker.MANAGEMENT_BILLING, Part.PRIMARY: Asker.PRIMARY, Part.MANAGEMENT: Asker.MANAGEMENT}
HOLDS = {
    Asker.MANAGEMENT_BILLING: frozenset({Condition.RESERVATIONS, Condition.FIRMWARE}),
    Asker.PRIMARY: frozenset({Condition.RESERVATIONS, Condition.FIRMWARE}),
    Asker.MANAGEMENT: frozenset({Condition.FIRMWARE}),
}
"""What holds in a station whose factory file says nothing."""
REFUSALS = frozenset({"Rejected", "NotSupported", "UnlockFailed", "NotFound", "UnknownVendorId"})


class Examined(Protocol):
    """What is looked at after a case."""

    rig: StationRig
    backend: ScriptedBackend


class Present:
    """The part that is played now; set by the fixture of this folder."""

    part = Part.ALONE
    written_for = Asker.MANAGEMENT_BILLING
    """What the tool is in the case as it is written."""


def tool_of(rig: StationRig) -> ScriptedBackend:
    """The backend that is the tool."""
    return rig.primary if Present.part is Part.PRIMARY else rig.management


def with_others(options: RigOptions) -> RigOptions:
    """The station of a case, with a primary beside management if the part needs one."""
    Present.written_for = Asker.MANAGEMENT if options.primary else Asker.MANAGEMENT_BILLING
    return options if Present.part is Part.ALONE else replace(options, primary=True, primary_keys={})


def set_up(rig: StationRig) -> None:
    """The others: a management that says nothing."""
    if Present.part is Part.PRIMARY:
        rig.management.script.always.update(dict.fromkeys((*ACTIONS, "SecurityEventNotification"), Silent()))


def judge(tool: Examined, failure: BaseException | None) -> None:
    """After a case. Raises the failure, or AssertionError, where the tables do not say so."""
    if Present.part is Part.ALONE:
        if failure is not None:
            raise failure
        return
    treated = [frame for frame in _asked(tool) if _treated(tool, frame)]
    for frame in treated:
        answers = tool.backend.ledger.answers(frame.message_id, RECEIVED)
        if _treated(tool, frame) == "always" and answers and not _is_refusal(answers[-1]):
            raise AssertionError(f"{frame.action} is refused by the table and was answered {answers[-1].payload}")
    if failure is not None and not (treated or _others_were_asked(tool) or _not_told(failure)):
        raise AssertionError(f"as {Present.part} it goes otherwise, and no table says so: {failure}") from failure


def _asked(tool: Examined) -> list[Frame]:
    return [f for f in tool.backend.ledger.frames if f.direction == SENT and f.is_call]


def _treated(tool: Examined, frame: Frame) -> str:
    """How the tables treat this otherwise than the case was written for: `always` refused, `sometimes`, or empty."""
    asker, usual = ASKERS[Present.part], Present.written_for
    if frame.action == "GetConfiguration":
        keys = OPTION_BY_NAME.values()
        return "sometimes" if any(_key(row, asker) != _key(row, usual) for row in keys) else ""
    if frame.action == "ChangeConfiguration":
        key = find(str(frame.payload.get("key")))
        option = OPTION_BY_NAME.get(str(key.option)) if key is not None else None
        if option is None:
            return ""
        return "always" if may_write(option, usual) and not may_write(option, asker) else ""
    parsed = V16(tool.rig.agent.agent.start.options).parse(
        Call(frame.message_id, frame.action, json.loads(json.dumps(frame.payload))), True
    )
    kind = getattr(parsed, "kind", None)
    if not isinstance(kind, CommandKind):
        return ""
    differing = [s for s in Situation if _is_refused(asker, kind, s) != _is_refused(usual, kind, s)]
    always = differing and all(_is_refused(asker, kind, s) for s in Situation)
    return "always" if always else "sometimes" if differing else ""


def _is_refused(asker: Asker, kind: CommandKind, situation: Situation) -> bool:
    return permission(asker, kind, situation, HOLDS[asker]).verb is Verb.REFUSE


def _key(row: Option, asker: Asker) -> tuple[bool, bool]:
    return may_see(row, asker), may_write(row, asker)


def _is_refusal(answer: Frame) -> bool:
    return (
        not isinstance(answer.payload, dict)
        or answer.payload.get("status", "Rejected") in REFUSALS
        or (answer.payload.get("listVersion") == -1)
    )


def _others_were_asked(tool: Examined) -> bool:
    """Billing was asked about a card, and that is not the tool."""
    others = [backend for backend in tool.rig.backends if backend is not tool.backend]
    return any(backend.ledger.calls("Authorize") for backend in others)


def _not_told(failure: BaseException) -> bool:
    """What was waited for is told to management only."""
    kinds = (EventKind.SECURITY_FOR_MANAGEMENT, EventKind.SECURITY_OF_OTHER_LINK)
    untold = any(FANOUT[kind, ASKERS[Present.part]] is Delivery.NONE for kind in kinds)
    return untold and "expected SecurityEventNotification" in str(failure)
