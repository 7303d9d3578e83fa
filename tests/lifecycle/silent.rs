//! Mounts that don't answer: every command says so, within a moment, and none is touched that is somebody else's.

use rustix::process::Signal;

use crate::test_env::{TestEnv, refusal};

fn said(output: &std::process::Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_stopped_process_is_told_of_and_its_mount_can_be_taken_away() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|_| ());
    daemon.signal(Signal::STOP);
    for (args, paths) in [
        (&["status"][..], &[][..]),
        (&["status"], &["mnt"]),
        (&["status"], &["photos"]),
        (&["show"], &["mnt/all/a.png"]),
        (&["log"], &["mnt"]),
        (&["mount"], &["photos", "mnt"]),
    ] {
        let said = refusal(&env.run(args, paths));
        assert!(
            said.contains("doesn't answer"),
            "{args:?} {paths:?}: {said}"
        );
        assert!(said.contains("hint: "), "{said}");
    }
    let doctor = said(&env.run(&["doctor"], &["mnt"]));
    assert!(doctor.contains("doesn't answer"), "{doctor}");
    let unmounted = env.run(&["umount"], &["mnt"]);
    assert!(unmounted.status.success(), "{unmounted:?}");
    assert!(
        said(&unmounted).contains("ends when it goes on"),
        "{unmounted:?}"
    );
    assert_eq!(env.mounted(), None);
    daemon.signal(Signal::CONT);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
}

/// One that never says a word: whoever looks into it waits for ever.
#[test]
fn sick_mounts_of_others_are_not_touched() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root mounts without a process");
        return;
    }
    let Some(env) = TestEnv::new() else { return };
    for (fstype, user) in [("fuse.other", 0), ("fuse", 0), ("fuse.kbasefs", 1234)] {
        let sick = env.sick("elsewhere", fstype, user);
        let daemon = env.mount(|_| ());
        for (args, paths) in [
            (&["status"][..], &[][..]),
            (&["status"], &["mnt"]),
            (&["doctor", "--json"], &["mnt"]),
            (&["show"], &["mnt/all/a.png"]),
            (&["umount"], &["mnt"]),
        ] {
            let output = env.run(args, paths);
            let told = said(&output);
            assert!(!told.contains("elsewhere"), "{fstype} {args:?}: {told}");
            // What else root has mounted may be dead.
            let is_of_all = paths.is_empty() || args[0] == "doctor";
            assert!(output.status.success() || is_of_all, "{told}");
        }
        daemon.until_stopped();
        let refused = refusal(&env.run(&["mount"], &["photos", "elsewhere"]));
        assert!(refused.contains("is mounted there"), "{refused}");
        drop(sick);
    }
}

#[test]
fn a_sick_mount_of_ones_own_is_told_of() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root mounts without a process");
        return;
    }
    let Some(env) = TestEnv::new() else { return };
    let _sick = env.sick("mnt", "fuse.kbasefs", 0);
    for args in [["status"], ["doctor"]] {
        let told = said(&env.run(&args, &["mnt"]));
        assert!(told.contains("doesn't answer"), "{args:?}: {told}");
    }
    assert!(env.run(&["umount"], &["mnt"]).status.success());
    assert_eq!(env.mounted(), None);
}

#[test]
fn a_mount_within_its_source_by_another_name_is_refused() {
    let Some(env) = TestEnv::new() else { return };
    std::fs::create_dir(env.path("photos/mnt")).unwrap();
    let (photos, elsewhere) = (env.path("photos"), env.path("elsewhere"));
    let flags = rustix::mount::MountFlags::BIND;
    let bound = rustix::mount::mount(&photos, &elsewhere, "", flags, None);
    if bound.is_err() {
        eprintln!("skipped: only root may bind a folder");
        return;
    }
    let output = env.run(&["mount"], &["elsewhere", "photos/mnt"]);
    kbasefs::fuse::detach(&elsewhere).unwrap();
    assert!(
        refusal(&output).contains("contain each other"),
        "{output:?}"
    );
}

#[test]
fn a_process_neither_reads_nor_writes_in_its_own_mount() {
    let Some(env) = TestEnv::new() else { return };
    let daemon = env.mount(|_| ());
    for command in ["export", "import"] {
        let args = [command, "--format", "json"];
        let said = refusal(&env.run(&args, &["mnt", "mnt/tags/new"]));
        assert!(said.contains("in the mount"), "{command}: {said}");
    }
    daemon.stop();
}

#[test]
fn a_mount_on_its_own_files_is_refused() {
    let Some(env) = TestEnv::new() else { return };
    let index = env.path("mnt/index.sqlite");
    let index = ["mount", "--catalog", index.to_str().unwrap()];
    for sandbox in [&[][..], &["--sandbox"]] {
        let args = [&index[..], sandbox].concat();
        let said = refusal(&env.run(&args, &["photos", "mnt"]));
        assert!(said.contains("would be in"), "{said}");
    }
    assert_eq!(env.mounted(), None);
}
