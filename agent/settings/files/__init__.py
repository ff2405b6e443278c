"""The settings on the disk, the only folder of the settings that does I/O.

`staging` reads them at the start; `changes` says how a change comes about.
"""

from agent.settings.files.catalogue import put_entry, read_catalogue, remove_entry
from agent.settings.files.changes import (
    REMOVAL_WORD,
    CheckClient,
    discard_pending,
    stage_billing,
    stage_operator,
    stage_operator_removal,
    stage_primary,
    stage_removal,
    stage_services,
)
from agent.settings.files.forgetting import forget_credentials
from agent.settings.files.staging import load

__all__ = [
    "REMOVAL_WORD",
    "CheckClient",
    "discard_pending",
    "forget_credentials",
    "load",
    "put_entry",
    "read_catalogue",
    "remove_entry",
    "stage_billing",
    "stage_operator",
    "stage_operator_removal",
    "stage_primary",
    "stage_removal",
    "stage_services",
]
