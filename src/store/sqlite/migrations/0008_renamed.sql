-- Tags that people renamed: what models call so is called like this.
CREATE TABLE renamed (folded TEXT PRIMARY KEY, written TEXT NOT NULL) STRICT, WITHOUT ROWID;
