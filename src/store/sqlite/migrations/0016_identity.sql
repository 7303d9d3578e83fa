-- What acts changed of one photo, and what people said of photos that are gone.
CREATE INDEX trace_photo ON trace (photo);
CREATE INDEX photo_gone_with_words ON photo (id) WHERE gone = 1 AND edited = 1;

-- By this name the form is told from the one before.
DROP INDEX photo_gone;
CREATE INDEX photo_gone_file ON photo (ino, size) WHERE gone = 1;
