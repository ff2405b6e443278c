"""The settings on the disk. The only folder of the settings that does I/O; `staging` says how a change comes about."""

from agent.settings.files.forgetting import forget_credentials
from agent.settings.files.staging import (
    REMOVAL_WORD,
    CheckClient,
    discard_pending,
    load,
    save_password,
    stage_primary,
    stage_removal,
)

__all__ = [
    "REMOVAL_WORD",
    "CheckClient",
    "discard_pending",
    "forget_credentials",
    "load",
    "save_password",
    "stage_primary",
    "stage_removal",
]
