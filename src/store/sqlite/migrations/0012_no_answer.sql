-- What came of each look of an analyzer at a content is in two tables: in `analysis` that it answered, with the version
-- that did, and here that a version failed or declined, and why. Two, because an answer of an earlier version goes on
-- holding where a later one has none. A content that an analyzer has in neither is pending for it.
CREATE TABLE no_answer (
    hash BLOB NOT NULL,
    analyzer TEXT NOT NULL,
    version TEXT NOT NULL,
    verdict TEXT NOT NULL, -- failed, declined
    reason TEXT NOT NULL,
    PRIMARY KEY (hash, analyzer)
) STRICT, WITHOUT ROWID;
INSERT INTO no_answer (hash, analyzer, version, verdict, reason)
    SELECT hash, provider, version, iif(refused, 'declined', 'failed'), reason FROM declined;
DROP TABLE declined;
