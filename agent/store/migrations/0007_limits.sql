-- Limits set on the spot; since when a hold stands.
CREATE TABLE installer_limits (connector INTEGER PRIMARY KEY, current_a REAL NOT NULL);
ALTER TABLE holds ADD COLUMN since_wall_ms INTEGER;
