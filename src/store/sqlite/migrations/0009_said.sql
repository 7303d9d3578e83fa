-- Labels as somebody says them, but for how sure he is, with a number each; and of each photo the numbers of its labels,
-- four bytes each, the highest first. Follows from the table of labels, at hand for the load.
CREATE TABLE said (
    number INTEGER PRIMARY KEY,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    origin TEXT NOT NULL,
    denied INTEGER NOT NULL,
    UNIQUE (facet, value, origin, denied)
) STRICT;
INSERT INTO said (facet, value, origin, denied)
    SELECT DISTINCT facet, value, origin, origin = 'human' AND confidence = 0 FROM label;

ALTER TABLE photo ADD COLUMN said BLOB NOT NULL DEFAULT x'';
UPDATE photo SET said = numbers FROM (
    SELECT photo AS owner, unhex(group_concat(printf('%08x', number), '' ORDER BY facet, value, origin)) AS numbers
    FROM label JOIN said USING (facet, value, origin)
    WHERE denied = (origin = 'human' AND confidence = 0)
    GROUP BY photo
) WHERE id = owner;
