"""How the station speaks to an upstream that is only let go: everything that it asks for is refused, in its own words.

Its requests are read as always, so that nonsense gets the error that it deserves; what is well-formed gets the regular
refusal of its message. GetConfiguration tells that nothing but the core is left (OCPP 1.6 9.1.21).
"""

from __future__ import annotations

from typing import Final

from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.v16 import answers, parse
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.wire import Call, JsonObject
from agent.vocabulary.commands import Result, ResultStatus

WHY: Final = "this upstream is no longer configured: only what it is still owed is delivered"
_REFUSED: Final = Result(ResultStatus.REJECTED, WHY)
_TELLS: Final = ("NumberOfConnectors", "SupportedFeatureProfiles")
_OTHERWISE: Final[dict[str, JsonObject]] = {"DataTransfer": {"status": "UnknownVendorId"}}
"""Refusals of messages that have no row in the table of statuses."""


def parse_retiring(call: Call, facts: StationFacts) -> Parsed:
    """The answer to a call; never a command."""
    parsed = parse.parse(call, facts, registered=False)
    if isinstance(parsed, Refusal):
        return parsed
    if call.action == "GetConfiguration":
        return Ready(_configuration(call, facts))
    if call.action in _OTHERWISE:
        return Ready(_OTHERWISE[call.action], WHY)
    said = answers.answer(call, _REFUSED)
    return said if isinstance(said, Refusal) else Ready(said, WHY)


def _configuration(call: Call, facts: StationFacts) -> JsonObject:
    asked = [name for name in call.payload.get("key") or () if isinstance(name, str)]
    told = {"NumberOfConnectors": str(facts.connectors), "SupportedFeatureProfiles": "Core"}
    wanted = [name for name in _TELLS if not asked or name.casefold() in {one.casefold() for one in asked}]
    payload: dict[str, object] = {
        "configurationKey": [{"key": name, "readonly": True, "value": told[name]} for name in wanted]
    }
    unknown = [name for name in asked if name.casefold() not in {one.casefold() for one in _TELLS}]
    return payload | ({"unknownKey": unknown} if unknown else {})
