//! What happens in the source of a mount shows in it.

use std::path::PathBuf;
use std::time::Instant;

use rustix::process::Signal;

use crate::test_env::{TestEnv, count};
use crate::until::until;

/// A process that is stopped takes no events in, and the system keeps only so many.
#[test]
fn what_happens_while_nobody_listens_shows_all_the_same() {
    let Some(env) = TestEnv::new() else { return };
    let kept = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let kept: usize = kept.trim().parse().unwrap();
    let mut daemon = env.mount(|_| ());
    until("the first", || count(&env.path("mnt/all")) == 1);
    daemon.signal(Signal::STOP);
    std::fs::write(env.path("photos/b.txt"), "no picture").unwrap();
    for n in 0..=kept.min(100_000) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        let name = ["photos/a.png", "photos/b.txt"][n % 2];
        std::fs::set_permissions(env.path(name), mode).unwrap();
    }
    for n in 0..2_000_u32 {
        let [_, r, g, b] = n.to_be_bytes();
        let picture = image::RgbImage::from_pixel(2, 2, image::Rgb([r, g, b]));
        picture.save(env.path(&format!("photos/{n}.bmp"))).unwrap();
    }
    daemon.signal(Signal::CONT);
    until("all of them", || count(&env.path("mnt/all")) == 2_001);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success());
    assert!(log.contains("more happened in the source than the system keeps") || kept > 100_000);
}

/// By the kernel's own cache where a user mounts, by the original where root does.
#[test]
fn a_photo_that_was_rewritten_with_its_time_put_back_is_read_anew() {
    let Some(env) = TestEnv::new() else { return };
    assert_read_anew(env);
    if let Some(env) = TestEnv::new().and_then(TestEnv::of_a_user) {
        assert_read_anew(env);
    }
}

fn assert_read_anew(env: TestEnv) {
    for copy in ["a.bmp", "b.bmp"] {
        env.photo(copy, 7);
        env.own(&env.path("photos").join(copy));
    }
    let original = env.path("photos/a.bmp");
    let daemon = env.mount(|_| ());
    let photo = env.path("mnt/all/a.bmp");
    let hash = || {
        let mut value = [0; 64];
        let read = rustix::fs::getxattr(&photo, "user.kbasefs.hash", &mut value);
        read.map_or(Vec::new(), |_| value.to_vec())
    };
    until("a hash", || !hash().is_empty());
    for look in [8, 9] {
        // Its bytes are in the cache of the kernel.
        let before = std::fs::read(&photo).unwrap();
        let (known, time) = (hash(), original.metadata().unwrap().modified().unwrap());
        env.photo("c.bmp", look);
        let bytes = std::fs::read(env.path("photos/c.bmp")).unwrap();
        assert_eq!(bytes.len(), before.len());
        std::fs::write(&original, &bytes).unwrap();
        let file = std::fs::File::options().write(true).open(&original);
        file.unwrap().set_modified(time).unwrap();
        until("its bytes", || std::fs::read(&photo).unwrap() == bytes);
        until("its hash", || ![&known, &vec![]].contains(&&hash()));
        assert_eq!(std::fs::read(&photo).unwrap(), bytes);
    }
    daemon.stop();
}

/// From the end of a change in the source until programs see it in every view. `KBASEFS_LONG=1` makes 200 changes.
#[test]
fn a_change_of_the_source_shows_in_every_view() {
    let Some(env) = TestEnv::new() else { return };
    let changes: u8 = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 200,
        None => 4,
    };
    let mut daemon = env.mount(|_| ());
    let views = ["all", "recent", "by-type/png"].map(|view| env.path("mnt").join(view));
    let shown = |name: &str| {
        let has = |view: &&PathBuf| {
            let mut all = std::fs::read_dir(view).into_iter().flatten();
            all.any(|entry| entry.is_ok_and(|e| e.file_name() == name))
        };
        views.iter().filter(has).count()
    };
    until("the first", || shown("a.png") == 3);
    let mut took = Vec::new();
    for n in 0..changes {
        let (name, before) = (format!("{n}.png"), format!("{}.png", n.wrapping_sub(1)));
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([n, 9, 9]));
        picture.save(env.path("photos").join(&name)).unwrap();
        let began = Instant::now();
        until("a new file", || shown(&name) == 3);
        took.push(began.elapsed());
        if n > 0 {
            std::fs::remove_file(env.path("photos").join(&before)).unwrap();
            let began = Instant::now();
            until("a deletion", || shown(&before) == 0);
            took.push(began.elapsed());
        }
    }
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "{} changes show after: p50 {:?}, p99 {:?}, at most {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

#[test]
fn a_source_that_the_kernel_tells_nothing_of_any_more_is_looked_at_again_and_again() {
    let Some(env) = TestEnv::new() else { return };
    env.settings("watch_interval_s = 1.0\n");
    let begin = env.path("begin");
    let daemon = env.mount(|command| {
        command.env("KBASEFS_FAULTS", "inotify-error");
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    std::fs::write(&begin, "").unwrap();
    for (name, look) in [("b.png", 2), ("c.png", 3)] {
        env.photo(name, look);
        until("the new photo", || env.path("mnt/all").join(name).exists());
    }
    let status = env.run(&["status", "--json"], &["mnt"]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("\"polling\":true"), "{status}");
    let log = daemon.stop();
    assert!(
        log.contains("inotify: ") && log.contains("instead"),
        "{log}"
    );
}
