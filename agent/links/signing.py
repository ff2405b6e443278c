"""A certificate request on its way to one upstream. Pure.

It is sent once, on the link on which it came up, and never again by itself: whoever wants a certificate asks anew (the
security extension of OCPP 1.6 knows no answer but CertificateSigned, and forbids to ask in a circle). While the
registration is pending it goes out only if the peer itself asked for it (OCPP 1.6 4.2).
"""

from __future__ import annotations

from agent.links.output import Output


class Signing:
    """At most one request waits; a newer one takes its place."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._csr_pem = ""
        self._asked_for = False

    def asked_for(self) -> None:
        """The peer asked for a request on this link, and the station agreed."""
        self._asked_for = True

    def wanted(self, csr_pem: str, connected: bool) -> None:
        """A request; without a link it is dropped."""
        self._csr_pem = csr_pem if connected else ""
        if not connected:
            self._output.note("signing_dropped", "a certificate request was dropped: not connected")

    def take(self, accepted: bool) -> str:
        """The request to send now; empty: none."""
        if not (accepted or self._asked_for):
            return ""
        csr_pem, self._csr_pem = self._csr_pem, ""
        return csr_pem

    def answered(self, outcome: str) -> None:
        """What became of it, for people."""
        self._output.note("signing_answered", f"the certificate request was answered: {outcome}")

    def give_up(self) -> None:
        """The link is gone, and with it what waited."""
        self._csr_pem, self._asked_for = "", False
