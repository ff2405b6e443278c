"""What an upstream is told of a transaction and its card, where it is not the one that decides about it.

Theory of operation
-------------------
Billing and the upstream that authorised a transaction are told in full: they must know whom they charge. For the others
the policy of the fan-out decides (`vocabulary.privacy`). A pseudonym is a keyed hash: the key stays on this station, so
that nobody can try cards against it, and equal cards give equal pseudonyms for as long as the station lives. Without a
key there are no pseudonyms, and one text stands for all cards. A tag that is no card (that of a free connector) is
told as it is. What a meter signed names the card and loses its worth with any change: it is left out.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import replace

from agent.vocabulary.events import TransactionEvent, TransactionSampled, TransactionStopped
from agent.vocabulary.ids import IdToken, IdTokenType, Secret
from agent.vocabulary.privacy import IdTagPolicy

UNDISCLOSED = "UNDISCLOSED"
LENGTH = 20
"""OCPP 1.6 7.28 "IdToken"."""


def told(event: TransactionEvent, policy: IdTagPolicy, key: Secret | None) -> TransactionEvent | None:
    """The event as such an upstream is told of it; None: not at all."""
    if policy is IdTagPolicy.FULL:
        return event
    if isinstance(event, TransactionSampled):
        return replace(event, transaction=None) if policy is IdTagPolicy.STATUS_ONLY else event
    if policy is IdTagPolicy.STATUS_ONLY:
        return None
    if isinstance(event, TransactionStopped):
        event = replace(event, signed=None)
    if event.token is None:
        return event
    return replace(event, token=_shown(event.token, policy, key))


def pseudonym(token: IdToken, key: Secret) -> IdToken:
    """What stands for this card on this station."""
    digest = hmac.digest(key.reveal().encode(), token.key.encode(), "sha256")
    return replace(token, value=base64.b32encode(digest).decode("ascii")[:LENGTH])


def _shown(token: IdToken, policy: IdTagPolicy, key: Secret | None) -> IdToken:
    if token.type is IdTokenType.NO_AUTHORIZATION:
        return token
    if policy is IdTagPolicy.PSEUDONYM and key is not None:
        return pseudonym(token, key)
    return replace(token, value=UNDISCLOSED)
