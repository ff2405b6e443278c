"""An installer of files: two slots under a folder, and a boot loader played by whoever makes it with a new boot id.

It is for stations without an update system of their own, for the desk and for tests: it keeps every promise of
`Installer`, over a cut at any instruction, and leaves out only that the payload is run. Which version runs is decided
once per boot, so a restart of the agent alone changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agent.credentials.child import ChildFailed
from agent.credentials.firmware import CheckImage, ImageFound
from agent.credentials.image_format import NotAnImage, version_numbers
from agent.credentials.requests import Answer, Refused, Request
from agent.host.update import BOOTS, InstallFailed, Pending, Slot
from agent.host.update_slots import NAMES, Slots
from agent.host.update_state import FACTORY, State, StateError, booted, confirmed, read_state, write_state


@dataclass(frozen=True, slots=True)
class UpdateWorld:
    """What the installer needs to know of the station."""

    model: str
    """As the factory file says it."""
    factory_version: str
    """What runs while nothing was installed. If it is a version, nothing older than it installs."""
    boot_id: str
    ask: Callable[[Request], Answer]
    """Ask the child process. Raises ChildFailed."""
    roots: Callable[[], tuple[str, ...]]
    """Files of the roots of the manufacturer."""
    times_ms: Callable[[], tuple[int, int | None]]
    """Earliest and latest time that it can be (see `agent.credentials.requests`)."""


class FileInstaller:
    """See `Installer`."""

    def __init__(self, folder: Path, world: UpdateWorld) -> None:
        """Reads the state, and chooses what runs if this is a new boot. `problem` says what was wrong with it."""
        self._world = world
        self._file = folder / "state.json"
        self._slots = Slots(folder)
        self.problem = ""
        """For the log; empty: all is well."""
        before = self._read()
        whole = before.trial != FACTORY and self._slots.read(before.trial) is not None
        self._state = booted(before, world.boot_id, trial_is_whole=whole)
        if self._state != before:
            try:
                write_state(self._file, self._state)
            except OSError as error:
                self.problem = f"{self._file} cannot be written ({error.strerror}); make room on the disk"

    def install(self, image: Path, progress: Callable[[int, int], None]) -> Slot:
        """See `Installer`."""
        state = self._state
        if state.running != state.good:
            raise InstallFailed("the version that runs has not been confirmed")
        found = self._checked(image)
        slot = next(name for name in NAMES if name != state.good)
        try:
            self._change(replace(state, trial=FACTORY, boots=0))
            self._slots.write(slot, image, found, progress)
        except (OSError, InstallFailed) as error:
            with suppress(OSError):
                self._slots.clear(slot)
            raise error if isinstance(error, InstallFailed) else _failed(error) from None
        return Slot(slot, found.version)

    def activate(self, slot: Slot) -> None:
        """See `Installer`."""
        content = self._slots.read(slot.name) if slot.name in NAMES else None
        if content is None or content.version != slot.version:
            raise InstallFailed(f"version {slot.version} is not installed in slot {slot.name}")
        if slot.name in (self._state.running, self._state.good):
            raise InstallFailed(f"slot {slot.name} runs, or is what the station falls back to")
        self._change_or_fail(replace(self._state, trial=slot.name, boots=0))

    def running_version(self) -> str:
        """See `Installer`."""
        return self._version_in(self._state.running)

    def pending(self) -> Pending | None:
        """See `Installer`."""
        state = self._state
        if state.trial == FACTORY:
            return None
        slot = Slot(state.trial, self._version_in(state.trial))
        return Pending(slot, state.running == state.trial, BOOTS - state.boots)

    def confirm(self) -> None:
        """See `Installer`."""
        state = self._state
        if state.trial == FACTORY or state.running != state.trial:
            return
        content = self._slots.read(state.trial)
        if content is None:
            raise InstallFailed(f"slot {state.trial} runs and cannot be read any more; update the station")
        self._change_or_fail(confirmed(state, content.least_version))

    def rollback(self) -> None:
        """See `Installer`."""
        if self._state.trial != FACTORY:
            self._change_or_fail(replace(self._state, trial=FACTORY, boots=0))

    def _checked(self, image: Path) -> ImageFound:
        world = self._world
        earliest_ms, latest_ms = world.times_ms()
        try:
            answer = world.ask(CheckImage(str(image), world.model, world.roots(), earliest_ms, latest_ms))
        except ChildFailed as failed:
            raise InstallFailed(str(failed)) from None
        if isinstance(answer, Refused):
            raise InstallFailed(f"the image is not taken: {answer.reason}", verification=True)
        if not isinstance(answer, ImageFound):
            raise InstallFailed(f"the check gave an answer of another kind ({answer!r})")
        least = self._state.least_version
        if version_numbers(answer.version) < version_numbers(least):
            why = f"the image is not taken: version {answer.version} is older than {least}, the least that may run here"
            raise InstallFailed(why, verification=True)
        return answer

    def _read(self) -> State:
        """If it is lost, what came with the hardware runs, and the slots still say how far back one may go."""
        try:
            state = read_state(self._file)
        except StateError as error:
            self.problem, state = str(error), None
        if state is not None:
            return state
        found = [content.least_version for content in map(self._slots.read, NAMES) if content is not None]
        return State(least_version=max([_as_version(self._world.factory_version), *found], key=version_numbers))

    def _version_in(self, slot: str) -> str:
        content = self._slots.read(slot) if slot != FACTORY else None
        return self._world.factory_version if content is None else content.version

    def _change(self, state: State) -> None:
        """On the disk, then here. Raises OSError."""
        if state != self._state:
            write_state(self._file, state)
            self._state = state

    def _change_or_fail(self, state: State) -> None:
        try:
            self._change(state)
        except OSError as error:
            raise _failed(error) from None


def _as_version(text: str) -> str:
    try:
        version_numbers(text)
    except NotAnImage:
        return "0"
    return text


def _failed(error: OSError) -> InstallFailed:
    return InstallFailed(f"the slot cannot be written: {error.strerror or type(error).__name__}")
