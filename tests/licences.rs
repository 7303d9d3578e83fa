//! Every crate that the program is made of may be used by anyone for anything.

use std::process::Command;

const PERMISSIVE: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with permissive licences alone. Brackets stand around alternatives only.
fn is_permissive(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let any = |part: &str| part.split(" OR ").any(|l| PERMISSIVE.contains(&l.trim()));
    flat.split(" AND ").all(any)
}

#[test]
fn expressions_are_understood() {
    assert!(is_permissive("MIT OR Apache-2.0"));
    assert!(is_permissive("(MIT OR GPL-3.0) AND Unicode-3.0"));
    assert!(is_permissive("MIT/Apache-2.0"));
    assert!(!is_permissive("MIT AND GPL-3.0"));
    assert!(!is_permissive("MPL-2.0"));
}

#[test]
fn every_dependency_is_permissive() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_permissive(licence), "{}: {licence}", package["name"]);
    }
}
