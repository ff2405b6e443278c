-- The security log, the queues of security events, and who has accepted the station once.
-- Blobs named event, frame hold JSON text made small by agent/store/squeeze.py.

-- hash: SHA-256 over the hash of the row before and this row's number and event (agent/store/security_log.py).
-- When old rows are dropped, number and hash of the last of them stay in meta, under "security_anchor".
CREATE TABLE security_log (row INTEGER PRIMARY KEY, hash BLOB NOT NULL, event BLOB NOT NULL);

CREATE TRIGGER line_is_final BEFORE UPDATE ON security_log
BEGIN
    SELECT RAISE(ABORT, 'a line of the security log never changes');
END;

-- The event is kept until the frame is written. message: as in outbox.
CREATE TABLE notices (
    row INTEGER PRIMARY KEY,
    upstream INTEGER NOT NULL,
    message BLOB NOT NULL,
    boot INTEGER NOT NULL,
    critical INTEGER NOT NULL,
    event BLOB,
    frame BLOB
);

CREATE TABLE accepted (upstream INTEGER PRIMARY KEY);
