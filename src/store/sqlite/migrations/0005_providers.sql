-- Which version of its analyzer gave an answer.
ALTER TABLE analysis ADD COLUMN version TEXT NOT NULL DEFAULT '';

-- Contents on which a provider has no answer, and why.
CREATE TABLE declined (
    hash BLOB NOT NULL,
    provider TEXT NOT NULL,
    version TEXT NOT NULL,
    refused INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (hash, provider)
) STRICT, WITHOUT ROWID;

-- What providers took, by local day.
CREATE TABLE spent (
    provider TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost REAL NOT NULL,
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (provider, day)
) STRICT, WITHOUT ROWID;

-- What servers were found to be able to do.
CREATE TABLE server (name TEXT PRIMARY KEY, knows TEXT NOT NULL) STRICT, WITHOUT ROWID;
