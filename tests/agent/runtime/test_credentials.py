"""The keeper: passwords and profiles that an upstream changes, on the disk before they are accepted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.credentials.child import ChildFailed
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import ClientCertificate, Holdings, Root
from agent.credentials.requests import Answer, Request
from agent.runtime.credentials import LONGEST_QUEUE
from agent.settings.addresses import SecurityProfile
from agent.vocabulary.certificates import CertificateUse
from agent.vocabulary.commands import InstallRoot, ListRoots, RaiseSecurityProfile, ResultStatus, SetPassword
from agent.vocabulary.effects import HandleCredentials
from agent.vocabulary.ids import MANAGEMENT, Secret
from agent.vocabulary.security import SecurityEventKind
from tests.agent.runtime.credentials_house import MANAGED, OPERATED, PRIMARY, STATION, House, living
from tests.rig.virtual_time import run_virtual

NEW = "a new password 16"
SET = SetPassword(Secret(NEW))
RECONFIGURED = SecurityEventKind.RECONFIGURATION_OF_SECURITY_PARAMETERS

Story = Callable[[House], Coroutine[Any, Any, None]]


def tell(folder: Path, story: Story, **values: Any) -> None:
    """One life of a keeper."""

    async def life() -> None:
        async with living(House(folder, **values)) as house:
            await story(house)

    run_virtual(life())


def test_at_the_start_each_upstream_has_the_profile_of_its_settings(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert house.in_force == [(MANAGEMENT, 1), (PRIMARY, 1)]

    tell(tmp_path, story)


# ------------------------------------------------------------------------------------------------------- passwords


@pytest.mark.rule("ocpp16.Z10")
@pytest.mark.rule("product.N15")
def test_a_new_password_is_on_the_disk_when_it_is_accepted(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.opened()
        seen: list[Secret | None] = []

        def post(given: Any) -> None:
            seen.append(CredentialsFolder(tmp_path, PRIMARY).load()[0].live)
            house.posted.append(given)

        house.keeper.desks[PRIMARY]._world = replace(house.keeper.desks[PRIMARY]._world, post=post)
        answer = await house.ask(SET)
        assert answer.result.status is ResultStatus.ACCEPTED
        assert answer.reconnect
        assert seen[0] == Secret(NEW)
        assert house.events == [RECONFIGURED]
        assert house.choice().present().key == NEW.encode()
        assert house.choice(MANAGEMENT).present().key == b"provisioned 1234"

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z10")
def test_the_one_before_comes_back_after_a_401_and_survives_a_restart(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        house.opened()
        await house.ask(SET)
        house.opened()
        await house.ask(SetPassword(Secret("one more password")))
        house.failed("http", 401)
        assert house.choice().present().key == NEW.encode()

    async def second(house: House) -> None:
        assert house.choice().present().key == b"one more password"
        house.failed("http", 401)
        assert house.choice().present().key == NEW.encode()
        house.opened()
        await house.settled()

    async def third(house: House) -> None:
        assert house.choice().present().key == NEW.encode()

    for story in (first, second, third):
        tell(tmp_path, story)


def test_a_second_new_one_before_the_first_has_worked_keeps_what_did_work(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.opened()
        await house.ask(SET)
        await house.ask(SetPassword(Secret("one more password")))
        assert house.choice().holdings.previous == Secret("provisioned 1234")

    tell(tmp_path, story)


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        (tmp_path / "credentials").write_text("in the way")
        answer = await house.ask(SET)
        assert answer.result.status is ResultStatus.REJECTED
        assert not answer.reconnect
        assert house.choice().present().key == b"provisioned 1234"
        assert house.events == []

    tell(tmp_path, story)


def test_an_attempt_that_ends_while_the_disk_works_is_not_forgotten(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        choice = house.choice()
        save = choice.folder.save
        times = []

        def slow(holdings: Holdings) -> None:
            save(holdings)
            if not times:
                times.append(1)
                choice.worked("root")

        choice.begin()
        choice.folder.save = slow  # type: ignore[method-assign]
        await house.ask(SET)
        await house.settled()
        assert choice.holdings.live == Secret(NEW)
        assert choice.holdings.previous == Secret("provisioned 1234")  # it has worked meanwhile
        assert CredentialsFolder(tmp_path, PRIMARY).load()[0] == choice.holdings

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z08")
def test_no_password_is_told(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.ask(SET)
        await house.ask(SetPassword(Secret("one more password")))
        assert "password 16" not in repr((house.posted, house.told))
        assert "one more" not in repr((house.posted, house.told))

    tell(tmp_path, story)


def test_on_a_profile_without_password_the_link_stays(tmp_path: Path) -> None:
    plain = replace(OPERATED, security=SecurityProfile.UNSECURED, password=None)

    async def story(house: House) -> None:
        assert not (await house.ask(SET)).reconnect

    tell(tmp_path, story, addresses=(MANAGED, plain))


# -------------------------------------------------------------------------------------------------------- profiles


@pytest.mark.rule("ocpp16.Z12")
@pytest.mark.rule("ocpp16.Z01")
@pytest.mark.rule("security.ATK-10")
@pytest.mark.parametrize(
    ("present", "wanted", "held", "says"),
    [
        (0, 0, Holdings(), "never lowered"),
        (1, 1, Holdings(), "never lowered"),
        (1, 0, Holdings(), "never lowered"),
        (2, 1, Holdings(), "never lowered"),
        (3, 2, Holdings(), "never lowered"),
        (0, 1, Holdings(), "no AuthorizationKey"),
        (0, 2, Holdings(), "no AuthorizationKey"),
        (0, 1, Holdings(live=Secret(NEW)), ""),
        (1, 2, Holdings(), ""),
        (1, 2, Holdings(base_trusted=False), "no root"),
        (1, 2, Holdings(base_trusted=False, roots=(Root("aa"),)), ""),
        (1, 3, Holdings(), "no client certificate"),
        (1, 3, Holdings(certificates=(ClientCertificate("n", 0, 2**42),)), ""),
        (1, 3, Holdings(certificates=(ClientCertificate("n", 0, 1),)), "no client certificate"),
    ],
)
def test_a_profile_is_raised_if_everything_for_it_is_there(
    tmp_path: Path, present: int, wanted: int, held: Holdings, says: str
) -> None:
    address = replace(
        OPERATED,
        url="wss://p.example" if present >= 2 else "ws://p.example",
        security=SecurityProfile(present),
        password=OPERATED.password if present else None,
    )
    CredentialsFolder(tmp_path, PRIMARY).save(held)

    async def story(house: House) -> None:
        answer = await house.ask(RaiseSecurityProfile(wanted))
        assert says in answer.result.reason
        assert (answer.result.status is ResultStatus.ACCEPTED) == (not says)
        assert (answer.reconnect != "") == (not says)
        assert house.choice().profile == (present if says else wanted)
        assert house.in_force[2:] == ([] if says else [(PRIMARY, wanted)])
        assert house.events == ([] if says else [RECONFIGURED])

    tell(tmp_path, story, addresses=(MANAGED, address))


def test_an_identity_with_a_colon_cannot_have_a_password(tmp_path: Path) -> None:
    address = replace(OPERATED, identity="C:P", security=SecurityProfile.UNSECURED)

    async def story(house: House) -> None:
        assert "colon" in (await house.ask(RaiseSecurityProfile(1))).result.reason

    tell(tmp_path, story, addresses=(MANAGED, address))


@pytest.mark.rule("ocpp16.Z12")
def test_the_fall_back_is_told_and_survives_a_restart(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        await house.ask(RaiseSecurityProfile(2))
        for _ in range(3):
            house.failed("tls", None)
        await house.settled()
        assert house.in_force[2:] == [(PRIMARY, 2), (PRIMARY, 1)]
        assert house.events == [RECONFIGURED, RECONFIGURED]
        assert any("could not connect" in line for line in house.told)

    async def second(house: House) -> None:
        assert house.in_force == [(MANAGEMENT, 1), (PRIMARY, 1)]

    tell(tmp_path, first)
    tell(tmp_path, second)


@pytest.mark.rule("ocpp16.Z12")
def test_a_raised_profile_that_has_worked_stays_over_a_restart(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        await house.ask(RaiseSecurityProfile(2))
        house.opened("a public root")
        await house.settled()
        assert house.events == [RECONFIGURED, RECONFIGURED]

    async def second(house: House) -> None:
        assert house.in_force == [(MANAGEMENT, 1), (PRIMARY, 2)]
        assert await house.status(RaiseSecurityProfile(2)) is ResultStatus.REJECTED
        for _ in range(5):
            house.failed("tls", None)
        assert house.choice().profile == 2

    tell(tmp_path, first)
    tell(tmp_path, second)


# ---------------------------------------------------------------------------------------------------------- mishaps


def test_more_than_an_upstream_can_ask_at_once_is_refused_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for call in range(LONGEST_QUEUE + 5):
            house.keeper(HandleCredentials(PRIMARY, 1000 + call, ListRoots(CertificateUse.CENTRAL_SYSTEM_ROOT)))
        assert house.answers == []  # never within the call
        await house.settled()
        assert sorted(one.call or 0 for one in house.answers) == [1000 + call for call in range(LONGEST_QUEUE + 5)]
        assert sum(one.result.status is ResultStatus.REJECTED for one in house.answers) == 5

    tell(tmp_path, story)


@pytest.mark.parametrize("failure", [ChildFailed("it took too long"), ZeroDivisionError("a bug")])
def test_a_child_that_fails_and_a_mistake_of_ours_are_answered(tmp_path: Path, failure: Exception) -> None:
    async def story(house: House) -> None:
        def fail(request: Request) -> Answer:
            raise failure

        house.ask_child = fail
        install = InstallRoot(CertificateUse.CENTRAL_SYSTEM_ROOT, "pem")
        assert await house.status(install) is ResultStatus.FAILED
        assert await house.status(SET) is ResultStatus.ACCEPTED

    tell(tmp_path, story)


def test_a_damaged_file_is_told_and_the_settings_count(tmp_path: Path) -> None:
    CredentialsFolder(tmp_path, PRIMARY).save(Holdings(live=Secret(NEW)))
    (tmp_path / "credentials" / PRIMARY / "holdings.json").write_text("damaged")

    async def story(house: House) -> None:
        assert any("credentials.problem" in line for line in house.told)
        assert house.choice().present().key == b"provisioned 1234"

    tell(tmp_path, story, station=STATION)
