"""How much of a driver's card an upstream is told that does not decide about it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.vocabulary.roles import UpstreamKind


class IdTagPolicy(StrEnum):
    """What stands for the card in transactions that are told to an upstream beside the one that authorised."""

    FULL = "full"
    PSEUDONYM = "pseudonym"
    """A text that is the same for the same card on this station and says nothing else."""
    NO_ID_TAG = "no-idtag"
    """One text for all cards."""
    STATUS_ONLY = "status-only"
    """No transactions at all: meter values come without an id of one."""


DEFAULT_PRIVACY: Mapping[UpstreamKind, IdTagPolicy] = {
    UpstreamKind.MANAGEMENT: IdTagPolicy.FULL,
    UpstreamKind.PRIMARY: IdTagPolicy.FULL,
    UpstreamKind.OPERATOR: IdTagPolicy.PSEUDONYM,
}
"""Where the factory file says nothing (`[privacy]`). Billing, and who authorised a transaction, are told in full."""
