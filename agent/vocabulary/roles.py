"""Roles of upstreams: exactly one is Billing, and what each is to this station follows from its id and its role."""

from __future__ import annotations

from enum import StrEnum

from agent.vocabulary.ids import LINE, LOCAL_PAGE, MANAGEMENT, UpstreamId


class Role(StrEnum):
    """Exactly one upstream is BILLING: it alone authorises cards and owns transactions."""

    BILLING = "billing"
    DATA_AND_CONTROL = "data_and_control"


class UpstreamKind(StrEnum):
    """What an upstream is to this station. The primary is the one that is Billing and not management."""

    MANAGEMENT = "management"
    """The manufacturer's or owner's, for the life of the station; Billing while there is no primary."""
    PRIMARY = "primary"
    OPERATOR = "operator"
    """Further operators beside them, a primary that lost Billing among them: Data & Control."""


def kind_of(upstream: UpstreamId, role: Role) -> UpstreamKind:
    """The kind that follows from the id and the role."""
    if upstream == MANAGEMENT:
        return UpstreamKind.MANAGEMENT
    return UpstreamKind.PRIMARY if role is Role.BILLING else UpstreamKind.OPERATOR


class Asker(StrEnum):
    """Who may ask for something: the columns of the permission table. An upstream is what its kind and role make it."""

    MANAGEMENT_BILLING = "management_billing"
    """Management while no primary is set."""
    MANAGEMENT = "management"
    """Management beside a primary."""
    PRIMARY = "primary"
    OPERATOR = "operator"
    PAGE = "page"
    """Somebody at the station: the local page, `stationctl`."""
    LINE = "line"
    """The line of the manufacturer, which provisions and tests a new unit."""


def asker_of(upstream: UpstreamId, role: Role) -> Asker:
    """The column of an upstream."""
    if upstream == LOCAL_PAGE:
        return Asker.PAGE
    if upstream == LINE:
        return Asker.LINE
    if upstream == MANAGEMENT:
        return Asker.MANAGEMENT_BILLING if role is Role.BILLING else Asker.MANAGEMENT
    return Asker.PRIMARY if role is Role.BILLING else Asker.OPERATOR
