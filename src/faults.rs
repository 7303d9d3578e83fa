//! Faults that tests of the real program ask for: `KBASEFS_FAULTS=panic-notify,no-epochs`. A build without debug
//! assertions has none of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What asks for faults, for a process that has no other variables.
pub fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    let asks = |name: &OsString| name.as_encoded_bytes().starts_with(b"KBASEFS_FAULTS");
    std::env::vars_os().filter(move |(name, _)| cfg!(debug_assertions) && asks(name))
}

/// Whether a fault is asked for.
pub fn is_asked(fault: &str) -> bool {
    let asked = |all: String| all.split(',').any(|one| one == fault);
    cfg!(debug_assertions) && std::env::var("KBASEFS_FAULTS").is_ok_and(asked)
}

/// A place of the system, or the one that a test names in its stead: `KBASEFS_FAULTS_POWER=/tmp/x`.
pub fn place(name: &str, usual: &str) -> PathBuf {
    let named = std::env::var_os(format!("KBASEFS_FAULTS_{}", name.to_uppercase()));
    let named = named.filter(|_| cfg!(debug_assertions));
    named.map_or_else(|| usual.into(), PathBuf::from)
}

/// Panics at this place if that is asked for, from when the file is there that `KBASEFS_FAULTS_BEGIN` names.
pub fn may_panic(place: &str) {
    // Not even the name of the fault is put together where there are none.
    if cfg!(debug_assertions) {
        assert!(
            !has_begun(&format!("panic-{place}")),
            "a fault that is asked for: {place}"
        );
    }
}

/// Whether a fault is asked for, and the file is there that `KBASEFS_FAULTS_BEGIN` names.
pub fn has_begun(fault: &str) -> bool {
    let begin = || std::env::var_os("KBASEFS_FAULTS_BEGIN");
    is_asked(fault) && begin().is_some_and(|file| Path::new(&file).exists())
}
