//! Programs that see nothing of the settings of who runs the tests.

use std::path::Path;
use std::process::Command;

/// Gives a program a home of its own, and none of the variables that would lead it to settings, catalogs or keys elsewhere.
pub fn isolated(mut command: Command, home: &Path) -> Command {
    let leads_elsewhere = |name: &str| {
        ["XDG_", "KBASEFS_", "OPENAI_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    for (name, _) in std::env::vars_os() {
        if leads_elsewhere(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.env("HOME", home);
    command
}
