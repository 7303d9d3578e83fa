-- What a photo says of itself follows from its facts, and isn't kept a second time as rows of labels. Colours were measured:
-- they stay, and so do the rows of photos that an earlier version read, until they are read again.
DELETE FROM label
WHERE photo IN (SELECT id FROM photo WHERE facts_version > 0) AND origin = 'file' AND facet <> 'color';

-- An earlier program would take a label without a row for one that nobody says. By this name the form is told from its.
DROP INDEX photo_facts_version;
CREATE INDEX photo_outdated ON photo (facts_version);
