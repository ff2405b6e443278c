"""The certification cases of OCPP 1.6 for charge points, and what this suite does with each.

Theory of operation
-------------------
`CASES` is the closed table of the test case document of April 2024: 102 cases for the station as system under test,
each with the profile of its chapter and a title in our words. `state` says what the suite does with it: `TESTED` by the
test functions that carry `@pytest.mark.certification("<id>")`, or `NOT_APPLICABLE` with the reason. `test_cases.py`
holds table and markers equal, and `python -m tests.certification.cases` prints the count; `make test` ends with it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent
MARKER = "certification"


class Profile(StrEnum):
    """Chapter of the test case document."""

    CORE = "Core"
    LOCAL_LIST = "LocalAuthListManagement"
    FIRMWARE = "FirmwareManagement"
    RESERVATION = "Reservation"
    TRIGGER = "RemoteTrigger"
    SMART_CHARGING = "SmartCharging"
    SECURITY = "Security"


class State(StrEnum):
    """What the suite does with a case."""

    TESTED = "tested"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Case:
    """One row: `reason` says why a case is not tested."""

    id: str
    title: str
    profile: Profile
    state: State = State.TESTED
    reason: str = ""


def _tested(profile: Profile, **titles: str) -> tuple[Case, ...]:
    return tuple(Case(f"TC_{number[1:]}_CS", title, profile) for number, title in titles.items())


CASES: tuple[Case, ...] = (
    *_tested(
        Profile.CORE,
        _001="A cold boot that is first refused",
        _002="A cold boot that is held pending",
        _003="A session: the cable first, then the card",
        _004_1="A session: the card first, then the cable",
        _004_2="A card and no cable: the connection time-out",
        _068="Only the card that started stops",
        _069="A card of the same group stops",
        _005_1="The car is pulled: stop, and unlock",
        _005_2="The car is pulled: stop, and stay locked",
        _005_3="The car is pulled: the transaction goes on",
        _007="A card that the cache knows starts without being asked about",
        _061="An emptied cache asks again",
        _010="Remote start with the cable plugged",
        _011_1="Remote start before the cable is plugged",
        _011_2="Remote start and no cable: the connection time-out",
        _012="Remote stop",
        _013="Hard reset of an idle station",
        _014="Soft reset of an idle station",
        _015="Hard reset in a transaction",
        _016="Soft reset in a transaction",
        _017_1="Unlock without a session at a socket",
        _017_2="Unlock without a session at a fixed cable",
        _018_1="Unlock in a session at a socket",
        _018_2="Unlock in a session at a fixed cable",
        _019="Every configuration key that is required, with its access",
        _021="A changed key is read back",
        _070="Sampled meter values",
        _071="Clock-aligned meter values",
        _023="A card that is not accepted starts nothing",
        _024="A lock that does not lock",
        _026="Remote start of a busy connector",
        _027="Remote start of connector 0",
        _028="Remote stop of an unknown transaction",
        _030="An unlock that fails",
        _031="Unlock of an unknown connector",
    ),
    Case(
        "TC_032_1_CS",
        "Power failure: the transaction is stopped while a backup still supplies the station",
        Profile.CORE,
        State.NOT_APPLICABLE,
        "no supported hardware has a backup supply or sees the mains fail; TC_032_2_CS is the other half",
    ),
    *_tested(
        Profile.CORE,
        _032_2="Power failure: the transaction is stopped after the return of power",
        _034="Unavailability outlives a power failure",
        _036="The connection is lost in a transaction",
        _037_1="A session begun offline with a valid card",
        _037_2="A session begun offline with an invalid card: only the energy stops",
        _037_3="A session begun offline with an invalid card: the transaction stops",
        _038="A session ended offline",
        _039="A whole session offline",
        _040_1="A key that is not known",
        _040_2="A value that is not possible",
        _041="A fault refuses sessions",
        _062="Data transfer to the station",
    ),
    *_tested(
        Profile.LOCAL_LIST,
        _042_1="Version of the list where there is none",
        _042_2="Version of an empty list",
        _043="A list is sent",
        _043_1="A list is sent where there is none",
        _043_2="An update of another version of the list",
        _043_3="A list that cannot be stored",
        _008="A card that the list knows starts without being asked about",
    ),
    *_tested(
        Profile.FIRMWARE,
        _044_1="Firmware is downloaded and installed",
        _044_2="The download of firmware fails",
        _044_3="The installation of firmware fails",
    ),
    *_tested(
        Profile.FIRMWARE,
        _045_1="Diagnostics are uploaded",
        _045_2="The upload of diagnostics fails",
    ),
    *_tested(
        Profile.RESERVATION,
        _046_1="A reserved connector: the card at the station",
        _046_2="A reserved connector: remote start",
        _047="A reservation expires",
        _048_1="Reservation of a faulted connector",
        _048_2="Reservation of an occupied connector",
        _048_3="Reservation of an unavailable connector",
        _048_4="Reservation that is refused",
        _049="Reservation of the station",
        _050_1="Reservation of a faulted station",
        _050_2="Reservation of an occupied station",
        _050_3="Reservation of an unavailable station",
        _050_4="Reservation of the station that is refused",
        _051="A reservation is cancelled",
        _052="An unknown reservation is cancelled",
        _053="A reservation that a card of the same group uses",
    ),
    *_tested(
        Profile.TRIGGER,
        _054="Messages on demand",
        _055="A message on demand that is refused",
    ),
    *_tested(
        Profile.SMART_CHARGING,
        _056="A default profile",
        _057="A profile of the transaction",
        _058_1="A profile of a transaction where none runs",
        _058_2="A profile of another transaction",
        _082="A default profile in a transaction",
        _066="The composite of three profiles",
        _067="Profiles are cleared",
        _072="Stacked profiles",
        _059="Remote start with a profile",
        _060="Remote start with a profile of a wrong purpose",
    ),
    *_tested(
        Profile.SECURITY,
        _073="A new password",
        _074="A new client certificate",
        _075_1="A root of the manufacturer is installed",
        _075_2="A root of the backend is installed",
        _076="A root is deleted",
        _077="A client certificate that is not valid",
        _078="A root of the backend that is not valid",
    ),
    *_tested(Profile.SECURITY, _079="The security log is uploaded"),
    *_tested(
        Profile.SECURITY,
        _080="Signed firmware is installed",
        _081="Firmware with an invalid signature",
    ),
    *_tested(
        Profile.SECURITY,
        _083="The security profile is raised",
        _084="The security profile is not lowered",
        _085="The password is in the header",
        _086="The server shows its certificate",
        _087="The station shows its certificate",
    ),
)
COUNT = 102


@dataclass(frozen=True, slots=True)
class Marked:
    """A test function that certifies a case. `fails`: the station is known not to pass."""

    test: str
    case: str
    fails: bool


def marked() -> list[Marked]:
    """What the test modules of this folder certify, read from their source."""
    found = []
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                known = {name: list(values) for decorator in node.decorator_list for name, values in _marks(decorator)}
                found += [Marked(node.name, case, "xfail" in known) for case in known.get(MARKER, [])]
    return found


def summary(marks: list[Marked] | None = None) -> str:
    """The line that a run of the suite ends with."""
    marks = marked() if marks is None else marks
    states = Counter(case.state for case in CASES)
    failing = {mark.case for mark in marks if mark.fails}
    passing = {mark.case for mark in marks} - failing
    further = [f"{len(failing)} known to fail: {', '.join(sorted(failing))}"] if failing else []
    if states[State.NOT_APPLICABLE]:
        further.append(f"{states[State.NOT_APPLICABLE]} not applicable")
    return f"certification cases: {len(passing)} of {len(CASES)} ({', '.join(further)})"


def by_id() -> Mapping[str, Case]:
    """The table by the identifier of its cases."""
    return {case.id: case for case in CASES}


def _marks(decorator: ast.expr) -> Iterator[tuple[str, list[str]]]:
    """Name and texts of every `pytest.mark.<name>(...)` in a decorator, those of parameters included."""
    for node in ast.walk(decorator):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield node.func.attr, texts


if __name__ == "__main__":
    print(summary())
