//! What `src/lib.rs` says of the house holds: who may use whom, and where what is.

mod guide;
mod map;
mod rooms;
mod sources;

use sources::all;

/// Names that only one part of the program may say.
const CONFINED: &[(&str, &str)] = &[
    ("rusqlite", "src/store/sqlite/"),
    ("fuser::", "src/fuse/"),
    ("openat2", "src/source_files.rs"),
    ("clap::", "src/cli/"),
    ("anyhow", "src/cli/"),
    ("ImageFormat", "src/media/"),
    ("prometheus_client", "src/metrics/"),
    ("NsReader", "src/media/metadata/xmp/"),
];

#[test]
fn what_is_confined_stays_in_its_room() {
    for (file, code) in all() {
        for (name, room) in CONFINED {
            let said = code
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(name));
            let at_home = file.starts_with(room) || (*name == "anyhow" && file == "src/main.rs");
            assert!(at_home || !said, "{file}: {name} belongs into {room}");
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_for_and_imports_no_glob() {
    for (file, code) in all() {
        assert!(code.starts_with("//!") || file == "src/main.rs", "{file}");
        let glob = |line: &&str| line.trim_start().starts_with("use ") && line.contains("*;");
        assert_eq!(code.lines().find(glob), None, "{file}");
    }
}
