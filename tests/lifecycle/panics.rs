//! A panic in any thread ends the process, with a message, and the guard takes the mount away: no mount is left that
//! answers nothing.

use std::process::Command;

use crate::house::{House, until};

/// Panics at a place of the program when `provoke` is done, by another process.
fn check(place: &str, provoke: &str) -> Option<House> {
    let house = House::new()?;
    let begin = house.path("begin");
    let mut daemon = house.mount(|command| {
        command.env("KBASEFS_FAULTS", format!("panic-{place}"));
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    house.make_tags(&["one"]);
    house.picture("elsewhere/new.png", 3);
    std::fs::write(&begin, "").unwrap();
    let mut user = house.alone(Command::new("sh"));
    user.args(["-c", provoke]).env("house", house.path(""));
    user.env("kbasefs", env!("CARGO_BIN_EXE_kbasefs"));
    let mut user = user.spawn().unwrap();
    let (status, log) = daemon.end();
    assert_eq!(status.code(), Some(101), "{log}");
    assert!(log.contains(&format!("asked for: {place}")), "{log}");
    house.until_unmounted();
    until("the user's end", || user.try_wait().unwrap().is_some());
    house.mount(|_| ()).stop();
    Some(house)
}

#[test]
fn in_a_thread_that_answers_the_kernel() {
    check("session", "stat $house/mnt/all/nothing");
}

#[test]
fn in_the_thread_that_tells_the_kernel() {
    check("notify", "ln $house/mnt/all/a.png $house/mnt/tags/one/x");
}

#[test]
fn in_a_thread_that_edits() {
    check("edit", "mkdir $house/mnt/tags/two");
}

#[test]
fn in_the_thread_that_follows_the_source() {
    check("follow", "cp $house/elsewhere/new.png $house/photos/");
}

#[test]
fn in_the_thread_that_commits_results() {
    check(
        "committer",
        "cp $house/elsewhere/new.png $house/photos/; ls $house/mnt/all",
    );
}

/// The change is in the catalog, however far it had come with telling anybody.
#[test]
fn in_the_middle_of_a_commit_loses_nothing() {
    for place in ["commit", "index", "indexed"] {
        let Some(house) = check(place, "mkdir $house/mnt/tags/two") else {
            return;
        };
        let daemon = house.mount(|_| ());
        assert!(house.path("mnt/tags/two").is_dir(), "{place}");
        daemon.stop();
    }
}

#[test]
fn in_a_thread_that_answers_commands() {
    check("api", "$kbasefs status $house/mnt");
}

#[test]
fn in_the_network_costs_no_more_than_the_photo() {
    let Some(house) = House::new() else { return };
    let begin = house.path("begin");
    let daemon = house.mount(|command| {
        command.env("KBASEFS_FAULTS", "panic-network");
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    std::fs::write(&begin, "").unwrap();
    let photo = house.path("mnt/all/a.png");
    let attribute = |name: &str| {
        let mut get = house.alone(Command::new("getfattr"));
        let output = get.args(["--only-values", "-n", name]).arg(&photo).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(attribute("user.kbasefs.description"), "");
    let status = attribute("user.kbasefs.status");
    assert!(status.starts_with("failed: it broke down"), "{status}");
    daemon.stop();
}
