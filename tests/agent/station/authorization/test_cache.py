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
    cache.put(IdToken("A"), Verdict(AuthorizationStatus.ACCEPTED, expires_wall_ms=1000))
    found = [cache.get(IdToken("A"), wall) for wall in (None, 999, 1000)]
    assert [v.status.value for v in found if v] == ["Accepted", "Accepted", "Expired"]


def test_when_full_an_invalid_one_goes_first_then_the_oldest() -> None:
    cache = Cache(US, [])
    cache.put(IdToken("oldest"), GOOD)
    cache.put(IdToken("bad"), BAD)
    for number in range(CAPACITY - 2):
        cache.put(IdToken(f"card {number}"), GOOD)
    cache.put(IdToken("one more"), GOOD)
    assert cache.get(IdToken("bad"), None) is None
    assert cache.get(IdToken("oldest"), None) == GOOD
    cache.put(IdToken("and one more"), GOOD)
    assert cache.get(IdToken("oldest"), None) is None


def test_a_known_card_moves_to_the_end_and_wiping_forgets_all() -> None:
    cache = Cache(US, [])
    cache.put(IdToken("A"), GOOD)
    cache.put(IdToken("A"), BAD)
    assert cache.get(IdToken("A"), None) == BAD
    cache.wipe()
    assert cache.get(IdToken("A"), None) is None
