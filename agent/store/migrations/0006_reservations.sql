-- Reservations, each with the connector and the card that it is for.
CREATE TABLE reservations (
    upstream INTEGER NOT NULL, id INTEGER NOT NULL, content TEXT NOT NULL, UNIQUE (upstream, id)
);
