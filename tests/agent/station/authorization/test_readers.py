"""The reader rules alone, on seats."""

from __future__ import annotations

import pytest

from agent.station.authorization.readers import Choice, Meaning, Seat, choose, is_random
from agent.station.evse.session import SessionState
from agent.vocabulary.ids import ConnectorId, IdToken

CARD, OTHER = IdToken("04AA"), IdToken("04BB")
S, M = SessionState, Meaning


def seat(number: int, state: SessionState, plugged: int | None = None, **more: object) -> Seat:
    return Seat(ConnectorId(number), state, plugged, **more)  # type: ignore[arg-type]


@pytest.mark.rule("product.N6")
@pytest.mark.rule("ocpp16.U10")
@pytest.mark.parametrize(
    ("seats", "meaning", "connector"),
    [
        ([seat(1, S.WAITING_CAR, token=CARD)], M.CANCEL, 1),
        ([seat(1, S.LOCKING, 5, token=CARD), seat(2, S.WAITING_CARD, 9)], M.CANCEL, 1),
        ([seat(1, S.FINISHED, 5, kept_for=CARD)], M.LET_GO, 1),
        ([seat(1, S.FINISHED, 5, kept_for=OTHER)], M.COMPARE, None),
        ([seat(1, S.WAITING_CARD, 5), seat(2, S.WAITING_CARD, 9)], M.START, 2),
        ([seat(1, S.RUNNING, 5, token=CARD), seat(2, S.WAITING_CARD, 9)], M.START, 2),
        ([seat(1, S.RUNNING, 5, token=CARD), seat(2, S.FREE)], M.STOP, 1),
        ([seat(1, S.STOPPING, 5, token=CARD)], M.REFUSE, 1),
        ([seat(1, S.RECOVERING, 5, token=CARD)], M.REFUSE, 1),
        ([seat(1, S.FINISHED, 5), seat(2, S.FREE)], M.START, 1),
        ([seat(1, S.FREE)], M.START, 1),
        ([seat(1, S.FREE), seat(2, S.FREE)], M.START, None),
        ([seat(1, S.RUNNING, 5, token=OTHER), seat(2, S.FREE)], M.START, 2),
        ([seat(1, S.RUNNING, 5, token=OTHER)], M.COMPARE, None),
        ([seat(1, S.RUNNING, 5, token=OTHER), seat(2, S.WAITING_CARD, 9, refusal="fault")], M.REFUSE, 2),
        ([seat(1, S.FREE, refusal="out of service")], M.REFUSE, 1),
        ([seat(1, S.WAITING_CAR, token=OTHER)], M.REFUSE, 1),
        ([], M.REFUSE, None),
    ],
)
def test_what_a_card_means(seats: list[Seat], meaning: Meaning, connector: int | None) -> None:
    found = choose(seats, CARD)
    assert (found.meaning, found.connector) == (meaning, connector)


def test_a_refusal_says_why() -> None:
    assert choose([seat(1, S.FREE, refusal="out of service")], CARD) == Choice(
        M.REFUSE, ConnectorId(1), "out of service"
    )
    assert choose([seat(1, S.WAITING_CAR, token=OTHER)], CARD).reason == "no connector is free"


@pytest.mark.parametrize(
    ("uid", "random"), [("08123456", True), ("0812345678AB", False), ("04123456", False), ("", False)]
)
def test_random_ids(uid: str, random: bool) -> None:
    assert is_random(uid) is random
