-- Local authorization lists: the version that the operator gave, and the cards.
CREATE TABLE lists (upstream INTEGER PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE list_entries (
    upstream INTEGER NOT NULL, token TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (upstream, token)
) WITHOUT ROWID;
