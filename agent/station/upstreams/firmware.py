"""Updates of the firmware, as far as the station decides on them: whose they are, and when the station is free for one.

Theory of operation
-------------------
There is one update at a time for the whole station. While one is under way only the upstream that asked for it may put
a newer one in its place, and only until it is being installed; nobody cancels another's (security extension of OCPP
1.6, L01). The updater, outside the station, does the work and says how far it is; who is told of it says `fanout`: who
asked in full, and others in the plain words that need no number.

An update that wants to be installed gets the station for itself: idle connectors become unavailable, nothing new
begins, and what charges goes on until it ends by itself. Then the updater may go on; until it lets go, nothing starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.fanout import told_of_update
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.commands import FirmwareCommand, Result, ResultStatus, TriggerKind, UpdateFirmware
from agent.vocabulary.effects import Answer
from agent.vocabulary.firmware import ENDED, IDLE, NO_WAY_BACK, FirmwareState, FirmwareStatus
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall, TellFirmware
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.inputs import FirmwareAnswered, FirmwareProgressed, FirmwareTold, InstallWanted
from agent.vocabulary.notes import StationNote

CLOSED = "the station is about to be updated"
RELEASE_MS = 15_000
"""The cable of the last one has so long to be released, before the station has no time for it."""
_AT_REST = frozenset({SessionState.FREE, SessionState.WAITING_CARD, SessionState.FINISHED})
"""States in which a connector is no hindrance."""


@dataclass(frozen=True, slots=True)
class _Update:
    """The newest update: whose it is, which message tells of it, and how far it is."""

    owner: UpstreamId
    what: TriggerKind
    state: FirmwareState


class Firmware:
    """Remembers the newest update. Locations and files never come here."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._judged: UpstreamId | None = None
        """Whose request the updater is looking at."""
        self._update: _Update | None = None
        self._permitted = False
        self._quiet_ms: int | None = None
        """Since when no connector is a hindrance."""

    @property
    def installing(self) -> bool:
        """The updater was let go on: the station must not be restarted by anybody else."""
        return self._permitted

    def ask(self, asker: Upstream, call: int, command: FirmwareCommand, turn: Turn) -> Result | None:
        """A command that the role permits. None: the updater answers."""
        refused = self._refusal(asker, command)
        if refused is not None:
            turn.note(StationNote.COMMAND_REFUSED, f"{command.kind.value}: {refused.reason}", upstream=asker.id)
            return refused
        self._judged = asker.id
        turn.add(HandleFirmware(asker.id, call, command))
        return None

    def answered(self, given: FirmwareAnswered, turn: Turn) -> None:
        """The updater has decided."""
        self._judged = None
        turn.add(Answer(given.upstream, given.call, given.result))

    def progressed(self, given: FirmwareProgressed, turn: Turn) -> None:
        """An update has come further; or the updater recalls how far it was when the agent ended."""
        before, self._update = self._update, _Update(given.upstream, given.what, given.state)
        if not given.message_id:
            return
        plain = given.state.plain
        news = plain != IDLE and (before is None or before.owner != given.upstream or before.state.plain != plain)
        awaited = False
        for upstream in self._site.registry:
            if not told_of_update(upstream, given.upstream, self._site.options.firmware):
                continue
            if upstream.id != given.upstream:
                if news:
                    turn.add(TellFirmware(upstream.id, TriggerKind.FIRMWARE_STATUS, plain))
            elif news or given.what is not TriggerKind.FIRMWARE_STATUS:
                state = plain if given.what is TriggerKind.FIRMWARE_STATUS else given.state
                turn.add(TellFirmware(upstream.id, given.what, state, given.message_id))
                awaited = True
        if not awaited:
            turn.add(NoteFirmwareTold(given.message_id))

    def told(self, given: FirmwareTold, turn: Turn) -> None:
        """An upstream has heard it."""
        turn.add(NoteFirmwareTold(given.message_id))

    def wanted(self, given: InstallWanted, turn: Turn) -> None:
        """An update wants the station for itself, or lets it go."""
        self._site.holds.closed = CLOSED if given.wanted else ""
        self._permitted = False
        self._quiet_ms = None
        turn.note(StationNote.INSTALL_WANTED, "nothing new begins" if given.wanted else "the connectors are free again")

    def settle(self, turn: Turn) -> None:
        """Let the updater go on once nothing is under way at any connector."""
        if not self._site.holds.closed or self._permitted or self._site.restarting is not None:
            return
        connectors = self._connectors.values()
        if any(connector.state not in _AT_REST for connector in connectors):
            self._quiet_ms = None
            return
        if self._quiet_ms is None:
            self._quiet_ms = turn.now_ms
        releasing = any(connector.lock.engaged and connector.lock.wanted is False for connector in connectors)
        if not releasing or turn.reached(self._quiet_ms + RELEASE_MS):
            self._permitted = True
            turn.add(PermitInstall())

    def present(self, upstream: UpstreamId, what: TriggerKind) -> FirmwareState:
        """What `what` tells this upstream of its newest update (OCPP 1.6 7.25; security extension, L01)."""
        update = self._update
        if update is None or update.owner != upstream:
            return IDLE
        if what is TriggerKind.FIRMWARE_STATUS:
            return IDLE if update.state.status in ENDED else update.state.plain
        same = update.what is what and update.state.status is not FirmwareStatus.INSTALLED
        return update.state if same else IDLE

    def _refusal(self, asker: Upstream, command: FirmwareCommand) -> Result | None:
        policy, update = self._site.options.firmware, self._update
        if isinstance(command, UpdateFirmware) and not policy.offers_legacy(asker.options.security_profile):
            return Result(ResultStatus.NOT_SUPPORTED, "only signed updates are offered to this upstream")
        if self._judged is not None:
            return Result(ResultStatus.REJECTED, "another request for an update is being looked at")
        if update is None or update.state.status in ENDED:
            return None
        if update.owner != asker.id:
            return Result(ResultStatus.REJECTED, "an update of another upstream is under way")
        if update.state.status in NO_WAY_BACK or self._permitted:
            return Result(ResultStatus.REJECTED, "an update is being installed")
        return None
