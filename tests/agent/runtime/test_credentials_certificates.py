"""Roots and client certificates that an upstream installs, lists, deletes, asks for and signs."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from agent.credentials import folder
from agent.credentials.holdings import ClientCertificate, Holdings
from agent.runtime.credentials_certificates import OLDER_KEPT, RENEW_BEFORE_MS, RENEW_EVERY_MS
from agent.runtime.credentials_desk import LOOK_EVERY_S
from agent.settings.addresses import SecurityProfile
from agent.settings.files.storage import write_file
from agent.vocabulary.certificates import (
    MAXIMUM_CHAIN_CHARACTERS,
    MAXIMUM_ROOTS,
    CertificateHash,
    CertificateUse,
    HashAlgorithm,
)
from agent.vocabulary.commands import (
    DeleteCertificate,
    InstallRoot,
    ListRoots,
    RenewCertificate,
    ResultStatus,
    SetPassword,
    TakeCertificate,
)
from agent.vocabulary.ids import MANAGEMENT, Secret
from agent.vocabulary.security import SecurityEventKind
from tests.agent.runtime.credentials_house import MANAGED, OPERATED, PRIMARY, STATION, House, living
from tests.rig.certificates import ROOT, Issued, issue
from tests.rig.certificates import STATION as CLIENT
from tests.rig.virtual_time import run_virtual, wall_ms

ACCEPTED, REJECTED = ResultStatus.ACCEPTED, ResultStatus.REJECTED
FAILED, NOT_FOUND = ResultStatus.FAILED, ResultStatus.NOT_FOUND
CENTRAL, MANUFACTURER = CertificateUse.CENTRAL_SYSTEM_ROOT, CertificateUse.MANUFACTURER_ROOT
BAD_ROOT = SecurityEventKind.INVALID_CENTRAL_SYSTEM_CERTIFICATE
BAD_CLIENT = SecurityEventKind.INVALID_CHARGE_POINT_CERTIFICATE
RECONFIGURED = SecurityEventKind.RECONFIGURATION_OF_SECURITY_PARAMETERS
MUTUAL = replace(OPERATED, url="wss://p.example", security=SecurityProfile.MUTUAL_TLS)
DAY_MS = 86_400_000

Story = Callable[[House], Coroutine[Any, Any, None]]


def tell(folder: Path, story: Story, **values: Any) -> None:
    """One life of a keeper."""

    async def life() -> None:
        async with living(House(folder, **values)) as house:
            await story(house)

    run_virtual(life(), limit_s=400 * 86_400.0)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue(ROOT)


def install(issued: Issued, use: CertificateUse = CENTRAL) -> InstallRoot:
    return InstallRoot(use, issued.pem)


def content(file: str) -> str:
    return Path(file).read_text()


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def is_there(file: str) -> bool:
    return Path(file).exists()


def is_ours_alone(file: str) -> bool:
    return Path(file).stat().st_mode & 0o777 == 0o600


async def listed(house: House, use: CertificateUse = CENTRAL, upstream: Any = PRIMARY) -> tuple[CertificateHash, ...]:
    return (await house.ask(ListRoots(use), upstream)).result.certificates


# ----------------------------------------------------------------------------------------------------------- roots


@pytest.mark.rule("ocpp16.Z13")
@pytest.mark.rule("security.ATK-16")
@pytest.mark.rule("product.H9")
def test_a_root_is_installed_for_the_one_that_brought_it_and_survives_a_restart(tmp_path: Path, root: Issued) -> None:
    async def first(house: House) -> None:
        assert await house.status(ListRoots(CENTRAL)) is NOT_FOUND
        assert await house.status(install(root)) is ACCEPTED
        assert house.events == [RECONFIGURED]
        assert await house.status(install(root)) is ACCEPTED  # once more changes nothing
        assert len(await listed(house)) == 1
        assert await house.status(ListRoots(CENTRAL), MANAGEMENT) is NOT_FOUND
        assert await house.status(ListRoots(MANUFACTURER), MANAGEMENT) is NOT_FOUND

    async def second(house: House) -> None:
        assert len(await listed(house)) == 1
        (file,) = house.choice().present().trust_files
        assert content(file) == root.pem
        assert house.choice(MANAGEMENT).present().trust_files == ()

    tell(tmp_path, first)
    tell(tmp_path, second)


@pytest.mark.rule("ocpp16.Z15")
@pytest.mark.parametrize("bad", ["expired", "rubbish", "a server's"])
def test_a_bad_root_is_rejected_with_its_event(tmp_path: Path, bad: str) -> None:
    year = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    pem = {"expired": issue(replace(ROOT, end=year)).pem, "rubbish": "rubbish", "a server's": issue().pem}[bad]

    async def story(house: House) -> None:
        assert await house.status(InstallRoot(CENTRAL, pem)) is REJECTED
        assert house.events == [BAD_ROOT]
        assert house.choice().present().trust_files == ()

    tell(tmp_path, story)


@pytest.mark.rule("security.ATK-16")
def test_a_full_store_takes_no_more(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        roots = [issue(replace(ROOT, common_name=f"root {number}")) for number in range(MAXIMUM_ROOTS)]
        for one in roots:
            assert await house.status(install(one)) is ACCEPTED
        house.posted.clear()
        assert await house.status(install(root)) is REJECTED
        assert house.events == []
        assert len(await listed(house)) == MAXIMUM_ROOTS

    tell(tmp_path, story)


def test_a_root_that_cannot_be_stored_has_failed(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        (tmp_path / "credentials").write_text("in the way")
        assert await house.status(install(root)) is FAILED

    tell(tmp_path, story)


def test_roots_of_the_manufacturer_belong_to_the_station(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        assert await house.status(install(root, MANUFACTURER), MANAGEMENT) is ACCEPTED
        (named,) = await listed(house, MANUFACTURER, MANAGEMENT)
        assert await house.status(ListRoots(CENTRAL), MANAGEMENT) is NOT_FOUND
        assert house.choice(MANAGEMENT).present().trust_files == ()
        assert await house.status(DeleteCertificate(named), PRIMARY) is NOT_FOUND
        assert await house.status(DeleteCertificate(named), MANAGEMENT) is ACCEPTED
        assert await house.status(ListRoots(MANUFACTURER), MANAGEMENT) is NOT_FOUND

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z13")
def test_where_one_root_is_the_rule_a_new_one_is_signed_by_the_old(tmp_path: Path, root: Issued) -> None:
    new = issue(replace(ROOT, common_name="new"), root)

    async def story(house: House) -> None:
        assert await house.status(install(root)) is ACCEPTED
        house.opened(root.name)
        assert await house.status(install(issue(ROOT))) is REJECTED
        assert house.events[-1] is BAD_ROOT
        assert await house.status(install(new)) is ACCEPTED
        assert len(house.choice().present().trust_files) == 2
        house.opened(root.name)
        assert len(house.choice().present().trust_files) == 2
        house.opened(new.name)
        assert [Path(file).stem for file in house.choice().present().trust_files] == [new.name]

    tell(tmp_path, story, station=replace(STATION, additional_root_check=True))


# ------------------------------------------------------------------------------------------------------- deletion


@pytest.mark.rule("ocpp16.Z14")
@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_a_root_is_deleted_by_its_hashes_in_any_spelling(
    tmp_path: Path, root: Issued, algorithm: HashAlgorithm
) -> None:
    async def story(house: House) -> None:
        await house.ask(install(root))
        files = house.choice().present().trust_files
        hashes = await house.keeper.desks[PRIMARY]._certificates._hashes(algorithm, files, ())
        named = hashes.certificates[0]
        upper = CertificateHash(
            algorithm, named.issuer_name_hash.upper(), named.issuer_key_hash, f"00{named.serial_number.upper()}"
        )
        other = replace(named, serial_number="1")
        assert await house.status(DeleteCertificate(other)) is NOT_FOUND
        assert await house.status(DeleteCertificate(upper), MANAGEMENT) is NOT_FOUND
        assert await house.status(DeleteCertificate(upper)) is ACCEPTED
        assert await house.status(DeleteCertificate(upper)) is NOT_FOUND
        assert not is_there(files[0])

    tell(tmp_path, story)


@pytest.mark.rule("security.ATK-16")
def test_the_root_of_the_present_connection_stays(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        await house.ask(install(root))
        (named,) = await listed(house)
        house.opened(root.name)
        assert await house.status(DeleteCertificate(named)) is FAILED
        house.opened("another")
        assert await house.status(DeleteCertificate(named)) is ACCEPTED

    tell(tmp_path, story)


@pytest.mark.rule("security.ATK-16")
def test_a_root_of_the_settings_is_listed_and_stays(tmp_path: Path, root: Issued) -> None:
    pin = tmp_path / "pin.pem"
    pin.write_text(root.pem)

    async def story(house: House) -> None:
        (named,) = await listed(house, upstream=MANAGEMENT)
        assert await house.status(DeleteCertificate(named), MANAGEMENT) is FAILED
        assert pin.exists()

    tell(tmp_path / "state", story, addresses=(replace(MANAGED, trust=str(pin)), OPERATED))


# ---------------------------------------------------------------------------------------------- client certificates


async def signed(house: House, root: Issued, **wish: Any) -> str:
    """Ask for a certificate, and what an authority makes of the request."""
    csr_pem = (await house.ask(RenewCertificate())).csr_pem
    request = x509.load_pem_x509_csr(csr_pem.encode())
    return issue(replace(CLIENT, **wish), root, request.public_key()).pem


@pytest.mark.rule("ocpp16.Z06")
@pytest.mark.rule("ocpp16.Z11")
def test_a_certificate_is_asked_for_judged_and_shown_at_the_next_link(tmp_path: Path, root: Issued) -> None:
    async def first(house: House) -> None:
        await house.ask(install(root))
        answer = await house.ask(TakeCertificate(await signed(house, root)))
        assert answer.result.status is ACCEPTED
        assert answer.reconnect
        assert house.events == [RECONFIGURED, RECONFIGURED]
        client = house.choice().present().client
        assert client is not None
        assert is_ours_alone(client.key)

    async def second(house: House) -> None:
        client = house.choice().present().client
        assert client is not None
        assert is_there(client.certificate)

    tell(tmp_path, first, addresses=(MANAGED, MUTUAL))
    tell(tmp_path, second, addresses=(MANAGED, MUTUAL))


def test_below_mutual_tls_it_is_kept_for_later(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        answer = await house.ask(TakeCertificate(await signed(house, root)))
        assert (answer.result.status, answer.reconnect) == (ACCEPTED, "")
        assert house.choice().usable_certificates()

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z11")
@pytest.mark.parametrize("bad", ["not asked for", "another key", "another root", "rubbish", "another station"])
def test_a_bad_certificate_is_rejected_with_its_event_and_changes_nothing(
    tmp_path: Path, root: Issued, bad: str
) -> None:
    async def story(house: House) -> None:
        await house.ask(install(root))
        house.posted.clear()
        if bad == "not asked for":
            pem = issue(CLIENT, root).pem
        else:
            pem = await signed(house, issue(ROOT) if bad == "another root" else root)
            pem = {"another key": issue(CLIENT, root).pem, "rubbish": "rubbish"}.get(bad, pem)
            if bad == "another station":
                pem = await signed(house, root, common_name="SN2")
        assert await house.status(TakeCertificate(pem)) is REJECTED
        assert house.events == [BAD_CLIENT]
        assert house.choice().present().client is None
        if bad != "not asked for":
            assert await house.status(TakeCertificate(await signed(house, root))) is ACCEPTED

    tell(tmp_path, story, addresses=(MANAGED, MUTUAL))


def test_a_chain_that_is_too_long_is_rejected(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        pem = await signed(house, root)
        assert await house.status(TakeCertificate(pem + " " * MAXIMUM_CHAIN_CHARACTERS)) is REJECTED
        assert await house.status(TakeCertificate(pem)) is ACCEPTED

    tell(tmp_path, story)


@pytest.mark.parametrize("values", [{"cpo_name": ""}, {"station": replace(STATION, serial_number="")}])
def test_without_the_names_that_it_must_hold_none_is_asked_for(tmp_path: Path, values: dict[str, Any]) -> None:
    async def story(house: House) -> None:
        answer = await house.ask(RenewCertificate())
        assert (answer.result.status, answer.csr_pem) == (REJECTED, "")

    tell(tmp_path, story, **values)


@pytest.mark.rule("security.ATK-16")
def test_the_stations_own_certificate_is_never_deleted(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        await house.ask(install(root))
        await house.ask(TakeCertificate(await signed(house, root)))
        choice = house.choice()
        leaf = str(choice.folder.certificate(choice.holdings.certificates[0].name))
        certificates = house.keeper.desks[PRIMARY]._certificates
        hashes = await certificates._hashes(HashAlgorithm.SHA256, choice.trust_files, (leaf,))
        assert await house.status(DeleteCertificate(hashes.certificates[1])) is FAILED
        assert is_there(leaf)

    tell(tmp_path, story)


def test_the_key_of_a_request_that_was_never_answered_goes_with_the_next(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        keys = tmp_path / "credentials" / PRIMARY / "keys"
        await house.ask(RenewCertificate())
        before = names_in(keys)
        await house.ask(RenewCertificate())
        assert len(before) == len(names_in(keys)) == 1
        assert names_in(keys) != before

    tell(tmp_path, story)


def test_a_backend_that_signs_and_signs_fills_no_disk_and_takes_no_fallback_away(tmp_path: Path, root: Issued) -> None:
    async def story(house: House) -> None:
        await house.ask(TakeCertificate(await signed(house, root)))
        house.opened()
        (proven,) = (one.name for one in house.choice().holdings.certificates)
        for _ in range(8):
            assert await house.status(TakeCertificate(await signed(house, root))) is ACCEPTED
        held = house.choice().holdings.certificates
        assert len(held) == 1 + OLDER_KEPT + 1
        assert held[-1].name == proven
        assert held[-1].worked
        keys = tmp_path / "credentials" / PRIMARY / "keys"
        assert len(names_in(keys)) == 2 * len(held)

    tell(tmp_path, story, addresses=(MANAGED, MUTUAL))


# --------------------------------------------------------------------------------------------------------- renewal


@pytest.mark.rule("ocpp16.Z11")
def test_a_backend_that_always_asks_something_does_not_let_a_certificate_expire(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.choice().adopt(Holdings(certificates=(ClientCertificate("n", 0, wall_ms() + DAY_MS),)))
        for _ in range(4):
            await asyncio.sleep(LOOK_EVERY_S / 2)
            await house.ask(ListRoots(CENTRAL))
        assert len([one for one in house.answers if one.csr_pem]) == 1

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z11")
def test_a_certificate_is_renewed_in_its_last_month_once_a_day(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        ends_ms = wall_ms() + RENEW_BEFORE_MS + 3 * DAY_MS
        house.choice().adopt(Holdings(certificates=(ClientCertificate("n", 0, ends_ms),)))
        days = []
        for _ in range(6):
            days.append(sum(bool(one.csr_pem) for one in house.answers))
            await asyncio.sleep(DAY_MS / 1000)
            await house.settled()
        assert days == [0, 0, 0, 0, 1, 2]
        assert all(one.call is None for one in house.answers)

    tell(tmp_path, story)


@pytest.mark.rule("ocpp16.Z11")
def test_a_restart_does_not_try_again_on_the_same_day(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        near = ClientCertificate("n", 0, wall_ms() + DAY_MS)
        house.choice().adopt(Holdings(certificates=(near,)))
        await asyncio.sleep(4000)
        assert len(house.answers) == 1

    async def second(house: House) -> None:
        await asyncio.sleep(RENEW_EVERY_MS / 2000)
        assert house.answers == []

    tell(tmp_path, first)
    tell(tmp_path, second)


@pytest.mark.rule("ocpp16.Z11")
def test_a_certificate_for_later_is_shown_when_its_time_has_come(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        begins_ms = wall_ms() + 5 * DAY_MS
        later = ClientCertificate("later", begins_ms, begins_ms + 400 * DAY_MS)
        now = ClientCertificate("now", 0, begins_ms + 400 * DAY_MS)
        house.choice().adopt(Holdings(certificates=(later, now)))
        house.opened()
        for day in range(8):
            assert bool([one for one in house.answers if one.reconnect]) == (day > 5)
            await asyncio.sleep(DAY_MS / 1000)
        assert len(house.answers) == 1
        assert Path(house.choice().present().client.certificate).stem == "later"  # type: ignore[union-attr]

    tell(tmp_path, story, addresses=(MANAGED, MUTUAL))


@pytest.mark.rule("ocpp16.Z11")
def test_the_certificate_of_the_settings_is_renewed_too(tmp_path: Path) -> None:
    near = issue(replace(CLIENT, end=datetime.datetime(2026, 1, 20, tzinfo=datetime.UTC)))
    files = {"certificate": near.pem, "key": near.key_pem}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    address = replace(MUTUAL, certificate=str(tmp_path / "certificate"), key=str(tmp_path / "key"))

    async def story(house: House) -> None:
        await asyncio.sleep(4000)
        assert [(one.upstream, bool(one.csr_pem)) for one in house.answers] == [(PRIMARY, True)]

    tell(tmp_path / "state", story, addresses=(MANAGED, address))


@pytest.mark.parametrize("files", [(), ("certificate",)])
def test_a_certificate_of_the_settings_that_cannot_be_read_is_told(tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).write_text("rubbish")
    address = replace(MUTUAL, certificate=str(tmp_path / "certificate"), key=str(tmp_path / "key"))

    async def story(house: House) -> None:
        await asyncio.sleep(4000)
        assert house.answers == []
        assert bool(house.told) == (not files)

    tell(tmp_path / "state", story, addresses=(MANAGED, address))


def test_nothing_is_renewed_while_the_time_is_unknown_or_there_is_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.choice(MANAGEMENT).adopt(Holdings(certificates=(ClientCertificate("n", 0, 1),)))
        await asyncio.sleep(10 * DAY_MS / 1000)
        assert house.answers == []

    tell(tmp_path, story, time_known=False)


# --------------------------------------------------------------------------------------------------------- mishaps


@pytest.mark.rule("ocpp16.Z10")
@pytest.mark.rule("ocpp16.Z11")
@pytest.mark.rule("ocpp16.Z13")
@pytest.mark.parametrize("place", range(5))
def test_a_disk_that_fails_at_any_write_leaves_what_was_there(
    tmp_path: Path, root: Issued, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A life ends with writes that fail; the next one finds the credentials as they were, or as they were to be."""
    writes = [0]

    def fail(path: Path, text: str, seal: bool = True) -> None:
        writes[0] += 1
        if writes[0] > place:
            raise OSError(28, "No space left on device")
        write_file(path, text, seal)

    async def prepared(house: House) -> None:
        await house.ask(install(root))
        await house.ask(TakeCertificate(await signed(house, root)))
        house.opened(root.name)
        await house.settled()

    async def broken(house: House) -> None:
        pem = await signed(house, root)
        monkeypatch.setattr(folder, "write_file", fail)
        password = SetPassword(Secret("new-password-16c"))
        statuses = [await house.status(one) for one in (TakeCertificate(pem), password)]
        statuses.append(await house.status(install(issue(replace(ROOT, common_name="second")))))
        assert statuses != [ACCEPTED] * 3

    async def after(house: House) -> None:
        monkeypatch.setattr(folder, "write_file", write_file)
        access = house.choice().present()
        assert access.client is not None
        assert is_there(access.client.certificate)
        assert is_there(access.client.key)
        assert root.name in {Path(file).stem for file in access.trust_files}
        assert all(is_there(file) for file in access.trust_files)
        assert house.told == []

    for story in (prepared, broken, after):
        tell(tmp_path, story, addresses=(MANAGED, MUTUAL))
