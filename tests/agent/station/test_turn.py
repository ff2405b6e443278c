from __future__ import annotations

from agent.station.turn import Turn
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import WipeCache

ONE = ConnectorId(1)
ENTRY = WipeCache(UpstreamId("primary"))


def test_effects_come_out_safer_record_power_talk() -> None:
    turn = Turn(Moment(1, 0))
    turn.add(fx.OptionsChanged(UpstreamId("primary")))
    turn.add(fx.Offer(ONE, 16.0, 2))
    turn.record(ENTRY)
    turn.note(StationNote.FAULT, "why", ONE)
    turn.add(fx.Withdraw(ONE, 2))
    kinds = [type(effect) for effect in turn.effects()]
    assert kinds == [fx.Note, fx.Withdraw, fx.Record, fx.Offer, fx.OptionsChanged]


def test_all_entries_are_one_record_and_one_barrier_makes_it_one() -> None:
    turn = Turn(Moment(1, 0))
    turn.record(ENTRY)
    turn.record(ENTRY, barrier=True)
    turn.record(ENTRY)
    assert turn.effects() == [fx.Record((ENTRY, ENTRY, ENTRY), barrier=True)]
    lazy = Turn(Moment(1, 0))
    lazy.record(ENTRY)
    assert lazy.effects() == [fx.Record((ENTRY,), barrier=False)]


def test_power_that_was_overtaken_in_the_same_turn_is_gone() -> None:
    turn = Turn(Moment(1, 0))
    turn.add(fx.Offer(ONE, 16.0, 4))
    turn.add(fx.CloseContactor(ONE, 4))
    turn.add(fx.Offer(ConnectorId(2), 16.0, 4))
    turn.add(fx.OpenContactor(ONE, 5))
    assert turn.effects() == [fx.OpenContactor(ONE, 5), fx.Offer(ConnectorId(2), 16.0, 4)]


def test_the_earliest_wait_is_the_deadline() -> None:
    turn = Turn(Moment(1, 1000))
    assert turn.deadline_ms is None
    assert turn.reached(1000)
    assert turn.deadline_ms is None
    assert not turn.reached(5000)
    assert not turn.reached(3000)
    assert not turn.reached(4000)
    assert turn.deadline_ms == 3000


def test_an_answer_comes_before_what_follows_from_it() -> None:
    upstream = UpstreamId("primary")
    answer = fx.Answer(upstream, "call", Result(ResultStatus.ACCEPTED))
    turn = Turn(Moment(1, 0))
    turn.add(fx.OptionsChanged(upstream))
    turn.add(answer)
    assert turn.effects() == [answer, fx.OptionsChanged(upstream)]
