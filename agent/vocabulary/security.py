"""Security events: the closed list of the security extension of OCPP 1.6, and which of them are critical.

Theory of operation
-------------------
Every event goes to the security log. The critical ones, and those that a flow of the extension demands, are also told
to upstreams, each queued until it is delivered. Who is told is `agent.station.security`: what concerns one connection
goes to that upstream and to management, what concerns the station goes to all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment


class SecurityEventKind(StrEnum):
    """Security extension of OCPP 1.6, "Security events"; what is ours begins with `stationd.`."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM = "FailedToAuthenticateAtCentralSystem"
    CENTRAL_SYSTEM_FAILED_TO_AUTHENTICATE = "CentralSystemFailedToAuthenticate"
    SETTING_SYSTEM_TIME = "SettingSystemTime"
    STARTUP_OF_THE_DEVICE = "StartupOfTheDevice"
    RESET_OR_REBOOT = "ResetOrReboot"
    SECURITY_LOG_WAS_CLEARED = "SecurityLogWasCleared"
    RECONFIGURATION_OF_SECURITY_PARAMETERS = "ReconfigurationOfSecurityParameters"
    MEMORY_EXHAUSTION = "MemoryExhaustion"
    INVALID_MESSAGES = "InvalidMessages"
    ATTEMPTED_REPLAY_ATTACKS = "AttemptedReplayAttacks"
    TAMPER_DETECTION_ACTIVATED = "TamperDetectionActivated"
    INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    INVALID_FIRMWARE_SIGNING_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    INVALID_CENTRAL_SYSTEM_CERTIFICATE = "InvalidCentralSystemCertificate"
    INVALID_CHARGE_POINT_CERTIFICATE = "InvalidChargePointCertificate"
    INVALID_TLS_VERSION = "InvalidTLSVersion"
    INVALID_TLS_CIPHER_SUITE = "InvalidTLSCipherSuite"
    UNDELIVERED_RECORDS = "stationd.UndeliveredRecords"
    """Ours: an operator was removed that had not got everything."""
    OWN_URL_ABANDONED = "stationd.OwnUrlAbandoned"
    """Ours: the URL to which an upstream wanted to move never accepted the station; the old one is dialled again."""


_K = SecurityEventKind

CRITICAL: frozenset[SecurityEventKind] = frozenset(
    {
        _K.FIRMWARE_UPDATED,
        _K.SETTING_SYSTEM_TIME,
        _K.STARTUP_OF_THE_DEVICE,
        _K.RESET_OR_REBOOT,
        _K.SECURITY_LOG_WAS_CLEARED,
        _K.MEMORY_EXHAUSTION,
        _K.TAMPER_DETECTION_ACTIVATED,
    }
)
"""Pushed to upstreams and queued until delivered."""

TOLD_BY_A_FLOW: frozenset[SecurityEventKind] = frozenset(
    {
        _K.INVALID_FIRMWARE_SIGNATURE,
        _K.INVALID_FIRMWARE_SIGNING_CERTIFICATE,
        _K.INVALID_CENTRAL_SYSTEM_CERTIFICATE,
        _K.INVALID_CHARGE_POINT_CERTIFICATE,
        _K.INVALID_TLS_VERSION,
        _K.INVALID_TLS_CIPHER_SUITE,
    }
)
"""Not critical by the list, and pushed all the same, since a flow of the extension demands it (A03, M05)."""

TOLD_TO_MANAGEMENT: frozenset[SecurityEventKind] = frozenset(
    {
        _K.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM,
        _K.UNDELIVERED_RECORDS,
        _K.OWN_URL_ABANDONED,
    }
)
"""Pushed to management alone: it looks after the links of the others, and nobody else can see that one is down."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event. `upstream` None: it concerns the station as a whole. `tech_info` holds no secret and no card."""

    kind: SecurityEventKind
    at: Moment
    tech_info: str = ""
    upstream: UpstreamId | None = None
