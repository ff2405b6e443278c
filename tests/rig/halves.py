"""`python -m tests.rig.halves MARKERS`: the suite in two processes side by side, one for each of two cores.

The first half is shown as it runs, the second when it has ended; the exit status is that of the worse one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.rig.source_tree import ROOT

FIRST = (
    "tests/agent",
    "tests/hal",
    "tests/certification",
    "tests/interoperability",
    "tests/fuzz",
    "tests/peers",
    "tests/rig",
)


def second() -> list[str]:
    """Everything that the first half does not hold, so that a new folder is never forgotten."""
    mine = {path.split("/")[1] for path in FIRST}
    entries = sorted((ROOT / "tests").iterdir())
    tests = [e for e in entries if e.name not in mine and (e.is_dir() or e.name.startswith("test_"))]
    return [str(entry.relative_to(ROOT)) for entry in tests if entry.name not in ("__pycache__", "vectors")]


def start(paths: Sequence[str], markers: str, output: object) -> subprocess.Popen[bytes]:
    """One half as a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", markers, *paths]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)  # type: ignore[call-overload,no-any-return]


def main(markers: str) -> int:
    """Run both halves; 0 only if both passed."""
    with tempfile.TemporaryFile() as held:
        halves = [start(FIRST, markers, None), start(second(), markers, held)]
        statuses = [half.wait() for half in halves]
        held.seek(0)
        sys.stdout.write(held.read().decode("utf-8", "replace"))
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
