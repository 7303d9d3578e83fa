//! The arrows of the map in `src/lib.rs`: who may use whom, read from the `use` lines.

use std::path::{Path, PathBuf};

/// A module of the crate's root, and those it may use. One that isn't here may use nothing.
const ARROWS: &[(&str, &[&str])] = &[
    ("catalog", &[]),
    ("metrics", &[]),
    ("memory", &["metrics"]),
    ("panics", &[]),
    ("blocking", &[]),
    ("media", &["catalog", "panics"]),
    ("faults", &[]),
    ("config", &["analysis"]),
    ("index", &["catalog"]),
    ("store", &["blocking", "catalog", "media", "memory"]),
    ("library", &["blocking", "catalog", "index", "store"]),
    ("source_files", &["blocking", "catalog"]),
    (
        "analysis",
        &[
            "blocking",
            "catalog",
            "faults",
            "index",
            "library",
            "media",
            "memory",
            "metrics",
            "source_files",
            "panics",
            "store",
        ],
    ),
    (
        "vfs",
        &[
            "analysis",
            "blocking",
            "catalog",
            "index",
            "library",
            "memory",
            "source_files",
            "store",
        ],
    ),
    (
        "source",
        &[
            "catalog",
            "faults",
            "index",
            "library",
            "media",
            "source_files",
            "panics",
            "store",
        ],
    ),
    (
        "exchange",
        &[
            "catalog",
            "index",
            "library",
            "media",
            "source",
            "source_files",
            "store",
        ],
    ),
    (
        "thumbnails",
        &["analysis", "catalog", "media", "memory", "source_files"],
    ),
    (
        "fuse",
        &[
            "analysis",
            "catalog",
            "faults",
            "index",
            "library",
            "metrics",
            "source_files",
            "vfs",
        ],
    ),
    (
        "monitor",
        &[
            "analysis",
            "catalog",
            "library",
            "metrics",
            "store",
            "thumbnails",
        ],
    ),
    (
        "web",
        &[
            "analysis",
            "blocking",
            "catalog",
            "exchange",
            "faults",
            "index",
            "library",
            "media",
            "memory",
            "metrics",
            "monitor",
            "source",
            "source_files",
            "store",
            "thumbnails",
        ],
    ),
    (
        "app",
        &[
            "analysis",
            "catalog",
            "config",
            "exchange",
            "fuse",
            "library",
            "memory",
            "metrics",
            "monitor",
            "source",
            "source_files",
            "store",
            "thumbnails",
            "vfs",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "app", "config", "fuse", "monitor", "panics", "store", "vfs", "web",
        ],
    ),
];

/// Names that only one part of the program may say.
const CONFINED: &[(&str, &str)] = &[
    ("rusqlite", "src/store/sqlite/"),
    ("fuser::", "src/fuse/"),
    ("openat2", "src/source_files.rs"),
    ("clap::", "src/cli/"),
    ("anyhow", "src/cli/"),
    ("ImageFormat", "src/media/"),
    ("NsReader", "src/media/metadata/xmp/"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Every source file: its path from the repository, and its text without tests.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    assert!(files.len() > 40);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\n").next().unwrap();
        let name = path.strip_prefix(root).unwrap();
        (name.display().to_string(), code.to_owned())
    };
    files.into_iter().map(read).collect()
}

/// The module of the crate's root that a file belongs to.
fn module(file: &str) -> &str {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').next().unwrap()
}

/// The modules of the crate's root that a text names as `crate::name`.
fn uses(code: &str) -> Vec<&str> {
    let code = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let named = code.flat_map(|line| line.split("crate::").skip(1));
    named
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn modules_use_only_what_the_map_allows() {
    for (file, code) in all() {
        let module = module(&file);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let arrows = ARROWS.iter().find(|(name, _)| *name == module);
        let allowed = arrows
            .unwrap_or_else(|| panic!("{module} is not on the map"))
            .1;
        for used in uses(&code) {
            let fits = used == module || allowed.contains(&used);
            assert!(fits, "{file}: {module} must not use {used}");
        }
    }
}

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

#[test]
fn the_map_names_every_module() {
    let (_, map) = all().into_iter().find(|(f, _)| f == "src/lib.rs").unwrap();
    let drawing = map.split("```").nth(1).unwrap();
    let modules = map.lines().filter_map(|l| l.strip_prefix("pub mod "));
    for module in modules.map(|m| m.trim_end_matches(';')) {
        assert!(ARROWS.iter().any(|(name, _)| *name == module), "{module}");
        let is_drawn = |word: &str| word.trim_end_matches("::Tree") == module;
        let mut words = drawing.split(|c: char| c.is_whitespace() || c == ',');
        assert!(words.any(is_drawn), "{module} is not drawn");
    }
}
