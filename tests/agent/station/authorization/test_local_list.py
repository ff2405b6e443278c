"""The local authorization list: whole updates, differential ones, and what is refused."""

from __future__ import annotations

import pytest

from agent.station.authorization.local_list import LocalList, Refused
from agent.vocabulary.commands import ResultStatus, SendList
from agent.vocabulary.ids import IdToken
from agent.vocabulary.records import MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT, AuthorizationStatus, ListEntry, Verdict

GOOD, BLOCKED = Verdict(AuthorizationStatus.ACCEPTED), Verdict(AuthorizationStatus.BLOCKED)


def entry(card: str, verdict: Verdict | None = GOOD) -> ListEntry:
    return ListEntry(IdToken(card), verdict)


def full(version: int, *entries: ListEntry) -> SendList:
    return SendList(version, True, entries)


def differential(version: int, *entries: ListEntry) -> SendList:
    return SendList(version, False, entries)


def says(found: LocalList, card: str, wall_ms: int | None = 0) -> AuthorizationStatus | None:
    verdict = found.get(IdToken(card), wall_ms)
    return verdict.status if verdict else None


@pytest.mark.rule("ocpp16.U20")
def test_a_full_update_replaces_all_and_an_empty_one_has_version_0() -> None:
    found = LocalList()
    assert found.version == 0
    assert found.update(full(5, entry("A"), entry("B", BLOCKED))) is None
    assert (found.version, says(found, "a"), says(found, "b")) == (5, GOOD.status, BLOCKED.status)
    assert found.update(full(2, entry("C"))) is None
    assert (found.version, says(found, "a"), says(found, "c")) == (2, None, GOOD.status)
    assert found.update(full(9)) is None
    assert found.version == 0


@pytest.mark.rule("ocpp16.U21")
def test_a_differential_update_adds_changes_and_removes_and_needs_a_higher_version() -> None:
    found = LocalList(3, [entry("A"), entry("B")])
    assert found.update(differential(4, entry("B", BLOCKED), entry("C"), entry("A", None))) is None
    assert [says(found, card) for card in "ABC"] == [None, BLOCKED.status, GOOD.status]
    for version in (4, 1):
        refused = found.update(differential(version, entry("D")))
        assert refused is not None
        assert refused.status is ResultStatus.VERSION_MISMATCH
    assert found.update(differential(7)) is None
    assert (found.version, says(found, "D")) == (7, None)


@pytest.mark.rule("ocpp16.U21")
def test_an_emptied_list_takes_any_update_since_its_version_is_told_as_0() -> None:
    found = LocalList(5)
    assert found.version == 0
    assert found.update(differential(1, entry("A"))) is None
    assert found.version == 1


@pytest.mark.rule("ocpp16.U22")
@pytest.mark.rule("ocpp16.U23")
@pytest.mark.parametrize(
    "wrong",
    [
        full(6, entry("x1"), entry("X1")),
        full(6, entry("X", None)),
        full(0, entry("X")),
        differential(-1, entry("X")),
        full(6, *(entry(f"{n}") for n in range(MAXIMUM_LIST_SENT + 1))),
    ],
)
def test_what_is_refused_changes_nothing(wrong: SendList) -> None:
    found = LocalList(3, [entry("A")])
    refused = found.update(wrong)
    assert isinstance(refused, Refused)
    assert refused.status is ResultStatus.FAILED
    assert (found.version, says(found, "A"), says(found, "X")) == (3, GOOD.status, None)


@pytest.mark.rule("ocpp16.U22")
def test_a_list_has_a_greatest_length() -> None:
    found = LocalList(1, [entry(f"{n}") for n in range(MAXIMUM_LIST_ENTRIES)])
    refused = found.update(differential(2, entry("one more")))
    assert refused is not None
    assert refused.status is ResultStatus.FAILED
    assert found.update(differential(2, entry("one more"), entry("7", None))) is None


@pytest.mark.rule("ocpp16.U05")
def test_past_its_date_an_entry_is_expired() -> None:
    found = LocalList(1, [entry("A", Verdict(AuthorizationStatus.ACCEPTED, expires_wall_ms=1000))])
    assert [says(found, "A", at) for at in (999, 1000, None)] == [
        AuthorizationStatus.ACCEPTED,
        AuthorizationStatus.EXPIRED,
        AuthorizationStatus.ACCEPTED,
    ]
