//! A panic in any thread ends the process, with a message, and the guard takes the mount away: no mount is left that
//! answers nothing.

use std::process::Command;

use crate::test_env::TestEnv;
use crate::until::until;

/// Panics at a place of the program when `provoke` is done, by another process.
fn check(place: &str, provoke: &str) -> Option<TestEnv> {
    let env = TestEnv::new()?;
    let begin = env.path("begin");
    let mut daemon = env.mount(|command| {
        command.env("KBASEFS_FAULTS", format!("panic-{place}"));
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    env.make_tags(&["one"]);
    env.picture("elsewhere/new.png", 3);
    std::fs::write(&begin, "").unwrap();
    let mut user = env.alone(Command::new("sh"));
    user.args(["-c", provoke]).env("env", env.path(""));
    user.env("kbasefs", env!("CARGO_BIN_EXE_kbasefs"));
    let mut user = user.spawn().unwrap();
    let (status, log) = daemon.end();
    assert_eq!(status.code(), Some(101), "{log}");
    assert!(log.contains(&format!("asked for: {place}")), "{log}");
    env.until_unmounted();
    until("the user's end", || user.try_wait().unwrap().is_some());
    env.mount(|_| ()).stop();
    Some(env)
}

#[test]
fn in_a_thread_that_answers_the_kernel() {
    check("session", "stat $env/mnt/all/nothing");
}

#[test]
fn in_the_thread_that_tells_the_kernel() {
    check("notify", "ln $env/mnt/all/a.png $env/mnt/tags/one/x");
}

#[test]
fn in_a_thread_that_edits() {
    check("edit", "mkdir $env/mnt/tags/two");
}

#[test]
fn in_the_thread_that_follows_the_source() {
    check("follow", "cp $env/elsewhere/new.png $env/photos/");
}

#[test]
fn in_the_thread_that_commits_results() {
    check(
        "committer",
        "cp $env/elsewhere/new.png $env/photos/; ls $env/mnt/all",
    );
}

/// The change is in the catalog, however far it had come with telling anybody.
#[test]
fn in_the_middle_of_a_commit_loses_nothing() {
    for place in ["commit", "index", "indexed"] {
        let Some(env) = check(place, "mkdir $env/mnt/tags/two") else {
            return;
        };
        let daemon = env.mount(|_| ());
        assert!(env.path("mnt/tags/two").is_dir(), "{place}");
        daemon.stop();
    }
}

#[test]
fn in_a_thread_that_answers_commands() {
    check("api", "$kbasefs status $env/mnt");
}

#[test]
fn in_the_network_costs_no_more_than_the_photo() {
    let Some(env) = TestEnv::new() else { return };
    let begin = env.path("begin");
    let daemon = env.mount(|command| {
        command.env("KBASEFS_FAULTS", "panic-network");
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    std::fs::write(&begin, "").unwrap();
    let photo = env.path("mnt/all/a.png");
    let attribute = |name: &str| {
        let mut get = env.alone(Command::new("getfattr"));
        let output = get.args(["--only-values", "-n", name]).arg(&photo).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(attribute("user.kbasefs.description"), "");
    let status = attribute("user.kbasefs.status");
    assert!(status.starts_with("failed: it broke down"), "{status}");
    daemon.stop();
}
