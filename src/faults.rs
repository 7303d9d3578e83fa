//! Faults that tests of the real program ask for: `KBASEFS_FAULTS=panic-notify,no-epochs`. A build without debug
//! assertions has none of them.

use std::path::Path;

/// Whether a fault is asked for.
pub fn is_asked(fault: &str) -> bool {
    let asked = |all: String| all.split(',').any(|one| one == fault);
    cfg!(debug_assertions) && std::env::var("KBASEFS_FAULTS").is_ok_and(asked)
}

/// Panics at this place if that is asked for, from when the file is there that `KBASEFS_FAULTS_BEGIN` names.
pub fn may_panic(place: &str) {
    // Not even the name of the fault is put together where there are none.
    if cfg!(debug_assertions) && is_asked(&format!("panic-{place}")) {
        let begin = std::env::var_os("KBASEFS_FAULTS_BEGIN");
        let begun = begin.is_some_and(|file| Path::new(&file).exists());
        assert!(!begun, "a fault that is asked for: {place}");
    }
}
