-- Bytes of what is known of a photo as plain text.
ALTER TABLE photo ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0;
