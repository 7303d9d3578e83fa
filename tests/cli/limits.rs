//! Commands at the limits of the system: many at once, many photos, folders that can't be listed, no threads.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::can_mount::can_mount;
use crate::isolated::isolated;
use crate::test_env::TestEnv;
use crate::unlisted::Unlisted;

#[test]
fn a_scan_of_a_folder_that_can_not_be_listed_fails() {
    if !can_mount() {
        return;
    }
    let env = TestEnv::new();
    let unlisted = Unlisted::default();
    let _disk = unlisted.mount(&env.path("mnt"));
    let (source, below) = (env.text("mnt"), env.text("mnt/below"));
    env.ok(&["scan", &source]);
    env.ok(&["scan", &below]);
    let refused = |folder: &str| {
        let (code, error) = env.refused(&["scan", folder]);
        assert_eq!(code, 1);
        assert!(error.to_lowercase().contains("input/output"), "{error}");
    };
    unlisted.is(1);
    refused(&source);
    unlisted.is(2);
    let report = env.json(&["scan", &source, "--json"]);
    assert_eq!(report["unreadable"], 1, "{report}");
    let output = env.run(&["scan", &below]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn commands_without_a_daemon_take_turns() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/copy.png"));
    env.ok(&["scan", &photos]);
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (env, photo) = (&env, &photo);
            scope.spawn(move || env.ok(&["tag", "--tag", &format!("tag {n}"), photo]));
        }
    });
    let log = env.ok(&["log", &photos]);
    assert_eq!(log.lines().count(), 6, "{log}");
}

#[test]
fn thousands_of_photos_on_a_command_line_are_one_act() {
    let env = TestEnv::new();
    let photos = env.text("photos");
    let names: Vec<_> = (0..5000).map(|n| format!("{n:0>200}.jpg")).collect();
    for (n, name) in names.iter().enumerate() {
        let number = n.to_string();
        let picture = [b"\xff\xd8\xff\xe0 no picture ", number.as_bytes()].concat();
        std::fs::write(env.path("photos").join(name), picture).unwrap();
    }
    let run = |args: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &env.path("home"));
        command.args(args).args(&names).current_dir(&photos);
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    env.ok(&["scan", &photos]);
    assert_eq!(run(&["tag", "--tag", "many"]), "5000 photos changed\n");
    assert_eq!(run(&["untag", "--tag", "many"]), "5000 photos changed\n");
    let estimate = run(&["analyze", "--dry-run", "--json"]);
    assert!(estimate.contains("\"photos\":5000"), "{estimate}");
    let log = env.ok(&["log", &photos]);
    assert_eq!(log.lines().count(), 2, "{log}");
    let shown = run(&["show", "--json"]);
    assert_eq!(shown.lines().count(), names.len());
    assert!(
        shown
            .lines()
            .last()
            .unwrap()
            .contains(names.last().unwrap())
    );
}

#[test]
fn of_several_photos_those_that_are_known_are_shown_and_the_others_told() {
    let env = TestEnv::new();
    env.ok(&["scan", &env.text("photos")]);
    let (one, two) = (env.text("photos/copy.png"), env.text("photos/IMG_1.png"));
    let output = env.run(&["show", &one, &env.text("photos/nowhere.png"), &two]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<_> = shown.split("\n\n").collect();
    assert!(shown[0].starts_with("path         copy.png"), "{shown:?}");
    assert!(shown[1].starts_with("path         IMG_1.png"), "{shown:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("nowhere.png") && told.contains("hint"),
        "{told}"
    );
}

/// A short command may have the catalog for a moment; one that goes on is no reason to wait.
#[test]
fn what_goes_on_for_long_waits_for_a_command_that_has_the_catalog() {
    let env = TestEnv::new();
    let (photos, mounted) = (env.text("photos"), env.text("mnt"));
    env.settings_of_index();
    env.ok(&["scan", &photos]);
    let mut commands = vec![
        vec!["catalog", "vacuum", &photos],
        vec!["serve", "--web=127.0.0.1:0", &photos],
    ];
    if can_mount() {
        commands.push(vec!["mount", &photos, &mounted]);
    }
    for args in commands {
        let lock = std::fs::File::open(env.path("catalog.lock")).unwrap();
        lock.lock().unwrap();
        let mut command = env.command(&args);
        command.stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let mut told = BufReader::new(running.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let waits = "is in use by another kbasefs: waiting for it";
        assert!(line.contains(waits), "{args:?}: {line}");
        lock.unlock().unwrap();
        if args[0] == "serve" {
            let mut page = BufReader::new(running.stdout.take().unwrap());
            page.read_line(&mut line).unwrap();
            assert!(line.contains("the page is at"), "{line}");
            let pid = rustix::process::Pid::from_child(&running);
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            running.wait().unwrap();
        } else {
            assert!(running.wait().unwrap().success(), "{args:?}");
        }
    }
    if can_mount() {
        assert!(env.path("mnt/all/copy.png").exists());
        env.ok(&["umount", &mounted]);
    }
}

#[test]
fn a_system_that_starts_no_threads_is_told_of_in_words() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be a user who has no thread left");
        return;
    }
    use std::os::unix::process::CommandExt;
    let env = TestEnv::new();
    let give = Command::new("chown")
        .args(["-R", "65534"])
        .arg(env.path(""))
        .status();
    assert!(give.unwrap().success());
    let mut limited = isolated(Command::new("prlimit"), &env.path("home"));
    limited.args(["--nproc=1", env!("CARGO_BIN_EXE_kbasefs"), "scan"]);
    limited.arg(env.path("photos")).uid(65534).gid(65534);
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the system starts no more threads"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(!output.status.success());
}

/// Nobody who reads "memory allocation failed" knows which limit that was.
#[test]
fn a_limit_of_memory_that_is_too_low_is_told_of_in_words() {
    let env = TestEnv::new();
    for (limit, of_shell) in [
        ("--as=200000000", "ulimit -v"),
        ("--data=40000000", "ulimit -d"),
    ] {
        for command in ["scan", "status"] {
            let mut limited = isolated(Command::new("prlimit"), &env.path("home"));
            limited.args([limit, env!("CARGO_BIN_EXE_kbasefs"), command]);
            let output = limited.arg(env.path("photos")).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("needs") && said.contains(of_shell), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
