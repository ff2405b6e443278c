"""A client certificate with its chain and its key. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from agent.credentials.requests import CheckChain, Found
from agent.credentials.worker_checks import (
    NotGood,
    Use,
    check_authority,
    check_strength,
    check_time,
    check_use,
    found,
    is_signed_by,
    read_certificates,
    read_files,
)
from agent.credentials.worker_keys import public_bytes, public_of_file
from agent.vocabulary.certificates import MAXIMUM_CHAIN_CHARACTERS

_USE: Final = Use(ExtendedKeyUsageOID.CLIENT_AUTH, "a station", "prove who the station is", "that of a client")


def check_chain(request: CheckChain) -> Found:
    """Judge it (security extension of OCPP 1.6, A02.FR.06, A00.FR.504 to 512). Raises NotGood, OSError."""
    if len(request.pem) > MAXIMUM_CHAIN_CHARACTERS:
        raise NotGood(f"the chain has more than {MAXIMUM_CHAIN_CHARACTERS} characters")
    chain = read_certificates(request.pem)
    leaf = chain[0]
    for certificate in chain:
        check_strength(certificate)
    check_time(leaf, request.earliest_ms, None if request.may_begin_later else request.latest_ms)
    check_use(leaf, _USE)
    _check_subject(leaf, request)
    if public_bytes(leaf.public_key()) != public_of_file(request.key_file):
        raise NotGood("it is not for the key of this station")
    _check_issuers(chain, request)
    return found(leaf, chain)


def _check_subject(leaf: x509.Certificate, request: CheckChain) -> None:
    names = _values(leaf, NameOID.COMMON_NAME)
    if request.common_name and names != [request.common_name]:
        raise NotGood("its common name is not the serial number of this station")
    organisations = _values(leaf, NameOID.ORGANIZATION_NAME)
    if request.organisation and organisations and organisations != [request.organisation]:
        raise NotGood("its organisation is not the CpoName of this station")


def _values(certificate: x509.Certificate, kind: ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(kind)]


def _check_issuers(chain: Sequence[x509.Certificate], request: CheckChain) -> None:
    """Each is signed by the next, and the last by a root that counts."""
    for signed, issuer in pairwise(chain):
        check_authority(issuer)
        check_time(issuer, request.earliest_ms, request.latest_ms)
        if not is_signed_by(signed, issuer):
            raise NotGood("its chain is broken, or not in order from the leaf up")
    if not request.roots:
        return
    roots = read_files(request.roots)
    if chain[-1] not in roots and not any(is_signed_by(chain[-1], root) for root in roots):
        raise NotGood("it does not lead to a root of this operator")
