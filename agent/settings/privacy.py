"""`[privacy]` of the factory file: what management and further operators are told of cards they do not decide about."""

from __future__ import annotations

from collections.abc import Mapping

from agent.settings.fields import Table
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.upstreams import UpstreamKind


def read_privacy(table: Table) -> Mapping[UpstreamKind, IdTagPolicy]:
    """`management` and `operator`: `full`, `pseudonym`, `no-idtag` or `status-only`. The primary is told in full."""
    chosen = {
        kind: table.choice(kind.value, IdTagPolicy, DEFAULT_PRIVACY[kind])
        for kind in (UpstreamKind.MANAGEMENT, UpstreamKind.OPERATOR)
    }
    table.finish()
    return {**DEFAULT_PRIVACY, **chosen}
