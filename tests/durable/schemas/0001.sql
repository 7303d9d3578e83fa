-- An index as version 0.1 of the program with the first schema left it.
INSERT INTO meta (key, value) VALUES ('source', CAST('/photos' AS BLOB));
INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, gone, width, height,
    orientation, keywords, title)
VALUES
    (1, CAST('2019/a.jpg' AS BLOB), CAST('a.jpg' AS BLOB), 1, 11, 100, 5, 420, 0, 0, 'jpeg', 'pending', 0, 4, 3, 1,
        'sea', 'At the sea'),
    (2, CAST('b.jpg' AS BLOB), CAST('b.jpg' AS BLOB), 1, 12, 200, 6, 420, 0, 0, 'png', 'analyzed', 0, 4, 3, 1, '', NULL),
    (3, CAST('gone.jpg' AS BLOB), CAST('gone.jpg' AS BLOB), 1, 13, 300, 7, 420, 0, 0, 'jpeg', 'pending', 1, 4, 3, 1,
        '', NULL);
INSERT INTO label (photo, facet, value, origin, confidence) VALUES
    (1, 'tag', 'sea', 'file', 1.0), (1, 'tag', 'Rex', 'human', 1.0), (2, 'tag', 'dog', 'embedded', 0.8);
INSERT INTO text (photo, field, origin, value) VALUES
    (1, 'title', 'file', 'At the sea'), (1, 'description', 'human', 'mine');
INSERT INTO words (rowid, title, description, tags, path) VALUES (1, 'At the sea', 'mine', 'sea Rex', '2019/a.jpg');
