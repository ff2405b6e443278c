"""News of the keeper of the credentials: the answer to the upstream that asked, and what its link must do for it."""

from __future__ import annotations

from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import Answer, OptionsChanged, Reconnect, RequestCertificate
from agent.vocabulary.inputs import CredentialsAnswered, CredentialsInForce
from agent.vocabulary.options import OptionValue, Origin


class Credentials:
    """One method per input. Keys and passwords never come here."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def answered(self, given: CredentialsAnswered, turn: Turn) -> None:
        """The answer goes out first, then what follows from it on the same link."""
        if given.call is not None:
            turn.add(Answer(given.upstream, given.call, given.result))
        if given.csr_pem:
            turn.add(RequestCertificate(given.upstream, given.csr_pem))
        if given.reconnect:
            turn.add(Reconnect(given.upstream, given.reconnect))

    def in_force(self, given: CredentialsInForce, turn: Turn) -> None:
        """Profile and URL that an upstream is dialled by, as its configuration keys tell them."""
        upstream = self._site.registry.get(given.upstream)
        if upstream is None:
            return
        now: dict[str, OptionValue] = {"security_profile": given.security_profile, "own_url": given.url}
        changed = {name: value for name, value in now.items() if getattr(upstream.options, name) != value}
        for name, value in changed.items():
            upstream.options = upstream.options.with_value(name, value, Origin.OCPP)
        if changed:
            turn.add(OptionsChanged(upstream.id))
