"""`make run ONCE=1` with its real processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rig.demo_house import ROOT


@pytest.mark.rung3
@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.A10")
@pytest.mark.rule("product.V3")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--primary", "none"], "the backend holds"),
        (["--operators", "2"], "all 4 backends hold"),
    ],
)
def test_one_session_is_played_and_judged(options: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rig.demo", "--once", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{words} the same session, exactly once" in done.stdout
