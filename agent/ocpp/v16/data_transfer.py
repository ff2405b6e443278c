"""DataTransfer: whose messages are known, and what each means (OCPP 1.6 4.3, 5.6).

Theory of operation
-------------------
`VENDORS` names each vendor that we know, in lower case, with its messages by their id. A vendor that is not in there is
unknown; of a vendor that is, a message without a row is unknown. There are no messages yet: a new one is a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16.keys import StationFacts

OWN_VENDOR: Final = "org.stationd"
VENDORS: Final[Mapping[str, Mapping[str, Callable[[str], Parsed]]]] = {OWN_VENDOR: {}}


def data_transfer(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """The data goes to the message's own parser as text; vendors are compared without case, messages with it."""
    messages = VENDORS.get(payload["vendorId"].strip().casefold())
    if messages is None:
        return Ready({"status": "UnknownVendorId"}, "the vendor is not known")
    parser = messages.get(payload.get("messageId", ""))
    if parser is None:
        return Ready({"status": "UnknownMessageId"}, "the vendor has no such message")
    return parser(payload.get("data", ""))
