-- Charging profiles, each as its upstream sent it, with the connector and transaction that it is for.
CREATE TABLE profiles (
    upstream INTEGER NOT NULL, id INTEGER NOT NULL, content TEXT NOT NULL, UNIQUE (upstream, id)
);
