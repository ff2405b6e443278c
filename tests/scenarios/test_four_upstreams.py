"""Management, a primary and two further operators: each has a charge point of its own, with one truth behind them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ocpp.v16 import call

from tests.rig.backend import ScriptedBackend
from tests.rig.certificates import make_authority
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.script import Silent
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, begin, end, leave, play, wait
from tests.scenarios.test_charging_profiles import given, offered_a, sent, set_profile
from tests.scenarios.test_local_list import asked, send, version
from tests.scenarios.test_reservations import cancel, reserve, used

FOUR = RigOptions(operators=2)
ACCEPTED = "Accepted"
ROOTS = "CentralSystemRootCertificate"


@pytest.mark.rule("two-upstreams.TU01")
@pytest.mark.rule("product.P7")
def test_each_has_sampling_plans_and_keys_of_its_own(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for place, backend in enumerate(rig.backends, start=1):
            assert await backend.change_configuration("MeterValueSampleInterval", str(10 * place)) == ACCEPTED
            assert await backend.change_configuration("HeartbeatInterval", str(100 * place)) == ACCEPTED
        await begin(rig)
        await wait(121)
        counted = [len(backend.ledger.meter_values(given(backend))) for backend in rig.backends]
        assert counted == [12, 6, 4, 3]
        for place, backend in enumerate(rig.backends, start=1):
            known, _ = await backend.get_configuration("MeterValueSampleInterval", "HeartbeatInterval")
            assert known == {
                "MeterValueSampleInterval": (str(10 * place), False),
                "HeartbeatInterval": (str(100 * place), False),
            }
        await end(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.RC12")
def test_all_are_told_of_the_same_station(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        boots = [backend.ledger.calls("BootNotification")[0].payload for backend in rig.backends]
        assert boots == [boots[0]] * 4

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU05")
@pytest.mark.rule("product.P6")
def test_what_is_billings_is_read_only_or_not_there_for_the_others(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for backend in rig.backends:
            billing = backend is rig.primary
            known, unknown = await backend.get_configuration(
                "LocalPreAuthorize", "LocalAuthListEnabled", "SupportedFeatureProfiles"
            )
            assert known["LocalPreAuthorize"] == ("false", not billing)
            assert ("LocalAuthListEnabled" in unknown) is not billing
            features = str(known["SupportedFeatureProfiles"][0]).split(",")
            assert ("LocalAuthListManagement" in features) is billing
            assert ("Reservation" in features) is billing
            assert {"Core", "SmartCharging", "RemoteTrigger"} <= set(features)
            expected = ACCEPTED if billing else "Rejected"
            assert await backend.change_configuration("LocalPreAuthorize", "false") == expected
        known, _ = await rig.operators[0].get_configuration("ConnectorPhaseRotation")
        assert known["ConnectorPhaseRotation"][1] is True, "what describes the installation is not an operator's"

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU01")
@pytest.mark.rule("product.P9")
def test_each_has_charging_profiles_of_its_own_and_the_least_counts(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        for backend, limit in zip(rig.backends, (14.0, 12.0, 10.0, 8.0), strict=True):
            mine = sent(1, "TxProfile", (0, limit), transaction=given(backend))
            assert await set_profile(backend, mine) == ACCEPTED
            await wait(5)
            assert offered_a(rig) == pytest.approx(limit, abs=0.3)
        for backend, left in zip(reversed(rig.backends), (10, 12, 14, 16), strict=True):
            assert await backend.status_of(call.ClearChargingProfile(id=1)) == ACCEPTED
            await wait(15)
            assert offered_a(rig) == pytest.approx(left, abs=0.3)
        await end(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU04")
def test_equal_numbers_of_all_four_mean_what_each_gave_them_for(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for backend in rig.backends:
            backend.give_next(7)
        await begin(rig)
        assert [given(backend) for backend in rig.backends] == [7, 7, 7, 7]
        for backend in rig.backends:
            if backend is not rig.primary:
                assert await backend.remote_stop(7) == "Rejected"
                assert await set_profile(backend, sent(1, "TxProfile", (0, 9), transaction=7)) == ACCEPTED
        assert rig.closed()
        assert await rig.primary.remote_stop(7) == ACCEPTED
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU01")
def test_each_holds_a_connector_for_itself_and_it_is_free_when_nobody_does(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        first, second = rig.operators
        for backend in (first, second):
            assert await backend.change_availability(1, "Inoperative") == ACCEPTED
        await rig.until_status("Unavailable")
        assert await first.change_availability(1, "Operative") == "Scheduled"
        await wait(5)
        assert rig.primary.ledger.status(1) == "Unavailable"
        assert await second.change_availability(1, "Operative") == ACCEPTED
        await rig.until_status("Available")

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU01")
def test_a_status_that_does_not_last_is_kept_from_who_asked_for_that_alone(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        damped = rig.operators[0]
        assert await damped.change_configuration("MinimumStatusDuration", "20") == ACCEPTED
        before = len(damped.ledger.statuses(1))
        rig.plug()
        await rig.until(lambda: rig.operators[1].ledger.status(1) == "Preparing", within_s=10)
        rig.unplug()
        await rig.until(lambda: rig.operators[1].ledger.status(1) == "Available", within_s=10)
        await wait(30)
        assert [status.status for status in damped.ledger.statuses(1)[before:]] in ([], ["Available"])

    play(tmp_path, story, FOUR)


@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.P5")
@pytest.mark.rule("product.P6")
def test_only_what_the_primary_says_of_a_card_has_an_effect(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for backend in rig.backends:
            if backend is not rig.primary:
                backend.script.default = "Invalid"
        await begin(rig)
        await wait(30)
        assert rig.closed(), "the others say Invalid, and nothing comes of it"
        await end(rig)
        for backend in rig.backends:
            backend.script.default = "Invalid" if backend is rig.primary else ACCEPTED
        rig.plug()
        await rig.until_status("Preparing")
        rig.card(OTHER_CARD)
        await wait(20)
        assert not rig.closed(), "the others would accept it"
        rig.unplug()

    play(tmp_path, story, FOUR)


@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("product.A8")
def test_one_that_never_answers_delays_none_of_the_others(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        deaf = rig.operators[0]
        deaf.script.always.update(dict.fromkeys(("StartTransaction", "MeterValues", "StopTransaction"), Silent()))
        await begin(rig)
        await asyncio.sleep(60)
        rig.card(CARD)
        rest = [backend for backend in rig.backends if backend is not deaf]
        await rig.until(lambda: all(backend.ledger.stops() for backend in rest), within_s=10)
        deaf.script.always.clear()
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story, FOUR)


def beside_billing(rig: StationRig) -> list[ScriptedBackend]:
    return [backend for backend in rig.backends if backend is not rig.primary]


@pytest.mark.rule("INV-8")
@pytest.mark.rule("two-upstreams.TU01")
def test_each_has_roots_of_its_own_and_deletes_only_those(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        shared = make_authority("All").root_pem
        for backend in rig.backends:
            assert await backend.install_certificate(ROOTS, shared) == ACCEPTED
        _, common = await rig.primary.installed_certificates(ROOTS)
        own: dict[str, list[dict[str, str]]] = {}
        for backend in rig.backends:
            assert (await backend.installed_certificates(ROOTS))[1] == common
            assert await backend.install_certificate(ROOTS, make_authority(backend.name).root_pem) == ACCEPTED
            _, both = await backend.installed_certificates(ROOTS)
            own[backend.name] = [each for each in both if each not in common]
            assert len(own[backend.name]) == 1
        for place, backend in enumerate(rig.backends):
            for other in rig.backends:
                if other is not backend:
                    assert await other.delete_certificate(own[backend.name][0]) == "NotFound"
            assert await backend.delete_certificate(common[0]) == ACCEPTED
            assert await backend.delete_certificate(common[0]) == "NotFound"
            assert await backend.installed_certificates(ROOTS) == (ACCEPTED, own[backend.name])
            for later in rig.backends[place + 1 :]:
                assert common[0] in (await later.installed_certificates(ROOTS))[1], "each deletes for itself"

    play(tmp_path, story, FOUR)


@pytest.mark.rule("ocpp16.U24")
@pytest.mark.rule("two-upstreams.TU04")
def test_the_list_is_billings_whatever_version_the_others_send(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.primary.change_configuration("LocalPreAuthorize", "true") == ACCEPTED
        assert await send(rig.primary, 5, (CARD, "Accepted")) == ACCEPTED
        for number, backend in enumerate(beside_billing(rig), start=5):
            assert await send(backend, number, (OTHER_CARD, "Accepted")) == "NotSupported"
            assert await send(backend, number + 1, (OTHER_CARD, "Blocked"), kind="Differential") == "NotSupported"
            assert await send(backend, number + 1) == "NotSupported", "an empty list would delete it"
            assert await version(backend) == -1
        assert await version(rig.primary) == 5
        await begin(rig)
        assert [asked(backend) for backend in rig.backends] == [0, 0, 0, 0], "the list has decided"
        await end(rig)

    play(tmp_path, story, FOUR, offline_cards=frozenset({CARD.casefold()}))


@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.P6")
def test_the_cache_holds_what_billing_says_and_only_billing_clears_it(tmp_path: Path) -> None:
    async def away(rig: StationRig) -> None:
        await rig.primary.stop()
        await wait(2)

    async def home(rig: StationRig) -> None:
        await rig.primary.start()
        await rig.until(rig.primary.connected.is_set, within_s=400)

    async def story(rig: StationRig) -> None:
        for backend in beside_billing(rig):
            backend.script.default = "Blocked"
        await begin(rig)
        await end(rig)
        for backend in beside_billing(rig):
            assert await backend.clear_cache() == "Rejected"
        await away(rig)
        rig.plug()
        await wait(3)
        rig.card()
        await rig.until(rig.closed, within_s=20)
        await home(rig)
        await end(rig, sessions=2)
        assert await rig.primary.clear_cache() == ACCEPTED
        await away(rig)
        rig.plug()
        await wait(3)
        rig.card()
        await wait(20)
        assert not rig.closed(), "nothing is known of it any more"
        rig.unplug()
        await home(rig)

    play(tmp_path, story, FOUR, offline_cards=frozenset({CARD.casefold()}))


@pytest.mark.rule("product.H10")
@pytest.mark.rule("two-upstreams.TU04")
def test_a_reservation_is_of_who_keeps_them_and_its_number_means_nothing_to_the_others(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await reserve(rig.primary, 7) == ACCEPTED
        for backend in beside_billing(rig):
            assert await reserve(backend, 7, card=OTHER_CARD) == "Rejected"
            assert await cancel(backend, 7) == "Rejected"
        await wait(2)
        assert [backend.ledger.status(1) for backend in rig.backends] == ["Reserved"] * 4
        await begin_reserved(rig)
        assert [used(backend) for backend in rig.backends] == [[None], [7], [None], [None]]
        await end(rig)
        assert await reserve(rig.primary, 7) == ACCEPTED
        assert await cancel(rig.primary, 7) == ACCEPTED
        await rig.until_status("Available")

    play(tmp_path, story, FOUR)


async def begin_reserved(rig: StationRig) -> None:
    """The card that a connector is kept for, and its car."""
    rig.card()
    await rig.until_status("Preparing")
    rig.plug()
    await rig.until_status("Charging")
