"""A hundred thousand requests of Data & Control upstreams: no start, no stop, and no card's fate is another."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.crowd import Crowd
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.ledger import RECEIVED, Frame
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import OTHER_CARD, SAME_CARD_S, wait

BATCH, BATCH_S = 20, 0.5
CLEARED_EVERY = 10
NOT_WHILE_IDLE = frozenset({"Reset", "UpdateFirmware", "SignedUpdateFirmware"})
"""May be done while no transaction runs, and end the life of the agent: not what is looked at here."""
COUNTS = [
    pytest.param(5_000, 5, 120.0, id="5000"),
    pytest.param(100_000, None, 3_000.0, id="100000", marks=pytest.mark.nightly),
]


class Told:
    """What the backends were told of sessions, and who was asked about cards."""

    def __init__(self, rig: StationRig) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        for backend in rig.backends:
            backend.on_frame = lambda frame, name=backend.name: self._note(name, frame)  # type: ignore[misc]

    def of(self, action: str) -> dict[str, int]:
        """How often each backend was told this."""
        return {name: count for (name, told), count in self.counts.items() if told == action}

    def _note(self, name: str, frame: Frame) -> None:
        if frame.direction == RECEIVED and frame.action in ("Authorize", "StartTransaction", "StopTransaction"):
            self.counts[name, frame.action] += 1


async def shoot(rig: StationRig, crowd: Crowd, count: int) -> None:
    """So many requests, of management and of each operator in turn."""
    beside: list[ScriptedBackend] = [backend for backend in rig.backends if backend is not rig.primary]
    for batch in range(count // BATCH):
        sender = beside[batch % len(beside)]
        if not sender.connected.is_set():
            await rig.until(sender.connected.is_set, within_s=600)
        for number in range(BATCH):
            await sender.send_text(crowd.request(batch * BATCH + number))
        await wait(BATCH_S)
        if batch % CLEARED_EVERY == 0:
            forget(rig)
    forget(rig)  # cards of its lists are drawn from those that are shown: nobody's secret


def forget(rig: StationRig) -> None:
    """Nobody looks at the frames of before."""
    for backend in rig.backends:
        backend.ledger.frames.clear()


async def made_up(rig: StationRig) -> None:
    """Holds and limits, which everybody may set, are taken back."""
    for backend in (rig.management, *rig.operators):
        await rig.until(backend.connected.is_set, within_s=600)
        for connector in (1, 0):
            await backend.change_availability(connector, "Operative")
        await backend.send_text('[2,"clear","ClearChargingProfile",{}]')
    await wait(2)


async def shown(rig: StationRig, card: str) -> None:
    """A fresh car, and this card."""
    rig.unplug()
    await wait(3)
    rig.plug()
    await wait(3)
    rig.card(card)
    await wait(15)


@pytest.mark.rule("security.ATK-27")
@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.P3")
@pytest.mark.rule("product.P6")
@pytest.mark.parametrize(("count", "seed", "real_limit_s"), COUNTS)
def test_data_and_control_starts_nothing_stops_nothing_and_changes_no_cards_fate(
    tmp_path: Path, count: int, seed: int | None, real_limit_s: float
) -> None:
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    print(f"seed {seed}")

    async def story(rig: StationRig) -> None:
        await rig.ready()
        told = Told(rig)
        rig.primary.script.default = "Blocked"
        rig.primary.script.cards[CARD] = "Accepted"
        ids = [backend._next_transaction_id for backend in rig.backends]
        crowd = Crowd(random.Random(seed), (CARD, OTHER_CARD, "PLANTED"), ids, NOT_WHILE_IDLE)
        rig.plug()
        await shoot(rig, crowd, count // 2)
        assert not told.counts, "nobody showed a card"
        rig.plant.sync()
        assert [event.value for event in rig.plant.history.of(1, "offered_a") if event.value] == []
        await made_up(rig)
        await shown(rig, OTHER_CARD)
        assert not told.of("StartTransaction")
        await shown(rig, CARD)
        assert told.of("StartTransaction") == dict.fromkeys((b.name for b in rig.backends), 1)
        await shoot(rig, Crowd(crowd.chance, crowd.cards, ids), count // 2)
        await made_up(rig)
        assert not told.of("StopTransaction")
        assert rig.closed(), "it goes on once nobody limits it"
        assert list(told.of("Authorize")) == ["primary"]
        await wait(SAME_CARD_S)
        rig.card(CARD)
        await rig.until(lambda: len(told.of("StopTransaction")) == len(rig.backends), within_s=60)
        assert "upstream_bug" not in rig.agent.log

    async def main() -> None:
        async with StationRig(tmp_path, RigOptions(operators=1), direct=True) as rig:
            await story(rig)

    run_virtual(main(), limit_s=1_000_000.0, real_limit_s=real_limit_s)
