"""Security events from where they happen to both backends: in order, each once, whatever falls over in between."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind
from tests.rig.backend import ScriptedBackend
from tests.rig.ledger import RECEIVED
from tests.rig.script import Fails
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, end, play, wait

EVENT = "SecurityEventNotification"
STARTUP, RESET = "StartupOfTheDevice", "ResetOrReboot"
TLS = SecurityEventKind.INVALID_TLS_VERSION


def told(backend: ScriptedBackend) -> list[str]:
    """The kinds of events that came, repeats dropped."""
    return [frame.payload["type"] for frame in backend.ledger.deduplicated(EVENT)]


async def until_told(rig: StationRig, count: int) -> None:
    await rig.until(lambda: all(len(told(backend)) >= count for backend in rig.backends), within_s=400)
    await wait(2)


@pytest.mark.rule("ocpp16.B15")
@pytest.mark.rule("ocpp16.Z20")
def test_a_start_and_the_reset_before_it_are_told_after_the_acceptance(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await until_told(rig, 1)
        assert await rig.primary.reset("Soft") == "Accepted"
        await rig.restarted()
        await until_told(rig, 3)
        await rig.power_cut()
        await until_told(rig, 5)
        for backend in rig.backends:
            assert told(backend) == [STARTUP, RESET, STARTUP, RESET, STARTUP]
            texts = [frame.payload.get("techInfo", "") for frame in backend.ledger.deduplicated(EVENT)]
            assert texts[1] == "SoftReset"
            assert "power loss" in texts[3]
            actions = [frame.action for frame in backend.ledger.calls() if frame.direction == RECEIVED]
            assert actions.index("BootNotification") < actions.index(EVENT)
        check = rig.agent.agent.store.archive.check_security_log()
        assert (check.holds, check.lines) == (True, 5)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.Z22")
def test_what_happens_offline_is_told_later_and_holds_up_no_transaction(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await until_told(rig, 1)
        for backend in rig.backends:
            await backend.stop()
        rig.agent.agent.post(SecurityEventSeen(TLS, "TLS 1.0", UpstreamId("management")))
        rig.agent.agent.post(SecurityEventSeen(SecurityEventKind.SETTING_SYSTEM_TIME, "a step"))
        await rig.power_cut()
        await wait(5)
        for backend in rig.backends:
            await backend.start()
        await rig.until(lambda: told(rig.management)[-1:] == [STARTUP] and len(told(rig.management)) > 3, within_s=400)
        await rig.until(lambda: told(rig.primary)[-1:] == [STARTUP] and len(told(rig.primary)) > 3, within_s=400)
        assert told(rig.management) == [STARTUP, TLS.value, "SettingSystemTime", RESET, STARTUP]
        assert told(rig.primary) == [STARTUP, "SettingSystemTime", RESET, STARTUP], "not how management is connected"
        await begin(rig)
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.Z23")
@pytest.mark.parametrize("code", ["NotImplemented", "InternalError"])
def test_a_backend_that_does_not_know_security_events_is_told_each_once(tmp_path: Path, code: str) -> None:
    async def story(rig: StationRig) -> None:
        await until_told(rig, 1)
        rig.primary.script.always[EVENT] = Fails(code)
        rig.agent.agent.post(SecurityEventSeen(TLS, "TLS 1.0", UpstreamId("primary-1")))
        await wait(150)
        assert told(rig.primary) == [STARTUP, TLS.value]
        assert rig.primary.ledger.resends(EVENT) == 0
        assert rig.agent.agent.store.head_notice(UpstreamId("primary-1")) is None
        await begin(rig)
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.Z21")
def test_a_flood_of_invalid_messages_costs_a_line_or_two(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        before = rig.agent.agent.store.archive.check_security_log().lines
        for number in range(60):
            rig.agent.agent.post(
                SecurityEventSeen(SecurityEventKind.INVALID_MESSAGES, f"{number}", UpstreamId("primary-1"))
            )
            if number % 20 == 0:
                await wait(1)
        await wait(610)
        lines = rig.agent.agent.store.archive.security_log()
        assert len(lines) == before + 2
        assert "(59 in 10 min)" in lines[-1].event.tech_info

    play(tmp_path, story)


@pytest.mark.rule("INV-12")
@pytest.mark.rule("ocpp16.Z22")
@pytest.mark.parametrize("seed", range(4))
def test_power_cuts_at_random_instants_lose_no_event_and_repeat_none_under_another_id(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    async def story(rig: StationRig) -> None:
        await until_told(rig, 1)
        posted = 0
        for _ in range(4):
            for _ in range(chance.randrange(3)):
                kind = chance.choice((SecurityEventKind.SETTING_SYSTEM_TIME, SecurityEventKind.FIRMWARE_UPDATED))
                rig.agent.agent.post(SecurityEventSeen(kind, f"event {posted}"))
                posted += 1
            await wait(chance.random() * 0.05)
            await rig.power_cut(chance if chance.random() < 0.5 else None, off_s=2)
            await wait(chance.random() * 20)
        await rig.until(
            lambda: not any(rig.agent.agent.store.head_notice(u) for u in rig.agent.agent.upstreams), within_s=400
        )
        await wait(5)
        for backend in rig.backends:
            texts = [frame.payload.get("techInfo", "") for frame in backend.ledger.deduplicated(EVENT)]
            assert [text for text in texts if text.startswith("event")] == [f"event {n}" for n in range(posted)]
            assert told(backend).count(STARTUP) == 5
        assert rig.agent.agent.store.archive.check_security_log().holds

    play(tmp_path, story)
