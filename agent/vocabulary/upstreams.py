"""Upstreams: which there are, what each may do, and with which options each starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.services import Services


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
    services: Services | None = None
    """What it is asked about cards; None: what goes with its role."""

    @property
    def asked(self) -> Services:
        """What it is asked about cards: as shipped, the Billing upstream alone is asked at all."""
        return Services(online=self.role is Role.BILLING) if self.services is None else self.services
