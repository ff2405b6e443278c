"""Wire time, on a virtual-time loop: exact."""

from __future__ import annotations

import asyncio

import pytest

from hal.simulator.wire.line import LineFormat, SerialEnd
from tests.rig.virtual_time import now_s, run_virtual, settle


class Echo(SerialEnd):
    """Sends back what arrives."""

    def arrived(self, data: bytes) -> None:
        self.send(data, 0.02)


@pytest.mark.parametrize(
    ("line_format", "seconds"),
    [(LineFormat(9600), 10 / 9600), (LineFormat(19200, "E"), 11 / 19200), (LineFormat(19200, "N", 2), 11 / 19200)],
)
def test_a_character_takes_its_bits(line_format: LineFormat, seconds: float) -> None:
    assert line_format.character_s == pytest.approx(seconds)


def test_both_directions_take_their_wire_time() -> None:
    async def story() -> list[float]:
        line, times = Echo("bus", LineFormat(9600)), list[float]()
        line.attach(lambda data: times.append(now_s()))
        line.receive(bytes(8))
        await asyncio.sleep(1)
        return times

    (delivered_s,) = run_virtual(story())
    assert delivered_s == pytest.approx(8 * 10 / 9600 + 0.02 + 8 * 10 / 9600)


def test_two_answers_never_overlap() -> None:
    async def story() -> list[float]:
        line, times = SerialEnd("bus", LineFormat(9600)), list[float]()
        line.attach(lambda data: times.append(now_s()))
        line.send(bytes(96))
        line.send(bytes(96))
        await asyncio.sleep(1)
        return times

    assert run_virtual(story()) == pytest.approx([0.1, 0.2])


def test_a_line_without_supply_or_master_is_dead() -> None:
    async def story() -> list[bytes]:
        line, heard = Echo("bus", LineFormat(9600)), list[bytes]()
        deliver = heard.append
        line.attach(deliver)
        line.powered = False
        line.receive(b"x")
        await asyncio.sleep(1)
        line.powered = True
        line.receive(b"y")
        line.detach(deliver)
        await asyncio.sleep(1)
        await settle()
        return heard

    assert run_virtual(story()) == []
