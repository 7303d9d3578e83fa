-- What a photo says of itself is one value in JSON: what there is nothing to say of isn't in it. Its version is that of the
-- readers that found it; these here have none, as they were read before there were versions.
CREATE TABLE facts_photo (
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
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    perceptual_hash INTEGER,
    edited INTEGER NOT NULL DEFAULT 0,
    title_name BLOB,
    text_bytes INTEGER NOT NULL DEFAULT 0,
    said BLOB NOT NULL DEFAULT x'',
    gone INTEGER NOT NULL,
    failure TEXT,
    facts TEXT NOT NULL DEFAULT '{}',
    facts_version INTEGER GENERATED ALWAYS AS (
        iif(json_valid(facts), ifnull(CAST(facts ->> '$.version' AS INTEGER), 0), 0)
    ) VIRTUAL
) STRICT;

-- No number is given twice.
INSERT INTO sqlite_sequence (name, seq) SELECT 'facts_photo', seq FROM sqlite_sequence WHERE name = 'photo';

-- In the keywords, which are one a line, no byte is a control character once they are quoted: one can stand for a backslash
-- while the line breaks are looked for.
INSERT INTO facts_photo (
    id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, width, height, perceptual_hash,
    edited, title_name, text_bytes, said, gone, failure, facts
) SELECT
    id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, width, height, perceptual_hash,
    edited, title_name, text_bytes, said, gone, failure,
    json_patch('{}', json_object(
        'orientation', nullif(orientation, 1),
        'date_source', date_source,
        'camera', camera,
        'make', make,
        'model', model,
        'lens', lens,
        'position', CASE WHEN latitude IS NOT NULL AND longitude IS NOT NULL
            THEN json_object('latitude', latitude, 'longitude', longitude) END,
        'country', country,
        'city', city,
        'title', title,
        'description', description,
        'keywords', CASE WHEN keywords <> '' THEN json('[' ||
            replace(replace(replace(json_quote(keywords), '\\', char(1)), '\n', '","'), char(1), '\\')
        || ']') END,
        'rating', rating
    ))
FROM photo ORDER BY id;

DROP TABLE photo;
ALTER TABLE facts_photo RENAME TO photo;
CREATE UNIQUE INDEX photo_path ON photo (path) WHERE gone = 0;
CREATE UNIQUE INDEX photo_name ON photo (name);
CREATE INDEX photo_gone ON photo (ino) WHERE gone = 1;
CREATE INDEX photo_hash ON photo (hash) WHERE hash IS NOT NULL;
CREATE UNIQUE INDEX photo_title_name ON photo (title_name) WHERE title_name IS NOT NULL;
CREATE INDEX photo_facts_version ON photo (facts_version);
