//! Signals, kills, systemd, and what is said of it all.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;

use rustix::io::Errno;
use rustix::process::{Signal, kill_process};

use crate::test_env::{TestEnv, pid};
use crate::until::PATIENCE;

#[test]
fn a_signal_unmounts_and_ends_well() {
    let Some(env) = TestEnv::new() else { return };
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut daemon = env.mount(|_| ());
        daemon.signal(signal);
        let (status, log) = daemon.end();
        assert!(status.success(), "{log}");
        assert_eq!(env.mounted(), None);
        assert!(log.ends_with("unmounted\n"), "{log}");
    }
}

#[test]
fn a_signal_ends_also_a_mount_in_use() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|_| ());
    let _open = std::fs::File::open(env.path("mnt/all")).unwrap();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("still in use"), "{log}");
    assert_eq!(env.mounted(), None);
}

#[test]
fn a_killed_process_leaves_no_dead_mount() {
    let Some(env) = TestEnv::new() else { return };
    for _ in 0..3 {
        let mut daemon = env.mount(|_| ());
        daemon.signal(Signal::KILL);
        assert!(!daemon.end().0.success());
        env.until_unmounted();
    }
    let mut daemon = env.mount(|_| ());
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

#[test]
fn a_dead_mount_is_taken_away_by_the_next() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|_| ());
    let guards = daemon.guards();
    assert_eq!(guards.len(), 1);
    // So that it starts no other guard.
    daemon.signal(Signal::STOP);
    kill_process(pid(guards[0]), Signal::KILL).unwrap();
    daemon.signal(Signal::KILL);
    daemon.end();
    let there = env.path("mnt").read_dir().unwrap_err();
    assert_eq!(Errno::from_io_error(&there), Some(Errno::NOTCONN));
    let mut next = env.mount(|_| ());
    assert!(env.path("mnt/all/a.png").exists());
    next.signal(Signal::TERM);
    assert!(next.end().0.success());
    assert_eq!(env.mounted(), None);
}

#[test]
fn systemd_is_told_when_it_is_live_that_it_answers_and_when_it_ends() {
    let Some(env) = TestEnv::new() else { return };
    let socket = UnixDatagram::bind(env.path("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut text = [0; 64];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut daemon = env.mount(|command| {
        command.env("NOTIFY_SOCKET", env.path("notify"));
        command.env("WATCHDOG_USEC", "20000");
    });
    assert_eq!(next(), "READY=1");
    assert_eq!([next(), next()], ["WATCHDOG=1", "WATCHDOG=1"]);
    daemon.signal(Signal::TERM);
    while next() != "STOPPING=1" {}
    assert!(daemon.end().0.success());
}

#[test]
fn the_log_can_be_json() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|command| {
        command.env("KBASEFS_LOG_FORMAT", "json");
    });
    daemon.signal(Signal::TERM);
    let (_, log) = daemon.end();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["timestamp"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    assert!(log.lines().count() >= 3);
}

#[test]
fn the_doctor_looks_at_the_system_and_at_a_mount() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|_| ());
    let output = env.run(&["doctor", "--json"], &["mnt"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of = |what: &str| findings.iter().find(|f| f["what"] == what).unwrap();
    for what in [
        "kernel",
        "fuse",
        "open files",
        "watches",
        "mount",
        "provider",
        "index",
        "source",
    ] {
        assert!(of(what)["message"].is_string(), "{what}");
    }
    assert_eq!(
        (&of("index")["state"], &of("source")["state"]),
        (&"ok".into(), &"ok".into())
    );
    assert!(
        findings
            .iter()
            .all(|f| (f["state"] == "ok") == f["hint"].is_null())
    );
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

/// One that has been asked and never answers, nor ends the connection.
#[test]
fn a_server_that_never_answers_does_not_keep_a_process_from_its_end() {
    let Some(env) = TestEnv::new() else { return };
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    env.settings(&format!(
        "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nmodel = \"m\"\non = \"listed\"\ntimeout = 3600\n\
         url = \"http://{}/v1\"\n",
        server.local_addr().unwrap()
    ));
    let daemon = env.mount(|_| ());
    assert!(env.path("mnt/all").read_dir().is_ok());
    let _asked = server.accept().unwrap();
    let log = daemon.stop();
    assert!(log.contains("no answer came before the end"), "{log}");
}

#[test]
fn a_mount_whose_socket_was_removed_is_waited_for_as_well() {
    let Some(env) = TestEnv::new() else { return };
    let daemon = env.mount(|_| ());
    let told = |name: &str| {
        let mut value = [0; 4096];
        let length = rustix::fs::getxattr(env.path("mnt"), name, &mut value).unwrap();
        std::path::PathBuf::from(String::from_utf8_lossy(&value[..length]).into_owned())
    };
    let index = told("user.kbasefs.catalog");
    std::fs::remove_file(told("user.kbasefs.socket")).unwrap();
    let unmounted = env.run(&["umount"], &["mnt"]);
    assert!(unmounted.status.success(), "{unmounted:?}");
    assert!(!kbasefs::app::is_in_use(&index), "{unmounted:?}");
    daemon.until_stopped();
}
