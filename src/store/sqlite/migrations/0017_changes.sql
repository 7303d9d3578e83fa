-- What tells that the disk noted a change of a file that left its size and time as they were; 0: not known.
ALTER TABLE photo ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE photo ADD COLUMN links INTEGER NOT NULL DEFAULT 0;
ALTER TABLE photo ADD COLUMN attributes INTEGER NOT NULL DEFAULT 0;
-- How often other bytes came with the same size and time.
ALTER TABLE photo ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;

-- By this name the form is told from the one before.
DROP INDEX photo_gone_file;
CREATE INDEX photo_gone_inode ON photo (ino, size) WHERE gone = 1;
