"""Every profile against its vector file: what goes out and what comes in, byte by byte; no register is left out."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hal.blocks import area_bytes, area_reads, area_writes, merge, with_exponents, write_requests
from hal.drivers import pn532, rdm6300
from hal.modbus import Read, Receiver, Reply, encode
from hal.profile import BoardProfile, CardProtocol, MeterProfile, ReaderProfile, Write
from hal.profile_reader import find, shipped_ids
from hal.signing_part import Area
from tests.hal.fake_line import framed

VECTORS = Path(__file__).parent.parent / "vectors" / "hal"
MARKS = {"recorded", "vendor-document", "synthetic"}


@cache
def vectors(device: str) -> dict[str, Any]:
    return tomllib.loads((VECTORS / f"{device}.toml").read_text())


def cases(kind: str) -> list[Any]:
    found = [(one, index) for one in shipped_ids() for index in range(len(vectors(one).get(kind, [])))]
    return [pytest.param(one, index, id=f"{one}-{index}") for one, index in found]


@pytest.mark.parametrize("device", shipped_ids())
def test_each_profile_has_marked_vectors_for_each_register(device: str) -> None:
    found = vectors(device)
    profile = find(device)
    assert found["device"] == device
    every = [*found.get("read", []), *found.get("write", []), *found.get("stream", [])]
    assert every
    assert {one["mark"] for one in every} <= MARKS
    assert {name for one in found.get("read", []) for name in one["values"]} == set(profile.registers)


@pytest.mark.parametrize(("device", "index"), cases("read"))
def test_reads(device: str, index: int) -> None:
    profile, vector = find(device), vectors(device)["read"][index]
    registers = [profile.registers[name] for name in vector["values"]]
    (block,) = merge(registers, profile.limits)
    request = Read(profile.unit, block.functions[0], block.address, block.count)
    assert encode(request) == framed(vector["request"])
    reply = Receiver(request).feed(framed(vector["answer"]))
    assert isinstance(reply, Reply)
    assert with_exponents(registers, block.values(reply.words)) == vector["values"]


@pytest.mark.parametrize(("device", "index"), cases("write"))
def test_writes(device: str, index: int) -> None:
    profile, vector = find(device), vectors(device)["write"][index]
    part: Any = profile
    for name in vector["part"].split("."):
        part = getattr(part, name)
    writes: tuple[Write, ...] = part
    requests = write_requests(writes, profile.registers, profile.unit, vector["current_a"])
    assert [encode(one) for one in requests] == [framed(frame) for frame in vector["frames"]]


@pytest.mark.parametrize(("device", "index"), cases("stream"))
def test_streams(device: str, index: int) -> None:
    profile, vector = find(device), vectors(device)["stream"][index]
    assert isinstance(profile, ReaderProfile)
    octets = bytes.fromhex(vector["octets"])
    if profile.protocol is CardProtocol.PN532:
        answers = [one for one in pn532.Parser().feed(octets) if isinstance(one, pn532.Answered)]
        assert answers
        uids = [uid for one in answers if (uid := pn532.card_of(one))]
    else:
        uids = rdm6300.Parser().feed(octets)
    assert [one.hex().upper() for one in uids] == vector["cards"]


@pytest.mark.parametrize(("device", "index"), cases("area"))
def test_areas(device: str, index: int) -> None:
    profile, vector = find(device), vectors(device)["area"][index]
    assert vector["mark"] in MARKS
    assert isinstance(profile, MeterProfile)
    area: Area = getattr(profile.signing, vector["area"])
    data = bytes.fromhex(vector["data"])
    if "frames" in vector:
        requests = area_writes(area, data, profile.unit, profile.limits)
        assert [encode(one) for one in requests] == [framed(frame) for frame in vector["frames"]]
        return
    reads = area_reads(area, len(data), profile.unit, profile.limits)
    assert [encode(one) for one in reads] == [framed(frame) for frame in vector["requests"]]
    replies = [Receiver(one).feed(framed(answer)) for one, answer in zip(reads, vector["answers"], strict=True)]
    words = [one.words for one in replies if isinstance(one, Reply)]
    assert area_bytes(words, len(data)) == data


def test_every_area_of_a_meter_that_signs_has_a_vector() -> None:
    signing = [one for one in shipped_ids() if isinstance(p := find(one), MeterProfile) and p.signing]
    assert signing
    for device in signing:
        assert {one["area"] for one in vectors(device)["area"]} == {
            "identification",
            "dataset",
            "signature",
            "public_key",
        }


def test_boards_and_meters_have_reads_and_boards_have_writes() -> None:
    for device in shipped_ids():
        profile = find(device)
        assert bool(vectors(device).get("read")) is isinstance(profile, (BoardProfile, MeterProfile))
        assert bool(vectors(device).get("write")) is isinstance(profile, BoardProfile)
