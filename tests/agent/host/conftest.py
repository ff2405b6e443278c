"""What tests of transfers share: a root that the station trusts, little patience, and an eye on what is left over."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.credentials.access import Access
from agent.credentials.tls import Judgement, client_context
from agent.host import connections
from tests.rig.certificates import ROOT, Issued, issue

NOW_MS = 1_780_000_000_000


@pytest.fixture(scope="session")
def root() -> Issued:
    return issue(ROOT)


@pytest.fixture
def trusting(root: Issued, tmp_path: Path) -> Callable[[], ssl.SSLContext]:
    """The TLS of a station that trusts this root alone."""
    (file := tmp_path / "root.pem").write_text(root.pem)
    access = Access("wss://x", "CP1", trust_files=(str(file),), public_roots=False)
    return lambda: client_context(access, Judgement(lambda: NOW_MS))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is silent is soon given up."""
    monkeypatch.setattr(connections, "STALL_S", 0.3)


@pytest.fixture
def tidy() -> Iterator[None]:
    """No thread and no open file is left over."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert set(threading.enumerate()) <= threads
    assert open_files() == files


def open_files() -> dict[str, str]:
    """What each descriptor of this process leads to."""
    with os.scandir("/proc/self/fd") as entries:
        found = {entry.name: entry.path for entry in entries}
    return {name: os.readlink(path) for name, path in found.items() if os.path.lexists(path)}
