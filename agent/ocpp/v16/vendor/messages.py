"""The messages of vendor `stationd` in DataTransfer: management lists and changes the operators of the station by them.

Theory of operation
-------------------
Each message has a row in `MESSAGES` and a schema of its name beside this file, from which its validator is generated.
The data of a message is a JSON object as text. What cannot be read becomes an `Unreadable` request and no answer: only
the station knows who asks, and whoever may not ask is told that the vendor is unknown (OCPP 1.6 4.3). The data of the
answer is a JSON object as well (`Answer.json`). Passwords travel in, and never back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.ocpp.v16.invalid import Invalid
from agent.ocpp.v16.vendor.validators import VALIDATORS
from agent.vocabulary.commands import AskOperators
from agent.vocabulary.ids import Secret
from agent.vocabulary.operators import (
    AddOperator,
    DiscardPending,
    ListCatalogue,
    ListUpstreams,
    OperatorRequest,
    Place,
    PutCatalogueEntry,
    RemoveCatalogueEntry,
    RemoveOperator,
    RemovePrimary,
    SetBilling,
    SetPrimary,
    Unreadable,
)

LONGEST_DATA: Final = 65_536
Reader = Callable[[Mapping[str, Any]], OperatorRequest]


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _place(held: Mapping[str, Any]) -> Place:
    return Place(
        url=held["url"],
        identity=held["identity"],
        name=held.get("name", ""),
        security=held.get("security"),
        password=_secret(held.get("password")),
        trust_pem=held.get("trustPem", ""),
        interface=held.get("interface", ""),
        proxy=held.get("proxy", ""),
        proxy_login=_secret(held.get("proxyLogin")),
    )


MESSAGES: Final[Mapping[str, Reader]] = {
    "AddOperator": lambda held: AddOperator(_place(held)),
    "DiscardPending": lambda held: DiscardPending(),
    "ListCatalogue": lambda held: ListCatalogue(),
    "ListUpstreams": lambda held: ListUpstreams(),
    "PutCatalogueEntry": lambda held: PutCatalogueEntry(held["name"], held["url"]),
    "RemoveCatalogueEntry": lambda held: RemoveCatalogueEntry(held["name"]),
    "RemoveOperator": lambda held: RemoveOperator(held["operator"], held["word"]),
    "RemovePrimary": lambda held: RemovePrimary(held["word"]),
    "SetBilling": lambda held: SetBilling(held["upstream"]),
    "SetPrimary": lambda held: SetPrimary(_place(held)),
}
_VALIDATORS: Final[Mapping[str, Callable[[dict[str, Any]], object]]] = VALIDATORS


def read_message(message: str, data: str) -> AskOperators:
    """The request of a message; an `Unreadable` one for what cannot be read."""
    reader = MESSAGES.get(message)
    if reader is None:
        names = ", ".join(MESSAGES)
        return AskOperators(Unreadable(False, "messageId", f"{message[:50]!a} is no message of stationd", names))
    try:
        held = json.loads(data) if data.strip() and len(data) <= LONGEST_DATA else {} if not data.strip() else None
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        return AskOperators(Unreadable(True, "data", "is no JSON object", f"send what {message}.json describes"))
    try:
        _VALIDATORS[message](held)
    except Invalid as invalid:
        field = invalid.place or "data"
        return AskOperators(Unreadable(True, field, invalid.text, f"send what {message}.json describes"))
    return AskOperators(reader(held))
