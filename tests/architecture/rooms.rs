//! Who may use whom: no circles, and no permission that nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{self, Graph};

/// The rooms, which are the modules of the crate's root, and those that each may use: those that it uses.
const ARROWS: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("blocking", &[]),
    ("catalog", &[]),
    ("config", &[]),
    ("faults", &[]),
    ("metrics", &["api"]),
    ("panics", &[]),
    ("index", &["catalog", "faults"]),
    ("media", &["catalog", "panics"]),
    ("decoding", &["faults", "media", "metrics", "panics"]),
    ("memory", &["metrics"]),
    ("source_files", &["blocking", "catalog", "panics"]),
    ("store", &["blocking", "catalog", "media", "memory"]),
    (
        "library",
        &["blocking", "catalog", "faults", "index", "store"],
    ),
    ("backups", &["api", "config", "faults", "metrics", "store"]),
    (
        "analysis",
        &[
            "blocking",
            "catalog",
            "decoding",
            "faults",
            "index",
            "library",
            "media",
            "memory",
            "metrics",
            "panics",
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
            "panics",
            "source_files",
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
        &[
            "analysis",
            "catalog",
            "decoding",
            "media",
            "memory",
            "source_files",
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
        "fuse",
        &[
            "catalog",
            "faults",
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
            "api",
            "catalog",
            "decoding",
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
            "api",
            "backups",
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
            "api",
            "backups",
            "catalog",
            "config",
            "decoding",
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
            "analysis", "api", "app", "backups", "config", "decoding", "fuse", "monitor", "panics",
            "store", "vfs", "web",
        ],
    ),
];

fn allowed() -> Graph {
    let owned = |used: &&[&str]| used.iter().map(|name| (*name).to_owned()).collect();
    let rows = ARROWS.iter();
    rows.map(|(room, used)| ((*room).to_owned(), owned(used)))
        .collect()
}

#[test]
fn rooms_use_what_they_may_and_may_use_what_they_use() {
    let allowed = allowed();
    let used = sources::rooms();
    for (room, others) in &used {
        let row = allowed.get(room);
        let row = row.unwrap_or_else(|| panic!("{room} is no room of the table"));
        let forbidden: Vec<_> = others.difference(row).collect();
        assert!(forbidden.is_empty(), "{room} must not use {forbidden:?}");
        let unused: Vec<_> = row.difference(others).collect();
        assert!(unused.is_empty(), "{room} has no use for {unused:?}");
    }
    let absent = allowed.keys().find(|room| !used.contains_key(*room));
    assert_eq!(absent, None, "there is no such room");
}

#[test]
fn no_room_is_used_by_one_that_it_uses() {
    assert_eq!(sources::circle(&allowed()), None);
}

#[test]
fn the_kernel_and_the_browser_know_nothing_of_each_other() {
    let used = sources::rooms();
    assert!(!sources::reachable(&used, "fuse").contains("web"));
    assert!(!sources::reachable(&used, "web").contains("fuse"));
    let knows_app = used.iter().filter(|(_, others)| others.contains("app"));
    let knows_app: Vec<_> = knows_app.map(|(room, _)| room.as_str()).collect();
    assert_eq!(knows_app, ["cli"]);
}

/// `store::sqlite::rows` and `store::sqlite` are in `store::sqlite`; `store::cached` is in no folder.
fn folder(module: &str, graph: &Graph) -> Option<String> {
    let mut parts = module.split("::");
    let folder = format!("{}::{}", parts.next()?, parts.next()?);
    let inside = format!("{folder}::");
    let is_folder = graph.keys().any(|other| other.starts_with(&inside));
    is_folder.then_some(folder)
}

#[test]
fn no_folder_of_a_room_is_used_by_one_that_it_uses() {
    let modules = sources::modules();
    let mut folders = Graph::new();
    for (from, used) in &modules {
        let Some(from) = folder(from, &modules) else {
            continue;
        };
        let used = used.iter().filter_map(|to| folder(to, &modules));
        let others: Vec<_> = used.filter(|to| *to != from).collect();
        folders.entry(from).or_default().extend(others);
    }
    assert!(folders.len() > 20, "{folders:?}");
    assert_eq!(sources::circle(&folders), None);
}

/// Files that use each other are one thing in several places: as few as can be, and never over the border of a room.
/// `-- --nocapture` shows them.
#[test]
fn files_that_use_each_other_are_of_one_room() {
    let graph = sources::modules();
    let names = graph.keys().map(String::as_str);
    let reached: BTreeMap<_, _> = names
        .map(|from| (from, sources::reachable(&graph, from)))
        .collect();
    let circle = |from: &str| {
        let both = reached[from]
            .iter()
            .filter(|to| reached[**to].contains(from));
        both.copied().collect::<Vec<_>>()
    };
    let circles: BTreeSet<_> = reached.keys().map(|from| circle(from)).collect();
    let circles: Vec<_> = circles.iter().filter(|circle| circle.len() > 1).collect();
    let files: usize = circles.iter().map(|circle| circle.len()).sum();
    println!(
        "{} circles, of {files} of {} files",
        circles.len(),
        graph.len()
    );
    for circle in circles {
        println!("{}: {}", circle.len(), circle.join(", "));
        let room = |module: &str| module.split("::").next().map(str::to_owned);
        assert!(
            circle.iter().all(|other| room(other) == room(circle[0])),
            "{circle:?}"
        );
    }
}
