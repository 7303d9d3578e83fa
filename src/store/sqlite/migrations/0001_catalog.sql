-- What the index is of: one row a key.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- A photo, its file as last seen, and its facts. Unsigned 64-bit numbers are kept by their bits.
CREATE TABLE photo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL,
    name BLOB NOT NULL,
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    format TEXT NOT NULL,
    status TEXT NOT NULL,
    date TEXT,
    hash BLOB,
    gone INTEGER NOT NULL,
    failure TEXT,
    perceptual_hash INTEGER,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    date_source TEXT,
    camera TEXT,
    make TEXT,
    model TEXT,
    lens TEXT,
    latitude REAL,
    longitude REAL,
    country TEXT,
    city TEXT,
    title TEXT,
    description TEXT,
    keywords TEXT NOT NULL, -- one a line
    rating INTEGER
) STRICT;
CREATE UNIQUE INDEX photo_path ON photo (path) WHERE gone = 0;
CREATE UNIQUE INDEX photo_name ON photo (name);
CREATE INDEX photo_gone ON photo (ino) WHERE gone = 1;
CREATE INDEX photo_hash ON photo (hash) WHERE hash IS NOT NULL;

CREATE TABLE label (
    photo INTEGER NOT NULL,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    origin TEXT NOT NULL,
    confidence REAL NOT NULL,
    PRIMARY KEY (photo, facet, value, origin)
) STRICT, WITHOUT ROWID;

CREATE TABLE text (
    photo INTEGER NOT NULL,
    field TEXT NOT NULL,
    origin TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (photo, field, origin)
) STRICT, WITHOUT ROWID;

-- Which analyzers answered for a photo, and when (seconds since 1970).
CREATE TABLE analyzed (
    photo INTEGER NOT NULL,
    analyzer TEXT NOT NULL,
    model TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (photo, analyzer)
) STRICT, WITHOUT ROWID;

-- What they said, by content: holds for every copy, whether it is there now or turns up later.
CREATE TABLE analysis (
    hash BLOB NOT NULL,
    analyzer TEXT NOT NULL,
    model TEXT NOT NULL,
    remote INTEGER NOT NULL,
    at INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    perceptual_hash INTEGER NOT NULL,
    title TEXT,
    description TEXT,
    PRIMARY KEY (hash, analyzer)
) STRICT, WITHOUT ROWID;

CREATE TABLE analysis_label (
    hash BLOB NOT NULL,
    analyzer TEXT NOT NULL,
    position INTEGER NOT NULL,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    confidence REAL NOT NULL,
    PRIMARY KEY (hash, analyzer, position)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (
    title, description, tags, path,
    content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
