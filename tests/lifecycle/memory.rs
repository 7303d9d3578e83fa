//! The kernel kills a process when memory is short: the guard stays, and takes its mount away.

use std::fs;
use std::path::{Path, PathBuf};

use crate::busy::{Busy, EDITS};
use crate::test_env::TestEnv;

/// Enough for a guard.
const LIMIT: &str = "33554432";

/// A control group with little memory, of one version or the other.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Self> {
        let name = format!("kbasefs-test-{}", std::process::id());
        let (old, new) = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup");
        let is_new = Path::new(new).join("cgroup.subtree_control").exists();
        let folder = Path::new(if is_new { new } else { old }).join(name);
        if let Err(e) = fs::create_dir(&folder) {
            eprintln!(
                "skipped: no control group can be made: {}: {e}",
                folder.display()
            );
            return None;
        }
        let group = Self(folder);
        if !group.limit().exists() {
            eprintln!("skipped: control groups don't limit memory here");
            return None;
        }
        Some(group)
    }

    fn limit(&self) -> PathBuf {
        let names = ["memory.max", "memory.limit_in_bytes"].map(|name| self.0.join(name));
        let [new, old] = names;
        if new.exists() { new } else { old }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever was in it is gone, or in its parent's.
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn killed_for_memory_while_programs_edit() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root makes control groups");
        return;
    }
    let Some(env) = TestEnv::new() else { return };
    let Some(group) = Group::new() else { return };
    let mut daemon = env.mount(|_| ());
    env.make_tags(&["one", "two"]);
    env.photo("b.png", 2);
    let busy = Busy::start(&env, EDITS);
    busy.until_rounds(6);
    // What they have by now counts for the group that they were in.
    fs::write(group.limit(), LIMIT).unwrap();
    let members = group.0.join("cgroup.procs");
    let all = daemon.children().into_iter().chain([daemon.number()]);
    all.for_each(|process| fs::write(&members, process.to_string()).unwrap());
    for number in 0..64 {
        let picture = image::RgbImage::from_pixel(2000, 2000, image::Rgb([number, 2, 3]));
        picture
            .save(env.path(&format!("photos/large{number}.bmp")))
            .unwrap();
        if daemon.has_ended() {
            break;
        }
    }
    daemon.until_over();
    env.until_unmounted();
    busy.end();
    assert!(daemon.was_killed(), "by the kernel");
}
