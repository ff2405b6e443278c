-- The first schema. Rows are keyed by small integers so that rows written together lie on one page:
--   readings.row  = transaction number * 2^24 + number of the reading
--   receipts.row  = transaction number * 2^16 + upstream number
-- Blobs named event, frame, record, reading, verdict, step hold JSON text made small by agent/store/squeeze.py.

CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('min_reader', 1);

CREATE TABLE upstreams (number INTEGER PRIMARY KEY, id TEXT NOT NULL);

-- offset_ms: wall time minus monotonic time; NULL until known. estimated: set for a boot that never learned the time.
CREATE TABLE boots (
    boot INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    offset_ms INTEGER,
    estimated INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE transactions (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    stopped INTEGER NOT NULL,
    record BLOB NOT NULL
);

CREATE TABLE readings (row INTEGER PRIMARY KEY, reading BLOB NOT NULL);

-- kind: 0 start, 1 sample, 2 stop. The event is kept until the frame is written; a frame never changes.
CREATE TABLE outbox (
    row INTEGER PRIMARY KEY,
    upstream INTEGER NOT NULL,
    message BLOB NOT NULL,
    number INTEGER,
    kind INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    boot INTEGER,
    event BLOB,
    frame BLOB
);

CREATE TRIGGER frame_is_final BEFORE UPDATE OF frame ON outbox
WHEN OLD.frame IS NOT NULL AND OLD.frame IS NOT NEW.frame
BEGIN
    SELECT RAISE(ABORT, 'a frame never changes once it is written');
END;

-- The last row of each upstream that is done; rows up to it are swept later, many at a time.
-- The id is here a second time, on another page than in upstreams: without it nobody would know whose the rows are.
-- Row 0 is the generation of the lazy log (agent/store/lazy_log.py): it lies here because this page is always written.
CREATE TABLE cursors (upstream INTEGER PRIMARY KEY, row INTEGER NOT NULL, id TEXT NOT NULL);
INSERT INTO cursors (upstream, row, id) VALUES (0, 1, '');

CREATE TABLE parked (
    row INTEGER PRIMARY KEY,
    upstream INTEGER NOT NULL,
    message BLOB NOT NULL,
    number INTEGER,
    kind INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    event BLOB,
    frame BLOB,
    why TEXT NOT NULL
);

-- start, stop: 0 none, 1 queued, 2 acknowledged, 3 parked.
CREATE TABLE receipts (
    row INTEGER PRIMARY KEY,
    start INTEGER NOT NULL DEFAULT 0,
    stop INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0,
    foreign_id TEXT,
    verdict BLOB,
    why TEXT
);

CREATE TABLE options (
    upstream INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (upstream, name)
) WITHOUT ROWID;
CREATE TABLE holds (upstream INTEGER NOT NULL, connector INTEGER NOT NULL, PRIMARY KEY (upstream, connector)) WITHOUT ROWID;
CREATE TABLE latches (connector INTEGER NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (connector, fault)) WITHOUT ROWID;
CREATE TABLE cache (
    upstream INTEGER NOT NULL, token TEXT NOT NULL, verdict BLOB NOT NULL, PRIMARY KEY (upstream, token)
) WITHOUT ROWID;
CREATE TABLE ladder (row INTEGER PRIMARY KEY, step BLOB NOT NULL);

-- Rows that could not be read, kept for a person to look at.
CREATE TABLE damaged (row INTEGER PRIMARY KEY, source TEXT NOT NULL, content BLOB, why TEXT NOT NULL);
