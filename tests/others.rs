//! Mounts of and for people who aren't root. Needs root, to be others; skipped where it isn't.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "common/isolated.rs"]
mod isolated;

use isolated::isolated;

/// `nobody`, on every system: fusermount3 wants a name.
const ANYBODY: u32 = 65_534;

struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    /// With photos that everybody may read, one of them in a folder that is closed.
    fn new() -> Option<Self> {
        if !Path::new("/dev/fuse").exists() || !rustix::process::geteuid().is_root() {
            eprintln!("skipped: this needs /dev/fuse and root");
            return None;
        }
        let env = Self {
            folder: tempfile::tempdir_in("/tmp").unwrap(),
        };
        for name in ["", "home", "photos", "photos/closed", "mnt"] {
            std::fs::create_dir_all(env.path(name)).unwrap();
            env.open(name, 0o755);
        }
        for name in [
            "photos/open.png",
            "photos/private.png",
            "photos/closed/in.png",
        ] {
            let seed = u8::try_from(name.len()).unwrap();
            let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([seed, 2, 3]));
            picture.save(env.path(name)).unwrap();
            env.open(name, 0o644);
        }
        env.bring_the_program();
        env.open("photos/private.png", 0o600);
        env.open("photos/closed", 0o700);
        Some(env)
    }

    /// Where others may run it. By a program of its own: a file that this process holds open for
    /// writing is held, for a moment, by what another test starts meanwhile, and can't be run.
    fn bring_the_program(&self) {
        let mut copy = Command::new("cp");
        let program = env!("CARGO_BIN_EXE_kbasefs");
        let copied = copy.arg(program).arg(self.path("kbasefs")).status();
        assert!(copied.unwrap().success());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn kbasefs(&self, args: &[&str]) -> Command {
        let mut command = isolated(Command::new(self.path("kbasefs")), &self.path("home"));
        command.current_dir("/").args(args);
        command
    }

    fn mount(&self, options: &str) {
        let mut command = self.kbasefs(&["mount", "-o", options]);
        let output = command
            .arg(self.path("photos"))
            .arg(self.path("mnt"))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn unmount(&self) {
        let output = self
            .kbasefs(&["umount"])
            .arg(self.path("mnt"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Whether anybody can read a file of the mount.
    fn reads(&self, name: &str) -> bool {
        as_anybody(Command::new("cat").arg(self.path("mnt").join(name)))
            .status
            .success()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // A test that didn't fail has unmounted.
        let _ = kbasefs::fuse::detach(&self.path("mnt"));
    }
}

fn as_anybody(command: &mut Command) -> Output {
    use std::os::unix::process::CommandExt;
    command.uid(ANYBODY).gid(ANYBODY).output().unwrap()
}

#[test]
fn nobody_reads_through_the_mount_what_is_closed_in_the_source() {
    let Some(env) = TestEnv::new() else { return };
    env.mount("rw");
    assert!(env.reads("all/open.png") && env.reads("by-type/png/open.png"));
    assert!(!env.reads("all/private.png") && !env.reads("by-type/png/private.png"));
    assert!(!env.reads("all/closed/in.png") && !env.reads("by-type/png/in.png"));
    env.open("photos/closed", 0o755);
    let began = std::time::Instant::now();
    while !env.reads("by-type/png/in.png") {
        assert!(
            began.elapsed().as_secs() < 60,
            "a folder that was opened is open"
        );
    }
    env.unmount();
}

#[test]
fn a_closed_source_is_for_its_owner_unless_the_mount_says_otherwise() {
    let Some(env) = TestEnv::new() else { return };
    env.open("photos", 0o700);
    env.mount("rw");
    assert!(!env.reads("all/open.png"));
    assert!(std::fs::read(env.path("mnt/all/open.png")).is_ok());
    env.unmount();
    env.mount("allow_other");
    assert!(env.reads("all/open.png") && !env.reads("all/private.png"));
    env.unmount();
}

#[test]
fn owners_and_permissions_can_be_given() {
    use std::os::unix::fs::MetadataExt;
    let Some(env) = TestEnv::new() else { return };
    env.mount(&format!("allow_other,uid={ANYBODY},gid=7,umask=077"));
    for name in ["all/private.png", "tags", ""] {
        let stat = env.path("mnt").join(name).metadata().unwrap();
        let shown = (stat.uid(), stat.gid(), stat.mode() & 0o777);
        assert_eq!(shown, (ANYBODY, 7, 0o700), "{name}");
    }
    assert!(env.reads("all/private.png"));
    env.unmount();
}

#[test]
fn anybody_can_mount_what_they_may_read() {
    let Some(env) = TestEnv::new() else { return };
    let for_all = std::fs::metadata("/dev/fuse").unwrap().mode() & 0o006 == 0o006;
    if !for_all || Command::new("fusermount3").arg("-V").output().is_err() {
        eprintln!("skipped: this needs fusermount3 and a /dev/fuse for everybody");
        return;
    }
    use std::os::unix::fs::MetadataExt;
    for name in ["home", "mnt"] {
        std::os::unix::fs::chown(env.path(name), Some(ANYBODY), Some(ANYBODY)).unwrap();
    }
    let mut mount = env.kbasefs(&["mount"]);
    let mount = as_anybody(mount.arg(env.path("photos")).arg(env.path("mnt")));
    assert!(mount.status.success(), "{mount:?}");
    assert!(env.reads("all/open.png") && env.reads("by-type/png/open.png"));
    assert!(!env.reads("all/private.png") && !env.reads("all/closed/in.png"));
    let index = env.path("home/.local/share/kbasefs");
    assert_eq!(index.metadata().unwrap().mode() & 0o777, 0o700);
    // Not even root looks into what somebody else mounted.
    assert!(std::fs::read_dir(env.path("mnt")).is_err());
    let umount = as_anybody(env.kbasefs(&["umount"]).arg(env.path("mnt")));
    assert!(umount.status.success(), "{umount:?}");
}
