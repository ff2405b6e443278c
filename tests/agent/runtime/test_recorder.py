from __future__ import annotations

from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import cast, get_args, get_type_hints

import pytest

from agent.runtime.recorder import InputRecorder, read_inputs, write_dump
from agent.vocabulary.certificates import CertificateHash, CertificateUse, HashAlgorithm
from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Recurrency, Schedule
from agent.vocabulary.commands import DeleteCertificate, ListRoots, RemoteStart, SetOption, SetPassword
from agent.vocabulary.ids import ConnectorId, IdToken, Secret, UpstreamId
from agent.vocabulary.inputs import (
    CommandReceived,
    Input,
    Registration,
    SecurityEventSeen,
    Tick,
    UpstreamChanged,
    WallTimeFixed,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.security import SecurityEventKind
from hal.api import CardSeen, Measurand, Measured, MeterSeen, Phase, PilotSeen, PilotState

M = UpstreamId("management")
AT = Moment(3, 12_345, None)
PLAIN: list[Input] = [
    Tick(),
    PilotSeen(1, PilotState.C, True, 16.0),
    MeterSeen(1, 1_000, (Measured(Measurand.VOLTAGE, 230.1, Phase.L1),), request=7),
    UpstreamChanged(M, True, Registration.ACCEPTED),
    WallTimeFixed(3, 1_700_000_000_000),
]


def record(*given: Input) -> str:
    recorder = InputRecorder()
    for one in given:
        recorder.record(one, AT)
    return "\n".join(recorder.lines())


def test_inputs_come_back_as_they_were() -> None:
    assert list(read_inputs(record(*PLAIN))) == [(AT, given) for given in PLAIN]


def test_a_charging_profile_comes_back_whole() -> None:
    schedule = Schedule(RateUnit.AMPERE, (Period(0, 16.0),))
    profile = ChargingProfile(3, 1, Purpose.TRANSACTION, ProfileKind.RELATIVE, schedule, recurrency=Recurrency.DAILY)
    start = CommandReceived(M, 1, RemoteStart(IdToken("card-1"), ConnectorId(1), 7, profile))
    assert list(read_inputs(record(start))) == [(AT, start)]


def test_no_two_kinds_that_an_input_can_hold_have_one_name() -> None:
    names: dict[str, object] = {}

    def meet(found: object) -> None:
        for part in get_args(found):
            meet(part)
        if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
            known = names.setdefault(found.__name__, found)
            assert known is found, f"{known} and {found}"
            if is_dataclass(found) and known not in met:
                met.add(found)
                for part in get_type_hints(found).values():
                    meet(part)

    met: set[object] = set()
    meet(Input)
    assert len(names) > 100


def test_cards_become_pseudonyms_that_keep_equal_cards_equal() -> None:
    start = CommandReceived(M, 1, RemoteStart(IdToken("04canary"), ConnectorId(1)))
    text = record(CardSeen("reader1", "04CANARY"), start, CardSeen("reader1", "04OTHER"))
    assert "canary" not in text.casefold()
    (_, card), (_, command), (_, other) = read_inputs(text)
    assert isinstance(card, CardSeen)
    assert isinstance(other, CardSeen)
    assert card.uid == cast(RemoteStart, cast(CommandReceived, command).command).token.value != other.uid


def test_a_secret_option_is_left_out() -> None:
    text = record(CommandReceived(M, 1, SetOption("authorization_key", "canary")))
    assert "canary" not in text
    assert "authorization_key" in text


@pytest.mark.rule("ocpp16.K06")
def test_a_password_is_left_out() -> None:
    text = record(CommandReceived(M, 1, SetPassword(Secret("canary of 16 letters"))))
    assert "canary" not in text
    assert "SetPassword" in text
    assert len(list(read_inputs(text))) == 1


def test_commands_about_certificates_come_back_as_they_were() -> None:
    given: list[Input] = [
        CommandReceived(M, 1, DeleteCertificate(CertificateHash(HashAlgorithm.SHA384, "aa", "bb", "1f"))),
        CommandReceived(M, 2, ListRoots(CertificateUse.MANUFACTURER_ROOT)),
        SecurityEventSeen(SecurityEventKind.INVALID_MESSAGES, "noise", M),
    ]
    assert list(read_inputs(record(*given))) == [(AT, one) for one in given]


def test_the_oldest_go_when_the_ring_is_full() -> None:
    recorder = InputRecorder(largest_bytes=500)
    for number in range(100):
        recorder.record(WallTimeFixed(number, 0), AT)
    assert sum(len(line) + 1 for line in recorder.lines()) <= 500
    assert [given for _, given in read_inputs(recorder.lines()[-1])] == [WallTimeFixed(99, 0)]


def test_the_stand_ins_for_cards_stay_bounded() -> None:
    recorder = InputRecorder()
    for number in range(1_200):
        recorder.record(CardSeen("r", f"{number:08X}"), AT)
    assert '"card-0"' in recorder.lines()[-1]


def test_only_the_last_dumps_are_kept(tmp_path: Path) -> None:
    recorder = InputRecorder()
    recorder.record(Tick(), AT)
    names = [write_dump(str(tmp_path), recorder.lines()) for _ in range(5)]
    kept = sorted(str(path) for path in (tmp_path / "inputs").iterdir())
    assert kept == names[-3:]
    assert list(read_inputs(Path(names[-1]).read_text())) == [(AT, Tick())]


@pytest.mark.parametrize("text", ["x", "[]", '{"at":[1,2,3]}', '{"at":[1,2,3],"input":{"_":"Nothing"}}'])
def test_what_is_no_dump_is_told_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(read_inputs(text))
