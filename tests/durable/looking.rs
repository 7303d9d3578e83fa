//! A catalog that can't be written can be looked at, and it is said why it can't be written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use rustix::mount::MountFlags;

use crate::isolated::isolated;
use crate::mount_small_disk;
use crate::test_env::{TestEnv, tag};

const NOBODY: u32 = 65534;

/// A catalog that nobody has, on a small disk of its own.
fn env() -> Option<TestEnv> {
    let env = TestEnv::new(3);
    if !mount_small_disk(&env.path("index")) {
        eprintln!("skipped: this needs root");
        return None;
    }
    let app = env.app();
    app.scan().unwrap();
    tag(&app, "1.png", "sea");
    Some(env)
}

/// Looks at it in every way, as the user who runs this or as that one.
fn check(env: &TestEnv, why: &str, user: Option<u32>) {
    let said = |output: &Output| {
        let all = [&output.stdout[..], &output.stderr].concat();
        String::from_utf8_lossy(&all).to_lowercase()
    };
    let run = |args: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &env.path("home"));
        command.args(args).env("KBASEFS_CATALOG", env.index());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.output().unwrap()
    };
    let (photos, out) = (env.path("photos"), env.path("home/out"));
    let photo = photos.join("1.png");
    let [photos, photo, out] = [&photos, &photo, &out].map(|path| path.to_str().unwrap());
    for (args, shows) in [
        (&["search", photos, "tag:sea"][..], "1.png"),
        (&["show", photo], "sea"),
        (&["status", photos], env.index().to_str().unwrap()),
        (&["log", photos], "edit: 1.png"),
        (&["export", photos, out, "--format", "csv"], "3 photos"),
    ] {
        let output = run(args);
        let said = said(&output);
        assert!(output.status.success(), "{args:?}: {said}");
        assert!(said.contains(&shows.to_lowercase()), "{args:?}: {said}");
        assert!(
            said.contains(why) && said.contains("copy"),
            "{args:?}: {said}"
        );
    }
    let refused = run(&["tag", "--tag", "more", photo]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains(why), "{}", said(&refused));
    let doctor = said(&run(&["doctor", photos]));
    assert!(doctor.contains(why), "{doctor}");
}

#[test]
fn on_a_full_disk() {
    let Some(env) = env() else { return };
    let mut zeros = fs::File::create(env.path("index/ballast")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(0), &mut zeros).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    check(&env, "full", None);
}

#[test]
fn on_a_medium_that_is_read_only() {
    let Some(env) = env() else { return };
    let none = std::ffi::CString::default();
    let read_only = MountFlags::RDONLY;
    rustix::mount::mount_remount(env.path("index"), read_only, none.as_c_str()).unwrap();
    check(&env, "read-only", None);
}

#[test]
fn of_another_user() {
    let Some(env) = env() else { return };
    for folder in ["", "home", "index", "photos"] {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(env.path(folder), open).unwrap();
    }
    fs::set_permissions(env.index(), fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(env.path("home"), Some(NOBODY), None).unwrap();
    check(&env, "permission denied", Some(NOBODY));
}

#[test]
fn a_mount_says_that_its_disk_is_full() {
    let Some(env) = env().filter(|_| crate::can_mount::can_mount()) else {
        return;
    };
    let point = env.path("mnt");
    let (photos, mounted) = (env.path("photos"), point.to_str().unwrap());
    let run = |args: &[&str]| {
        let output = env.run(args);
        assert!(output.status.success(), "{output:?}");
    };
    run(&["mount", photos.to_str().unwrap(), mounted]);
    let mut zeros = fs::File::create(env.path("index/ballast")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(0), &mut zeros).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    for command in ["status", "doctor"] {
        let output = env.run(&[command, mounted]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("the disk of the catalog is full"), "{said}");
    }
    run(&["umount", mounted]);
}
