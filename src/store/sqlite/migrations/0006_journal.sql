-- Tags that a person made: they are there though no photo has them.
CREATE TABLE made_tag (folded TEXT PRIMARY KEY, written TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- What people did, and when (seconds since 1970).
CREATE TABLE act (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    process TEXT NOT NULL,
    pid INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    words TEXT NOT NULL,
    role TEXT NOT NULL, -- new, undo, redo
    of INTEGER, -- the act that is taken back or done again
    undone_by INTEGER
) STRICT;

-- What it changed. Photo 0 is the catalog itself. What was said has a + in front when it held, a - when it was denied.
CREATE TABLE trace (
    act INTEGER NOT NULL,
    photo INTEGER NOT NULL,
    slot TEXT NOT NULL, -- a text's field or a label's facet
    key TEXT NOT NULL, -- a label's folded value
    before TEXT,
    after TEXT,
    PRIMARY KEY (act, photo, slot, key)
) STRICT, WITHOUT ROWID;
