"""Holdings as text and back: JSON, one object, every field by its name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from agent.credentials.holdings import ClientCertificate, Holdings, Root, Trial
from agent.credentials.passwords import Form, Remembered, Source
from agent.vocabulary.ids import Secret

FORMAT = 1
"""Format that this release writes and the newest that it reads."""


class CodecError(ValueError):
    """The text holds no holdings; the message says what is wrong and quotes no password."""


def render(holdings: Holdings) -> str:
    """The text of holdings. Together with the header and the settings, the one place where a password is revealed."""
    values: dict[str, Any] = {
        "format": FORMAT,
        "live": _revealed(holdings.live),
        "previous": _revealed(holdings.previous),
        "remembered": holdings.remembered and asdict(holdings.remembered),
        "profile": holdings.profile,
        "profile_basis": holdings.profile_basis,
        "trial": holdings.trial and asdict(holdings.trial),
        "roots": [asdict(root) for root in holdings.roots],
        "base_trusted": holdings.base_trusted,
        "certificates": [asdict(certificate) for certificate in holdings.certificates],
        "pending_key": holdings.pending_key,
        "own_url": holdings.own_url,
        "own_url_basis": holdings.own_url_basis,
        "moving_to": holdings.moving_to,
        "moving_asked_in": holdings.moving_asked_in,
        "renewal_tried_ms": holdings.renewal_tried_ms,
    }
    return json.dumps(values, indent=1) + "\n"


def parse(text: str) -> Holdings:
    """Read what `render` wrote. Raises CodecError."""
    try:
        values = json.loads(text)
        if values["format"] > FORMAT:
            raise CodecError(f"format {values['format']} is of a newer release; update the agent")
        return Holdings(
            live=_secret(values["live"]),
            previous=_secret(values["previous"]),
            remembered=_remembered(values["remembered"]),
            profile=_number(values["profile"]),
            profile_basis=int(values["profile_basis"]),
            trial=Trial(**values["trial"]) if values["trial"] else None,
            roots=tuple(Root(**root) for root in values["roots"]),
            base_trusted=bool(values["base_trusted"]),
            certificates=tuple(ClientCertificate(**one) for one in values["certificates"]),
            pending_key=str(values["pending_key"]),
            own_url=str(values.get("own_url", "")),
            own_url_basis=str(values.get("own_url_basis", "")),
            moving_to=str(values.get("moving_to", "")),
            moving_asked_in=str(values.get("moving_asked_in", "")),
            renewal_tried_ms=_number(values["renewal_tried_ms"]),
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        raise CodecError(f"a field is missing or mistyped ({type(wrong).__name__})") from None
    except ValueError as wrong:
        raise wrong if isinstance(wrong, CodecError) else CodecError("is no JSON of ours") from None


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _secret(value: Any) -> Secret | None:
    return None if value is None else Secret(str(value))


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _remembered(value: Any) -> Remembered | None:
    return None if value is None else Remembered(Source(value["source"]), Form(value["form"]))
