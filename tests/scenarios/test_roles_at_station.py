"""Every command of the control socket, while nothing runs and while a transaction does: the permission table decides.

It is the walk of `test_roles` for the column of the page, over the socket of a whole agent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.control.protocol import COMMANDS
from agent.runtime.permit import KINDS
from agent.station.upstreams import permissions
from agent.station.upstreams.permissions import PERMISSIONS, Decision, Situation, Verb, permission
from agent.vocabulary.commands import CommandKind, ResultStatus
from agent.vocabulary.upstreams import Asker
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import back, begin, end, leave, logged, play

K, S = CommandKind, Situation
PASSWORD = "a-password-of-20-chars"
ASK: Mapping[str, tuple[CommandKind, dict[str, Any]]] = {
    "set-primary": (K.ASK_OPERATORS, {"url": "wss://new.example/ocpp", "identity": "CP1", "password": PASSWORD}),
    "remove-primary": (K.ASK_OPERATORS, {"word": "delete"}),
    "add-operator": (K.ASK_OPERATORS, {"url": "wss://new.example/ocpp", "identity": "CP2", "password": PASSWORD}),
    "remove-operator": (K.ASK_OPERATORS, {"operator": "nobody", "word": "delete"}),
    "set-billing": (K.ASK_OPERATORS, {"upstream": "management"}),
    "discard-pending": (K.ASK_OPERATORS, {}),
    "clear-latch": (K.CLEAR_LATCH, {"connector": 1}),
    "clear-hold": (K.CLEAR_HOLD, {"upstream": "management"}),
    "set-limit": (K.SET_LIMIT, {"connector": 1, "current_a": 16}),
    "outage-mode": (K.SET_OUTAGE_MODE, {"mode": "accept-known"}),
    "services-set": (K.EDIT_SERVICES, {"upstream": "management", "broadcast": "off"}),
    "services-reservations": (K.EDIT_SERVICES, {"upstream": "management"}),
    "services-route-add": (K.EDIT_SERVICES, {"by": "token-prefix", "value": "0E", "upstream": "management"}),
    "services-route-remove": (K.EDIT_SERVICES, {"number": 1}),
    "services-evse": (K.EDIT_SERVICES, {"connector": 1, "id": ""}),
    "services-card": (K.EDIT_SERVICES, {"card": "04AABBCCDDEE01"}),
    "reoffer": (K.REOFFER, {}),
    "delete-sessions": (K.DELETE_RECORDS, {"before_ms": 1, "word": "delete"}),
    "clear-security-log": (K.DELETE_RECORDS, {}),
    "reboot": (K.RESET_HARD, {}),
}
"""Every command that does something, with its row of the table; the last one ends what runs."""
LOOKS: Mapping[str, dict[str, Any]] = {
    **{c: {} for c in ("status", "sessions", "upstreams", "catalogue", "why", "security-log", "services", "decisions")},
    "export": {"upstream": "management"},
    "dump": {},
}
DONE = {"clear-latch", "set-limit", "outage-mode", "reoffer", "delete-sessions", "clear-security-log", "reboot"}
"""What nothing else than the table is against in this rig."""


async def ask(folder: Path, command: str, **fields: object) -> Any:
    """One request over the control socket, and its answer."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "run" / "control.socket"))
    writer.write(json.dumps({"command": command, **fields}).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answer


def words_of(answer: Any) -> str:
    return "; ".join(error["message"] for error in answer.get("errors", []))


async def walk(rig: StationRig, folder: Path, situation: Situation) -> None:
    """All cells of the column in this state: refused is what the table refuses, in its words."""
    for command, (kind, fields) in ASK.items():
        decision = permission(Asker.PAGE, kind, situation)
        answer = await ask(folder, command, **fields)
        if decision.verb is Verb.REFUSE:
            assert words_of(answer) == decision.reason, command
        else:
            assert answer["ok"] or command not in DONE, (command, answer)
        if command == "reboot" and decision.verb is Verb.ALLOW:
            await back(rig, rig.restarted())
    for command, fields in LOOKS.items():
        assert (await ask(folder, command, **fields))["ok"], command


@pytest.mark.rule("security.ATK-27")
def test_somebody_at_the_station_may_do_what_the_table_says(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await walk(rig, tmp_path, S.NO_TRANSACTION)
        await begin(rig)
        await walk(rig, tmp_path, S.FOREIGN_TRANSACTION)
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("two-upstreams.TU07")
def test_what_a_table_refuses_at_the_station_is_not_done_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Decision(Verb.REFUSE, ResultStatus.REJECTED, "not while anybody looks")
    nothing = {cell: refused if cell[0] is Asker.PAGE else decision for cell, decision in PERMISSIONS.items()}
    monkeypatch.setattr(permissions, "PERMISSIONS", nothing)

    async def story(rig: StationRig) -> None:
        await begin(rig)
        await walk(rig, tmp_path, S.FOREIGN_TRANSACTION)
        assert rig.closed(), "nothing has happened"
        assert len(logged(rig, "control.refused", "not while anybody looks")) == len(ASK)
        await end(rig)

    play(tmp_path, story)


def test_every_command_of_the_socket_is_asked_for() -> None:
    assert set(ASK) | set(LOOKS) | {"watch"} == set(COMMANDS)
    assert {kind for kind, _ in ASK.values()} == {kind for kind in KINDS.values() if kind is not None}
