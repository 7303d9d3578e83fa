-- Whether a person said anything of a photo: follows from its labels and texts, at hand for the load.
ALTER TABLE photo ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
UPDATE photo SET edited = 1 WHERE id IN (
    SELECT photo FROM label WHERE origin = 'human' UNION SELECT photo FROM text WHERE origin = 'human'
);
