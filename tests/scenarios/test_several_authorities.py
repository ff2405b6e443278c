"""Three and four upstreams over real links: who is asked about a card, whose word counts, who owns what follows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.settings.services import ServiceSettings
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Silent
from tests.rig.station_rig import PRIMARY, StationRig
from tests.scenarios.acts import SAME_CARD_S, begin, end, leave, logged, play, reasons, wait
from tests.scenarios.test_reservations import reserve, used

NORTH, SOUTH = UpstreamId("operator-1"), UpstreamId("operator-2")
BROADCAST = ServiceSettings({NORTH: Services(True, True), SOUTH: Services(True, True)})
ROUTED = ServiceSettings(
    {NORTH: Services(online=True)}, CardServices((RouteRule(RouteBy.TOKEN_PREFIX, CARD[:4], NORTH),))
)
FOUR = RigOptions(operators=2, services=BROADCAST)
THREE = RigOptions(primary=False, operators=2, services=BROADCAST)


def asked(rig: StationRig) -> list[str]:
    return [backend.name for backend in rig.backends if backend.ledger.calls("Authorize")]


def nothing_happened(rig: StationRig) -> None:
    assert not rig.closed()
    assert not any(backend.ledger.starts() for backend in rig.backends)


def id_at(backend: ScriptedBackend) -> int:
    """The id that a backend gave to the newest start."""
    return backend._next_transaction_id - 1


async def card(rig: StationRig) -> None:
    rig.plug()
    await rig.until_status("Preparing")
    rig.card()


@pytest.mark.rule("product.H5")
@pytest.mark.rule("product.H4")
@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("two-upstreams.TU07")
@pytest.mark.parametrize("options", [FOUR, THREE])
def test_a_card_that_billing_does_not_know_charges_on_the_first_peer_that_does(
    tmp_path: Path, options: RigOptions
) -> None:
    async def story(rig: StationRig) -> None:
        north, south = rig.operators
        rig.billing.script.cards[CARD] = "Invalid"
        north.script.next_time("Authorize", Delayed(3))  # slower than the other, and yet before it
        await card(rig)
        await rig.until_status("Charging")
        assert asked(rig) == [rig.billing.name, north.name, south.name]
        assert logged(rig, "station.another_authority", "broadcast", "operator-1")
        await wait(2)
        for other in (rig.billing, rig.management, south):
            assert await other.remote_stop(id_at(other)) == "Rejected"
        assert rig.closed()
        assert await north.remote_stop(id_at(north)) == "Accepted"
        await rig.until_delivered(1)
        assert reasons(rig) == [["Remote"]] * len(rig.backends)
        await leave(rig)

    play(tmp_path, story, options)


@pytest.mark.rule("product.A9")
@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("two-upstreams.TU07")
@pytest.mark.rule("INV-8")
def test_the_verdict_of_the_owner_on_the_start_ends_it_and_no_other_does(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        north, south = rig.operators
        rig.primary.script.cards[CARD] = "Invalid"
        for other in (rig.management, rig.primary, south):
            other.script.starts[CARD] = "Blocked"
        south.script.default = "Blocked"  # it is not told whose card it is
        await card(rig)
        await rig.until_status("Charging")
        await wait(10)
        assert rig.closed()
        assert len(logged(rig, "station.verdict_ignored")) == 3
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until_delivered(1)
        await leave(rig)
        north.script.starts[CARD] = "Blocked"
        await card(rig)
        await rig.until_delivered(2)
        assert reasons(rig) == [["Local", "DeAuthorized"]] * 4
        rig.card()  # lets its cable go
        await leave(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_peers_are_heard_at_the_deadline_if_billing_is_silent_and_later_ones_never(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        north, south = rig.operators
        rig.primary.script.next_time("Authorize", Delayed(12))
        north.script.next_time("Authorize", Delayed(11))
        await card(rig)
        await wait(9)
        nothing_happened(rig)
        await rig.until_status("Charging")
        await wait(2)
        assert await south.remote_stop(id_at(south)) == "Accepted"
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
@pytest.mark.rule("product.H1")
def test_accepted_of_everybody_behind_the_deadline_starts_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for number, backend in enumerate((rig.primary, *rig.operators)):
            backend.script.next_time("Authorize", Delayed(10.5 + number))
        await card(rig)
        await wait(20)
        nothing_happened(rig)
        assert asked(rig) == ["primary", "operator-1", "operator-2"]
        rig.card()
        await rig.until_status("Charging")
        await end(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_who_loses_its_link_while_it_is_asked_has_not_answered(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Silent())
        await card(rig)
        await wait(2)
        nothing_happened(rig)
        rig.primary.drop()
        await rig.until(rig.closed, within_s=5)  # with no deadline to wait for: nobody else can be meant
        await wait(2)
        north = rig.operators[0]
        assert await north.remote_stop(id_at(north)) == "Accepted"
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_a_car_that_leaves_while_all_are_asked_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for backend in (rig.primary, *rig.operators):
            backend.script.next_time("Authorize", Delayed(4))
        await card(rig)
        await wait(2)
        rig.unplug()
        await rig.until_status("Available")
        rig.plug()
        await wait(10)
        nothing_happened(rig)
        rig.unplug()

    play(tmp_path, story, FOUR)


@pytest.mark.rule("product.H4")
@pytest.mark.rule("product.H11")
def test_a_routed_card_is_asked_of_its_owner_alone_also_for_a_remote_start(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        north = rig.operators[0]
        north.script.cards[CARD] = "Blocked"
        await card(rig)
        await wait(3)
        nothing_happened(rig)
        assert asked(rig) == ["operator-1"]
        north.script.cards[CARD] = "Accepted"
        assert await rig.primary.remote_start(CARD, 1) == "Accepted"
        await rig.until_status("Charging")
        assert asked(rig) == ["operator-1"]
        await wait(2)
        assert await rig.primary.remote_stop(id_at(rig.primary)) == "Rejected"
        await end(rig)

    play(tmp_path, story, replace(FOUR, services=ROUTED))


@pytest.mark.rule("product.H6")
@pytest.mark.rule("product.P5")
def test_as_shipped_two_operators_more_change_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.cards[CARD] = "Invalid"
        await card(rig)
        await wait(12)
        nothing_happened(rig)
        assert asked(rig) == ["primary"]
        await rig.primary.stop()
        rig.card()
        await wait(12)
        nothing_happened(rig)
        assert asked(rig) == ["primary"]
        await rig.primary.start()
        rig.unplug()

    play(tmp_path, story, replace(FOUR, services=ServiceSettings()))


@pytest.mark.rule("product.H10")
def test_the_reservations_of_an_operator_count_where_it_has_the_service(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        north, south = rig.operators
        for other in (rig.management, rig.primary, south):
            assert await reserve(other, 1) == "Rejected"
        assert await reserve(north, 1) == "Accepted"
        for backend in rig.backends:
            await rig.until(lambda b=backend: b.ledger.status(1) == "Reserved", within_s=5)
        rig.plug()
        rig.card()
        await rig.until_status("Charging")
        await end(rig)
        assert [used(backend) for backend in rig.backends] == [[None], [None], [1], [None]]

    play(tmp_path, story, replace(FOUR, services=ServiceSettings(settled=CardServices(reservations=NORTH))))


@pytest.mark.rule("product.H12")
def test_the_decision_is_on_the_disk_with_everybody_who_was_asked(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.cards[CARD] = "Invalid"
        await begin(rig)
        await end(rig)
        found = await rig.agent.agent.writer.ask(lambda store: store.archive.decisions(5))
        (asked_,) = [step for step in found if step.stage == "online"]
        assert (asked_.upstream, asked_.answer, asked_.way) == (NORTH, "Accepted", "broadcast")
        assert [(one.upstream, one.answer) for one in asked_.asked] == [
            (PRIMARY, "Invalid"),
            (NORTH, "Accepted"),
        ]

    play(tmp_path, story, replace(FOUR, services=ServiceSettings({NORTH: Services(True, True)})))


@pytest.mark.rule("product.outage")
@pytest.mark.rule("product.H12")
def test_the_outage_mode_of_stationctl_holds_at_once_and_decisions_say_why(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        async def ask(**fields: object) -> Any:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "run" / "control.socket"))
            writer.write(json.dumps(fields).encode() + b"\n")
            answer = json.loads(await reader.readline())
            writer.close()
            await writer.wait_closed()
            assert answer["ok"], answer
            return answer["result"]

        await begin(rig)
        await end(rig)
        assert (await ask(command="services"))["outage_mode"] == "accept-known"
        await ask(command="outage-mode", mode="deny")
        await rig.primary.stop()
        await wait(2)
        rig.plug()
        await wait(3)
        rig.card()
        await wait(5)
        assert not rig.closed()
        newest = (await ask(command="decisions", limit=1, connector=1))[0]
        assert "no card charges without an answer" in newest["why"]
        assert "Primary: not reachable" in newest["why"]
        assert CARD not in json.dumps(newest)
        await ask(command="outage-mode", mode="accept-known")
        rig.card()
        await rig.until(rig.closed, within_s=20)
        await rig.primary.start()
        await rig.until(rig.primary.connected.is_set, within_s=400)
        keys, _ = await rig.primary.get_configuration("LocalAuthorizeOffline", "AllowOfflineTxForUnknownId")
        assert keys == {"LocalAuthorizeOffline": ("true", False), "AllowOfflineTxForUnknownId": ("false", False)}
        await end(rig, sessions=2)

    play(tmp_path, story, offline_cards=frozenset({CARD.casefold()}))
