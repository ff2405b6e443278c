"""Serial lines of the plant: frames, wire time, injected faults, pseudo-terminals and in-process ports."""
