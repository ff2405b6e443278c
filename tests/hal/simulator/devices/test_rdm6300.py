from __future__ import annotations

import asyncio

import pytest

from hal.simulator.devices.rdm6300 import Rdm6300, frame
from hal.simulator.devices.reader import UnknownToken
from tests.rig.virtual_time import run_virtual

TAG = bytes.fromhex("0A 00 4B 9D 2C")
FRAME = b"\x020A004B9D2CF0\x03"
"""Checksum: 0A ^ 00 ^ 4B ^ 9D ^ 2C = F0."""


def test_frame() -> None:
    assert frame(TAG) == FRAME


def test_it_repeats_itself_while_the_tag_is_there() -> None:
    async def story() -> list[bytes]:
        reader, heard = Rdm6300("reader1"), list[bytes]()
        reader.attach(heard.append)
        reader.present(reader.parse("0A004B9D2C"))
        await asyncio.sleep(5)
        return heard

    heard = run_virtual(story())
    assert set(heard) == {FRAME}
    assert 8 <= len(heard) <= 12


def test_offline_it_says_nothing() -> None:
    async def story() -> list[bytes]:
        reader, heard = Rdm6300("reader1"), list[bytes]()
        reader.attach(heard.append)
        reader.set_online(False)
        reader.present(TAG)
        await asyncio.sleep(10)
        return heard

    assert run_virtual(story()) == []


def test_tokens() -> None:
    reader = Rdm6300("reader1")
    assert reader.parse("004B9D2C") == bytes.fromhex("00004B9D2C")
    with pytest.raises(UnknownToken):
        reader.parse("04A1B2C3D4E5F6")
