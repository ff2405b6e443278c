"""Asks the child process that knows cryptography: one process for one question, ended if it takes too long.

What a certificate or a key makes a parser do thus ends with that process, and the agent's own memory never holds a
private key.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from agent.credentials.firmware import CheckImage, VerifyFile
from agent.credentials.requests import Answer, Request, read_answer, write_request

TIME_LIMIT_S: Final = 30.0
"""Loading the library alone takes seconds on a small processor."""
FILE_TIME_LIMIT_S: Final = 900.0
"""For who reads a whole file of firmware: 1 GiB at little more than 1 MB/s."""
_TOP: Final = str(Path(__file__).resolve().parents[2])
_KEPT: Final = ("LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""What of the environment the child is given."""


class ChildFailed(RuntimeError):
    """The child gave no answer: it took too long, or ended before."""


def ask(request: Request, time_limit_s: float | None = None) -> Answer:
    """Ask and wait; for a thread beside the event loop. Raises ChildFailed."""
    if time_limit_s is None:
        time_limit_s = FILE_TIME_LIMIT_S if isinstance(request, VerifyFile | CheckImage) else TIME_LIMIT_S
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": _TOP}
    command = [sys.executable, "-P", "-B", "-m", "agent.credentials.worker"]
    try:
        ended = subprocess.run(
            command,
            input=write_request(request) + "\n",
            capture_output=True,
            text=True,
            env=environment,
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"the check took longer than {time_limit_s:g} s") from None
    except OSError as error:
        raise ChildFailed(f"the check could not be started ({error.strerror})") from None
    try:
        return read_answer(ended.stdout)
    except ValueError:
        raise ChildFailed(f"the check ended with status {ended.returncode}") from None
