-- Whose cable a connector holds after a session. kept: JSON text made small by agent/store/squeeze.py.

CREATE TABLE kept_cables (connector INTEGER PRIMARY KEY, kept BLOB NOT NULL);
