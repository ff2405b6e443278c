"""Outage modes: what a station does with cards while nobody answers, as presets of the standard keys.

Theory of operation
-------------------
The keys decide, whoever has written them; a mode is a name for what they say. `PRESETS` is the table, from the
strictest to the most generous; a `None` leaves a key as it is. `mode_of` names what the keys add up to, however they
were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.options import UpstreamOptions


class OutageMode(StrEnum):
    """Who charges while the upstream that would be asked does not answer."""

    DENY = "deny"
    """Nobody."""
    LOCAL_ONLY = "local-only"
    """Cards of the operator's local list, and cards that are stored on the charger itself."""
    ACCEPT_KNOWN = "accept-known"
    """Cards of the local list, and cards that were accepted before."""
    FREE_VEND = "free-vend"
    """Everybody, up to an energy cap, but for cards that are known to be bad."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Values of LocalAuthorizeOffline, LocalAuthListEnabled, AuthorizationCacheEnabled, AllowOfflineTxForUnknownId."""

    local_authorize_offline: bool | None
    local_list_enabled: bool | None
    authorization_cache_enabled: bool | None
    allow_offline_unknown: bool | None

    @property
    def values(self) -> Mapping[str, bool]:
        """Options and their values, those that are left alone left out."""
        pairs = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in pairs if value is not None}


PRESETS: Mapping[OutageMode, Preset] = {
    #                               offline  list  cache  unknown
    OutageMode.DENY: Preset(False, None, None, False),
    OutageMode.LOCAL_ONLY: Preset(True, True, False, False),
    OutageMode.ACCEPT_KNOWN: Preset(True, None, True, False),
    OutageMode.FREE_VEND: Preset(None, None, None, True),
}
DEFAULT_CAP_WH = 10_000
"""Of `free-vend`, where nobody names another."""
SIGNED_FORBIDS = "signed metering is required at this station: energy is only given to a card that somebody knows"


def mode_of(options: UpstreamOptions) -> OutageMode:
    """The mode that the keys of the Billing upstream add up to."""
    for mode in (OutageMode.FREE_VEND, OutageMode.DENY, OutageMode.LOCAL_ONLY):
        if all(getattr(options, name) == value for name, value in PRESETS[mode].values.items()):
            return mode
    return OutageMode.ACCEPT_KNOWN


def forbidden(signed_metering: bool, name: str, value: object) -> str | None:
    """Why an option may not have this value where energy must be billed by signed readings; None if it may."""
    unknown_may_charge = name == "allow_offline_unknown" and value is True
    return SIGNED_FORBIDS if unknown_may_charge and signed_metering else None


def forbidden_mode(signed_metering: bool, mode: OutageMode) -> str | None:
    """Why a mode may not be chosen; None if it may."""
    reasons = (forbidden(signed_metering, name, value) for name, value in PRESETS[mode].values.items())
    return next((why for why in reasons if why is not None), None)
