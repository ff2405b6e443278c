"""Events: what an upstream is told, in words of no particular OCPP version.

Transaction events are stored in the outbox of each upstream and delivered in order; conditions are told as they are
now and never replayed. Sequence numbers are given per (transaction, upstream) at fan-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import ConnectorId, EvseAddress, IdToken, TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.signing import SignedValue
from hal.api import Fault, Measured


class StopReason(StrEnum):
    """Why a transaction ended (OCPP 1.6 "Reason")."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


class Trigger(StrEnum):
    """What caused a transaction event (OCPP 2.0.1 TriggerReasonEnumType, the subset we emit)."""

    AUTHORIZED = "Authorized"
    CABLE_PLUGGED_IN = "CablePluggedIn"
    CHARGING_STATE_CHANGED = "ChargingStateChanged"
    EV_DEPARTED = "EVDeparted"
    METER_VALUE_CLOCK = "MeterValueClock"
    METER_VALUE_PERIODIC = "MeterValuePeriodic"
    REMOTE_START = "RemoteStart"
    REMOTE_STOP = "RemoteStop"
    STOP_AUTHORIZED = "StopAuthorized"
    ABNORMAL_CONDITION = "AbnormalCondition"
    RESET_COMMAND = "ResetCommand"
    UNLOCK_COMMAND = "UnlockCommand"
    DEAUTHORIZED = "Deauthorized"
    TRIGGER = "Trigger"


class ChargingState(StrEnum):
    """State of charging within a transaction (OCPP 2.0.1 ChargingStateEnumType)."""

    IDLE = "Idle"
    EV_CONNECTED = "EVConnected"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"


class ReadingContext(StrEnum):
    """Why a value was taken (OCPP 1.6 "ReadingContext")."""

    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"
    SAMPLE_PERIODIC = "Sample.Periodic"
    SAMPLE_CLOCK = "Sample.Clock"
    TRIGGER = "Trigger"
    INTERRUPTION_BEGIN = "Interruption.Begin"
    INTERRUPTION_END = "Interruption.End"
    OTHER = "Other"
    """Part of the standard's list; nothing that this station tells is of this kind."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one instant, as selected for one upstream; `energy_wh` is the register at that instant."""

    at: Moment
    energy_wh: int
    values: tuple[Measured, ...]
    context: ReadingContext


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    transaction: TransactionId
    where: EvseAddress
    token: IdToken
    at: Moment
    meter_start_wh: int
    trigger: Trigger
    offline: bool = False
    """The Billing upstream did not answer for this start."""
    reservation: int | None = None
    remote_start_id: int | None = None
    charging_state: ChargingState = ChargingState.EV_CONNECTED


@dataclass(frozen=True, slots=True)
class TransactionSampled:
    """Meter values. `transaction` is None for aligned values outside a transaction."""

    transaction: TransactionId | None
    where: EvseAddress
    sample: Sample
    trigger: Trigger = Trigger.METER_VALUE_PERIODIC
    charging_state: ChargingState = ChargingState.CHARGING


@dataclass(frozen=True, slots=True)
class TransactionStopped:
    transaction: TransactionId
    where: EvseAddress
    at: Moment
    meter_stop_wh: int
    reason: StopReason
    trigger: Trigger
    token: IdToken | None = None
    offline: bool = False
    last_reading_estimated: bool = False
    """True when the meter did not answer in time and the last sample closed the transaction."""
    samples: tuple[Sample, ...] = ()
    """What this upstream wants in the stop message (StopTxnSampledData, StopTxnAlignedData)."""
    signed: SignedValue | None = None
    """The same for every upstream that is told of cards in full, whatever it samples."""


TransactionEvent = TransactionStarted | TransactionSampled | TransactionStopped


@dataclass(frozen=True, slots=True)
class Condition:
    """How a connector is right now; a dialect derives the status of its version from it. Connector 0: the station."""

    connector: ConnectorId
    at: Moment
    operative: bool = True
    """False while any upstream (or the station itself) holds it inoperative."""
    held_by_other: bool = False
    """For this upstream: somebody else's hold makes it inoperative."""
    fault: Fault | None = None
    """The fault that stops charging; None if there is none."""
    warning: Fault | None = None
    """A fault that does not stop charging."""
    detail: str = ""
    list_conflict: bool = False
    """Connector 0: the local list and an answer of its operator contradict each other."""
    reserved: bool = False
    plugged: bool = False
    authorised: bool = False
    """A card or command is accepted (or being asked about), and no transaction runs yet."""
    transaction: TransactionId | None = None
    transaction_at: Moment | None = None
    charging: ChargingState = ChargingState.IDLE
    has_charged: bool = False
    """The running transaction has been in `CHARGING` at least once."""
    ev_disconnected: bool = False
    """The car was unplugged on its side and the transaction goes on (StopTransactionOnEVSideDisconnect = false)."""
    finishing: bool = False
    """A transaction (or its time-out) is over and the cable is still in, or the lock still holds it."""


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """Live event: told to every connected upstream, remembered as the present condition for the others."""

    condition: Condition
