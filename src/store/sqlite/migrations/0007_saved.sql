-- Queries that people keep under a name, as they wrote them.
CREATE TABLE saved (name TEXT PRIMARY KEY, query TEXT NOT NULL) STRICT, WITHOUT ROWID;
