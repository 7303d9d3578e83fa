-- What every analyzer would measure alike in a content: once each, whoever answered. Colours are a list in JSON, each with
-- its share of the picture: [["blue",0.5]].
CREATE TABLE measured (
    hash BLOB PRIMARY KEY,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    perceptual_hash INTEGER NOT NULL,
    colors TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- Of several answers, what came with the latest.
INSERT INTO measured (hash, width, height, perceptual_hash, colors)
    SELECT hash, width, height, perceptual_hash, (
        SELECT json_group_array(json_array(value, confidence) ORDER BY position) FROM analysis_label AS label
        WHERE label.hash = latest.hash AND label.analyzer = latest.analyzer AND facet = 'color'
    )
    FROM (SELECT hash, analyzer, width, height, perceptual_hash, max(at) FROM analysis GROUP BY hash) AS latest;

DELETE FROM analysis_label WHERE facet <> 'tag';
ALTER TABLE analysis_label DROP COLUMN facet;
ALTER TABLE analysis_label RENAME COLUMN value TO name;
ALTER TABLE analysis_label RENAME TO analysis_tag;

ALTER TABLE analysis DROP COLUMN width;
ALTER TABLE analysis DROP COLUMN height;
ALTER TABLE analysis DROP COLUMN perceptual_hash;
