//! What `src/lib.rs` says of the crate holds: who may use whom, and where what is.

mod guide;
mod map;
mod rooms;
mod sources;

use sources::all;

/// Names that only one part of the program may say.
const CONFINED: &[(&str, &str)] = &[
    ("rusqlite", "src/store/sqlite/"),
    ("fuser::", "src/fuse/"),
    ("openat2", "src/source_files/folder.rs"),
    ("clap::", "src/cli/"),
    ("anyhow", "src/cli/"),
    ("ToSchema", "src/api/"),
    ("ImageFormat", "src/media/"),
    ("prometheus_client", "src/metrics/"),
    ("seccompiler", "src/decoding/"),
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

/// A path that a router has from its handler's description is in the description of the API, and the reverse.
#[test]
fn no_path_of_the_api_is_routed_without_its_description() {
    for (file, code) in all()
        .iter()
        .filter(|(file, _)| file.starts_with("src/web/"))
    {
        for named in code.split(".route(").skip(1) {
            assert!(
                !named.trim_start().starts_with("\"/api/"),
                "{file}: {named}"
            );
        }
    }
}

/// Handlers answer, and commands read, the types of `api`.
#[test]
fn neither_commands_nor_handlers_take_json_apart() {
    let rooms = ["src/cli/", "src/web/"];
    for (file, code) in all() {
        if rooms.iter().any(|room| file.starts_with(room)) {
            for name in ["json!", "Value[", "serde_json::Value"] {
                assert!(!code.contains(name), "{file}: {name}");
            }
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
