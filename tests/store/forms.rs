//! Catalogs as earlier versions made them.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// What made the tables of each version of the next.
const STEPS: [&str; 13] = [
    include_str!("../../src/store/sqlite/migrations/0001_catalog.sql"),
    include_str!("../../src/store/sqlite/migrations/0002_titles.sql"),
    include_str!("../../src/store/sqlite/migrations/0003_edited.sql"),
    include_str!("../../src/store/sqlite/migrations/0004_texts.sql"),
    include_str!("../../src/store/sqlite/migrations/0005_providers.sql"),
    include_str!("../../src/store/sqlite/migrations/0006_journal.sql"),
    include_str!("../../src/store/sqlite/migrations/0007_saved.sql"),
    include_str!("../../src/store/sqlite/migrations/0008_renamed.sql"),
    include_str!("../../src/store/sqlite/migrations/0009_said.sql"),
    include_str!("../../src/store/sqlite/migrations/0010_measured.sql"),
    include_str!("../../src/store/sqlite/migrations/0011_analyzers.sql"),
    include_str!("../../src/store/sqlite/migrations/0012_no_answer.sql"),
    include_str!("../../src/store/sqlite/migrations/0013_facts.sql"),
];

/// A catalog without photos, as the version of this number made it: its file, and a connection to it.
pub fn of_version(number: usize, folder: &Path) -> (PathBuf, Connection) {
    let file = folder.join("catalog.sqlite");
    let catalog = Connection::open(&file).unwrap();
    for step in &STEPS[..number] {
        catalog.execute_batch(step).unwrap();
    }
    catalog
        .pragma_update(None, "user_version", number as i64)
        .unwrap();
    (file, catalog)
}
