//! What was acknowledged survives kills.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kbasefs::fuse::mounts;
use kbasefs::store::sqlite;
use rustix::fs::{XattrFlags, setxattr};
use rustix::io::Errno;

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, aside, picture};

/// A mount that is killed again and again while somebody edits, files come and go, and pictures are looked at: what was
/// acknowledged is there afterwards. `KBASEFS_KILLS` says how often; a night's worth is 200.
#[test]
fn what_was_acknowledged_survives_every_kill() {
    if !can_mount() {
        return;
    }
    let kills: usize = std::env::var("KBASEFS_KILLS").map_or(5, |n| n.parse().unwrap());
    let env = TestEnv::new(30);
    let mut model = BTreeMap::new();
    let mut acknowledged = 0;
    for round in 0..kills {
        let mut daemon = mount(&env);
        check_model(&env, &model, round);
        let killed = AtomicBool::new(false);
        let before = model.clone();
        let (edited, count) = std::thread::scope(|scope| {
            let edits = scope.spawn(|| edit_until(&env, &killed, round, before));
            scope.spawn(|| stir_until(&env, &killed, round));
            // Looks at everything, so that pictures are analysed.
            scope.spawn(|| {
                fs::read_dir(env.path("mnt/tags"))
                    .map(Iterator::count)
                    .is_ok()
            });
            std::thread::sleep(Duration::from_millis(((round * 37) % 400) as u64));
            killed.store(true, Ordering::Relaxed);
            daemon.kill().unwrap();
            daemon.wait().unwrap();
            edits.join().unwrap()
        });
        model = edited;
        acknowledged += count;
        // Its guard may be about to do the same.
        let _ = mounts::detach(&env.path("mnt"));
        assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
    }
    let mut daemon = mount(&env);
    check_model(&env, &model, kills);
    mounts::detach(&env.path("mnt")).unwrap();
    assert!(daemon.wait().unwrap().success());
    assert!(aside(&env).is_empty());
    eprintln!("{kills} kills, {acknowledged} edits acknowledged, none lost");
}

/// What the comment of each photo may be: what was acknowledged last, or what was under way then; `None` for whatever it
/// was before anybody said anything.
type Model = BTreeMap<String, BTreeSet<Option<String>>>;

fn mount(env: &TestEnv) -> Child {
    let mut command = env.command(&["mount", "-f"]);
    command.args([env.path("photos"), env.path("mnt")]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("is mounted on") {
        assert!(log.read_line(&mut text).unwrap() > 0, "{text}");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    child
}

fn edit_until(
    env: &TestEnv,
    killed: &AtomicBool,
    round: usize,
    mut model: Model,
) -> (Model, usize) {
    let mut acknowledged = 0;
    for n in 0.. {
        let photo = format!("{}.png", (n * 7 + round) % 30);
        let value = format!("r{round}n{n}");
        let at = env.path("mnt/all").join(&photo);
        let allowed = model.entry(photo.clone()).or_insert_with(|| [None].into());
        allowed.insert(Some(value.clone()));
        match setxattr(
            &at,
            "user.xdg.comment",
            value.as_bytes(),
            XattrFlags::empty(),
        ) {
            Ok(()) => {
                model.insert(photo, [Some(value)].into());
                acknowledged += 1;
            }
            // Its connection broke off: it is being killed.
            Err(Errno::CONNABORTED | Errno::NOTCONN) => return (model, acknowledged),
            Err(_) if killed.load(Ordering::Relaxed) => return (model, acknowledged),
            Err(e) => panic!("{}: {e}", at.display()),
        }
    }
    unreachable!("the process is killed in the end")
}

/// Photos come, move and go in the source.
fn stir_until(env: &TestEnv, killed: &AtomicBool, round: usize) {
    for n in 0.. {
        if killed.load(Ordering::Relaxed) {
            return;
        }
        let (new, moved) = (
            format!("photos/new-{n}.png"),
            format!("photos/moved-{n}.png"),
        );
        picture(&env.path(&new), 1000 + round * 50 + n);
        fs::rename(env.path(&new), env.path(&moved)).unwrap();
        if n % 3 == 0 {
            fs::remove_file(env.path(&moved)).unwrap();
        }
    }
}

fn check_model(env: &TestEnv, model: &Model, round: usize) {
    for (photo, allowed) in model {
        let at = env.path("mnt/all").join(photo);
        let mut value = vec![0; 256];
        let length = rustix::fs::getxattr(&at, "user.xdg.comment", &mut value[..]);
        let value = length.map(|n| String::from_utf8(value[..n].to_vec()).unwrap());
        let fits = allowed.contains(&None) || allowed.contains(&value.clone().ok());
        assert!(
            fits,
            "round {round}: {photo} is {value:?}, not one of {allowed:?}"
        );
    }
}
