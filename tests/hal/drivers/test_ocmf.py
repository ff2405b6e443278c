"""OCMF as a courier knows it: nothing of the dataset changes, the signature becomes minimal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hal.drivers.ocmf import identification, minimal, names, record


@given(some.binary(min_size=1, max_size=4096))
def test_a_dataset_stays_as_it_is_to_the_byte(dataset: bytes) -> None:
    whole = record(dataset, b"\x30\x06\x02\x01\x05\x02\x01\x07")
    try:
        dataset.decode()
    except UnicodeDecodeError:
        whole = bytes.fromhex(whole).decode("latin-1")
        dataset = dataset.decode("latin-1").encode("latin-1")
        assert whole.encode("latin-1") == b"OCMF|" + dataset + b'|{"SD":"3006020105020107"}'
        return
    assert whole.encode() == b"OCMF|" + dataset + b'|{"SD":"3006020105020107"}'


@pytest.mark.parametrize(
    ("given_", "right"),
    [
        ("3006020105020107", "3006020105020107"),
        ("300802020005020107", "300802020005020107"),  # its length is wrong: left alone
        ("300702020005020107", "3006020105020107"),
        ("30080202008502020085", "30080202008502020085"),  # the zero is needed: the number would be negative
        ("300a020300008502030000" + "05", "30070202008502" + "0105"),
        ("30050203000000", "30050203000000"),  # one number is no signature
        ("deadbeef", "deadbeef"),
        ("", ""),
    ],
)
def test_a_signature_becomes_minimal(given_: str, right: str) -> None:
    assert minimal(bytes.fromhex(given_)).hex() == right


@pytest.mark.parametrize(
    ("text", "kind"),
    [("04A1B2C3", "ISO14443"), ("04A1B2C3D4E5F6", "ISO14443"), ("FREE", "UNDEFINED"), ("", "NONE")],
)
def test_who_charges_is_told_in_its_fields(text: str, kind: str) -> None:
    fields = json.loads(identification(text))
    assert (fields["ID"], fields["IT"], fields["IS"]) == (text, kind, bool(text))


def test_the_separator_never_stands_in_it() -> None:
    told = identification('A|B"\\')
    assert b"|" not in told
    assert json.loads(told)["ID"] == 'A|B"\\'


@pytest.mark.parametrize(
    ("dataset", "fits"),
    [
        ('{"ID":"04A1B2C3"}', True),
        ('{"ID":"04a1b2c3"}', True),
        ('{"ID":"04A1B2C4"}', False),
        ('{"ID":""}', True),  # in nobody's name
        ('{"FV":"1.0"}', True),
        ("[]", True),
        ("not JSON", True),  # whoever verifies it will say so
    ],
)
def test_in_whose_name_a_dataset_is(dataset: str, fits: bool) -> None:
    assert names(dataset.encode(), "04A1B2C3") is fits
