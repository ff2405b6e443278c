from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings.addresses import SecurityProfile
from agent.settings.files import discard_pending, load, stage_primary, stage_removal
from agent.settings.locations import Locations
from agent.settings.problems import Complaint, SettingsError
from agent.settings.settings import UpstreamRequest
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId

FACTORY = """\
[station]
vendor = "Example"
model = "Wall"
[[bus]]
name = "bus1"
port = "/dev/ttyS1"
[[connector]]
id = 1
board = "viridian_epc2plus"
bus = "bus1"
unit = 101
maximum_current_a = 32
[connector.meter]
profile = "eastron_sdm72dm_v2"
bus = "bus1"
unit = 1
[management]
url = "wss://management.example/ocpp"
identity = "W-0001"
security = 2
password_file = "management.password"
trust = "management.pem"
"""
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
REQUEST = UpstreamRequest("wss://cpms.example/", "CP1", 2, Secret("canary-of-primary"), PEM, "Operator", "a test")
KEY = "-----BEGIN PRIVATE KEY-----\nMIICANARY\n-----END PRIVATE KEY-----\n"
MUTUAL = replace(
    REQUEST,
    security=3,
    password=None,
    certificate_pem=PEM,
    key_pem=Secret(KEY),
    interface="wwan0",
    proxy="http://proxy.example:3128",
    proxy_login=Secret("user:canary"),
)
PRIMARY_1 = UpstreamId("primary-1")


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/factory.toml").write_text(FACTORY)
    (tmp_path / "etc/management.password").write_text("canary-of-management\n")
    (tmp_path / "etc/management.pem").write_text(PEM)
    return Locations(
        str(tmp_path / "etc/factory.toml"), str(tmp_path / "settings"), str(tmp_path), str(tmp_path / "run")
    )


def content(locations: Locations) -> dict[str, bytes]:
    folder = Path(locations.settings)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.rule("product.A1")
def test_a_station_from_the_factory_has_management_alone(locations: Locations) -> None:
    settings = load(locations, "boot1")
    assert [upstream.id for upstream in settings.upstreams] == [MANAGEMENT]
    assert settings.billing == MANAGEMENT
    assert settings.usable
    assert settings.problems == ()
    assert settings.factory.management.password == Secret("canary-of-management")
    assert settings.factory.management.trust.endswith("etc/management.pem")
    assert settings.factory.hardware.safe_off_folder == locations.run


@pytest.mark.rule("product.A2")
@pytest.mark.parametrize(
    "text",
    [
        'format = 1\n[primary]\nid = "management"\nname = "X"\nurl = "wss://x.test/"\nidentity = "W"\nsecurity = 0\n',
        'format = 1\n[management]\nurl = "wss://other.example/"\n',
        "format = 1\nmanagement = false\n",
    ],
)
def test_no_settings_file_touches_management(locations: Locations, text: str) -> None:
    before = load(locations, "boot1").factory.management
    for name in ("pending", "active"):
        (Path(locations.settings) / f"{name}.toml").parent.mkdir(parents=True, exist_ok=True)
        (Path(locations.settings) / f"{name}.toml").write_text(text)
        settings = load(locations, "boot2")
        assert settings.factory.management == before
        assert settings.upstreams[0] == before
        assert settings.problems


@pytest.mark.rule("product.A2")
def test_setting_and_removing_a_primary_leaves_the_factory_file_as_it_is(locations: Locations) -> None:
    before = Path(locations.factory).read_bytes()
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    settings = load(locations, "boot3")
    assert Path(locations.factory).read_bytes() == before
    assert [upstream.id for upstream in settings.upstreams] == [MANAGEMENT]


@pytest.mark.rule("product.V3")
def test_a_staged_primary_applies_at_the_next_boot_and_not_at_a_restart(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    restarted = load(locations, "boot1")
    assert restarted.primary is None
    assert restarted.pending is not None
    assert [(change.what, change.by) for change in restarted.pending.changes] == [
        ("set primary wss://cpms.example/ as CP1", "a test")
    ]
    rebooted = load(locations, "boot2")
    assert rebooted.applied
    assert rebooted.pending is None
    assert rebooted.primary is not None
    assert rebooted.billing == rebooted.primary.id == PRIMARY_1
    assert rebooted.primary.security is SecurityProfile.TLS_BASIC
    assert rebooted.primary.password == Secret("canary-of-primary")
    assert Path(rebooted.primary.trust).read_text() == PEM
    assert load(locations, "boot2") == replace(rebooted, applied=False)


@pytest.mark.rule("product.A3")
def test_a_second_primary_is_refused_and_says_to_remove_the_first(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    for boot in ("boot1", "boot2"):
        load(locations, boot)
        before = content(locations)
        with pytest.raises(SettingsError, match="remove it first"):
            stage_primary(locations, boot, REQUEST)
        assert content(locations) == before


@pytest.mark.rule("product.A6")
@pytest.mark.parametrize("word", ["", "Delete", "delete ", "yes", "DELETE"])
def test_removal_asks_for_the_word(locations: Locations, word: str) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    before = content(locations)
    with pytest.raises(SettingsError, match="delete"):
        stage_removal(locations, "boot2", word)
    assert content(locations) == before


@pytest.mark.rule("product.A7")
def test_remove_and_set_makes_a_new_operator_even_with_the_same_address(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    assert load(locations, "boot3").billing == MANAGEMENT
    stage_primary(locations, "boot3", REQUEST)
    assert load(locations, "boot4").billing == UpstreamId("primary-2")


def test_remove_and_set_within_one_boot_is_one_change(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    stage_primary(locations, "boot2", replace(REQUEST, url="wss://other.example/"))
    assert load(locations, "boot2").billing == PRIMARY_1
    assert load(locations, "boot3").billing == UpstreamId("primary-2")


def test_removing_what_never_came_into_force_leaves_nothing_pending(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_removal(locations, "boot1", "delete")
    assert load(locations, "boot1").pending is None
    with pytest.raises(SettingsError, match="there is none"):
        stage_removal(locations, "boot1", "delete")


def test_a_discarded_change_is_gone(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    assert discard_pending(locations)
    assert not discard_pending(locations)
    assert load(locations, "boot2").primary is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "wss://cpms.example/ x"}, "url"),
        ({"url": "wss://management.example/ocpp/", "identity": "W-0001"}, "url"),
        ({"security": 1}, "url"),
        ({"security": 7}, "security"),
        ({"password": None}, "password"),
        ({"password": Secret("short")}, "password"),
        ({"identity": "a b"}, "identity"),
        ({"trust_pem": "x"}, "trust"),
        ({"name": " x"}, "name"),
        ({"security": 3}, "certificate"),
        ({"security": 3, "certificate_pem": "x", "key_pem": Secret(KEY)}, "certificate"),
        ({"security": 3, "certificate_pem": PEM}, "key"),
        ({"security": 3, "certificate_pem": PEM, "key_pem": Secret("canary")}, "key"),
        ({"certificate_pem": PEM, "key_pem": Secret(KEY)}, "certificate"),
        ({"interface": "eth 0"}, "interface"),
        ({"proxy": "proxy"}, "proxy"),
        ({"proxy_login": Secret("user:canary")}, "proxy_login"),
    ],
)
def test_a_bad_request_is_refused_and_writes_nothing(
    locations: Locations, changes: dict[str, object], field: str
) -> None:
    before = content(locations)
    with pytest.raises(SettingsError) as caught:
        stage_primary(locations, "boot1", replace(REQUEST, **changes))  # type: ignore[arg-type]
    assert field in {problem.field for problem in caught.value.problems}
    assert content(locations) == before
    assert "canary" not in str(caught.value)


@pytest.mark.rule("product.H8")
@pytest.mark.rule("product.N9")
def test_a_primary_with_a_client_certificate_is_complete_after_the_boot(locations: Locations) -> None:
    judged: list[tuple[str, str]] = []

    def check_client(pem: str, key_file: str) -> None:
        judged.append((pem, Path(key_file).read_text()))

    staged = stage_primary(locations, "boot1", MUTUAL, check_client)
    assert judged == [(PEM, KEY)]
    assert staged.primary is not None
    assert staged.primary.proxy_login is None
    primary = load(locations, "boot2").primary
    assert primary is not None
    assert primary.security is SecurityProfile.MUTUAL_TLS
    assert (Path(primary.certificate).read_text(), Path(primary.key).read_text()) == (PEM, KEY)
    assert primary.password is None
    assert (primary.interface, primary.proxy) == ("wwan0", "http://proxy.example:3128")
    assert primary.proxy_login == Secret("user:canary")
    holders = [name for name, text in content(locations).items() if b"canary" in text.lower()]
    assert sorted(holders) == ["client/primary-1.key", "credentials.toml"]
    for name in content(locations):
        assert stat.S_IMODE((Path(locations.settings) / name).stat().st_mode) == 0o600


@pytest.mark.rule("product.H8")
def test_a_client_certificate_that_is_not_good_is_refused_and_its_key_does_not_stay(locations: Locations) -> None:
    before = content(locations)
    with pytest.raises(SettingsError) as caught:
        stage_primary(locations, "boot1", MUTUAL, lambda pem, key: Complaint("has expired", "ask for a new one"))
    assert [str(problem) for problem in caught.value.problems] == ["certificate: has expired; ask for a new one"]
    assert content(locations) == before

    def no_judgement(pem: str, key_file: str) -> None:
        raise RuntimeError("the child was killed")

    with pytest.raises(RuntimeError):
        stage_primary(locations, "boot1", MUTUAL, no_judgement)
    assert content(locations) == before


@pytest.mark.rule("product.H8")
@pytest.mark.parametrize("name", ["primary-1.pem", "primary-1.key"])
def test_a_pending_primary_whose_client_certificate_is_gone_is_set_aside(locations: Locations, name: str) -> None:
    stage_primary(locations, "boot1", MUTUAL)
    (Path(locations.settings) / "client" / name).unlink()
    settings = load(locations, "boot2")
    assert settings.primary is None
    assert settings.problems[0].field in ("primary.certificate", "primary.key")


def test_management_finds_its_certificate_and_the_login_of_its_proxy_beside_the_factory_file(
    locations: Locations,
) -> None:
    etc = Path(locations.factory).parent
    new = 'security = 3\ncertificate = "own.pem"\nkey = "own.key"\nproxy = "http://p:1"\nproxy_login_file = "login"\n'
    text = FACTORY.replace('security = 2\npassword_file = "management.password"\n', new)
    Path(locations.factory).write_text(text)
    with pytest.raises(SettingsError, match=r"management\.proxy_login_file"):
        load(locations, "boot1")
    (etc / "login").write_text("user:canary\n")
    with pytest.raises(SettingsError, match=r"management\.certificate: there is no file"):
        load(locations, "boot1")
    (etc / "own.pem").write_text(PEM)
    (etc / "own.key").write_text(KEY)
    management = load(locations, "boot1").factory.management
    assert (management.certificate, management.key) == (str(etc / "own.pem"), str(etc / "own.key"))
    assert management.proxy_login == Secret("user:canary")


def test_only_the_credentials_hold_the_password_and_all_is_for_our_eyes_only(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    holders = [name for name, text in content(locations).items() if b"canary" in text]
    assert holders == ["credentials.toml"]
    for name in content(locations):
        assert stat.S_IMODE((Path(locations.settings) / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(locations.settings).stat().st_mode) == 0o700


def damage_seal(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"cpms", b"cpns"))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def fill_with_noise(path: Path) -> None:
    path.write_bytes(b"\xff\x00" * 50)


@pytest.mark.parametrize("damage", [damage_seal, cut_short, fill_with_noise])
def test_a_bad_pending_file_is_set_aside_and_the_active_one_stays(
    locations: Locations, damage: Callable[[Path], None]
) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    stage_primary(locations, "boot2", REQUEST)
    damage(Path(locations.settings) / "pending.toml")
    settings = load(locations, "boot3")
    assert settings.billing == PRIMARY_1
    assert settings.usable
    assert settings.problems[0].file.endswith("pending.toml")
    assert "pending.toml.bad" in content(locations)
    assert load(locations, "boot3").problems == ()


def test_a_pending_primary_whose_password_is_gone_is_set_aside(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    (Path(locations.settings) / "credentials.toml").unlink()
    settings = load(locations, "boot2")
    assert settings.primary is None
    assert settings.problems[0].field == "primary.password"


@pytest.mark.parametrize("damage", [damage_seal, cut_short, fill_with_noise])
def test_with_a_bad_active_file_nobody_else_becomes_billing(
    locations: Locations, damage: Callable[[Path], None]
) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    damage(Path(locations.settings) / "active.toml")
    settings = load(locations, "boot2")
    assert not settings.usable
    assert settings.problems
    assert [upstream.id for upstream in settings.upstreams] == [MANAGEMENT]
    stage_removal(locations, "boot2", "delete")
    assert load(locations, "boot3").usable


def test_a_factory_file_that_took_over_the_primarys_address_makes_nobody_billing_twice(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    text = FACTORY.replace("wss://management.example/ocpp", REQUEST.url).replace("W-0001", REQUEST.identity)
    Path(locations.factory).write_text(text)
    settings = load(locations, "boot3")
    assert not settings.usable
    assert [upstream.id for upstream in settings.upstreams] == [MANAGEMENT]
    assert settings.problems[0].field == "primary.url"


def test_a_bad_credentials_file_is_told_and_kept_beside_the_new_one(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    discard_pending(locations)
    path = Path(locations.settings) / "credentials.toml"
    path.write_text("format = ")
    assert "credentials.toml" in load(locations, "boot1").problems[0].file
    stage_primary(locations, "boot1", REQUEST)
    assert "credentials.toml.bad" in content(locations)
    primary = load(locations, "boot2").primary
    assert primary is not None
    assert primary.password == REQUEST.password


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda etc: (etc / "factory.toml").unlink(), "--factory"),
        (lambda etc: (etc / "management.password").unlink(), "factory.toml:21: management.password_file"),
        (lambda etc: (etc / "management.password").write_text("no"), "factory.toml:21: management.password_file"),
        (lambda etc: (etc / "management.pem").unlink(), "factory.toml:22: management.trust"),
        (lambda etc: (etc / "factory.toml").write_bytes(b"a = 1\n# \xff"), "factory.toml:2: is not UTF-8"),
        (lambda etc: (etc / "factory.toml").write_bytes(b"#" * 300_000), "is larger than"),
    ],
)
def test_without_a_factory_file_there_is_no_station(
    locations: Locations, damage: Callable[[Path], object], expected: str
) -> None:
    damage(Path(locations.factory).parent)
    with pytest.raises(SettingsError) as caught:
        load(locations, "boot1")
    assert expected in str(caught.value)


class PowerCut(BaseException):
    """The end of the process, at a system call."""


def cut_at(call: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the power fail at the given one of the calls that change the disk."""
    calls: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def run(*arguments: object, **options: object) -> object:
            calls.append(name)
            if len(calls) == call:
                raise PowerCut
            return real(*arguments, **options)

        return run

    for name in ("write", "fsync", "replace"):
        monkeypatch.setattr(os, name, counted(name))
    return calls


@pytest.mark.rule("product.V4")
@pytest.mark.parametrize(("swap", "request_"), [(False, REQUEST), (True, REQUEST), (False, MUTUAL)])
def test_a_power_cut_at_any_call_leaves_the_old_settings_or_the_new(
    locations: Locations, monkeypatch: pytest.MonkeyPatch, swap: bool, request_: UpstreamRequest
) -> None:
    outcomes: set[UpstreamId] = set()
    old, new = MANAGEMENT, PRIMARY_1
    if swap:
        stage_primary(locations, "boot1", REQUEST)
        load(locations, "boot2")
        stage_removal(locations, "boot2", "delete")
        old, new = PRIMARY_1, UpstreamId("primary-2")
    calls = 0
    for call in range(1, 60):
        place = replace(locations, settings=f"{locations.settings}-{call}")
        if Path(locations.settings).exists():
            copy_folder(Path(locations.settings), Path(place.settings))
        with monkeypatch.context() as patch:
            done = cut_at(call, patch)
            try:
                stage_primary(place, "boot3", request_)
                load(place, "boot4")
            except PowerCut:
                calls = call
            else:
                assert len(done) == call - 1
                break
        if swap and load(place, "boot5").billing == MANAGEMENT:
            # cut before the set was staged: the removal that was staged before it applies, whole
            outcomes.add(MANAGEMENT)
            continue
        settings = load(place, "boot5")
        assert settings.usable
        assert settings.problems == ()
        assert settings.billing in (old, new)
        outcomes.add(settings.billing)
        if settings.primary is not None:
            expected = REQUEST if settings.primary.id == PRIMARY_1 and swap else request_
            assert settings.primary.password == expected.password
            assert settings.primary.proxy_login == expected.proxy_login
            assert all(Path(path).is_file() for path in (settings.primary.certificate, settings.primary.key) if path)
            assert Path(settings.primary.trust).is_file()
    assert calls > 8
    assert {MANAGEMENT, new} <= outcomes


def copy_folder(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            place.write_bytes(path.read_bytes())


def test_a_disk_that_refuses_leaves_the_change_staged_and_the_settings_in_force(
    locations: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_primary(locations, "boot1", REQUEST)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        settings = load(locations, "boot2")
        assert settings.billing == MANAGEMENT
        assert "No space left" in settings.problems[0].message
    assert load(locations, "boot2").billing == PRIMARY_1


@pytest.mark.rule("product.N15")
@pytest.mark.parametrize("left", ["damaged settings", "live credentials"])
def test_no_primary_ever_gets_the_id_of_another(locations: Locations, left: str) -> None:
    """With the id it would get the queue, the passwords and the roots of the other."""
    stage_primary(locations, "boot1", replace(REQUEST, security=0, url="ws://a.example/", password=None, trust_pem=""))
    assert load(locations, "boot2").billing == PRIMARY_1
    active = Path(locations.settings) / "active.toml"
    if left == "damaged settings":
        active.write_bytes(active.read_bytes()[:-20])
        stage_removal(locations, "boot2", "delete")
        load(locations, "boot3")
    else:
        (Path(locations.state) / "credentials" / PRIMARY_1).mkdir(parents=True)
        for file in Path(locations.settings).glob("*.toml"):
            file.unlink()
    assert stage_primary(locations, "boot3", REQUEST).primary is not None
    assert load(locations, "boot4").billing not in (PRIMARY_1, MANAGEMENT)
