"""Two backends and a recovery at odds: a week away, verdicts against each other, equal ids, a primary that changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.settings import Settings
from agent.vocabulary.ids import UpstreamId
from tests.rig.backend import ScriptedBackend
from tests.rig.certificates import make_authority
from tests.rig.driver import CARD
from tests.rig.fuse import End, Fuse
from tests.rig.oracle_ledgers import delivery_findings, session_findings
from tests.rig.oracle_sessions import sessions_of
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import SAME_CARD_S, begin, happened, leave, reasons, wait

DAYS = 7
NIGHT_S = 23.5 * 3600.0
KEYS = {"MeterValueSampleInterval": 1}
PLAIN = RigOptions(management_keys=dict(KEYS), primary_keys=dict(KEYS))
RESUMING = replace(PLAIN, station={"after_power_loss": "resume"})
SUCCESSOR = UpstreamId("primary-2")

Story = Callable[[StationRig], Awaitable[None]]


def tell(rig: Callable[[], StationRig], story: Story) -> None:
    """Play a story that may take a week."""

    async def main() -> None:
        async with rig() as made:
            await made.ready()
            await story(made)
            made.check()

    run_virtual(main(), limit_s=(DAYS + 1) * 24 * 3600.0, real_limit_s=60)


async def session(rig: StationRig) -> None:
    """One session from plug to plug."""
    await begin(rig)
    await wait(SAME_CARD_S)
    rig.card()
    await rig.until_status("Finishing")
    await leave(rig)


@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
@pytest.mark.rule("product.A8")
@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("two-upstreams.races")
def test_management_that_was_away_for_a_week_gets_it_all_while_the_primary_is_live(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await rig.management.stop()
        for _ in range(DAYS):
            await session(rig)
            await rig.power_cut(off_s=NIGHT_S)  # somebody switches it off for the rest of the day
            await rig.until(rig.primary.connected.is_set, within_s=30)
            await wait(3)
        assert len(sessions_of(rig.primary.ledger)) == DAYS
        assert not rig.management.ledger.starts()
        await begin(rig)
        await rig.management.start()
        await rig.until(rig.management.connected.is_set, within_s=400, what="management is back")
        await rig.until(lambda: rig.management.ledger.status(1) == "Charging", within_s=10)
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until_status("Finishing")
        await leave(rig)
        await rig.until_settled()
        times = [
            value.at_s for value in rig.primary.ledger.meter_values(sessions_of(rig.primary.ledger)[-1].foreign_ids[0])
        ]
        assert max(after - before for before, after in pairwise(times)) < 1.2  # the flush delays nothing there
        starts = [start.at_s for start in rig.management.ledger.starts()]
        assert starts == sorted(starts)
        assert len(starts) == DAYS + 1

    tell(lambda: StationRig(tmp_path, PLAIN, direct=True), story)


@pytest.mark.rule("INV-8")
@pytest.mark.rule("two-upstreams.TU04")
@pytest.mark.rule("two-upstreams.races")
def test_transaction_ids_that_cross_are_never_mixed_up_across_deaths(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.give_next(7)
        rig.primary.give_next(8)
        await begin(rig)
        await rig.kill()
        await rig.until_resumed()
        assert await rig.management.remote_stop(7) == "Rejected"
        assert await rig.primary.remote_stop(7) == "Rejected"
        assert await rig.primary.remote_stop(8) == "Accepted"
        await rig.until_settled()
        await leave(rig)
        await wait(2)
        rig.management.give_next(8)
        rig.primary.give_next(7)
        await begin(rig)
        await rig.kill()
        await rig.until_resumed()
        assert await rig.primary.remote_stop(8) == "Rejected"
        assert await rig.primary.remote_stop(7) == "Accepted"
        await rig.until_settled()
        await leave(rig)
        await wait(2)
        for backend, ids in ((rig.management, [7, 8]), (rig.primary, [8, 7])):
            assert [stop.foreign_id for stop in backend.ledger.stops()] == ids
        rig.management.give_next(9)
        rig.primary.give_next(9)
        await begin(rig)
        assert await rig.management.remote_stop(9) == "Rejected"  # the same number, and yet another's
        assert await rig.primary.remote_stop(9) == "Accepted"
        await rig.until_settled()
        await leave(rig)

    tell(lambda: StationRig(tmp_path, RESUMING, direct=True), story)


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("INV-7")
def test_what_the_primary_did_not_accept_is_not_resumed_though_management_accepts_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = "Invalid"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("SuspendedEVSE")
        await rig.kill()
        await rig.until_settled()
        assert reasons(rig) == [["Reboot"], ["Reboot"]]
        assert not rig.closed()
        await leave(rig)

    options = replace(RESUMING, primary_keys={**KEYS, "StopTransactionOnInvalidId": False})
    tell(lambda: StationRig(tmp_path, options, direct=True), story)


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("product.A9")
def test_what_management_did_not_accept_is_resumed_if_the_primary_accepts_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.starts[CARD] = "Invalid"
        await begin(rig)
        await wait(2)
        await rig.kill()
        await rig.until_resumed()
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until_settled()
        assert reasons(rig) == [["Local"], ["Local"]]
        await leave(rig)

    tell(lambda: StationRig(tmp_path, RESUMING, direct=True), story)


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("ocpp16.X25")
@pytest.mark.parametrize(
    ("name", "late_s", "end", "reason"),
    [
        pytest.param("primary", 0.0, End.CUT, "PowerLoss", id="the primary, after a power cut"),
        pytest.param("primary", 0.0, End.KILL, "Reboot", id="the primary, before it is decided"),
        pytest.param("primary", 12.0, End.KILL, "DeAuthorized", id="the primary, after it went on"),
        pytest.param("management", 0.0, End.KILL, "Local", id="management"),
    ],
)
def test_a_verdict_that_was_lost_in_the_fall_comes_with_the_next_answer(
    tmp_path: Path, name: str, late_s: float, end: End, reason: str
) -> None:
    """The start is sent again after the recovery, and only then somebody does not accept it."""

    async def main() -> None:
        fuse = Fuse(f"{name}.receives StartTransaction", end)
        blown = asyncio.Event()
        fuse.on_blow.append(blown.set)
        async with StationRig(tmp_path, RESUMING, fuse=fuse, direct=True) as rig:
            await rig.ready()
            backend = rig.primary if name == "primary" else rig.management
            backend.script.starts[CARD] = "Invalid"
            rig.plug()
            await rig.until_status("Preparing")
            rig.card()
            await blown.wait()
            backend.script.next_time("StartTransaction", Delayed(late_s))
            await rig.recover()
            if late_s or name == "management":
                await rig.until_resumed()
            if name == "management":
                await wait(SAME_CARD_S)
                assert rig.closed()
                rig.card()
            await rig.until_settled()
            assert reasons(rig) == [[reason], [reason]]
            assert backend.ledger.resends("StartTransaction") == 1
            assert len(backend.ledger.starts()) == 1
            if reason == "DeAuthorized":
                rig.card()  # it has the cable back
            await leave(rig)
            rig.check()

    run_virtual(main())


class HouseWithSuccessor(StationRig):
    """A rig on which the primary can be another one at the next start."""

    def __init__(self, folder: Path, options: RigOptions) -> None:
        self.successor = ScriptedBackend("successor", first_transaction_id=3000, unix=folder / "successor.socket")
        self.succeeded = False
        super().__init__(folder, options, direct=True)

    @property
    def backends(self) -> tuple[ScriptedBackend, ...]:
        """Those that could be configured."""
        return (self.management, self.primary, self.successor)

    @property
    def billing(self) -> ScriptedBackend:
        """The one that authorises."""
        return self.successor if self.succeeded else self.primary

    async def ready(self, within_s: float = 60.0) -> None:
        """Until management and the present primary know the connector."""
        known = (self.management, self.billing)
        await self.until(lambda: all(b.ledger.status(1) for b in known), within_s=within_s, what="statuses")

    def check(self, **changes: Any) -> None:
        """Management was told of everything; each primary of its own, and that has to be right as well."""
        told = {"management": self.management.ledger}
        super().check(ledgers=told, billing="management", offline_cards=frozenset({CARD.casefold()}), **changes)
        for ledger in (self.primary.ledger, self.successor.ledger):
            book = sessions_of(ledger)
            assert delivery_findings(ledger) + session_findings(ledger.name, book, running=False) == []

    def settings(self) -> Settings:
        """What the installer left."""
        settings = super().settings()
        url = self._url("successor")
        successor = UpstreamAddress(SUCCESSOR, "Successor", url, "CP1", SecurityProfile.UNSECURED)
        return replace(settings, primary=successor) if self.succeeded else settings


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("two-upstreams.RC04")
@pytest.mark.rule("two-upstreams.RC08")
@pytest.mark.parametrize("start_known", [True, False])
def test_a_primary_that_changed_during_an_outage_gets_nothing_of_the_former(tmp_path: Path, start_known: bool) -> None:
    async def story(rig: StationRig) -> None:
        assert isinstance(rig, HouseWithSuccessor)
        await begin_at(rig, online=start_known)
        rig.succeeded = True
        await rig.kill(system=True)  # the lock holds, and nothing but the authority speaks against going on
        await rig.until(lambda: rig.management.ledger.stops(), within_s=60, what="the stop at management")
        await rig.until(lambda: rig.successor.ledger.status(1) == "Finishing", within_s=60)
        await wait(30)
        assert [stop.reason for stop in rig.management.ledger.stops()] == ["PowerLoss"]
        assert not happened(rig, "contactor", True, since_s=rig.world().outages[-1][0])
        assert "another upstream decides here now" in rig.agent.log
        assert not rig.successor.ledger.starts()
        assert not rig.successor.ledger.stops()
        assert not rig.successor.ledger.meter_values()
        assert not rig.primary.ledger.stops()
        rig.unplug()
        await rig.until(lambda: rig.successor.ledger.status(1) == "Available", within_s=10)
        await session_at(rig)
        assert len(rig.successor.ledger.starts()) == len(rig.successor.ledger.stops()) == 1
        assert len(rig.primary.ledger.starts()) == int(start_known)
        rig.succeeded = False
        if not start_known:
            await rig.primary.start()
        await rig.power_cut(off_s=1)
        await rig.until(
            lambda: rig.primary.ledger.stops(), within_s=400, what="the former primary gets what is its own"
        )
        await wait(10)
        assert [stop.reason for stop in rig.primary.ledger.stops()] == ["PowerLoss"]
        assert len(rig.primary.ledger.starts()) == 1
        own, all_of_them = sessions_of(rig.primary.ledger), sessions_of(rig.management.ledger)
        assert [s.began_ms for s in own] == [all_of_them[0].began_ms]
        assert [s.meter_stop_wh for s in own] == [all_of_them[0].meter_stop_wh]

    async def begin_at(rig: StationRig, online: bool) -> None:
        rig.plug()
        await rig.until(lambda: rig.primary.ledger.status(1) == "Preparing", within_s=10)
        rig.card()
        await rig.until(lambda: rig.primary.ledger.calls("Authorize"), within_s=10)
        await wait(0.2)
        if not online:
            await rig.primary.stop()
        await rig.until(lambda: rig.management.ledger.status(1) == "Charging", within_s=30)
        await wait(3)

    async def session_at(rig: StationRig) -> None:
        rig.plug()
        await wait(1)
        rig.card()
        await rig.until(rig.closed, within_s=10)
        await wait(SAME_CARD_S)
        rig.card()
        await rig.until(lambda: rig.successor.ledger.stops(), within_s=30)
        rig.unplug()
        await wait(2)

    tell(lambda: HouseWithSuccessor(tmp_path, RESUMING), story)


@pytest.mark.rule("INV-8")
@pytest.mark.rule("two-upstreams.TU01")
def test_a_root_that_both_have_and_one_deletes_stays_with_the_other(tmp_path: Path) -> None:
    use = "CentralSystemRootCertificate"

    async def story(rig: StationRig) -> None:
        root = make_authority("Both").root_pem
        for backend in rig.backends:
            assert await backend.install_certificate(use, root) == "Accepted"
        _, hashes = await rig.primary.installed_certificates(use)
        assert (await rig.management.installed_certificates(use))[1] == hashes
        assert await rig.primary.delete_certificate(hashes[0]) == "Accepted"
        assert (await rig.primary.installed_certificates(use))[0] == "NotFound"
        assert await rig.management.installed_certificates(use) == ("Accepted", hashes)
        await rig.kill(system=True)
        await rig.until(rig.management.connected.is_set, within_s=30)
        await wait(3)
        assert await rig.management.installed_certificates(use) == ("Accepted", hashes)

    tell(lambda: StationRig(tmp_path, PLAIN, direct=True), story)
