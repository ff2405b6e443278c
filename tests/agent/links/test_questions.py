"""Questions about cards: each answered exactly once."""

from __future__ import annotations

import random

from agent.links.questions import Questions
from agent.vocabulary.effects import Ask
from agent.vocabulary.ids import IdToken
from agent.vocabulary.inputs import AuthorizeAnswered, Input
from agent.vocabulary.records import AuthorizationStatus, Verdict
from tests.agent.links.conftest import UPSTREAM

YES = Verdict(AuthorizationStatus.ACCEPTED)


def ask(number: int, deadline_s: float = 10) -> Ask:
    return Ask(number, UPSTREAM, IdToken("A"), deadline_s)


def test_the_oldest_unsent_question_is_next() -> None:
    told: list[Input] = []
    questions = Questions(told.append)
    questions.asked(ask(1), 0, reachable=True)
    questions.asked(ask(2), 0, reachable=True)
    questions.sent(ask(1))
    assert questions.next() == ask(2)
    assert questions.next_deadline() == 10_000


def test_every_question_gets_one_answer_whatever_happens() -> None:
    chance = random.Random(1)
    told: list[Input] = []
    questions, now_ms = Questions(told.append), 0
    asked = 2_000
    for number in range(asked):
        now_ms += chance.randrange(3_000)
        questions.asked(ask(number, chance.choice([0, 1, 10])), now_ms, reachable=chance.random() < 0.9)
        match chance.randrange(4):
            case 0:
                questions.answered(ask(chance.randrange(number + 1)), chance.choice([YES, None]))
            case 1:
                questions.expire(now_ms)
            case 2 if chance.random() < 0.1:
                questions.give_up()
            case _:
                if (waiting := questions.next()) is not None:
                    questions.sent(waiting)
    questions.give_up()
    assert sorted(given.ask for given in told if isinstance(given, AuthorizeAnswered)) == list(range(asked))
    assert questions.next_deadline() is None
