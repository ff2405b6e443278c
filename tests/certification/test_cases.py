"""The table of certification cases and the tests that carry them agree."""

from __future__ import annotations

from collections import Counter

from tests.certification.cases import CASES, COUNT, Case, Marked, Profile, State, by_id, marked, summary


def test_the_table_has_every_case_once() -> None:
    assert len(CASES) == COUNT
    assert len(by_id()) == COUNT


def test_what_is_not_tested_says_why() -> None:
    assert [case.id for case in CASES if bool(case.reason) == (case.state is State.TESTED)] == []


def test_all_of_core_and_security_is_there() -> None:
    counts = Counter((case.profile, case.state) for case in CASES)
    assert counts[Profile.CORE, State.TESTED] + counts[Profile.CORE, State.NOT_APPLICABLE] == 48
    assert counts[Profile.SECURITY, State.TESTED] == 15


def test_the_tests_certify_what_the_table_says_and_nothing_else() -> None:
    wanted = {case.id for case in CASES if case.state is State.TESTED}
    assert {mark.case for mark in marked()} == wanted


def test_a_test_is_named_after_its_case() -> None:
    def prefix(case: str) -> str:
        return f"test_{case.removesuffix('_CS').lower()}_"

    assert [mark for mark in marked() if not mark.test.startswith(prefix(mark.case))] == []


def test_the_summary_counts_what_passes_only() -> None:
    mark = Marked("test_tc_003_a", "TC_003_CS", False)
    broken = Marked("test_tc_010_b", "TC_010_CS", True)
    assert summary([mark, mark]) == "certification cases: 1 of 102 (1 not applicable)"
    assert "1 known to fail: TC_010_CS" in summary([mark, broken])
    assert summary([mark, broken]).startswith("certification cases: 1 of 102")


def test_a_case_is_found_by_its_identifier() -> None:
    assert by_id()["TC_003_CS"] == Case("TC_003_CS", "A session: the cable first, then the card", Profile.CORE)
