//! The source files, and which module each of them uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who uses whom.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Every source file: its path from the repository, and its text without tests.
pub fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    find(&root.join("src"), &mut files);
    assert!(files.len() > 40);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\n").next().unwrap();
        let name = path.strip_prefix(root).unwrap();
        (name.display().to_string(), code.to_owned())
    };
    files.into_iter().map(read).collect()
}

/// The first lines of the crate: the map.
pub fn map() -> String {
    let (_, map) = all().into_iter().find(|(f, _)| f == "src/lib.rs").unwrap();
    map
}

/// `src/store/sqlite/mod.rs` is `["store", "sqlite"]`.
fn module(file: &str) -> Vec<&str> {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').filter(|part| *part != "mod").collect()
}

/// The module of the crate's root that a file belongs to.
pub fn room(file: &str) -> &str {
    module(file)[0]
}

/// A path that a file names, and whether it is named to be had from there.
struct Named {
    path: Vec<String>,
    exported: bool,
}

/// The paths that a file names: those of `use`, and those in the middle of the code that begin at the crate or above.
fn named(code: &str) -> Vec<Named> {
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let (mut uses, mut rest) = (Vec::new(), String::new());
    let mut statement: Option<String> = None;
    for line in lines {
        let text = line.trim();
        let begins =
            text.starts_with("use ") || (text.starts_with("pub") && text.contains(" use "));
        match &mut statement {
            Some(open) => open.push_str(text),
            None if begins => statement = Some(text.to_owned()),
            None => rest += &format!("{line}\n"),
        }
        if let Some(whole) = statement.take_if(|open| open.ends_with(';')) {
            uses.push(whole);
        }
    }
    let of_use = uses.iter().flat_map(|statement| {
        let (head, tree) = statement.split_once("use ").unwrap();
        let paths = expand(tree.trim_end_matches(';')).into_iter();
        let exported = head.starts_with("pub");
        paths.map(move |path| Named { path, exported })
    });
    let begins = ["crate::", "super::"].map(|begin| inline(&rest, begin));
    let inside = begins.into_iter().flatten().map(|path| Named {
        path,
        exported: false,
    });
    of_use.chain(inside).collect()
}

/// `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        return vec![
            path.split("::")
                .map(|part| part.trim().to_owned())
                .collect(),
        ];
    };
    let inside = rest.rsplit_once('}').unwrap().0;
    let head: Vec<_> = head
        .split("::")
        .map(|part| part.trim().to_owned())
        .collect();
    let head = &head[..head.len() - 1];
    let mut paths = Vec::new();
    for branch in branches(inside) {
        paths.extend(expand(branch).into_iter().map(|end| [head, &end].concat()));
    }
    paths
}

/// What stands between the outermost commas.
fn branches(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let is_outermost = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    let parts = list.split(is_outermost).map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

fn inline(code: &str, begin: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let starts = code.match_indices(begin).map(|(at, _)| at);
    let whole = starts.filter(|at| !code[..*at].ends_with(is_word));
    let path = |at: usize| {
        let text = code[at..].split(|c| !is_word(c)).next().unwrap();
        let parts = text.split("::").filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    whole.map(path).collect()
}

/// The rooms that the files of each room use.
pub fn rooms() -> Graph {
    let mut graph = Graph::new();
    for (file, code) in all() {
        let room = room(&file);
        if matches!(room, "lib" | "main") {
            continue;
        }
        let used = graph.entry(room.to_owned()).or_default();
        for named in named(&code) {
            let [begin, other, ..] = &named.path[..] else {
                continue;
            };
            if begin == "crate" && other != room {
                used.insert(other.clone());
            }
        }
    }
    graph
}

/// The modules that each file uses: those in which the things are that it names.
pub fn modules() -> Graph {
    let files = all();
    let files = files
        .iter()
        .filter(|(f, _)| f != "src/lib.rs" && f != "src/main.rs");
    let files: BTreeMap<String, Vec<Named>> = files
        .map(|(file, code)| (module(file).join("::"), named(code)))
        .collect();
    let mut graph = Graph::new();
    for (from, names) in &files {
        let used = graph.entry(from.clone()).or_default();
        for name in names.iter().filter(|name| !name.exported) {
            let to = absolute(from, &name.path, &files);
            let home = to.and_then(|path| home(&path, &files, 0));
            used.extend(home.filter(|home| home != from));
        }
    }
    graph
}

type Files = BTreeMap<String, Vec<Named>>;

/// A path as it is from the crate's root on; `None` for what is of another crate.
fn absolute(from: &str, path: &[String], files: &Files) -> Option<Vec<String>> {
    let here = from.split("::").map(str::to_owned);
    let here: Vec<_> = here.collect();
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([&here[..], &path[1..]].concat()),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let above = here.len().checked_sub(up)?;
            Some([&here[..above], &path[up..]].concat())
        }
        child => {
            let is_own = files.contains_key(&format!("{from}::{child}"));
            is_own.then(|| [&here[..], path].concat())
        }
    }
}

/// The module in which something is: where a module only hands it on, the one that it has it from.
fn home(path: &[String], files: &Files, depth: usize) -> Option<String> {
    let ends = (1..=path.len()).rev();
    let known = |end: &usize| files.contains_key(&path[..*end].join("::"));
    let end = ends.into_iter().find(known)?;
    let module = path[..end].join("::");
    let Some(item) = path.get(end).filter(|_| depth < 8) else {
        return Some(module);
    };
    let mut exports = files[&module].iter().filter(|name| name.exported);
    let export = exports.find(|name| name.path.last() == Some(item));
    let further = export.and_then(|export| {
        let from = absolute(&module, &export.path, files)?;
        home(&[&from[..], &path[end + 1..]].concat(), files, depth + 1)
    });
    further.or(Some(module))
}

/// Everything that can be reached along the arrows.
pub fn reachable<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        let onward = graph.get(at).into_iter().flatten();
        next.extend(onward.map(String::as_str).filter(|to| found.insert(*to)));
    }
    found
}

/// A way along the arrows that ends where it begins: `a -> b -> a`.
pub fn circle(graph: &Graph) -> Option<String> {
    let from = graph
        .keys()
        .find(|node| reachable(graph, node).contains(node.as_str()))?;
    let mut way = vec![from.as_str()];
    loop {
        let at = way[way.len() - 1];
        let leads_back = |to: &&String| *to == from || reachable(graph, to).contains(from.as_str());
        let to = graph[at].iter().find(leads_back)?;
        if let Some(begin) = way.iter().position(|seen| seen == to) {
            way.push(to);
            return Some(way[begin..].join(" -> "));
        }
        way.push(to);
    }
}

#[test]
fn a_circle_is_found_and_named() {
    let graph = |arrows: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            let used = graph.entry((*from).to_owned()).or_default();
            used.insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("a", "c"), ("b", "c")])), None);
    let found = circle(&graph(&[("main", "app"), ("app", "web"), ("web", "app")]));
    assert_eq!(found.as_deref(), Some("app -> web -> app"));
}

#[test]
fn every_form_of_a_use_is_read() {
    let check = |code: &str, expected: &[&str]| {
        let named = named(code);
        let paths: Vec<_> = named.iter().map(|name| name.path.join("::")).collect();
        assert_eq!(paths, expected, "{code}");
    };
    check(
        "use crate::{app, store::{self, Sqlite as Db}};",
        &["crate::app", "crate::store::self", "crate::store::Sqlite"],
    );
    check(
        "pub use super::a::B;\nfn f() { crate::c::d(super::E); }\n",
        &["super::a::B", "crate::c::d", "super::E"],
    );
    check("// use crate::a;\n", &[]);
}
