"""Upstreams: which there are, what each may do, and with which options each starts."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.roles import Asker as Asker
from agent.vocabulary.roles import Role as Role
from agent.vocabulary.roles import UpstreamKind as UpstreamKind
from agent.vocabulary.roles import asker_of as asker_of
from agent.vocabulary.roles import kind_of as kind_of
from agent.vocabulary.services import Services


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

    @property
    def kind(self) -> UpstreamKind:
        """What it is to this station."""
        return kind_of(self.id, self.role)
