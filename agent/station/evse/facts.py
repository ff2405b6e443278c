"""What the hardware of one connector has told so far. None: it has not said."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.station.evse.pilot import PilotPosition, PilotTable
from hal.api import Capabilities, ContactorFeedback


@dataclass(slots=True)
class Facts:
    """Only the connector writes here; everybody else reads."""

    capabilities: Capabilities
    pilot: PilotTable = field(default_factory=PilotTable)
    plugged: bool = False
    plugged_at_ms: int | None = None
    pwm: bool = False
    cable_a: int | None = None
    contactor_closed: bool | None = None
    locked: bool | None = None
    key_on: bool | None = None
    """Position of the key switch, where there is one."""
    outputs_off: bool = False
    """The outputs were written off and read back in this life."""

    @property
    def asking(self) -> bool:
        """The car asks for power (C)."""
        return self.pilot.state is PilotPosition.REQUESTING

    @property
    def pilot_known(self) -> bool:
        """The pilot was seen at least once."""
        return self.pilot.state is not PilotPosition.UNKNOWN

    @property
    def has_feedback(self) -> bool:
        """The board reports where its contactor is, independently of the current."""
        return self.capabilities.contactor_feedback in (ContactorFeedback.AUX, ContactorFeedback.STATE)

    @property
    def seen_open(self) -> bool:
        """The contactor is open, as far as the board can tell: with feedback it must have said so."""
        if self.has_feedback:
            return self.contactor_closed is False
        return self.contactor_closed is not True
