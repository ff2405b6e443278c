"""The backends of a station on `StationRig`, and how the station is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.factory import parse_factory
from agent.settings.settings import Settings
from agent.vocabulary.ids import Secret, UpstreamId
from tests.rig.backend import ScriptedBackend
from tests.rig.rig_options import RigOptions

PRIMARY = UpstreamId("primary-1")


def make_backends(options: RigOptions, unix_in: Path | None) -> list[ScriptedBackend]:
    """Management, a primary (configured or not) and further operators. `unix_in`: on Unix sockets in this folder."""
    names = ("management", "primary", *(f"operator-{number}" for number in range(1, options.operators + 1)))
    return [
        ScriptedBackend(name, first_transaction_id=1000 * place, unix=unix_in / f"{name}.socket" if unix_in else None)
        for place, name in enumerate(names, start=1)
    ]


def make_settings(options: RigOptions, url: Callable[[str], str]) -> Settings:
    """What the agent starts with; `url` is where it dials the backend of that name."""

    def address(upstream: UpstreamId, name: str) -> UpstreamAddress:
        return UpstreamAddress(upstream, name.title(), url(name), "CP1", SecurityProfile.UNSECURED)

    factory = parse_factory("factory.toml", options.factory(url("management")))
    primary = address(PRIMARY, "primary") if options.primary else None
    operators = [f"operator-{number}" for number in range(1, options.operators + 1)]
    addresses = tuple(address(UpstreamId(name), name) for name in operators)
    key = Secret("the key of the rig")
    return Settings(factory, primary, operators=addresses, services=options.services, pseudonym_key=key)


def asked_beside_billing(options: RigOptions) -> frozenset[str]:
    """Names of the backends that may be asked about cards besides the one that is Billing."""
    return frozenset(
        "primary" if upstream == PRIMARY else upstream for upstream, has in options.services.asked.items() if has.online
    )
