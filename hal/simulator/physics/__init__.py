"""Car, contactor, lock motor, mains and energy register of one connector: pure, advanced by plant time."""
