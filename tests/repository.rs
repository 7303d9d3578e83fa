//! What greets those who come to work on this: one command sets up, one checks, and the workflow runs both.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_workflow_does_what_the_readme_says_and_its_actions_are_pinned() {
    let workflow: Value = serde_saphyr::from_str(&read(".github/workflows/check.yml")).unwrap();
    let steps = workflow["jobs"]["check"]["steps"].as_array().unwrap();
    let uses = steps.iter().filter_map(|step| step["uses"].as_str());
    for action in uses {
        let version = action.split_once('@').map(|(_, version)| version);
        let is_commit = |v: &str| v.len() == 40 && v.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(version.is_some_and(is_commit), "{action}");
    }
    let runs = steps.iter().filter_map(|step| step["run"].as_str());
    let last = |run: &str| run.rsplit(' ').next().unwrap().to_owned();
    let runs: Vec<_> = runs.map(last).collect();
    assert_eq!(runs, ["contrib/setup", "contrib/check"]);
    for file in ["README.md", "CONTRIBUTING.md"] {
        assert!(
            read(file).contains("contrib/setup && contrib/check"),
            "{file}"
        );
    }
}

/// The commands that the two scripts themselves need.
const BARE: [&str; 5] = ["sh", "dirname", "cat", "tr", "echo"];

#[test]
fn what_is_missing_is_said_and_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    for name in BARE {
        let found = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(name));
        let found = found.into_iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(found, folder.path().join(name)).unwrap();
    }
    let output = Command::new("/bin/sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/check"))
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    for package in ["fuse3", "rustup", "rustfmt", "chromium-driver"] {
        assert!(said.contains(package), "{package}: {said}");
    }
    assert!(said.contains("hint: contrib/setup"), "{said}");
    assert!(said.contains("nothing goes without cargo"), "{said}");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for file in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "doc/ARCHITECTURE.md",
        "doc/GLOSSARY.md",
        "doc/SEMANTICS.md",
    ] {
        let text = read(file);
        let folder = root.join(file);
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            let path = folder.parent().unwrap().join(target);
            assert!(path.exists(), "{file}: {target}");
        }
    }
    assert!(links > 10, "{links}");
}
