"""PN532 by raw bytes, on virtual time. Frames are those of the user manual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from hal.simulator.devices.pn532 import Pn532
from hal.simulator.devices.reader import UnknownToken
from hal.simulator.wire.line import LineFormat
from hal.simulator.wire.ports import InProcessPort
from tests.rig.virtual_time import run_virtual

WAKE_UP = bytes.fromhex("55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00")
SAM = bytes.fromhex("00 00 FF 05 FB D4 14 01 00 01 16 00")
SAM_DONE = bytes.fromhex("00 00 FF 02 FE D5 15 16 00")
FIRMWARE = bytes.fromhex("00 00 FF 02 FE D4 02 2A 00")
FIRMWARE_IS = bytes.fromhex("00 00 FF 06 FA D5 03 32 01 06 07 E8 00")
LIST = bytes.fromhex("00 00 FF 04 FC D4 4A 01 00 E1 00")
TARGET = bytes.fromhex("00 00 FF 0C F4 D5 4B 01 01 00 04 08 04 04 A1 B2 C3 B4 00")
NO_TARGET = bytes.fromhex("00 00 FF 03 FD D5 4B 00 E0 00")
ONE_RETRY = bytes.fromhex("00 00 FF 06 FA D4 32 05 FF 01 01 F4 00")
RETRY_SET = bytes.fromhex("00 00 FF 02 FE D5 33 F8 00")
ACK = bytes.fromhex("00 00 FF 00 FF 00")
NACK = bytes.fromhex("00 00 FF FF 00 00")
ERROR = bytes.fromhex("00 00 FF 01 FF 7F 81 00")

Say = Callable[[bytes], Coroutine[object, object, bytes]]


def with_reader(story: Callable[[Pn532, Say], Coroutine[object, object, None]], *, awake: bool = True) -> None:
    """Run a story with a chip and a way to say something to it (what comes back within 50 ms)."""

    async def run() -> None:
        chip = Pn532("reader1", LineFormat(115200))
        port = InProcessPort(chip)

        async def say(data: bytes) -> bytes:
            await port.write(data)
            await asyncio.sleep(0.05)
            return await port.read() if port.waiting else b""

        if awake:
            assert await say(WAKE_UP + SAM) == ACK + SAM_DONE
        await story(chip, say)
        await port.close()

    run_virtual(run())


def test_asleep_it_hears_nothing() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(SAM) == b""
        assert await say(WAKE_UP + SAM) == ACK + SAM_DONE

    with_reader(story, awake=False)


def test_before_its_mode_is_set_it_looks_for_no_card() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(WAKE_UP + LIST) == ACK + ERROR

    with_reader(story, awake=False)


def test_firmware_version_and_an_unknown_command() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(FIRMWARE) == ACK + FIRMWARE_IS
        assert await say(bytes.fromhex("00 00 FF 02 FE D4 99 93 00")) == ACK + ERROR

    with_reader(story)


def test_a_card_in_the_field_is_told_at_once() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        chip.present(chip.parse("04A1B2C3"))
        assert await say(LIST) == ACK + TARGET
        assert await say(NACK) == TARGET  # said again

    with_reader(story)


def test_it_waits_for_a_card_and_any_new_frame_ends_the_wait() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(LIST) == ACK
        chip.present(chip.parse("04 a1:b2-c3"))
        assert await say(b"") == TARGET
        await asyncio.sleep(5)
        assert await say(LIST) == ACK
        assert await say(ACK) == b""
        chip.present(chip.parse("04A1B2C3"))
        assert await say(b"") == b""

    with_reader(story)


def test_with_limited_retries_it_says_that_there_is_no_card() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(ONE_RETRY) == ACK + RETRY_SET
        assert await say(LIST) == ACK + NO_TARGET

    with_reader(story)


@pytest.mark.parametrize("token", ["04A1B2C3D4E5F6", "0102030405060708090A"])
def test_longer_uids(token: str) -> None:
    async def story(chip: Pn532, say: Say) -> None:
        chip.present(chip.parse(token))
        uid = bytes.fromhex(token)
        assert bytes((len(uid),)) + uid in await say(LIST)

    with_reader(story)


def test_a_card_is_held_until_it_was_noticed_but_not_for_ever() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        chip.present(chip.parse("04A1B2C3"))
        await asyncio.sleep(3)
        assert await say(LIST) == ACK + TARGET
        await asyncio.sleep(1)
        assert chip.card is None
        chip.present(chip.parse("04A1B2C3"))
        await asyncio.sleep(6)
        assert chip.card is None

    with_reader(story)


def test_two_cards_come_one_after_the_other() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        chip.present(chip.parse("04A1B2C3"))
        chip.present(chip.parse("05A1B2C3"))
        assert await say(LIST) == ACK + TARGET
        await asyncio.sleep(1.2)
        assert bytes.fromhex("05A1B2C3") in await say(LIST)

    with_reader(story)


def test_wrong_checksums_are_ignored() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        assert await say(LIST[:-2] + b"\x00\x00") == b""
        assert await say(b"\x00\x00\xff\x04\x00" + LIST[5:]) == b""
        assert await say(FIRMWARE) == ACK + FIRMWARE_IS

    with_reader(story)


def test_without_supply_it_is_silent_and_comes_back_asleep() -> None:
    async def story(chip: Pn532, say: Say) -> None:
        chip.set_online(False)
        assert await say(FIRMWARE) == b""
        chip.set_online(True)
        assert await say(FIRMWARE) == b""
        assert await say(WAKE_UP + SAM) == ACK + SAM_DONE

    with_reader(story)


@pytest.mark.parametrize("token", ["04A1", "xyz", "04A1B2C", ""])
def test_tokens_that_no_card_has(token: str) -> None:
    with pytest.raises(UnknownToken):
        Pn532("reader1").parse(token)
