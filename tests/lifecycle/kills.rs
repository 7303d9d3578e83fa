//! A killed process leaves nothing: no mount, no program that waits for ever, whatever was being done. Some kills of each
//! kind; with `KBASEFS_LONG=1` fifty.

use std::process::Command;

use rustix::process::{Signal, kill_process};

use crate::busy::{Busy, DRAFTS, EDITS, LISTS, RENAMES};
use crate::test_env::{TestDaemon, TestEnv, pid};
use crate::until::until;

/// Kernels without epochs remember no name; this asks for the same.
const WITHOUT_EPOCHS: &str = "no-epochs";

fn kills() -> u64 {
    match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 50,
        None => 4,
    }
}

fn env() -> Option<TestEnv> {
    let env = TestEnv::new()?;
    env.photo("b.png", 2);
    env.picture("elsewhere/new.png", 3);
    Some(env)
}

/// Kills the process of a busy mount by some signals, again and again, each time somewhat later.
fn check(env: &TestEnv, faults: &str, work: &[&str], signals: &[Signal]) {
    for kill in 0..kills() {
        let mut daemon = env.mount(|command| {
            command.env("KBASEFS_FAULTS", faults);
        });
        env.make_tags(&["one", "two"]);
        let busy = Busy::start(env, work);
        busy.until_rounds(6 + kill % 7 * 5);
        for signal in signals {
            daemon.signal(*signal);
        }
        // It is over only when none of its threads is held by the kernel.
        daemon.until_over();
        env.until_unmounted();
        busy.end();
    }
    let daemon = env.mount(|_| ());
    daemon.stop();
}

fn check_both(work: &[&str], signals: &[Signal]) {
    let Some(env) = env() else { return };
    check(&env, "", work, signals);
    check(&env, WITHOUT_EPOCHS, work, signals);
}

#[test]
fn killed_while_programs_edit() {
    check_both(EDITS, &[Signal::KILL]);
}

#[test]
fn killed_while_programs_list() {
    check_both(LISTS, &[Signal::KILL]);
}

#[test]
fn killed_while_programs_copy_photos_in() {
    check_both(DRAFTS, &[Signal::KILL]);
}

#[test]
fn killed_while_programs_rename() {
    check_both(RENAMES, &[Signal::KILL]);
}

#[test]
fn stopped_and_killed_while_programs_edit() {
    check_both(EDITS, &[Signal::STOP, Signal::KILL]);
}

#[test]
fn killed_as_a_user_while_programs_edit() {
    let Some(env) = env().and_then(TestEnv::of_a_user) else {
        return;
    };
    check(&env, "", EDITS, &[Signal::KILL]);
    check(&env, WITHOUT_EPOCHS, EDITS, &[Signal::KILL]);
    check(&env, "", DRAFTS, &[Signal::STOP, Signal::KILL]);
}

/// Runs tests again in a mount namespace of their own, in which `prepare` was done, and users may open /dev/fuse.
fn run_apart(prepare: &str, tests: &[&str]) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may mount on /sys and /dev");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = "mount -t tmpfs -o dev none $folder && mknod -m 666 $folder/fuse c 10 229 && \
        mount --bind $folder/fuse /dev/fuse || exit 77";
    let script = format!("{open}\n{prepare}\nexec \"$0\" \"$@\"");
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
    again.arg(std::env::current_exe().unwrap()).args(tests);
    again.arg("--nocapture");
    again.env("folder", folder.path());
    let output = again.output().unwrap();
    if output.status.code() == Some(77) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    // What they skip is skipped here.
    let complaints = String::from_utf8_lossy(&output.stderr);
    complaints
        .lines()
        .filter(|l| l.contains("skipped"))
        .for_each(|line| eprintln!("{line}"));
    assert!(output.status.success(), "{said}{complaints}");
    let passed = format!("test result: ok. {} passed", tests.len());
    assert!(said.contains(&passed), "{said}");
}

const AS_A_USER: &str = "kills::killed_as_a_user_while_programs_edit";
const HELD: &str = "kills::whoever_keeps_the_connection_open_the_guard_ends_it";

#[test]
fn the_same_where_connections_can_be_aborted_by_fusectl() {
    let mount = "cd /; mount | grep -q fusectl || \
        mount -t fusectl none /sys/fs/fuse/connections || exit 77";
    run_apart(mount, &[AS_A_USER, HELD]);
}

#[test]
fn the_same_where_fusectl_is_not_mounted() {
    let unmount = "if mount | grep -q fusectl; then umount /sys/fs/fuse/connections || exit 77; fi";
    run_apart(unmount, &[AS_A_USER, HELD]);
}

/// As a thread does that the kernel holds: the connection doesn't end by itself.
#[test]
fn whoever_keeps_the_connection_open_the_guard_ends_it() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may abort where fusectl isn't mounted");
        return;
    }
    let Some(env) = env() else { return };
    let mut daemon = env.mount(|_| ());
    env.make_tags(&["one", "two"]);
    let kept = daemon.fuse_descriptors();
    assert!(!kept.is_empty());
    let busy = Busy::start(&env, EDITS);
    busy.until_rounds(6);
    daemon.signal(Signal::KILL);
    daemon.until_over();
    env.until_unmounted();
    busy.end();
    drop(kept);
}

#[test]
fn a_killed_guard_is_followed_by_another() {
    let Some(env) = env() else { return };
    let mut daemon = env.mount(|_| ());
    for _ in 0..2 {
        let guard = the_guard(&daemon);
        // Meant for the group, they are no reason to leave the mount alone.
        for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL] {
            kill_process(pid(guard), signal).unwrap();
        }
        until("another guard", || {
            daemon.guards().iter().any(|child| *child != guard)
        });
    }
    daemon.signal(Signal::KILL);
    env.until_unmounted();
    let (_, log) = daemon.end();
    assert!(log.contains("another one is started"), "{log}");
}

#[test]
fn a_program_that_was_replaced_still_starts_a_guard() {
    let Some(env) = env() else { return };
    let program = env.path("kbasefs");
    std::fs::copy(env!("CARGO_BIN_EXE_kbasefs"), &program).unwrap();
    let mut daemon = env.mount(|command| {
        *command = env.alone(Command::new(&program));
        command.args(["mount", "-f"]);
        command.args([env.path("photos"), env.path("mnt")]);
    });
    std::fs::remove_file(&program).unwrap();
    let guard = the_guard(&daemon);
    kill_process(pid(guard), Signal::KILL).unwrap();
    until("another guard", || {
        daemon.guards().iter().any(|child| *child != guard)
    });
    daemon.signal(Signal::KILL);
    daemon.until_over();
    env.until_unmounted();
}

#[test]
fn a_guard_outlives_signals_to_all() {
    let Some(env) = env() else { return };
    let mut daemon = env.mount(|_| ());
    let guard = the_guard(&daemon);
    daemon.signal(Signal::STOP);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        kill_process(pid(guard), signal).unwrap();
    }
    daemon.signal(Signal::KILL);
    daemon.until_over();
    env.until_unmounted();
}

#[test]
fn a_mount_whose_guard_was_killed_too_is_cleared_by_the_next_command() {
    let Some(env) = env() else { return };
    for command in [&["umount"][..], &["mount"]] {
        let mut daemon = env.mount(|_| ());
        env.make_tags(&["one", "two"]);
        let busy = Busy::start(&env, EDITS);
        busy.until_rounds(6);
        daemon.signal(Signal::STOP);
        kill_process(pid(the_guard(&daemon)), Signal::KILL).unwrap();
        daemon.signal(Signal::KILL);
        daemon.until_over();
        busy.end();
        assert!(env.mounted().is_some());
        for (args, paths) in [
            (&["status"][..], &[][..]),
            (&["status"], &["mnt"]),
            (&["doctor"], &["mnt"]),
            (&["show"], &["mnt/all/a.png"]),
        ] {
            env.run(args, paths);
        }
        let paths = [&["photos", "mnt"][..], &["mnt"]][usize::from(command == ["umount"])];
        let done = env.run(command, paths);
        assert!(done.status.success(), "{done:?}");
        let cleared = env.run(&["umount"], &["mnt"]);
        assert_eq!(cleared.status.success(), command == ["mount"]);
        assert_eq!(env.mounted(), None);
    }
}

#[test]
fn another_mount_by_the_same_path_is_left_alone() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root mounts without a process");
        return;
    }
    let Some(env) = env() else { return };
    let mut daemon = env.mount(|_| ());
    let guard = the_guard(&daemon);
    let _open = std::fs::File::open(env.path("mnt/all")).unwrap();
    kbasefs::fuse::detach(&env.path("mnt")).unwrap();
    let _sick = env.sick("mnt", "fuse.kbasefs", 0);
    let other = env.mounted().unwrap();
    daemon.signal(Signal::KILL);
    daemon.until_over();
    let guard = format!("/proc/{guard}/stat");
    until("the guard's end", || {
        std::fs::read_to_string(&guard).map_or(true, |stat| stat.contains(") Z "))
    });
    assert_eq!(env.mounted(), Some(other));
}

#[test]
fn a_stopped_guard_keeps_no_process_from_its_end() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|_| ());
    let guard = pid(the_guard(&daemon));
    kill_process(guard, Signal::STOP).unwrap();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert_eq!(env.mounted(), None);
    kill_process(guard, Signal::KILL).unwrap();
}

/// There only the guard may take it away.
#[test]
fn a_stopped_guard_takes_a_sandboxed_mount_away_when_it_goes_on() {
    let Some(env) = TestEnv::new() else { return };
    let Some(mut daemon) = env.mount_in_sandbox(&[]) else {
        return;
    };
    let guard = pid(the_guard(&daemon));
    kill_process(guard, Signal::STOP).unwrap();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert!(
        log.contains("the guard of the mount doesn't answer"),
        "{log}"
    );
    kill_process(guard, Signal::CONT).unwrap();
    env.until_unmounted();
}

/// A device number is given to the next mount as soon as the last one is gone.
#[test]
fn a_guard_that_comes_late_leaves_other_mounts_alone() {
    let Some(env) = TestEnv::new() else { return };
    let other = TestEnv::new().expect("there was one");
    for how in [
        "killed",
        "unmounted",
        "stopped",
        "killed, and another place",
    ] {
        let mut daemon = env.mount(|_| {});
        let guard = pid(the_guard(&daemon));
        let device = env.mounted().unwrap().device;
        kill_process(guard, Signal::STOP).unwrap();
        match how {
            "unmounted" => {
                let unmounted = env.run(&["umount"], &["mnt"]);
                assert!(unmounted.status.success(), "{unmounted:?}");
            }
            "stopped" => daemon.signal(Signal::TERM),
            _ => {
                daemon.signal(Signal::KILL);
            }
        }
        daemon.until_over();
        let place = match how {
            "killed, and another place" => &other,
            _ => &env,
        };
        if how != "unmounted" && how != "stopped" {
            // As whoever mounts again does, and whoever shuts down.
            kbasefs::fuse::detach(&env.path("mnt")).unwrap();
        }
        let next = place.mount(|_| {});
        // Mounts of other tests may have come between.
        if place.mounted().unwrap().device != device {
            eprintln!("{how}: the next mount has another number");
        }
        kill_process(guard, Signal::CONT).unwrap();
        until("the late guard's end", || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", guard.as_raw_nonzero()));
            stat.map_or(true, |stat| stat.contains(") Z "))
        });
        assert!(std::fs::read_dir(place.path("mnt/all")).is_ok(), "{how}");
        next.stop();
    }
}

fn the_guard(daemon: &TestDaemon) -> u32 {
    match daemon.guards()[..] {
        [guard] => guard,
        ref others => panic!("{others:?}"),
    }
}

/// It may start no program any more.
#[test]
fn a_sandboxed_mount_whose_guard_was_killed_works_on() {
    let Some(env) = TestEnv::new() else { return };
    let Some(mut daemon) = env.mount_in_sandbox(&[]) else {
        return;
    };
    kill_process(pid(the_guard(&daemon)), Signal::KILL).unwrap();
    until("the guard's end", || daemon.guards().is_empty());
    assert!(env.path("mnt/all/a.png").exists());
    let unmounted = env.run(&["umount"], &["mnt"]);
    assert!(unmounted.status.success(), "{unmounted:?}");
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("no guard any more"), "{log}");
}
