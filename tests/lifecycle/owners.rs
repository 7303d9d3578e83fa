//! One process owns a catalog; what it makes is its user's alone.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use crate::test_env::{TestEnv, refusal};

#[test]
fn a_second_mount_of_a_catalog_is_refused_and_the_first_goes_on() {
    let Some(env) = TestEnv::new() else { return };
    let daemon = env.mount(|_| ());
    let said = refusal(&env.run(&["mount"], &["photos", "elsewhere"]));
    assert!(said.contains("is in use by another kbasefs"), "{said}");
    assert!(said.contains("hint"), "{said}");
    let said = refusal(&env.run(&["mount"], &["photos", "mnt"]));
    assert!(said.contains("is mounted there already"), "{said}");
    assert!(env.path("mnt/all/a.png").exists());
    assert!(!env.path("elsewhere/all").exists());
    daemon.stop();
}

/// Scripts of before say what is done anyway: the command ends once the mount is live, and says nothing.
#[test]
fn a_mount_that_is_told_to_leave_a_daemon_does() {
    let Some(env) = TestEnv::new() else { return };
    let mounted = env.run(&["mount", "--daemon"], &["photos", "mnt"]);
    assert!(mounted.status.success(), "{mounted:?}");
    assert_eq!(
        (&mounted.stdout[..], &mounted.stderr[..]),
        (&b""[..], &b""[..])
    );
    assert!(env.path("mnt/all/a.png").exists());
    assert!(env.run(&["umount"], &["mnt"]).status.success());
}

#[test]
fn all_that_is_made_is_closed_to_others() {
    let Some(env) = TestEnv::new() else { return };
    let mounted = env.run(&["mount", "--web=127.0.0.1:0"], &["photos", "mnt"]);
    assert!(mounted.status.success(), "{mounted:?}");
    assert!(std::fs::read(env.path("mnt/all/a.png")).is_ok());
    let made = below(&env.path("home"));
    let ours = |path: &&(String, u32)| path.0.contains("kbasefs");
    let closed = |mode: u32| mode & 0o077 == 0;
    let open: Vec<_> = made.iter().filter(ours).filter(|f| !closed(f.1)).collect();
    assert!(open.is_empty(), "{open:?}");
    for end in [".sqlite", ".log"] {
        assert!(made.iter().any(|f| f.0.ends_with(end)), "{made:?}");
    }
    assert!(env.run(&["umount"], &["mnt"]).status.success());
}

/// Folders and files with their modes; sockets are in folders that are closed.
fn below(folder: &Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            all.extend(below(&path));
        }
        if !metadata.file_type().is_socket() {
            all.push((
                path.display().to_string(),
                metadata.permissions().mode() & 0o777,
            ));
        }
    }
    all
}
