-- Which photo that is gone had a content, however many others have it.
DROP INDEX photo_hash;
CREATE INDEX photo_content ON photo (hash, gone) WHERE hash IS NOT NULL;
