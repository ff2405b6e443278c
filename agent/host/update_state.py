"""What the file-backed installer remembers over boots, and which slot a boot runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from agent.credentials.image_format import NotAnImage, version_numbers
from agent.host.update import BOOTS
from agent.host.update_slots import NAMES
from agent.settings.files.storage import read_file, write_file
from agent.settings.problems import SettingsError

FACTORY: Final = ""
"""Instead of a slot: the version that came with the hardware."""
_REMEDY = "the version that came with the hardware runs; update the station"


class StateError(RuntimeError):
    """The file of the state cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class State:
    """Names of slots, and what is counted."""

    good: str = FACTORY
    """What has proved itself."""
    trial: str = FACTORY
    """What was activated and has not; FACTORY: nothing."""
    boots: int = 0
    """How often the trial has booted."""
    running: str = FACTORY
    boot: str = ""
    """The id of the boot that runs it."""
    least_version: str = "0"
    """Nothing older installs."""


def booted(state: State, boot: str, *, trial_is_whole: bool) -> State:
    """The state in this boot: a new one chooses what runs, as a boot loader would; the same one runs what it ran."""
    if state.boot == boot:
        return state
    if state.trial != FACTORY and state.boots < BOOTS and trial_is_whole:
        return replace(state, boots=state.boots + 1, running=state.trial, boot=boot)
    return replace(state, trial=FACTORY, boots=0, running=state.good, boot=boot)


def confirmed(state: State, least_version: str) -> State:
    """The trial that runs is good, and what its manifest says of older versions counts from now on."""
    least = max(state.least_version, least_version, key=version_numbers)
    return replace(state, good=state.running, trial=FACTORY, boots=0, least_version=least)


def read_state(file: Path) -> State | None:
    """None if there is none. Raises StateError."""
    try:
        state = State(**json.loads(read_file(file, _REMEDY)))
        version_numbers(state.least_version)
        sound = type(state.boots) is int and isinstance(state.boot, str)
        sound = sound and {state.good, state.trial, state.running} <= {FACTORY, *NAMES}
    except FileNotFoundError:
        return None
    except SettingsError as error:
        raise StateError(str(error)) from None
    except (ValueError, TypeError, NotAnImage):
        raise StateError(f"{file} cannot be read; {_REMEDY}") from None
    if not sound:
        raise StateError(f"{file} names slots or counts boots in a way that cannot be meant; {_REMEDY}")
    return state


def write_state(file: Path, state: State) -> None:
    """Wholly or not at all. Raises OSError."""
    write_file(file, json.dumps(asdict(state)) + "\n")
