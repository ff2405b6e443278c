"""DataTransfer: whose messages are known, and what each means (OCPP 1.6 4.3, 5.6).

Theory of operation
-------------------
`VENDORS` names each vendor that we know, in lower case, with the reader of its messages: it is given the id of the
message and its data as text. Our own messages are management's alone, so that who else asks for them has to be told
that the vendor is unknown; the permission table of the station does so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.v16.vendor.messages import read_message
from agent.vocabulary.commands import Result, ResultStatus

OWN_VENDOR: Final = "stationd"
VENDORS: Final[Mapping[str, Callable[[str, str], Parsed]]] = {OWN_VENDOR: read_message}
_STATUSES: Final[Mapping[ResultStatus, str]] = {
    ResultStatus.ACCEPTED: "Accepted",
    ResultStatus.UNKNOWN_VENDOR: "UnknownVendorId",
    ResultStatus.UNKNOWN_MESSAGE: "UnknownMessageId",
}


def data_transfer(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """The data goes to the vendor's own reader as text; vendors are compared without case, messages with it."""
    reader = VENDORS.get(payload["vendorId"].strip().casefold())
    if reader is None:
        return Ready({"status": "UnknownVendorId"}, "the vendor is not known")
    return reader(payload.get("messageId", ""), payload.get("data", ""))


def data_transfer_answer(result: Result) -> dict[str, Any]:
    """DataTransfer.conf."""
    status = {"status": _STATUSES.get(result.status, "Rejected")}
    return {**status, "data": result.data} if result.data else status
