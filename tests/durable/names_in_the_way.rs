//! Names that are made beside a file of somebody's, where another file has them already: it stays as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, tagged};

/// Something of somebody else's under a name, and whether it is still there.
struct Thing {
    kind: &'static str,
    make: fn(&Path),
    is_there: fn(&Path) -> bool,
}

const THINGS: [Thing; 4] = [
    Thing {
        kind: "a file",
        make: |at| fs::write(at, "precious").unwrap(),
        is_there: |at| fs::read(at).unwrap() == b"precious",
    },
    Thing {
        kind: "a link",
        make: |at| {
            fs::write(at.with_file_name("victim"), "precious").unwrap();
            symlink("victim", at).unwrap();
        },
        is_there: |at| {
            at.is_symlink() && fs::read(at.with_file_name("victim")).unwrap() == b"precious"
        },
    },
    Thing {
        kind: "a pipe",
        make: |at| mknodat(CWD, at, FileType::Fifo, Mode::RWXU, 0).unwrap(),
        is_there: |at| at.symlink_metadata().is_ok(),
    },
    Thing {
        kind: "a folder",
        make: |at| {
            fs::create_dir(at).unwrap();
            fs::write(at.join("letter"), "precious").unwrap();
        },
        is_there: |at| fs::read(at.join("letter")).unwrap() == b"precious",
    },
];

fn remove(at: &Path) {
    match at.is_dir() && !at.is_symlink() {
        true => fs::remove_dir_all(at).unwrap(),
        false => fs::remove_file(at).unwrap(),
    }
}

fn backup(env: &TestEnv, to: &Path) -> std::process::Output {
    let (photos, to) = (env.path("photos"), to.to_str().unwrap());
    env.run(&["catalog", "backup", photos.to_str().unwrap(), to])
}

#[test]
fn a_backup_writes_over_nothing() {
    let env = tagged(3);
    let to = env.path("copy");
    for Thing {
        kind,
        make,
        is_there,
    } in THINGS
    {
        for end in ["", ".partial", ".kbasefs-partial", ".partial-journal"] {
            let at = env.path(&format!("copy{end}"));
            make(&at);
            let ended = backup(&env, &to);
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(is_there(&at), "{kind} called {end:?}: {said}");
            let is_in_the_way = matches!(end, "" | ".kbasefs-partial");
            assert_eq!(
                !ended.status.success(),
                is_in_the_way,
                "{kind} called {end:?}: {said}"
            );
            if is_in_the_way {
                let is_named =
                    said.contains(&format!("{}: is there already (hint: ", at.display()));
                assert!(
                    is_named && !said.contains("update"),
                    "{kind} called {end:?}: {said}"
                );
            } else {
                fs::remove_file(&to).unwrap();
            }
            remove(&at);
        }
    }
    assert!(backup(&env, &to).status.success());
}

/// What stands in the way of another index is said by its name, and is left as it is.
#[test]
fn recovery_removes_nothing_of_anybody_else() {
    let env = tagged(3);
    let sound = fs::read(env.index()).unwrap();
    let photos = env.path("photos");
    for Thing {
        kind,
        make,
        is_there,
    } in THINGS
    {
        for end in [".mending", ".mended", ".suspect", "-wal", "-shm"] {
            // A link leads to a file, as it should; a file is taken for what it is called like.
            if end.starts_with('-') && !matches!(kind, "a pipe" | "a folder") {
                continue;
            }
            let mut damaged = sound.clone();
            damaged.truncate(sound.len() / 2);
            fs::write(env.index(), damaged).unwrap();
            let at = env.path(&format!("index/catalog.sqlite{end}"));
            make(&at);
            let ended = env.run(&["scan", photos.to_str().unwrap()]);
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(is_there(&at), "{kind} called {end}: {said}");
            if end != ".suspect" {
                assert!(
                    said.contains(&format!("{}: is there already", at.display())),
                    "{said}"
                );
            }
            remove(&at);
            assert!(
                env.run(&["scan", photos.to_str().unwrap()])
                    .status
                    .success()
            );
        }
    }
}

#[test]
fn a_mount_waits_for_no_pipe_and_removes_no_file() {
    if !can_mount() {
        return;
    }
    let env = tagged(3);
    let (photos, mnt) = (env.path("photos"), env.path("mnt"));
    let (photos, mnt) = (photos.to_str().unwrap(), mnt.to_str().unwrap());
    for Thing {
        kind,
        make,
        is_there,
    } in THINGS
    {
        for end in ["lock", "sock"] {
            let at = env.path(&format!("index/catalog.{end}"));
            // What a sound start leaves there.
            let _ = fs::remove_file(&at);
            make(&at);
            // It may refuse.
            let mounted = env.run(&["mount", photos, mnt]);
            if mounted.status.success() {
                assert!(env.run(&["umount", mnt]).status.success());
            }
            assert!(is_there(&at), "{kind} called {end}");
            remove(&at);
        }
    }
}

/// Whoever opens a pipe waits for who writes into it.
#[test]
fn an_index_that_is_no_file_is_refused() {
    let env = tagged(3);
    fs::remove_file(env.index()).unwrap();
    let photos = env.path("photos");
    let (photos, mnt) = (photos.to_str().unwrap(), env.path("mnt"));
    for make in [THINGS[2].make, |at: &Path| {
        symlink("/dev/null", at).unwrap()
    }] {
        make(&env.index());
        for command in [
            &["scan", photos][..],
            &["status", photos],
            &["mount", photos, mnt.to_str().unwrap()],
            &["catalog", "check", photos],
        ] {
            let refused = env.run(command);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(
                !refused.status.success() && said.contains("is no regular file"),
                "{command:?}: {said}"
            );
        }
        fs::remove_file(env.index()).unwrap();
    }
}

#[test]
fn a_link_to_an_index_stays_one() {
    let env = tagged(3);
    let real = env.path("home/real.sqlite");
    fs::rename(env.index(), &real).unwrap();
    symlink(&real, env.index()).unwrap();
    let mut damaged = fs::read(&real).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0xa5);
    fs::write(&real, damaged).unwrap();
    let photos = env.path("photos");
    let photos = photos.to_str().unwrap();
    assert_eq!(
        env.run(&["catalog", "check", photos]).status.code(),
        Some(1)
    );
    assert!(env.run(&["scan", photos]).status.success());
    assert!(env.index().is_symlink());
    assert!(env.run(&["catalog", "check", photos]).status.success());
    assert!(env.path("home/real.sqlite.damaged-1").exists());
    let beside = fs::read_dir(env.path("index")).unwrap();
    let names: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_str().unwrap().contains("sqlite.")),
        "{names:?}"
    );
}
