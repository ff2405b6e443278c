"""Which credentials are used next: passwords, profiles, roots and client certificates of one upstream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.credentials.access import Access, ClientFiles
from agent.credentials.choice import CLIENT_REFUSED, TRIAL_ATTEMPTS, Choice, News, Surroundings, url_of
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import KEPT_MS, ClientCertificate, Holdings, Root, Trial
from agent.credentials.passwords import Form, Remembered, Source
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.vocabulary.ids import Secret, UpstreamId

PROVISIONED, LIVE, PREVIOUS = "provisioned 1234", "live password 16", "previous 12345678"
ADDRESS = UpstreamAddress(
    UpstreamId("primary-1"), "P", "ws://a.example/ocpp", "CP1", SecurityProfile.BASIC, Secret(PROVISIONED)
)
TLS = replace(ADDRESS, url="wss://a.example/ocpp", security=SecurityProfile.TLS_BASIC)
NOW = 1_800_000_000_000
YEAR = 365 * 86_400_000


NOTHING = Holdings()


class Bench:
    """One choice, and what it told."""

    def __init__(
        self, holdings: Holdings = NOTHING, address: UpstreamAddress = ADDRESS, single_root: bool = False
    ) -> None:
        self.news: list[News] = []
        self.now_ms: int | None = NOW
        around = Surroundings(self.news.append, lambda: self.now_ms, single_root=single_root)
        self.choice = Choice(address, holdings, CredentialsFolder("/state", address.id), around)

    @property
    def access(self) -> Access:
        return self.choice.present()

    @property
    def sent(self) -> str:
        key = self.access.key
        return key.decode() if key is not None else ""

    def opened(self, anchor: str = "") -> None:
        """One attempt, which opens a link."""
        self.choice.begin()
        self.choice.worked(anchor)

    def failed(self, cause: str, status: int | None) -> None:
        """One attempt, which comes to nothing."""
        self.choice.begin()
        self.choice.refused(cause, status)

    def after_restart(self, address: UpstreamAddress = ADDRESS) -> Bench:
        return Bench(self.choice.holdings, address)


# ------------------------------------------------------------------------------------------------------- passwords


@pytest.mark.rule("product.N15")
@pytest.mark.rule("ocpp16.Z10")
def test_after_a_401_the_one_before_and_the_provisioned_one_are_tried_in_turn() -> None:
    bench = Bench(Holdings(live=Secret(LIVE), previous=Secret(PREVIOUS)))
    seen = []
    for _ in range(4):
        seen.append(bench.sent)
        bench.failed("http", 401)
    assert seen == [LIVE, PREVIOUS, PROVISIONED, LIVE]


@pytest.mark.parametrize(("cause", "status"), [("connect", None), ("timeout", None), ("http", 500), ("tls", None)])
def test_other_refusals_say_nothing_of_the_password(cause: str, status: int | None) -> None:
    bench = Bench(Holdings(live=Secret(LIVE)))
    bench.failed(cause, status)
    assert bench.sent == LIVE


@pytest.mark.rule("product.N15")
def test_what_worked_is_remembered_over_a_restart_and_the_live_one_stays_in_hand() -> None:
    bench = Bench(Holdings(live=Secret(LIVE), previous=Secret(PREVIOUS)))
    bench.failed("http", 401)
    bench.opened()
    assert bench.news[-1].holdings == bench.choice.holdings
    again = bench.after_restart()
    assert again.sent == PREVIOUS
    again.failed("http", 401)
    assert again.sent == LIVE


@pytest.mark.rule("ocpp16.Z10")
def test_once_the_new_one_has_worked_the_one_before_is_gone() -> None:
    bench = Bench(Holdings(live=Secret(LIVE), previous=Secret(PREVIOUS)))
    bench.opened()
    assert bench.choice.holdings.previous is None
    assert bench.choice.holdings.remembered == Remembered(Source.LIVE, Form.TEXT)


@pytest.mark.rule("ocpp16.Z10")
def test_an_attempt_that_began_with_the_old_password_proves_the_old_one() -> None:
    bench = Bench(Holdings(remembered=Remembered(Source.PROVISIONED, Form.TEXT)))
    bench.choice.begin()
    changed = Holdings(live=Secret(LIVE), previous=Secret(PROVISIONED))
    bench.choice.adopt(changed)
    bench.choice.present()  # whoever only asks changes nothing
    bench.choice.worked()
    assert bench.choice.holdings == replace(changed, remembered=Remembered(Source.PREVIOUS, Form.TEXT))


@pytest.mark.rule("ocpp16.Z10")
def test_a_401_of_the_old_password_says_nothing_of_the_new_one() -> None:
    bench = Bench()
    bench.choice.begin()
    bench.choice.adopt(Holdings(live=Secret(LIVE)))
    bench.choice.refused("http", 401)
    assert bench.sent == LIVE


@pytest.mark.rule("ocpp16.Z12")
@pytest.mark.parametrize("opens", [True, False])
def test_an_attempt_that_began_before_a_profile_was_raised_is_no_part_of_its_trial(opens: bool) -> None:
    bench = Bench()
    bench.choice.begin()
    bench.choice.adopt(Holdings(trial=Trial(2)))
    if opens:
        bench.choice.worked()
    else:
        bench.choice.refused("connect", None)
    assert bench.choice.holdings.trial == Trial(2)
    assert bench.choice.holdings.profile is None


@pytest.mark.rule("product.N15")
def test_other_settings_do_not_bring_back_what_the_backend_has_replaced() -> None:
    bench = Bench(Holdings(live=Secret(LIVE), remembered=Remembered(Source.LIVE, Form.TEXT)))
    rolled_back = replace(ADDRESS, password=Secret("of long ago 1234"))
    assert bench.after_restart(rolled_back).sent == LIVE


def test_what_works_again_is_not_written_again() -> None:
    bench = Bench()
    bench.opened()
    bench.opened()
    assert len(bench.news) == 1


@pytest.mark.parametrize(
    ("profile", "sends"),
    [
        (SecurityProfile.UNSECURED, False),
        (SecurityProfile.BASIC, True),
        (SecurityProfile.TLS_BASIC, True),
        pytest.param(SecurityProfile.MUTUAL_TLS, False, marks=pytest.mark.rule("ocpp16.Z07")),
    ],
)
def test_only_basic_profiles_send_a_password(profile: SecurityProfile, sends: bool) -> None:
    url = "wss://a" if profile >= 2 else "ws://a"
    access = Bench(address=replace(ADDRESS, url=url, security=profile)).access
    assert (access.key is not None) == sends
    assert access.security_profile == profile


# -------------------------------------------------------------------------------------------------------- profiles


@pytest.mark.rule("ocpp16.Z12")
def test_a_raised_profile_goes_to_wss_and_stays_once_it_has_worked() -> None:
    bench = Bench(Holdings(trial=Trial(2)))
    assert (bench.access.url, bench.access.security_profile) == ("wss://a.example/ocpp", 2)
    bench.opened("root")
    assert bench.news[-1].raised_to == 2
    assert bench.after_restart().access.url == "wss://a.example/ocpp"
    assert bench.after_restart().choice.profile == 2


@pytest.mark.rule("ocpp16.Z12")
@pytest.mark.parametrize(("cause", "status"), [("tls", None), ("http", 401), ("connect", None)])
def test_a_profile_that_cannot_connect_gives_way_to_the_one_before(cause: str, status: int | None) -> None:
    bench = Bench(Holdings(trial=Trial(2)))
    for _ in range(TRIAL_ATTEMPTS):
        assert bench.access.security_profile == 2
        bench.failed(cause, status)
    assert (bench.access.url, bench.access.security_profile) == ("ws://a.example/ocpp", 1)
    assert (bench.news[-1].fell_back_from, bench.news[-1].profile) == (2, 1)
    bench.failed("connect", None)
    assert sum(news.fell_back_from is not None for news in bench.news) == 1


@pytest.mark.rule("ocpp16.Z12")
def test_on_trial_every_password_is_tried_in_every_form() -> None:
    held = Holdings(live=Secret("0a" * 16), previous=Secret(PREVIOUS), trial=Trial(2))
    bench = Bench(held)
    seen = set()
    while bench.choice.profile == 2:
        seen.add(bench.access.key)
        bench.failed("http", 401)
    assert seen == {b"\n" * 16, b"0a" * 16, PREVIOUS.encode(), PROVISIONED.encode()}


def test_attempts_on_trial_are_counted_over_a_restart() -> None:
    bench = Bench(Holdings(trial=Trial(2)))
    bench.failed("tls", None)
    again = bench.after_restart()
    for _ in range(TRIAL_ATTEMPTS - 1):
        assert again.choice.profile == 2
        again.failed("tls", None)
    assert again.choice.profile == 1


@pytest.mark.rule("ocpp16.Z01")
def test_only_the_installer_lowers_a_profile() -> None:
    raised = Holdings(profile=2, profile_basis=1)
    assert Bench(raised).choice.profile == 2
    assert Bench(raised, replace(ADDRESS, security=SecurityProfile.UNSECURED)).choice.profile == 0


@pytest.mark.rule("ocpp16.Z01")
@pytest.mark.parametrize("security", [SecurityProfile.TLS_BASIC, SecurityProfile.MUTUAL_TLS])
def test_a_trial_is_never_below_what_the_installer_has_chosen_since(security: SecurityProfile) -> None:
    on_trial = Holdings(trial=Trial(2, 1))
    assert Bench(on_trial).choice.profile == 2
    bench = Bench(on_trial, replace(TLS, security=security))
    assert bench.choice.profile == security
    bench.opened("root")
    assert bench.choice.profile == security


@pytest.mark.parametrize(
    ("url", "profile", "dialled"),
    [
        ("ws://a/o", 1, "ws://a/o"),
        ("ws://a/o", 2, "wss://a/o"),
        ("ws://a:80/o", 3, "wss://a/o"),
        ("ws://a:9000", 2, "wss://a:9000"),
        ("ws://[::1]:80/x:80", 2, "wss://[::1]/x:80"),
        ("WS://a", 2, "wss://a"),
        ("wss://a/o", 3, "wss://a/o"),
    ],
)
def test_the_scheme_follows_the_profile(url: str, profile: int, dialled: str) -> None:
    assert url_of(url, profile) == dialled


# ----------------------------------------------------------------------------------------------------------- trust


@pytest.mark.rule("product.H9")
def test_the_public_bundle_counts_until_a_root_of_its_own_has_worked() -> None:
    bench = Bench(address=TLS)
    assert (bench.access.public_roots, bench.access.trust_files) == (True, ())
    bench = Bench(Holdings(roots=(Root("aa"),)), TLS)
    assert (bench.access.public_roots, bench.access.trust_files) == (
        True,
        ("/state/credentials/primary-1/roots/aa.pem",),
    )
    bench.opened("a public root")
    assert bench.access.public_roots
    bench.opened("aa")
    assert not bench.access.public_roots
    assert not bench.after_restart(TLS).access.public_roots


@pytest.mark.rule("product.H9")
def test_pinned_roots_are_all_that_counts_with_those_installed() -> None:
    bench = Bench(Holdings(roots=(Root("aa", True),)), replace(TLS, trust="/factory/pin.pem"))
    assert not bench.access.public_roots
    assert bench.access.trust_files == ("/factory/pin.pem", "/state/credentials/primary-1/roots/aa.pem")


@pytest.mark.rule("ocpp16.Z13")
def test_where_one_root_is_the_rule_the_old_one_stays_until_the_new_one_has_worked() -> None:
    held = Holdings(roots=(Root("old", True), Root("new")))
    bench = Bench(held, replace(TLS, trust="/factory/pin.pem"), single_root=True)
    bench.opened("old")
    assert len(bench.access.trust_files) == 3
    bench.opened("new")
    assert bench.access.trust_files == ("/state/credentials/primary-1/roots/new.pem",)


# ---------------------------------------------------------------------------------------------- client certificates

MUTUAL = replace(TLS, security=SecurityProfile.MUTUAL_TLS)
OLD = ClientCertificate("old", NOW - YEAR, NOW + YEAR)
NEW = ClientCertificate("new", NOW - 1000, NOW + 2 * YEAR)


def shown(bench: Bench) -> str:
    client = bench.access.client
    return Path(client.certificate).stem if client is not None else ""


@pytest.mark.rule("ocpp16.Z11")
@pytest.mark.parametrize(("cause", "status"), [(CLIENT_REFUSED, None), ("handshake", None), ("http", 403)])
def test_the_newest_certificate_is_shown_and_the_old_one_after_a_refusal(cause: str, status: int | None) -> None:
    bench = Bench(Holdings(certificates=(NEW, OLD)), MUTUAL)
    assert shown(bench) == "new"
    bench.failed("connect", None)
    assert shown(bench) == "new"
    bench.failed(cause, status)
    assert shown(bench) == "old"
    bench.opened("root")
    assert shown(bench) == "new"


@pytest.mark.rule("product.N15")
def test_the_certificate_of_the_settings_is_shown_where_the_backend_has_given_none_or_none_is_taken() -> None:
    provisioned = replace(MUTUAL, certificate="/etc/own.pem", key="/etc/own.key")
    assert Bench(NOTHING, MUTUAL).access.client is None
    assert Bench(NOTHING, provisioned).access.client == ClientFiles("/etc/own.pem", "/etc/own.key")
    bench = Bench(Holdings(certificates=(NEW, OLD)), provisioned)
    found = []
    for _ in range(4):
        found.append(shown(bench))
        bench.failed(CLIENT_REFUSED, None)
    assert found == ["new", "old", "own", "new"]
    bench.failed(CLIENT_REFUSED, None)
    assert shown(bench) == "own"
    bench.opened("root")
    assert [one.worked for one in bench.choice.holdings.certificates] == [False, False]


@pytest.mark.rule("ocpp16.Z11")
def test_a_certificate_whose_time_has_not_come_waits() -> None:
    bench = Bench(Holdings(certificates=(replace(NEW, not_before_ms=NOW + 1), OLD)), MUTUAL)
    assert shown(bench) == "old"
    bench.now_ms = NOW + 2
    assert shown(bench) == "new"


@pytest.mark.rule("ocpp16.Z11")
def test_a_replaced_certificate_serves_for_a_month_from_when_the_new_one_worked() -> None:
    bench = Bench(Holdings(certificates=(NEW, OLD)), MUTUAL)
    bench.opened("root")
    for later, usable in ((0, 2), (KEPT_MS, 2), (KEPT_MS + 1, 1)):
        bench.now_ms = NOW + later
        assert len(bench.choice.usable_certificates()) == usable


def test_with_no_certificate_valid_by_our_clock_the_server_is_to_judge() -> None:
    bench = Bench(Holdings(certificates=(replace(OLD, not_after_ms=NOW - 1),)), MUTUAL)
    assert shown(bench) == "old"
    assert bench.choice.usable_certificates() == ()


def test_while_the_time_is_unknown_every_certificate_may_be_shown() -> None:
    bench = Bench(Holdings(certificates=(replace(NEW, not_before_ms=NOW + 1),)), MUTUAL)
    bench.now_ms = None
    assert shown(bench) == "new"
