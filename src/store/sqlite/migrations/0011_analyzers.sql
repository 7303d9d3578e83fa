-- Which analyzer said a label or a text; empty where nobody is one. Of those of before it was the one of the same kind
-- that answered last: it had taken the place of what others had said.
CREATE TABLE analyzer_label (
    photo INTEGER NOT NULL,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    origin TEXT NOT NULL,
    analyzer TEXT NOT NULL DEFAULT '',
    confidence REAL NOT NULL,
    PRIMARY KEY (photo, facet, value, origin, analyzer)
) STRICT, WITHOUT ROWID;
INSERT INTO analyzer_label (photo, facet, value, origin, confidence, analyzer)
    SELECT photo, facet, value, origin, confidence, ifnull(CASE WHEN origin IN ('remote', 'embedded') THEN (
        SELECT analyzer FROM photo JOIN analysis ON analysis.hash = photo.hash
        WHERE photo.id = label.photo AND remote = (origin = 'remote') ORDER BY at DESC, analyzer DESC LIMIT 1
    ) END, '') FROM label;
DROP TABLE label;
ALTER TABLE analyzer_label RENAME TO label;

CREATE TABLE analyzer_text (
    photo INTEGER NOT NULL,
    field TEXT NOT NULL,
    origin TEXT NOT NULL,
    analyzer TEXT NOT NULL DEFAULT '',
    value TEXT NOT NULL,
    PRIMARY KEY (photo, field, origin, analyzer)
) STRICT, WITHOUT ROWID;
INSERT INTO analyzer_text (photo, field, origin, value, analyzer)
    SELECT photo, field, origin, value, ifnull(CASE WHEN origin IN ('remote', 'embedded') THEN (
        SELECT analyzer FROM photo JOIN analysis ON analysis.hash = photo.hash
        WHERE photo.id = text.photo AND remote = (origin = 'remote') ORDER BY at DESC, analyzer DESC LIMIT 1
    ) END, '') FROM text;
DROP TABLE text;
ALTER TABLE analyzer_text RENAME TO text;

-- What the others had said comes back with the next start.
INSERT OR REPLACE INTO meta (key, value)
    SELECT 'relearn', CAST('several' AS BLOB)
    WHERE EXISTS (SELECT 1 FROM analysis GROUP BY hash, remote HAVING count(*) > 1);
