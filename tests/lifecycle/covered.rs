//! Something else is mounted over a mount, or in it: that is somebody's, and stays. The mount goes when it can.

use std::path::Path;

use kbasefs::fuse::mounts;
use rustix::mount::{MountFlags, mount};
use rustix::process::Signal;

use crate::test_env::{TestEnv, refusal};
use crate::until::until;

/// Somebody's file system in RAM with a file in it, until it is dropped.
struct Foreign<'a>(&'a Path);

impl<'a> Foreign<'a> {
    fn on(path: &'a Path) -> Self {
        mount("none", path, "tmpfs", MountFlags::empty(), None).unwrap();
        std::fs::write(path.join("precious"), "").unwrap();
        Self(path)
    }

    fn check(&self) {
        assert!(self.0.join("precious").exists());
    }
}

impl Drop for Foreign<'_> {
    fn drop(&mut self) {
        mounts::detach(self.0).unwrap();
    }
}

fn env() -> Option<TestEnv> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root mounts without a process");
        return None;
    }
    TestEnv::new()
}

fn check_end(signal: Signal, over: &str) -> Option<String> {
    let env = env()?;
    let mut daemon = env.mount(|_| ());
    env.make_tags(&["one"]);
    let (point, over) = (env.path("mnt"), env.path(over));
    let foreign = Foreign::on(&over);
    daemon.signal(signal);
    let (status, log) = daemon.end();
    assert_eq!(status.success(), signal == Signal::TERM, "{log}");
    foreign.check();
    assert!(mounts::ours_at(&point).unwrap().is_some(), "{log}");
    drop(foreign);
    until("the mount's end", || {
        mounts::ours_at(&point).unwrap().is_none()
    });
    env.mount(|_| ()).stop();
    Some(log)
}

#[test]
fn what_lies_over_a_mount_outlives_its_end() {
    let Some(log) = check_end(Signal::TERM, "mnt") else {
        return;
    };
    assert!(log.contains("tmpfs is mounted on"), "{log}");
}

#[test]
fn what_lies_over_a_mount_outlives_a_kill() {
    check_end(Signal::KILL, "mnt");
}

#[test]
fn what_is_mounted_within_a_mount_outlives_its_end() {
    check_end(Signal::TERM, "mnt/tags/one");
}

#[test]
fn umount_names_what_lies_over_a_mount_and_takes_nothing_away() {
    let Some(env) = env() else { return };
    let daemon = env.mount(|_| ());
    let point = env.path("mnt");
    let foreign = Foreign::on(&point);
    let said = refusal(&env.run(&["umount"], &["mnt"]));
    assert!(said.contains("tmpfs is mounted over the kbasefs"), "{said}");
    foreign.check();
    drop(foreign);
    assert!(env.mounted().unwrap().is_ours());
    daemon.stop();
}

#[test]
fn what_is_mounted_where_a_mount_was_outlives_its_process() {
    let Some(env) = env() else { return };
    let mut daemon = env.mount(|_| ());
    let point = env.path("mnt");
    daemon.signal(Signal::STOP);
    mounts::detach(&point).unwrap();
    let foreign = Foreign::on(&point);
    daemon.signal(Signal::CONT);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    foreign.check();
}
