"""Upstreams: which there are, what each may do, and with which options each starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.options import UpstreamOptions


class Role(StrEnum):
    """Exactly one upstream is BILLING: it alone authorises cards and owns transactions."""

    BILLING = "billing"
    DATA_AND_CONTROL = "data_and_control"


@dataclass(frozen=True, slots=True)
class UpstreamSetup:
    """One configured upstream, as the station and its task need to know it. Addresses and keys are not its business."""

    id: UpstreamId
    role: Role
    options: UpstreamOptions
    name: str = ""
    """For people; the id where empty."""
