"""The words that all floors share: frozen values only, no I/O, no clock, no chance."""
