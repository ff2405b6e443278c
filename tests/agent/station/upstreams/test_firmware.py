"""Updates as the station sees them: whose they are, who may ask, who is told, and when the station is free for one."""

from __future__ import annotations

from typing import Any

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import (
    ChangeAvailability,
    GetOptions,
    Reset,
    Result,
    ResultStatus,
    SignedUpdateFirmware,
    TriggerKind,
    TriggerMessage,
    UpdateFirmware,
)
from agent.vocabulary.firmware import (
    FIRMWARE_FEATURE,
    IDLE,
    FirmwarePolicy,
    FirmwareState,
    FirmwareStatus,
    FirmwareWish,
    LegacyFirmware,
)
from agent.vocabulary.firmware_effects import HandleFirmware, NoteFirmwareTold, PermitInstall, TellFirmware
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, Secret, UpstreamId
from agent.vocabulary.inputs import (
    CredentialsInForce,
    FirmwareAnswered,
    FirmwareProgressed,
    FirmwareTold,
    InstallWanted,
    RestartRequested,
)
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.upstreams import Role, UpstreamSetup
from tests.agent.station.driver import PRIMARY, Driver, connector, two_upstreams

OPERATOR = UpstreamId("operator-1")
WISH = FirmwareWish(Secret("https://h.example/"), 0)
PLAIN, SIGNED = UpdateFirmware(WISH), SignedUpdateFirmware(7, WISH, "PEM", "c2ln")
PLAIN_STATUS, SIGNED_STATUS = TriggerKind.FIRMWARE_STATUS, TriggerKind.SIGNED_FIRMWARE_STATUS
S = FirmwareStatus


def station(connectors: int = 1, **policy: Any) -> Driver:
    setups = [*two_upstreams(), UpstreamSetup(OPERATOR, Role.DATA_AND_CONTROL, UpstreamOptions())]
    mine = [connector(number + 1) for number in range(connectors)]
    return Driver(mine, setups, firmware=FirmwarePolicy(**policy))


def come(
    driver: Driver, status: FirmwareStatus, upstream: UpstreamId = MANAGEMENT, what: TriggerKind = SIGNED_STATUS
) -> None:
    request = 7 if what is SIGNED_STATUS else None
    driver.give(FirmwareProgressed(upstream, what, FirmwareState(status, request), f"id-{status}"))


def told(driver: Driver) -> list[tuple[UpstreamId, str]]:
    return [(effect.upstream, effect.state.status.value) for effect in driver.all(TellFirmware, driver.last)]


def present(driver: Driver, upstream: UpstreamId, what: TriggerKind) -> FirmwareState | None:
    assert driver.command(upstream, TriggerMessage(what)) == Result(ResultStatus.ACCEPTED)
    return driver.one(fx.SendNow).firmware


def has_feature(driver: Driver, upstream: UpstreamId) -> bool:
    result = driver.command(upstream, GetOptions())
    assert result is not None
    return FIRMWARE_FEATURE in {option.name for option in result.options}


def status_of(result: Result | None) -> ResultStatus | None:
    return result.status if result else None


@pytest.mark.rule("two-upstreams.TU05")
@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ({}, {MANAGEMENT, PRIMARY}),
        ({"reserved_for_management": True}, {MANAGEMENT}),
        ({"operators_may_update": True}, {MANAGEMENT, PRIMARY, OPERATOR}),
    ],
)
def test_who_may_update_is_what_the_manufacturer_says(policy: dict[str, bool], allowed: set[UpstreamId]) -> None:
    for upstream in (MANAGEMENT, PRIMARY, OPERATOR):
        for command, refusal in ((SIGNED, ResultStatus.REJECTED), (PLAIN, ResultStatus.NOT_SUPPORTED)):
            driver = station(**policy)
            expected = None if upstream in allowed else refusal
            assert status_of(driver.command(upstream, command)) is expected
            asked = [HandleFirmware(upstream, 1, command)] if upstream in allowed else []
            assert driver.all(HandleFirmware) == asked
        assert has_feature(driver, upstream) == (upstream in allowed)


@pytest.mark.rule("ocpp16.F07")
@pytest.mark.parametrize(
    ("legacy", "profile", "offered"),
    [
        (LegacyFirmware.PROFILE_0, 0, True),
        (LegacyFirmware.PROFILE_0, 1, False),
        (LegacyFirmware.ALWAYS, 3, True),
        (LegacyFirmware.NEVER, 0, False),
    ],
)
def test_plain_updates_are_for_links_without_security(legacy: LegacyFirmware, profile: int, offered: bool) -> None:
    driver = station(legacy=legacy)
    driver.give(CredentialsInForce(MANAGEMENT, profile))
    result = driver.command(MANAGEMENT, PLAIN)
    assert status_of(result) is (None if offered else ResultStatus.NOT_SUPPORTED)
    assert (driver.command(MANAGEMENT, SIGNED) is None) is not offered


@pytest.mark.rule("ocpp16.F06")
def test_nobody_takes_the_place_of_anothers_update_and_each_that_of_its_own_until_it_is_installed() -> None:
    driver = station()
    come(driver, S.DOWNLOADING)
    assert status_of(driver.command(PRIMARY, SIGNED)) is ResultStatus.REJECTED
    assert driver.command(MANAGEMENT, SIGNED) is None
    driver.give(FirmwareAnswered(MANAGEMENT, 1, Result(ResultStatus.ACCEPTED_CANCELED)))
    for status in (S.INSTALLING, S.INSTALL_REBOOTING):
        come(driver, status)
        assert status_of(driver.command(MANAGEMENT, SIGNED)) is ResultStatus.REJECTED
    come(driver, S.INSTALLED)
    assert driver.command(PRIMARY, SIGNED) is None


def test_one_request_at_a_time_is_looked_at() -> None:
    driver = station()
    assert driver.command(PRIMARY, SIGNED) is None
    assert status_of(driver.command(MANAGEMENT, SIGNED, call=2)) is ResultStatus.REJECTED
    answer = Result(ResultStatus.INVALID_CERTIFICATE, "expired")
    driver.give(FirmwareAnswered(PRIMARY, 1, answer))
    assert driver.one(fx.Answer) == fx.Answer(PRIMARY, 1, answer)
    assert driver.command(MANAGEMENT, SIGNED, call=3) is None


@pytest.mark.rule("ocpp16.F01")
def test_who_asked_plainly_is_told_each_plain_step_once() -> None:
    driver = station()
    words = []
    steps = [S.DOWNLOAD_SCHEDULED, S.DOWNLOADING, S.DOWNLOAD_PAUSED, S.DOWNLOADING, S.DOWNLOADED]
    steps += [S.SIGNATURE_VERIFIED, S.INSTALL_SCHEDULED, S.INSTALLING, S.INSTALL_REBOOTING, S.INSTALLED]
    for step in steps:
        come(driver, step, what=PLAIN_STATUS)
        words += told(driver)
        heard = driver.all(NoteFirmwareTold, driver.last)
        assert bool(heard) is not bool(told(driver)), "what is not told need not be waited for"
    assert [word for _, word in words] == ["downloading", "downloaded", "installing", "installed"]


@pytest.mark.rule("ocpp16.F04")
def test_who_asked_for_a_signed_one_is_told_every_step_under_its_id() -> None:
    driver = station()
    for step in S:
        come(driver, step)
        sent = driver.one(TellFirmware)
        assert sent == TellFirmware(MANAGEMENT, SIGNED_STATUS, FirmwareState(step, 7), f"id-{step}")
    driver.give(FirmwareTold(MANAGEMENT, "id-installed"))
    assert driver.one(NoteFirmwareTold) == NoteFirmwareTold("id-installed")


@pytest.mark.rule("product.A9")
def test_management_hears_of_the_updates_of_others_in_plain_words_if_the_manufacturer_wants_it() -> None:
    driver = station()
    come(driver, S.DOWNLOADING, PRIMARY)
    assert sorted(told(driver)) == [(MANAGEMENT, "downloading"), (PRIMARY, "downloading")]
    assert driver.all(TellFirmware, driver.last)[0] == TellFirmware(
        MANAGEMENT, PLAIN_STATUS, FirmwareState(S.DOWNLOADING)
    )
    come(driver, S.DOWNLOAD_PAUSED, PRIMARY)
    assert told(driver) == [(PRIMARY, "download_paused")]
    driver = station(tell_management=False)
    come(driver, S.DOWNLOADING, PRIMARY)
    assert told(driver) == [(PRIMARY, "downloading")]


def test_what_is_only_recalled_is_not_told() -> None:
    driver = station()
    driver.give(FirmwareProgressed(PRIMARY, SIGNED_STATUS, FirmwareState(S.DOWNLOADING, 7)))
    assert told(driver) == []
    assert status_of(driver.command(MANAGEMENT, SIGNED)) is ResultStatus.REJECTED


@pytest.mark.rule("ocpp16.G02")
def test_on_demand_the_last_state_is_told_to_who_asked_for_the_update() -> None:
    driver = station()
    assert present(driver, PRIMARY, SIGNED_STATUS) == IDLE
    come(driver, S.SIGNATURE_VERIFIED, PRIMARY)
    assert present(driver, PRIMARY, SIGNED_STATUS) == FirmwareState(S.SIGNATURE_VERIFIED, 7)
    assert present(driver, PRIMARY, PLAIN_STATUS) == FirmwareState(S.DOWNLOADED)
    assert present(driver, MANAGEMENT, SIGNED_STATUS) == present(driver, MANAGEMENT, PLAIN_STATUS) == IDLE
    come(driver, S.DOWNLOAD_FAILED, PRIMARY)
    assert present(driver, PRIMARY, SIGNED_STATUS) == FirmwareState(S.DOWNLOAD_FAILED, 7)
    assert present(driver, PRIMARY, PLAIN_STATUS) == IDLE
    come(driver, S.INSTALLED, PRIMARY)
    assert present(driver, PRIMARY, SIGNED_STATUS) == IDLE
    come(driver, S.DOWNLOADING, what=PLAIN_STATUS)
    assert present(driver, MANAGEMENT, SIGNED_STATUS) == IDLE


@pytest.mark.rule("ocpp16.F05")
@pytest.mark.rule("product.P4")
def test_an_installation_waits_for_what_charges_and_nothing_else_begins() -> None:
    driver = station(connectors=2)
    driver.charge(1)
    driver.give(InstallWanted(True))
    assert driver.all(PermitInstall) == []
    assert driver.state(1) == "running"
    assert not driver.told(number=2)[-1].operative
    driver.plug(2)
    driver.card("04FFFFFF")
    assert driver.all(fx.Ask, driver.last) == []
    driver.card()
    driver.finish(1)
    assert driver.all(PermitInstall) == [], "its cable comes first"
    driver.locked(False)
    assert driver.all(PermitInstall) == [PermitInstall()]
    driver.give(InstallWanted(False))
    assert all(driver.told(number=number)[-1].operative for number in (1, 2))
    assert len(driver.all(PermitInstall)) == 1


@pytest.mark.rule("ocpp16.F05")
def test_a_card_that_waits_for_its_car_gives_way() -> None:
    driver = station()
    driver.card()
    driver.verdict()
    driver.give(InstallWanted(True))
    assert driver.one(PermitInstall) == PermitInstall()
    assert driver.state() == "free"


@pytest.mark.rule("ocpp16.X72")
def test_nobody_resets_the_station_while_it_is_being_installed_upon() -> None:
    driver = station()
    come(driver, S.INSTALLING)
    driver.give(InstallWanted(True))
    for hard in (False, True):
        assert status_of(driver.command(PRIMARY, Reset(hard))) is ResultStatus.REJECTED
    driver.give(InstallWanted(False))
    assert status_of(driver.command(PRIMARY, Reset(True))) is ResultStatus.ACCEPTED


def test_the_station_is_not_given_away_once_it_is_about_to_restart() -> None:
    driver = station()
    driver.charge()
    driver.give(RestartRequested(reboot_system=True, wait_for_idle=True))
    driver.give(InstallWanted(True))
    driver.card()
    driver.finish()
    assert driver.all(PermitInstall) == []


def test_operative_is_honest_about_an_update() -> None:
    driver = station()
    driver.give(InstallWanted(True))
    result = driver.command(PRIMARY, ChangeAvailability(ConnectorId(1), operative=True))
    assert status_of(result) is ResultStatus.SCHEDULED
