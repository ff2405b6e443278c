"""`make nightly`: the long counts, then the suite with every set of versions and every CPython that is found.

Prints one line per run and names the interpreters that it did not find; the exit status is that of the worst run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINORS = (11, 12, 13, 14)
VERSION_SETS = ("newest", "2026.02", "2026.08")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite."""

    name: str
    python: str
    versions: str
    selection: str


def version_of(python: str) -> tuple[int, int] | None:
    """Major and minor of an interpreter, or None if it does not answer."""
    ask = "import sys; print(sys.version_info[0], sys.version_info[1])"
    done = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=False)
    return None if done.returncode else (int(done.stdout.split()[0]), int(done.stdout.split()[1]))


def interpreters() -> dict[int, str]:
    """Minor version to the path of a CPython that answers, of those we support."""
    candidates = [shutil.which(f"python3.{minor}") or "" for minor in MINORS]
    candidates += [str(p) for p in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
    candidates.append(os.environ.get("PYTHON", "") or sys.executable)
    found: dict[int, str] = {}
    for python in filter(None, candidates):
        version = version_of(python)
        if version and version[0] == 3 and version[1] in MINORS:
            found.setdefault(version[1], python)
    return found


def plan(found: dict[int, str], first: str) -> list[Run]:
    """The long counts once, every set of versions with the first interpreter, every interpreter with the newest."""
    runs = [Run("long counts, newest versions", first, "newest", "nightly or not nightly")]
    runs += [Run(f"versions of Buildroot {v}", first, v, "not nightly") for v in VERSION_SETS[1:]]
    runs += [Run(f"CPython 3.{minor}", python, "newest", "not nightly") for minor, python in sorted(found.items())]
    return runs


def perform(run: Run) -> int:
    """Set up an environment for the run and run the suite; returns pytest's exit status."""
    minor = version_of(run.python)
    venv = ROOT / ".cache" / f"nightly-{minor[1] if minor else 0}-{run.versions}"
    if not (venv / "bin" / "pytest").exists():
        subprocess.run([run.python, "-m", "venv", "--clear", str(venv)], check=True)
        constraints = ROOT / "buildroot" / f"constraints-{run.versions}.txt"
        pip = [
            str(venv / "bin" / "pip"),
            "install",
            "-q",
            "--disable-pip-version-check",
            "--constraint",
            str(constraints),
        ]
        subprocess.run([*pip, "--editable", f"{ROOT}[test]"], check=True)
    command = [str(venv / "bin" / "python"), "-m", "pytest", "-q", "-m", run.selection]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> int:
    """Run the plan; 0 only if every run passed."""
    found = interpreters()
    missing = [f"3.{minor}" for minor in MINORS if minor not in found]
    results: list[tuple[str, int]] = []
    for run in plan(found, os.environ.get("PYTHON", "") or sys.executable):
        print(f"== {run.name}", flush=True)
        results.append((run.name, perform(run)))
    for name, status in results:
        print(f"{'passed' if status == 0 else 'FAILED'}  {name}")
    print(f"not found, so not run: CPython {', '.join(missing)}" if missing else "every supported CPython was found")
    return max((status for _, status in results), default=0)


if __name__ == "__main__":
    sys.exit(main())
