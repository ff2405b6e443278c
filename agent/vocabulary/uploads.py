"""Uploads: which file an upstream may ask for, and how far its upload is, in words of no particular version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LogKind(StrEnum):
    """What is uploaded (security extension of OCPP 1.6, "LogEnumType")."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


class UploadStatus(StrEnum):
    """How far an upload is (security extension of OCPP 1.6, "UploadLogStatusEnumType")."""

    IDLE = "idle"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    FAILED = "failed"
    BAD_MESSAGE = "bad_message"
    PERMISSION_DENIED = "permission_denied"
    NOT_SUPPORTED = "not_supported"


@dataclass(frozen=True, slots=True)
class UploadState:
    """One upload at one instant. `request_id` is what the asking upstream calls it; None: it gave no number."""

    status: UploadStatus
    request_id: int | None = None


IDLE = UploadState(UploadStatus.IDLE)
