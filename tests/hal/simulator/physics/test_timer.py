from hal.simulator.physics.timer import Timer, earliest


def test_a_deadline_is_reached_once() -> None:
    timer = Timer()
    timer.start(2.0)
    assert [timer.reached(1.9), timer.reached(2.0), timer.reached(2.1)] == [False, True, False]


def test_a_deadline_that_is_set_is_kept_by_start_once() -> None:
    timer = Timer()
    timer.start_once(2.0)
    timer.start_once(1.0)
    assert timer.due_s == 2.0


def test_earliest_ignores_what_is_not_set() -> None:
    assert earliest(None, 3.0, 2.0) == 2.0
    assert earliest(None, None) is None
