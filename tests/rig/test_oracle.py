"""The oracle is shown a right story and is silent, then many wrong ones and names each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.rig.ledger import RECEIVED, SENT, Ledger
from tests.rig.oracle import Commit, World, check, findings
from tests.rig.oracle_sessions import wall_ms_of

ZERO = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Event:
    time_s: float
    connector: int
    kind: str
    value: Any


@dataclass(slots=True)
class Story:
    """One session at connector 1: plugged at 10 s, offered at 12, closed at 13, stopped at 100, unplugged at 110."""

    events: list[Event]
    told: dict[str, list[tuple[float, str, str, dict[str, Any], dict[str, Any] | None]]]
    """Per backend: time, message id, action, payload, answer (None: none came)."""
    options: dict[str, Any]

    def without(self, kind: str, time_s: float) -> None:
        self.events = [e for e in self.events if (e.kind, e.time_s) != (kind, time_s)]

    def add(self, time_s: float, kind: str, value: Any) -> None:
        self.events.append(Event(time_s, 1, kind, value))
        self.events.sort(key=lambda event: event.time_s)

    def edit(self, backend: str, message_id: str, **changes: Any) -> None:
        rows = self.told[backend]
        self.told[backend] = [(t, m, a, {**p, **changes} if m == message_id else p, r) for t, m, a, p, r in rows]

    def drop(self, backend: str, message_id: str) -> None:
        self.told[backend] = [row for row in self.told[backend] if row[1] != message_id]

    def world(self) -> World:
        ledgers = {}
        for name, rows in self.told.items():
            ledger = ledgers[name] = Ledger(name)
            for at_s, message_id, action, payload, answer in rows:
                ledger.add(1000 + at_s, RECEIVED, json.dumps([2, message_id, action, payload]))
                if answer is not None:
                    ledger.add(1000 + at_s, SENT, json.dumps([3, message_id, answer]))
        return World(
            self.events, ledgers, "primary", ledger_zero_s=1000.0, wall_zero_ms=wall_ms_of(ZERO), **self.options
        )


def iso(seconds: float) -> str:
    return f"2026-01-01T00:{int(seconds) // 60:02d}:{seconds % 60:06.3f}Z"


def right() -> Story:
    events = [
        Event(t, 1, kind, value)
        for t, kind, value in [
            (0, "plugged", False), (0, "car", "A"), (0, "offered_a", 0.0), (0, "contactor", False), (0, "lock", False),
            (0, "energy_wh", 5000.2), (10, "plugged", True), (10, "car", "B"), (11, "lock", True),
            (12, "offered_a", 16.0),
            (13, "car", "C"), (13, "contactor", True), (13, "energy_wh", 5000.2), (14, "current_a", 16.0),
            (99, "offered_a", 0.0), (99.5, "current_a", 0.0), (99.8, "contactor", False), (99.8, "energy_wh", 6001.0),
            (101, "lock", False), (110, "plugged", False), (110, "car", "A"), (120, "light", "free"),
        ]
    ]  # fmt: skip
    told = {}
    for name, identity in (("primary", 2000), ("management", 1000)):
        yes = {"idTagInfo": {"status": "Accepted"}}
        start = {"connectorId": 1, "idTag": "04A1", "meterStart": 5000, "timestamp": iso(11.5)}
        value = [{"value": "5500", "measurand": "Energy.Active.Import.Register"}]
        values = {
            "connectorId": 1,
            "transactionId": identity,
            "meterValue": [{"timestamp": iso(60), "sampledValue": value}],
        }
        stop = {"transactionId": identity, "meterStop": 6001, "timestamp": iso(100), "reason": "Remote"}
        told[name] = [
            (11.6, "s", "StartTransaction", start, {"transactionId": identity, **yes}),
            (60.1, "v", "MeterValues", values, {}),
            (100.1, "e", "StopTransaction", stop, {}),
        ]
    told["primary"].insert(0, (9.0, "a", "Authorize", {"idTag": "04a1"}, {"idTagInfo": {"status": "Accepted"}}))
    return Story(events, told, {"commits": [Commit(11.9, 1)]})


def test_a_right_story_is_green() -> None:
    check(right().world())


def test_a_repeat_of_the_same_bytes_is_green() -> None:
    story = right()
    for name in story.told:
        story.told[name] = [row for row in story.told[name] for _ in range(2 if row[1] == "s" else 1)]
    check(story.world())


def test_a_session_that_still_runs_is_green_if_said_so() -> None:
    story = right()
    for name in story.told:
        story.drop(name, "e")
    assert {f.law for f in findings(story.world())} >= {"INV-1"}
    check(replace(story.world(), running=True))


def two_sessions() -> Story:
    """As `right`, then the same car is started once more."""
    story = right()
    story.events = [event for event in story.events if event.time_s < 110]
    story.options["commits"].append(Commit(211.9, 1))
    for event in right().events:
        if 11 <= event.time_s <= 120:
            wh = isinstance(event.value, float) and event.kind == "energy_wh"
            story.events.append(
                replace(event, time_s=event.time_s + 200, value=event.value + 1000.8 if wh else event.value)
            )
    for name, rows in right().told.items():
        identity = 2001 if name == "primary" else 1001
        for at_s, message_id, action, payload, answer in rows:
            again = json.loads(json.dumps(payload).replace("T00:00:", "T00:03:").replace("T00:01:", "T00:05:"))
            again |= {"transactionId": identity} if "transactionId" in again else {}
            again |= {k: again[k] + 1001 for k in ("meterStart", "meterStop") if k in again}
            if action == "MeterValues":
                again["meterValue"][0]["sampledValue"][0]["value"] = "6500"
            new = {**answer, "transactionId": identity} if answer and "transactionId" in answer else answer
            story.told[name].append((at_s + 200, message_id + "2", action, again, new))
    return story


def test_two_sessions_of_one_car_are_green() -> None:
    check(two_sessions().world())


def no_start_at_management(story: Story) -> None:
    story.drop("management", "s")


def no_stop(story: Story) -> None:
    story.drop("management", "e")


def two_stops(story: Story) -> None:
    at_s, _, action, payload, answer = story.told["primary"][-1]
    story.told["primary"].append((at_s + 1, "other", action, payload, answer))


def resend_with_other_bytes(story: Story) -> None:
    at_s, message_id, action, payload, answer = story.told["primary"][1]
    story.told["primary"].insert(2, (at_s + 5, message_id, action, {**payload, "meterStart": 5001}, answer))


def start_told_twice(story: Story) -> None:
    at_s, _, action, payload, answer = story.told["primary"][1]
    story.told["primary"].insert(2, (at_s + 5, "new", action, payload, {**(answer or {}), "transactionId": 2001}))


def different_energy(story: Story) -> None:
    story.edit("management", "e", meterStop=6002)


def stop_before_values(story: Story) -> None:
    rows = story.told["primary"]
    rows[2], rows[3] = rows[3], rows[2]


def old_values_late(story: Story) -> None:
    story.edit("primary", "v", meterValue=[{"timestamp": iso(5), "sampledValue": [{"value": "5500"}]}])


def value_sent_before_the_start_was_answered(story: Story) -> None:
    story.told["management"][0] = (*story.told["management"][0][:4], None)
    story.told["management"][1] = (11.7, *story.told["management"][1][1:])


def id_of_the_other_backend(story: Story) -> None:
    story.edit("management", "v", transactionId=2000)


def stop_below_start(story: Story) -> None:
    for name in story.told:
        story.edit(name, "e", meterStop=4999)


def falling_register(story: Story) -> None:
    story.edit("primary", "v", meterValue=[{"timestamp": iso(60), "sampledValue": [{"value": "7000"}]}])


def lost_energy(story: Story) -> None:
    story.add(99.9, "energy_wh", 6005.0)


def closed_without_offer(story: Story) -> None:
    story.without("offered_a", 12)


def closed_unlocked(story: Story) -> None:
    story.without("lock", 11)


def closed_with_car_in_b(story: Story) -> None:
    story.without("car", 13)


def closed_with_nothing_plugged(story: Story) -> None:
    story.without("plugged", 10)


def closed_with_a_fault(story: Story) -> None:
    story.add(12.5, "fault", "diode on")


def closed_before_the_transaction(story: Story) -> None:
    for name in story.told:
        story.edit(name, "s", timestamp=iso(14))


def closed_before_the_record(story: Story) -> None:
    story.options["commits"] = [Commit(13.5, 1)]


def the_record_is_that_of_another_transaction(story: Story) -> None:
    story.options["commits"] = [Commit(2.0, 1)]


def closed_again_after_the_end(story: Story) -> None:
    for t, kind, value in (
        (102, "lock", True),
        (103, "offered_a", 16.0),
        (104, "contactor", True),
        (105, "contactor", False),
    ):
        story.add(t, kind, value)
    story.add(104.9, "offered_a", 0.0)
    story.add(106, "lock", False)


def unlocked_under_load(story: Story) -> None:
    story.add(50, "lock", False)


def stays_locked(story: Story) -> None:
    story.without("lock", 101)


def stays_closed_after_the_offer(story: Story) -> None:
    story.without("contactor", 99.8)
    story.add(109, "contactor", False)


def stays_closed_after_a_fault(story: Story) -> None:
    story.add(50, "fault", "residual_current on")


def stays_closed_at_too_high_a_voltage(story: Story) -> None:
    story.add(50, "fault", "over_voltage on")


def closed_at_too_high_a_voltage(story: Story) -> None:
    story.add(2, "fault", "over_voltage on")


def pulled_while_closed(story: Story) -> None:
    story.add(60, "plugged", False)


def no_yes(story: Story) -> None:
    story.drop("primary", "a")


def a_late_yes(story: Story) -> None:
    story.told["primary"][0] = (20.0, *story.told["primary"][0][1:])


def a_no(story: Story) -> None:
    story.told["primary"][0] = (*story.told["primary"][0][:4], {"idTagInfo": {"status": "Blocked"}})


def management_was_asked(story: Story) -> None:
    story.told["management"].insert(0, story.told["primary"][0])


WRONG: list[tuple[str, Callable[[Story], None]]] = [
    ("INV-1", no_start_at_management),
    ("INV-1", no_stop),
    ("INV-1", two_stops),
    ("INV-1", resend_with_other_bytes),
    ("INV-1", start_told_twice),
    ("INV-1", different_energy),
    ("INV-2", stop_before_values),
    ("INV-2", old_values_late),
    ("INV-2", value_sent_before_the_start_was_answered),
    ("INV-8", id_of_the_other_backend),
    ("INV-3", stop_below_start),
    ("INV-3", falling_register),
    ("INV-3", lost_energy),
    ("INV-4", closed_without_offer),
    ("INV-4", closed_unlocked),
    ("INV-4", closed_with_car_in_b),
    ("INV-4", closed_with_nothing_plugged),
    ("INV-4", closed_with_a_fault),
    ("INV-4", closed_before_the_transaction),
    ("INV-2", closed_before_the_record),
    ("INV-2", the_record_is_that_of_another_transaction),
    ("INV-4", closed_again_after_the_end),
    ("INV-6", unlocked_under_load),
    ("INV-6", stays_locked),
    ("INV-4", stays_closed_after_the_offer),
    ("INV-5", stays_closed_after_a_fault),
    ("INV-5", stays_closed_at_too_high_a_voltage),
    ("INV-4", closed_at_too_high_a_voltage),
    ("INV-5", pulled_while_closed),
    ("INV-7", no_yes),
    ("INV-7", a_late_yes),
    ("INV-7", a_no),
    ("INV-7", management_was_asked),
]


@pytest.mark.parametrize(("law", "spoil"), WRONG, ids=[spoil.__name__ for _, spoil in WRONG])
def test_a_wrong_story_is_red(law: str, spoil: Callable[[Story], None]) -> None:
    story = right()
    spoil(story)
    assert law in {finding.law for finding in findings(story.world())}
    with pytest.raises(AssertionError, match=law):
        check(story.world())


def test_a_second_session_must_not_start_below_the_first() -> None:
    story = two_sessions()
    for name in story.told:
        story.edit(name, "s2", meterStart=6000)
    assert "INV-3" in {finding.law for finding in findings(story.world())}


def test_what_is_late_is_seen_though_nothing_happens_any_more() -> None:
    story = right()
    story.events = [event for event in story.events if event.time_s <= 100]
    assert findings(story.world()) == []
    assert "INV-6" in {finding.law for finding in findings(replace(story.world(), ended_s=130.0))}


def test_excuses_are_for_what_they_name() -> None:
    story = right()
    no_yes(story)
    assert findings(replace(story.world(), offline_cards=frozenset({"04a1"}))) == []
    lost = right()
    lost_energy(lost)
    assert findings(replace(lost.world(), lost_energy_wh=4.0)) == []
    away = right()
    away.told["management"] = []
    assert findings(replace(away.world(), undelivered=frozenset({"management"}))) == []


def test_a_lock_has_its_time_anew_after_an_outage() -> None:
    story = right()
    story.events = [event for event in story.events if event.time_s <= 100]
    late = replace(story.world(), ended_s=130.0, outages=[(103.0, 128.0)])
    assert "INV-6" not in {finding.law for finding in findings(late)}
    assert "INV-6" in {finding.law for finding in findings(replace(late, ended_s=134.0))}
    assert "INV-6" in {finding.law for finding in findings(replace(late, outages=[(110.0, 128.0)]))}


def test_what_only_the_meter_shows_has_the_time_of_its_round_and_anew_after_an_outage() -> None:
    story = right()
    story.add(97.0, "fault", "over_voltage on")
    story.without("contactor", 99.8)
    story.add(99.4, "contactor", False)
    assert findings(story.world()) == []
    story.without("contactor", 99.4)
    story.add(99.8, "contactor", False)
    assert {finding.law for finding in findings(story.world())} == {"INV-5"}
    assert findings(replace(story.world(), outages=[(96.0, 98.5)])) == []


def told_by_a_pseudonym(story: Story) -> World:
    """An operator was told of the session, and Billing not yet."""
    story.told["energy"] = list(story.told["management"])
    story.edit("energy", "s", idTag="B5E1")
    return replace(story.world(), pseudonymous=frozenset({"energy"}), running=True)


def test_a_pseudonym_is_judged_as_soon_as_billing_was_told() -> None:
    everybody = frozenset({"primary", "management", "energy"})
    refused, late = right(), right()
    a_no(refused)
    assert "INV-7" in {f.law for f in findings(replace(told_by_a_pseudonym(refused), undelivered=everybody))}
    late.told["primary"] = late.told["primary"][:1]
    veiled = replace(told_by_a_pseudonym(late), undelivered=everybody)
    assert "energy: " not in str([f.text for f in findings(veiled) if f.law == "INV-7"])
    assert "energy: " in str([f.text for f in findings(replace(veiled, undelivered=frozenset())) if f.law == "INV-7"])


def test_a_lock_that_opened_in_time_may_close_for_the_next_card() -> None:
    story = right()
    story.add(103, "lock", True)
    assert findings(story.world()) == []
    story.without("lock", 101)
    assert "INV-6" in {finding.law for finding in findings(story.world())}
