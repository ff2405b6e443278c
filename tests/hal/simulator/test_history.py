from hal.simulator.history import History, PlantEvent


def test_knows_what_held_at_a_time() -> None:
    history = History()
    history.add(PlantEvent(1.0, 1, "contactor", True))
    history.add(PlantEvent(2.0, 2, "contactor", True))
    history.add(PlantEvent(3.0, 1, "contactor", False))
    assert [history.at(1, "contactor", time_s) for time_s in (0.5, 1.0, 2.9, 3.0)] == [None, True, True, False]
    assert len(history.of(2, "contactor")) == 1


def test_witnesses_hear_each_event() -> None:
    history, heard = History(), []
    history.witnesses.append(heard.append)
    event = PlantEvent(1.0, 1, "lock", True)
    history.add(event)
    assert heard == [event]
