from hal.simulator.physics.lock import MOVING_S, LockMotor


def test_arrives_after_its_time() -> None:
    lock = LockMotor()
    lock.drive(True, 0)
    lock.update(MOVING_S / 2)
    assert (lock.locked, lock.next_due_s()) == (False, MOVING_S)
    lock.update(MOVING_S)
    assert (lock.locked, lock.next_due_s()) == (True, None)


def test_a_jammed_motor_stays_where_it_is() -> None:
    lock = LockMotor()
    lock.jammed = True
    lock.drive(True, 0)
    lock.update(10)
    assert (lock.locked, lock.next_due_s()) == (False, None)
