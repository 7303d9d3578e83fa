-- What is kept of two photos, in a form of the tables from before answers and measurements parted.
INSERT INTO meta (key, value) VALUES ('source', CAST('/photos' AS BLOB)), ('derived', CAST('2' AS BLOB));
INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, hash, gone, width, height,
    perceptual_hash, orientation, keywords, edited)
VALUES
    (1, CAST('a.jpg' AS BLOB), CAST('a.jpg' AS BLOB), 1, 11, 100, 5, 420, 0, 0, 'jpeg', 'analyzed',
        unhex(replace(printf('%032d', 0), '0', '01')), 0, 41, 30, -2, 1, '', 0),
    (2, CAST('b.jpg' AS BLOB), CAST('b.jpg' AS BLOB), 1, 12, 100, 5, 420, 0, 0, 'jpeg', 'analyzed',
        unhex(replace(printf('%032d', 0), '0', '02')), 0, 42, 30, -3, 1, '', 1);
INSERT INTO analysis (hash, analyzer, model, remote, at, width, height, perceptual_hash, title, version)
    SELECT hash, 'desk', 'm', 1, 200, width, height, perceptual_hash, 'Of desk', '7' FROM photo;
INSERT INTO analysis (hash, analyzer, model, remote, at, width, height, perceptual_hash, title, version)
    SELECT hash, 'eye', 'm', 1, 100, width, height, perceptual_hash, 'Of the eye', '2' FROM photo WHERE id = 2
    UNION SELECT hash, 'embedded', 'm', 0, 150, width, height, perceptual_hash, NULL, '1' FROM photo WHERE id = 2;
INSERT INTO analysis_label (hash, analyzer, position, facet, value, confidence)
    SELECT hash, 'desk', 0, 'color', 'blue', 0.30000001192092896 FROM photo WHERE id = 1
    UNION SELECT hash, 'desk', 1, 'tag', 'dog', 0.75 FROM photo
    UNION SELECT hash, 'eye', 0, 'tag', 'cat', 0.5 FROM photo WHERE id = 2
    UNION SELECT hash, 'embedded', 0, 'tag', 'sea', 0.25 FROM photo WHERE id = 2;
INSERT INTO analyzed (photo, analyzer, model, at)
    SELECT photo.id, analyzer, analysis.model, at FROM photo JOIN analysis USING (hash);
INSERT INTO declined (hash, provider, version, refused, reason) SELECT hash, 'eye', '3', 1, 'no' FROM photo WHERE id = 1;
INSERT INTO label (photo, facet, value, origin, confidence) VALUES
    (1, 'color', 'blue', 'file', 0.30000001192092896), (1, 'tag', 'dog', 'remote', 0.75),
    (2, 'tag', 'dog', 'remote', 0.75), (2, 'tag', 'sea', 'embedded', 0.25), (2, 'tag', 'Rex', 'human', 1.0),
    (2, 'tag', 'owl', 'human', 0.0);
INSERT INTO text (photo, field, origin, value) VALUES
    (1, 'title', 'remote', 'Of desk'), (2, 'title', 'remote', 'Of desk');
INSERT INTO words (rowid, title, tags, path) VALUES
    (1, 'Of desk', 'dog', 'a.jpg'), (2, 'Of desk', 'dog sea Rex', 'b.jpg');

-- Numbers of labels, in the ninth form.
INSERT INTO said (facet, value, origin, denied)
    SELECT DISTINCT facet, value, origin, origin = 'human' AND confidence = 0 FROM label;
UPDATE photo SET said = numbers FROM (
    SELECT photo AS owner, unhex(group_concat(printf('%08x', number), '')) AS numbers
    FROM label JOIN said USING (facet, value, origin) GROUP BY photo
) WHERE id = owner;
