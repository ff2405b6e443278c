"""The child process itself: one question, one answer, and an end in any case."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.credentials.child import ChildFailed, ask
from agent.credentials.requests import (
    CheckChain,
    CheckRoot,
    Found,
    HashCertificates,
    Hashes,
    Made,
    MakeKey,
    Refused,
    Request,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from agent.vocabulary.certificates import CertificateHash, HashAlgorithm
from tests.rig.certificates import ROOT, issue

NAMED = CertificateHash(HashAlgorithm.SHA384, "aa", "bb", "1f")


@pytest.mark.parametrize(
    "asked",
    [
        MakeKey("/k", "SN1", "CPO ü"),
        CheckRoot("pem\n", 1, None, ("a", "b"), True),
        CheckChain("pem", "/k", 1, 2, (), "SN", "O", False),
        HashCertificates("SHA256", ("a",), ("b",)),
    ],
)
def test_a_request_is_one_line_and_read_as_it_was(asked: Request) -> None:
    line = write_request(asked)
    assert "\n" not in line
    assert read_request(line) == asked


@pytest.mark.parametrize(
    "answer", [Made("csr"), Found("n", 1, 2, "pem"), Hashes((NAMED,), ("f",), ("n",)), Refused("x")]
)
def test_an_answer_is_one_line_and_read_as_it_was(answer: Made | Found | Hashes | Refused) -> None:
    line = write_answer(answer)
    assert "\n" not in line
    assert read_answer(line) == answer


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '{"is": "Other"}', '{"is": "Made"}', '{"is": "Refused", "reason": "", "x": 1}']
)
def test_what_is_no_answer_is_told(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_answer(line)


@pytest.mark.rung3
def test_the_process_answers(tmp_path: Path) -> None:
    root = issue(ROOT)
    found = ask(CheckRoot(root.pem, 0, None))
    assert isinstance(found, Found)
    assert found.name == root.name


@pytest.mark.rung3
@pytest.mark.rule("ocpp16.Z06")
def test_the_key_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    made = ask(MakeKey(str(tmp_path / "k.key"), "SN1", "CPO"))
    assert isinstance(made, Made)
    assert (tmp_path / "k.key").read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.rung3
def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ChildFailed, match="longer than"):
        ask(CheckRoot("", 0, None), time_limit_s=0.001)


@pytest.mark.rung3
def test_a_line_that_is_no_request_ends_it_with_a_status() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "agent.credentials.worker"],
        input="rubbish\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
