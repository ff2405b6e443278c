from __future__ import annotations

import pytest

from agent.station.authorization.cache import CAPACITY, Cache
from agent.vocabulary.ids import IdToken, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, Verdict

US, OTHERS = UpstreamId("primary"), UpstreamId("management")
GOOD, BAD = Verdict(AuthorizationStatus.ACCEPTED), Verdict(AuthorizationStatus.INVALID)


def test_only_the_verdicts_of_its_upstream_are_loaded_and_cards_compare_without_case() -> None:
    at = Moment(1, 0)
    cache = Cache(US, [CacheVerdict(US, IdToken("ABCD"), GOOD, at), CacheVerdict(OTHERS, IdToken("EF"), GOOD, at)])
    assert cache.get(IdToken("abcd"), None) == GOOD
    assert cache.get(IdToken("EF"), None) is None


@pytest.mark.rule("ocpp16.X60")
def test_past_its_date_a_verdict_is_expired() -> None:
    cache = Cache(US, [])
    cache.put(IdToken("A"), Verdict(AuthorizationStatus.ACCEPTED, expires_wall_ms=1000), None)
    found = [cache.get(IdToken("A"), wall) for wall in (None, 999, 1000)]
    assert [v.status.value for v in found if v] == ["Accepted", "Accepted", "Expired"]


@pytest.mark.rule("ocpp16.U04")
def test_when_full_an_invalid_one_goes_first_then_the_oldest() -> None:
    cache = Cache(US, [])
    cache.put(IdToken("oldest"), GOOD, None)
    cache.put(IdToken("bad"), BAD, None)
    cache.put(IdToken("late"), Verdict(AuthorizationStatus.ACCEPTED, expires_wall_ms=1000), None)
    for number in range(CAPACITY - 3):
        assert cache.put(IdToken(f"card {number}"), GOOD, None) is None
    assert cache.put(IdToken("one more"), GOOD, 1000) == IdToken("bad")
    assert cache.get(IdToken("bad"), None) is None
    assert cache.put(IdToken("and one more"), GOOD, 1000) == IdToken("late")  # its date has passed
    assert cache.get(IdToken("oldest"), None) == GOOD
    assert cache.put(IdToken("and yet another"), GOOD, 1000) == IdToken("oldest")
    assert cache.put(IdToken("one more"), BAD, 1000) is None  # it has its place already


@pytest.mark.rule("ocpp16.U04")
def test_the_age_of_a_verdict_survives_a_restart() -> None:
    saved = [CacheVerdict(US, IdToken(f"card {n}"), GOOD, Moment(2, n)) for n in reversed(range(CAPACITY - 1))]
    saved.append(CacheVerdict(US, IdToken("of a former boot"), GOOD, Moment(1, 9_000_000)))
    cache = Cache(US, saved)
    assert cache.put(IdToken("new"), GOOD, None) == IdToken("of a former boot")
    assert cache.put(IdToken("newer"), GOOD, None) == IdToken("card 0")


def test_a_known_card_moves_to_the_end_and_wiping_forgets_all() -> None:
    cache = Cache(US, [])
    cache.put(IdToken("A"), GOOD, None)
    cache.put(IdToken("A"), BAD, None)
    assert cache.get(IdToken("A"), None) == BAD
    cache.wipe()
    assert cache.get(IdToken("A"), None) is None
