//! Files of an index that somebody removes while a process uses them.

use std::fs;

use rustix::fs::{XattrFlags, setxattr};

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, settled};

struct Mounted(TestEnv);

impl Mounted {
    fn new() -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let mounted = Self(settled());
        mounted.mount();
        Some(mounted)
    }

    fn mount(&self) {
        let ended = self.run("mount");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
    }

    fn run(&self, command: &str) -> std::process::Output {
        let (photos, mnt) = (self.0.path("photos"), self.0.path("mnt"));
        let mnt = mnt.to_str().unwrap();
        match command {
            "umount" => self.0.run(&["umount", mnt]),
            "scan" => self.0.run(&["scan", photos.to_str().unwrap()]),
            other => self.0.run(&[other, photos.to_str().unwrap(), mnt]),
        }
    }

    fn tag(&self, photo: &str, tag: &str) {
        let at = self.0.path("mnt/all").join(photo);
        setxattr(&at, "user.xdg.tags", tag.as_bytes(), XattrFlags::empty()).unwrap();
    }

    /// To whoever asks for its state, or what is wrong.
    fn says_that_it_was_put_back(&self) -> bool {
        let says = |command: &[&str], word: &str| {
            let photos = self.0.path("photos");
            let said = self.0.run(&[command, &[photos.to_str().unwrap()]].concat());
            String::from_utf8_lossy(&said.stdout).contains(word)
        };
        says(&["status", "--json"], "\"put_back\":\"2") && says(&["doctor"], "and put back at")
    }

    fn is_tagged(&self, photo: &str, tag: &str) -> bool {
        let below = self.0.path("mnt/tags").join(tag).join(photo);
        below.exists()
    }

    fn remove(&self, ends: &[&str]) {
        for end in ends {
            // Not all of them are there.
            let _ = fs::remove_file(self.0.path("index").join(format!("catalog{end}")));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A test that failed left it mounted, or twice.
        let _ = self.run("umount");
        let _ = kbasefs::fuse::mounts::detach(&self.0.path("home/other"));
    }
}

const INDEX: [&str; 3] = [".sqlite", ".sqlite-wal", ".sqlite-shm"];

#[test]
fn an_edit_after_the_index_was_removed_is_there_after_the_next_mount() {
    let Some(mounted) = Mounted::new() else {
        return;
    };
    for (n, ends) in [&INDEX[..], &INDEX[..1], &INDEX[1..2], &INDEX[2..]]
        .iter()
        .enumerate()
    {
        let tag = format!("after {n}");
        mounted.remove(ends);
        mounted.tag("1.png", &tag);
        assert!(mounted.0.index().exists(), "{ends:?}");
        assert!(mounted.says_that_it_was_put_back(), "{ends:?}");
        assert!(mounted.run("umount").status.success());
        mounted.mount();
        assert!(mounted.is_tagged("1.png", &tag), "{ends:?}");
        assert!(mounted.is_tagged("2.png", "tag 2"), "{ends:?}");
    }
}

/// What nobody can read any more can't be put back. Whoever edits learns it, and so does who asks what is wrong.
#[test]
fn an_edit_after_the_index_was_emptied_is_kept_or_refused_and_that_is_said() {
    let Some(mounted) = Mounted::new() else {
        return;
    };
    let index = fs::File::options().write(true).open(mounted.0.index());
    index.unwrap().set_len(0).unwrap();
    let at = mounted.0.path("mnt/all/1.png");
    let edited = setxattr(&at, "user.xdg.tags", b"after", XattrFlags::empty());
    let photos = mounted.0.path("photos");
    let status = mounted
        .0
        .run(&["status", "--json", photos.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&status.stdout);
    assert!(said.contains("\"recovered\":\"2"), "{said}");
    assert!(mounted.run("umount").status.success());
    mounted.mount();
    assert_eq!(mounted.is_tagged("1.png", "after"), edited.is_ok());
}

#[test]
fn an_index_that_is_removed_at_the_end_is_put_back() {
    let Some(mounted) = Mounted::new() else {
        return;
    };
    mounted.remove(&INDEX);
    assert!(mounted.run("umount").status.success());
    assert!(mounted.0.index().exists());
    mounted.mount();
    assert!(mounted.is_tagged("2.png", "tag 2"));
}

/// Whatever is removed beside it, and itself: nobody else opens the catalog.
#[test]
fn a_catalog_in_use_is_not_opened_twice() {
    let Some(mounted) = Mounted::new() else {
        return;
    };
    let all = [&INDEX[..], &[".lock", ".sock"]].concat();
    for ends in [&[".lock"][..], &[".sock"], &INDEX, &all] {
        mounted.remove(ends);
        let (photos, other) = (mounted.0.path("photos"), mounted.0.path("home/other"));
        fs::create_dir_all(&other).unwrap();
        let [photos, other] = [photos.to_str().unwrap(), other.to_str().unwrap()];
        let second = mounted.0.run(&["mount", photos, other]);
        let said = String::from_utf8_lossy(&second.stderr);
        // Without a socket to ask at, the mount itself says that somebody has the catalog.
        let is_refused = said.contains("in use") || said.contains("doesn't answer");
        assert!(!second.status.success() && is_refused, "{ends:?}: {said}");
        mounted.tag("3.png", "meanwhile");
        assert!(mounted.0.index().exists(), "{ends:?}");
    }
    assert!(mounted.run("umount").status.success());
    // Without a socket to ask at, nobody knows whom to wait for.
    while kbasefs::app::is_in_use(&mounted.0.index()) {
        std::thread::yield_now();
    }
    mounted.mount();
    assert!(mounted.is_tagged("3.png", "meanwhile"));
}
