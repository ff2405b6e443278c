"""What management may ask about the operators of a station, in words of no particular OCPP version."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.ids import Secret, UpstreamId


@dataclass(frozen=True, slots=True)
class Place:
    """An upstream as somebody asks for it; not yet checked. `url` may be the name of an entry of the catalogue."""

    url: str
    identity: str
    name: str = ""
    security: int | None = None
    """None: what fits the rest."""
    password: Secret | None = None
    trust_pem: str = ""
    interface: str = ""
    proxy: str = ""
    proxy_login: Secret | None = None


@dataclass(frozen=True, slots=True)
class ListUpstreams:
    """Who is there, in which role, how many messages wait, and what is staged."""


@dataclass(frozen=True, slots=True)
class SetPrimary:
    """Stage a primary."""

    place: Place


@dataclass(frozen=True, slots=True)
class RemovePrimary:
    """Stage its removal; `word` confirms it."""

    word: str


@dataclass(frozen=True, slots=True)
class AddOperator:
    """Stage a further operator."""

    place: Place


@dataclass(frozen=True, slots=True)
class RemoveOperator:
    """Stage the removal of one, by name or id; `word` confirms it."""

    operator: str
    word: str


@dataclass(frozen=True, slots=True)
class SetBilling:
    """Stage that one of the listed upstreams, by name or id, is Billing."""

    upstream: str


@dataclass(frozen=True, slots=True)
class DiscardPending:
    """Forget what is staged."""


@dataclass(frozen=True, slots=True)
class ListCatalogue:
    """The backoffices that can be set by name."""


@dataclass(frozen=True, slots=True)
class PutCatalogueEntry:
    """Add a backoffice to those that can be set by name, or replace the one of that name."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class RemoveCatalogueEntry:
    """Take out one that management has put there."""

    name: str


OperatorRequest = (
    ListUpstreams
    | SetPrimary
    | RemovePrimary
    | AddOperator
    | RemoveOperator
    | SetBilling
    | DiscardPending
    | ListCatalogue
    | PutCatalogueEntry
    | RemoveCatalogueEntry
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of ours that cannot be read. `known`: its id is, and what it holds is not as it must be."""

    known: bool
    field: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class HandleOperators:
    """A permitted message about the operators of the station; answered by `OperatorsAnswered`."""

    upstream: UpstreamId
    call: int
    request: OperatorRequest | Unreadable
