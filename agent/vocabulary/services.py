"""Services of the upstreams about cards: who is asked, about whose card, where; and who keeps connectors.

Theory of operation
-------------------
The role says what an upstream may command; its services say what it is asked. As shipped the Billing upstream alone is
asked. A further upstream is asked where a route rule names it, or, with `broadcast`, together with Billing about every
card that no rule routes. Whoever's answer counted owns the transaction that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId


@dataclass(frozen=True, slots=True)
class Services:
    """What one upstream is asked."""

    online: bool = False
    """It may be asked about cards at all."""
    broadcast: bool = False
    """It is asked, beside Billing, about every card that no rule routes."""


class RouteBy(StrEnum):
    """What a route rule looks at."""

    CONNECTOR = "connector"
    EVSE = "evse"
    """EVSE id of the connector (eMI3 "EVSEID", DIN SPEC 91286), as the installer gave it."""
    TOKEN_PREFIX = "token-prefix"
    CONTRACT = "contract"
    """Contract id (eMI3 "EVCOID", ISO 15118 "EMAID") that is shown as a card; dashes and case do not matter."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Ask this upstream, and nobody else, about what the rule matches."""

    by: RouteBy
    value: str
    upstream: UpstreamId

    def matches(self, connectors: Collection[ConnectorId], token: IdToken, evse_ids: Mapping[ConnectorId, str]) -> bool:
        """True if the rule is about this card at all of these connectors."""
        match self.by:
            case RouteBy.CONNECTOR:
                return bool(connectors) and all(str(each) == self.value for each in connectors)
            case RouteBy.EVSE:
                wanted = bare_id(self.value)
                return bool(connectors) and all(bare_id(evse_ids.get(each, "")) == wanted for each in connectors)
            case RouteBy.TOKEN_PREFIX:
                return token.key.startswith(self.value.casefold())
            case RouteBy.CONTRACT:
                return same_contract(self.value, token.value)


@dataclass(frozen=True, slots=True)
class CardServices:
    """What the installer settled for the station as a whole."""

    routes: tuple[RouteRule, ...] = ()
    """The first that matches counts."""
    evse_ids: Mapping[ConnectorId, str] = field(default_factory=dict)
    cards: tuple[IdToken, ...] = ()
    """Stored on the charger itself."""
    reservations: UpstreamId | None = None
    """Whose reservations count; None: those of the Billing upstream."""


def bare_id(text: str) -> str:
    """An EVSE or contract id in the form to compare by: separators are optional (DIN SPEC 91286), case is none."""
    return "".join(character for character in text if character not in "-*").casefold()


CONTRACT_WITHOUT_CHECK_DIGIT = 14


def same_contract(one: str, other: str) -> bool:
    """Both name one contract; the check digit of an EMAID is optional (ISO 15118-2 H.1)."""
    first, second = bare_id(one), bare_id(other)
    if first == second:
        return bool(first)
    short, long = sorted((first, second), key=len)
    return len(short) == CONTRACT_WITHOUT_CHECK_DIGIT and len(long) == len(short) + 1 and long.startswith(short)
