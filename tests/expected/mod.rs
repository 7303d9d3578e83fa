//! What other programs say of the test photos: the tables `*.expect.tsv` beside them, in the folder that
//! `KBASEFS_TESTDATA` names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One file and what is known of it.
pub struct Row {
    pub path: PathBuf,
    columns: HashMap<String, String>,
}

impl Row {
    /// The text of a column, empty where nothing is known.
    pub fn get(&self, column: &str) -> &str {
        self.columns.get(column).map_or("", String::as_str)
    }
}

/// The rows of one table (`photos`, `labelled`, `bad`) whose files are there: a copy may lack names that few disks hold.
/// Says that the test is skipped when there is no test data.
pub fn rows(table: &str) -> Option<Vec<Row>> {
    let Some(root) = std::env::var_os("KBASEFS_TESTDATA").map(PathBuf::from) else {
        eprintln!("skipped: KBASEFS_TESTDATA is not set");
        return None;
    };
    let path = root.join(format!("{table}.expect.tsv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line| parse(&root.join(table), &header, line);
    Some(lines.map(row).filter(|row| row.path.is_file()).collect())
}

fn parse(folder: &Path, header: &[&str], line: &str) -> Row {
    let named = header.iter().map(|s| s.to_string());
    let columns: HashMap<_, _> = named.zip(line.split('\t').map(str::to_owned)).collect();
    Row {
        path: folder.join(&columns["path"]),
        columns,
    }
}
