-- The name for the title, unique like the catalog name.
ALTER TABLE photo ADD COLUMN title_name BLOB;
CREATE UNIQUE INDEX photo_title_name ON photo (title_name) WHERE title_name IS NOT NULL;
