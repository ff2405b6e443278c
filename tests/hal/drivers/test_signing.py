"""The signing driver against the virtual meter, over the wire: begin, end, refusals, silence, power cuts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from hal.api import BusPlan, ConnectorPlan, HardwarePlan, Reading, SigningAnswered, SigningOrder, SigningStep
from hal.boards import build
from hal.drivers import signing
from hal.simulator.devices.iskra import AFTER_POWER_FAILURE, COMMAND_AT, IskraMeter
from hal.simulator.devices.iskra import BEGIN as BEGIN_COMMAND
from hal.simulator.devices.iskra import END as END_COMMAND
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from hal.simulator.wire.bus import BusFaults
from tests.rig.virtual_time import cancelled, run_virtual

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
BEGIN, END = SigningStep.BEGIN, SigningStep.END


class Desk:
    """One connector whose meter signs, on a line of its own speed."""

    def __init__(self) -> None:
        self.plant = Plant(default_settings(1, meter="iskra_wm3m4c"))
        self.readings: list[Reading] = []
        self.log: list[str] = []
        connector = ConnectorPlan(1, "viridian_epc2plus", "bus1", None, "iskra_wm3m4c", "bus1", 33, 32.0)
        plan = HardwarePlan((BusPlan("bus1", "plant:bus1", 19200, "E", 1),), (connector,))
        self.hardware = build(plan, self.readings.append, self.plant.port_factory, self.log.append)
        self.requests = 0

    @property
    def meter(self) -> IskraMeter:
        found = self.plant.meters[1]
        assert isinstance(found, IskraMeter)
        return found

    async def ask(self, step: SigningStep, wall_ms: int | None = NOW_MS, **order: Any) -> SigningAnswered:
        self.requests += 1
        self.hardware.sign(1, SigningOrder(step, self.requests, wall_ms, "04A1B2C3D4E5F6", **order))
        for _ in range(2000):
            await asyncio.sleep(0.05)
            found = [one for one in self.readings if isinstance(one, SigningAnswered) and one.request == self.requests]
            if found:
                return found[0]
        raise AssertionError("no answer")

    def expected(self) -> str:
        """What a record of the newest session is, by hand: both numbers begin with a zero that may be too much."""
        last = self.meter.signed[-1]
        numbers = [last.signature[5:37], last.signature[40:72]]
        body = b""
        for number in numbers:
            shown = b"\0" + number if number[0] >= 0x80 else number.lstrip(b"\0")
            body += bytes((2, len(shown))) + shown
        return "OCMF|" + last.dataset.decode() + '|{"SD":"' + (bytes((0x30, len(body))) + body).hex() + '"}'


def play(scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
    async def whole() -> Desk:
        desk = Desk()
        running = [asyncio.ensure_future(one) for one in (desk.plant.run(), desk.hardware.run())]
        try:
            await scenario(desk)
        finally:
            for one in running:
                await cancelled(one)
        return desk

    return run_virtual(whole())


def test_a_session_is_begun_and_ended_and_comes_to_the_byte() -> None:
    async def scenario(desk: Desk) -> None:
        assert desk.hardware.capabilities[1].signs
        for number in (1, 2):
            begun = await desk.ask(BEGIN)
            assert (begun.done, begun.data, begun.step) == (True, "", BEGIN)
            await asyncio.sleep(20)
            ended = await desk.ask(END)
            assert ended.done
            assert ended.data == desk.expected()
            assert ended.public_key.startswith("3059301306072a8648ce3d02")
            assert len(ended.public_key) == 2 * 91
            assert (desk.meter.begun, len(desk.meter.signed)) == (number, number)
        fields = json.loads(desk.meter.signed[0].dataset)
        assert fields["ID"] == "04A1B2C3D4E5F6"
        times = [one["TM"][:19] for one in fields["RD"]]
        assert times[0].startswith("2026-01-01T00:00:0")
        assert "2026-01-01T00:00:20" <= times[1] <= "2026-01-01T00:00:25"

    play(scenario)


def test_nothing_that_is_told_shows_who_charged() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        ended = await desk.ask(END)
        assert "04A1B2C3D4E5F6" in ended.data
        shown = [repr(ended), repr(SigningOrder(END, 1, None, "04A1B2C3D4E5F6")), *desk.log]
        assert not any("04A1B2C3" in text for text in shown)

    play(scenario)


@pytest.mark.parametrize("status", [128, 129, 130, 131, 132, 133, 250])
@pytest.mark.parametrize("step", [BEGIN, END])
def test_a_refusal_is_told_with_its_number_and_its_words(step: SigningStep, status: int) -> None:
    async def scenario(desk: Desk) -> None:
        if step is END:
            await desk.ask(BEGIN)
        desk.meter.refuse.append(status)
        answer = await desk.ask(step)
        assert (answer.done, answer.status, answer.data) == (False, status, "")
        assert answer.detail.startswith(f"status {status}: ")
        assert "not explained" not in answer.detail
        assert (await desk.ask(step)).done  # the next one is not held against it

    play(scenario)


def test_a_busy_meter_is_waited_for_and_not_for_ever() -> None:
    async def scenario(desk: Desk) -> None:
        desk.meter.busy_s = 12
        assert (await desk.ask(BEGIN)).done
        desk.meter.busy_s = 40
        answer = await desk.ask(END)
        assert (answer.done, answer.detail) == (False, "the command was not done within 15 s")

    play(scenario)


def test_after_a_power_failure_time_and_name_are_told_again_before_the_end() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        desk.plant.set_power(False)
        await asyncio.sleep(30)
        desk.plant.set_power(True)
        assert desk.meter.state == AFTER_POWER_FAILURE
        unknown = await desk.ask(END, None, again=True)
        assert (unknown.done, "time is not known" in unknown.detail) == (False, True)
        ended = await desk.ask(END, NOW_MS + 60_000, again=True)
        assert ended.data == desk.expected()
        assert (desk.meter.begun, len(desk.meter.signed)) == (1, 1)

    play(scenario)


def test_an_end_of_a_former_life_that_was_carried_out_is_only_fetched() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        first = await desk.ask(END)
        again = await desk.ask(END, None, again=True)
        assert again.data == first.data
        refused = await desk.ask(END)
        assert (refused.done, refused.detail) == (False, "the meter has no session to end")
        assert len(desk.meter.signed) == 1

    play(scenario)


def test_a_session_that_nobody_began_is_ended_first() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        assert (await desk.ask(BEGIN)).done
        assert (desk.meter.begun, len(desk.meter.signed)) == (2, 1)
        assert any("nobody here began" in line for line in desk.log)

    play(scenario)


def test_a_silent_meter_is_asked_again_until_it_answers() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        desk.plant.set_bus("bus1", BusFaults(online=False))
        asyncio.get_running_loop().call_later(
            signing.PATIENCE_S / 2, lambda: desk.plant.set_bus("bus1", BusFaults(online=True))
        )
        ended = await desk.ask(END)
        assert ended.data == desk.expected()
        desk.plant.set_bus("bus1", BusFaults(online=False))
        silent = await desk.ask(BEGIN)
        assert (silent.done, silent.status) == (False, None)
        assert "answer" in silent.detail

    play(scenario)


def test_a_newer_order_ends_the_patience_for_an_older_one() -> None:
    async def scenario(desk: Desk) -> None:
        desk.plant.set_bus("bus1", BusFaults(online=False))
        desk.hardware.sign(1, SigningOrder(BEGIN, 70, NOW_MS))
        await asyncio.sleep(5)
        desk.hardware.sign(1, SigningOrder(BEGIN, 71, NOW_MS))
        await asyncio.sleep(8)
        answered = [one.request for one in desk.readings if isinstance(one, SigningAnswered)]
        assert answered == [70]

    play(scenario)


def test_noise_on_the_line_changes_no_byte() -> None:
    async def scenario(desk: Desk) -> None:
        desk.plant.set_bus("bus1", BusFaults(crc_error_rate=0.1))
        for _ in range(5):
            await desk.ask(BEGIN)
            assert (await desk.ask(END)).data == desk.expected()

    play(scenario)


def test_a_command_whose_answer_was_lost_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[int] = []

    async def scenario(desk: Desk) -> None:
        write = desk.meter.write_registers

        def lose_the_answer(address: int, words: Sequence[int]) -> None:
            write(address, words)
            if address == COMMAND_AT:
                commands.append(words[0])
                desk.plant.set_bus("bus1", BusFaults(delay_ms=900))
                asyncio.get_running_loop().call_later(0.1, desk.plant.set_bus, "bus1", BusFaults())

        monkeypatch.setattr(desk.meter, "write_registers", lose_the_answer)
        assert (await desk.ask(BEGIN)).done
        assert (await desk.ask(END)).data == desk.expected()
        assert len(commands) == 2

    play(scenario)


def test_a_session_that_nobody_began_is_ended_first_also_after_a_power_failure() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        desk.plant.set_power(False)
        await asyncio.sleep(30)
        desk.plant.set_power(True)
        assert desk.meter.state == AFTER_POWER_FAILURE
        begun = await desk.ask(BEGIN, NOW_MS + 60_000)
        assert begun.done, begun.detail
        assert (desk.meter.begun, len(desk.meter.signed)) == (2, 1)

    play(scenario)


def test_an_order_that_waited_tells_the_time_that_it_is_by_then() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        desk.meter.busy_s = 12
        desk.hardware.sign(1, SigningOrder(END, 90, NOW_MS, "04A1B2C3D4E5F6"))
        await asyncio.sleep(0)
        assert (await desk.ask(BEGIN)).done  # it waits for the end before it
        desk.meter.busy_s = 0.2
        await desk.ask(END)
        first = json.loads(desk.meter.signed[-1].dataset)["RD"][0]["TM"]
        assert "2026-01-01T00:00:12" <= first[:19] <= "2026-01-01T00:00:14"

    play(scenario)


def test_what_is_still_being_signed_is_waited_for_when_it_is_fetched() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        await desk.ask(END)
        await desk.ask(BEGIN)
        desk.meter.busy_s = 5
        desk.meter.write_registers(COMMAND_AT, [END_COMMAND])  # by a life that ended then
        await asyncio.sleep(1)
        ended = await desk.ask(END, again=True)
        assert ended.done, ended.detail
        assert ended.data == desk.expected()
        assert len(desk.meter.signed) == 2

    play(scenario)


def test_what_the_meter_signed_for_somebody_else_is_not_brought() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        await desk.ask(END)
        desk.requests += 1
        desk.hardware.sign(1, SigningOrder(END, desk.requests, NOW_MS, "04FFFFFFFFFFFF", again=True))
        await asyncio.sleep(20)
        (answer,) = [one for one in desk.readings if isinstance(one, SigningAnswered) and one.request == desk.requests]
        assert (answer.done, answer.data) == (False, "")
        assert "somebody else" in answer.detail

    play(scenario)


@pytest.mark.parametrize("step", [BEGIN, END])
def test_a_supply_that_fails_under_a_command_costs_no_signature(step: SigningStep) -> None:
    async def scenario(desk: Desk) -> None:
        if step is END:
            await desk.ask(BEGIN)
            await asyncio.sleep(5)
        desk.meter.busy_s = 3
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, lambda: desk.plant.set_power(False))
        loop.call_later(2.0, lambda: desk.plant.set_power(True))
        answer = await desk.ask(step)
        assert answer.done, answer.detail
        if step is BEGIN:
            answer = await desk.ask(END)
        assert answer.data == desk.expected()

    play(scenario)


def repeated(desk: Desk, command: int) -> None:
    """The line says this command twice, since the answer to the first was lost."""
    once = desk.meter.write_registers

    def twice(address: int, words: Sequence[int]) -> None:
        once(address, words)
        if address == COMMAND_AT and list(words) == [command]:
            asyncio.get_running_loop().call_later(0.3, lambda: once(address, words))

    desk.meter.write_registers = twice  # type: ignore[method-assign]


@pytest.mark.parametrize("command", [BEGIN_COMMAND, END_COMMAND])
def test_a_command_that_the_line_repeats_is_carried_out_once_and_not_refused(command: int) -> None:
    async def scenario(desk: Desk) -> None:
        repeated(desk, command)
        for sessions in (1, 2):
            begun = await desk.ask(BEGIN)
            assert begun.done, begun.detail
            ended = await desk.ask(END)
            assert ended.done, ended.detail
            assert ended.data == desk.expected()
            assert (desk.meter.begun, len(desk.meter.signed)) == (sessions, sessions)

    play(scenario)


def test_what_was_signed_before_is_not_brought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.ask(BEGIN)
        await desk.ask(END)
        await desk.ask(BEGIN)
        monkeypatch.setattr(desk.meter, "_sign", lambda: None)  # its cryptography fails
        answer = await desk.ask(END)
        assert (answer.done, answer.data, answer.detail) == (False, "", "the meter has signed nothing new")

    play(scenario)
