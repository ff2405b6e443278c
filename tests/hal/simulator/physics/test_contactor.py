from hal.simulator.physics.contactor import CLOSING_S, OPENING_S, Contactor


def test_follows_its_coil_after_its_delay() -> None:
    contactor = Contactor()
    contactor.commanded = True
    contactor.update(0)
    assert not contactor.closed
    assert contactor.next_due_s() == CLOSING_S
    contactor.update(CLOSING_S)
    assert contactor.closed
    contactor.commanded = False
    contactor.update(1)
    contactor.update(1 + OPENING_S)
    assert not contactor.closed


def test_a_command_taken_back_in_time_moves_nothing() -> None:
    contactor = Contactor()
    contactor.commanded = True
    contactor.update(0)
    contactor.commanded = False
    contactor.update(CLOSING_S)
    assert not contactor.closed
    assert contactor.next_due_s() is None


def test_welded_contacts_stay_closed() -> None:
    contactor = Contactor()
    contactor.welded = True
    contactor.update(0)
    contactor.update(1)
    assert contactor.closed


def test_a_stuck_contactor_never_closes_and_a_closed_one_falls_open() -> None:
    contactor = Contactor()
    contactor.commanded = True
    contactor.update(0)
    contactor.update(1)
    contactor.stuck = True
    contactor.update(2)
    contactor.update(3)
    assert not contactor.closed


def test_without_coil_supply_it_opens_though_commanded() -> None:
    contactor = Contactor()
    contactor.commanded = True
    contactor.update(0)
    contactor.update(1)
    contactor.coil_supply = False
    contactor.update(2)
    contactor.update(2 + OPENING_S)
    assert not contactor.closed
