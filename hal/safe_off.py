"""Switch everything off when the agent is dead: `python -m hal.safe_off FOLDER`. Standard library only.

The agent leaves one JSON file per connector in its run directory: port, serial settings, ready-made frames and the one
right answer to each. This program replays them; it knows no protocol and no profile, and loads nothing that could be
what broke the agent. systemd runs it after every end of the agent, so it must do no harm when all is well already.

Exit status: 0 every frame was answered rightly (or there is nothing to switch off), 1 at least one was not, 2 usage.
"""

from __future__ import annotations

import json
import os
import select
import sys
import termios
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TRIES = 3
ANSWER_S = 0.4
GAP_S = 0.1
TOTAL_S = 6.0
"""All connectors together; what is not done by then is given up and told."""


@dataclass(frozen=True, slots=True)
class SafeOff:
    """What switches one connector off. Frames and answers are hex; an empty answer is not checked."""

    connector: int
    port: str
    baud: int
    parity: str
    stop_bits: int
    frames: tuple[str, ...]
    answers: tuple[str, ...]


def write(folder: Path, entry: SafeOff) -> Path:
    """Leave the file of one connector, atomically. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"connector-{entry.connector}.json"
    beside = target.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(asdict(entry), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(target)
    return target


def read(path: Path) -> SafeOff:
    """Read one file. Raises `ValueError` or `OSError` when it cannot be used."""
    data = json.loads(path.read_text(encoding="utf-8"))
    try:
        data["frames"], data["answers"] = tuple(data["frames"]), tuple(data["answers"])
        entry = SafeOff(**data)
        bytes.fromhex("".join(entry.frames) + "".join(entry.answers))
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    return entry


def switch_off(entry: SafeOff, deadline: float) -> list[str]:
    """Send the frames of one connector, each once. Returns what went wrong; empty: all was answered rightly."""
    try:
        line = _open(entry)
    except (OSError, termios.error, AttributeError) as error:
        return [f"{entry.port}: {error}"]
    try:
        return [
            f"frame {index} was not answered"
            for index, (frame, answer) in enumerate(zip(entry.frames, entry.answers, strict=True), 1)
            if not _send(line, bytes.fromhex(frame), bytes.fromhex(answer), deadline)
        ]
    except (OSError, termios.error) as error:
        return [f"{entry.port}: {error}"]
    finally:
        os.close(line)


def main(arguments: Sequence[str]) -> int:
    """The command line; prints one line per connector and returns the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    folder = Path(arguments[0])
    files = sorted(folder.glob("connector-*.json"))
    if not files:
        print(f"safe_off: nothing to do, no connector-*.json in {folder}")
        return 0
    return _all_off(files)


def _all_off(files: Iterable[Path]) -> int:
    """Each connector once, then those again that did not answer: a dead board takes no time from a living one."""
    deadline = time.monotonic() + TOTAL_S
    problems = {path: ["not tried"] for path in files}
    for _ in range(TRIES):
        for path in [path for path, found in problems.items() if found]:
            problems[path] = _try(path, deadline)
    for path, found in problems.items():
        print(f"safe_off: {path.stem}: {'; '.join(found) if found else 'off'}", flush=True)
    return int(any(problems.values()))


def _try(path: Path, deadline: float) -> list[str]:
    try:
        return switch_off(read(path), deadline)
    except (OSError, ValueError) as error:
        return [str(error)]


def _open(entry: SafeOff) -> int:
    line = os.open(entry.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        speed = getattr(termios, f"B{entry.baud}")
        flags = termios.CS8 | termios.CREAD | termios.CLOCAL
        wire = not os.path.realpath(entry.port).startswith("/dev/pts/")  # a pseudo-terminal refuses a parity bit
        flags |= termios.PARENB if wire and entry.parity in ("E", "O") else 0
        flags |= termios.PARODD if entry.parity == "O" else 0
        flags |= termios.CSTOPB if entry.stop_bits == 2 else 0
        characters = termios.tcgetattr(line)[6]
        termios.tcsetattr(line, termios.TCSANOW, [0, 0, flags, 0, speed, speed, characters])
    except BaseException:
        os.close(line)
        raise
    return line


def _send(line: int, frame: bytes, answer: bytes, deadline: float) -> bool:
    """Send one frame within the time; True if its answer was seen."""
    if time.monotonic() > deadline:
        return False
    time.sleep(GAP_S)
    termios.tcflush(line, termios.TCIOFLUSH)
    os.write(line, frame)
    return not answer or answer in _received(line, len(frame) + len(answer), answer)


def _received(line: int, longest: int, wanted: bytes) -> bytes:
    """What comes back within the time of one answer, own echo included."""
    found = b""
    until = time.monotonic() + ANSWER_S
    while wanted not in found and len(found) < 4 * longest and (left := until - time.monotonic()) > 0:
        if select.select([line], [], [], left)[0]:
            data = os.read(line, 256)
            if not data:
                raise OSError("the line is gone")
            found += data
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
