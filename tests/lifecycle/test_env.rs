//! A source, a mountpoint and a home of their own for every test, and the process that mounts.

use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

use crate::can_mount::can_mount;
use crate::isolated::isolated;
use crate::live_mount;
use crate::until::until;
use kbasefs::fuse::mounts;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kbasefs");

pub struct TestEnv {
    folder: tempfile::TempDir,
    /// Whose it is, where that isn't who runs the tests.
    user: Option<u32>,
}

/// A user of every system, who may not do much.
const NOBODY: u32 = 65534;

impl TestEnv {
    /// With one photo; `None` where nothing can be mounted.
    pub fn new() -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt", "elsewhere"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let env = Self { folder, user: None };
        env.photo("a.png", 1);
        Some(env)
    }

    /// Gives it to a user who mounts by fusermount3; `None` where nobody can be one.
    pub fn of_a_user(mut self) -> Option<Self> {
        let helper = Command::new("fusermount3").arg("-V").output();
        if helper.is_err() || !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be another user, who needs fusermount3");
            return None;
        }
        let mode = std::fs::metadata("/dev/fuse").unwrap().mode();
        if mode & 0o006 != 0o006 {
            eprintln!("skipped: users may not open /dev/fuse");
            return None;
        }
        self.user = Some(NOBODY);
        let mut give = Command::new("chown");
        give.args(["-R", &NOBODY.to_string()]).arg(self.path(""));
        assert!(give.status().unwrap().success());
        Some(self)
    }

    /// Gives a file to the user of this environment.
    pub fn own(&self, file: &Path) {
        if let Some(user) = self.user {
            std::os::unix::fs::chown(file, Some(user), None).unwrap();
        }
    }

    pub fn as_its_user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.user {
            Some(user) => command.uid(user).gid(user),
            None => command,
        }
    }

    /// Makes folders of tags, once it is mounted, by a process that may.
    pub fn make_tags(&self, tags: &[&str]) {
        let mut make = Command::new("mkdir");
        make.arg("-p");
        make.args(tags.iter().map(|tag| self.path("mnt/tags").join(tag)));
        assert!(self.as_its_user(&mut make).status().unwrap().success());
    }

    /// A mount whose process never says a word, on a folder of this environment.
    pub fn sick(&self, on: &str, fstype: &str, user: u32) -> Sick {
        let mut options = std::fs::File::options();
        let device = options.read(true).write(true).open("/dev/fuse").unwrap();
        let number = device.as_raw_fd();
        let data = format!("fd={number},rootmode=40000,user_id={user},group_id=0");
        let data = std::ffi::CString::new(data).unwrap();
        let point = self.path(on);
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("sick", &point, fstype, flags, &*data).unwrap();
        Sick { device, point }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn photo(&self, name: &str, look: u8) {
        self.picture(&format!("photos/{name}"), look);
    }

    pub fn picture(&self, path: &str, look: u8) {
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([look, 2, 3]));
        picture.save(self.path(path)).unwrap();
    }

    pub fn settings(&self, text: &str) {
        let file = self.path("home/.config/kbasefs/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.alone(Command::new(PROGRAM));
        command.args(args);
        command
    }

    /// With no settings but those of this environment.
    pub fn alone(&self, command: Command) -> Command {
        let mut command = isolated(command, &self.path("home"));
        self.as_its_user(&mut command);
        command
    }

    /// Runs a command to its end, which comes, with paths of this environment behind its arguments.
    pub fn run(&self, args: &[&str], paths: &[&str]) -> Output {
        let paths = paths.iter().map(|path| self.path(path));
        let mut command = self.command(args);
        command.args(paths).stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A daemon that it starts keeps neither of them.
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |from: &mut dyn Read| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            bytes
        };
        until(&format!("the end of {args:?}"), || {
            child.try_wait().unwrap().is_some()
        });
        Output {
            status: child.wait().unwrap(),
            stdout: read(&mut stdout),
            stderr: read(&mut stderr),
        }
    }

    /// Mounts in the foreground; live when this returns.
    pub fn mount(&self, prepare: impl FnOnce(&mut Command)) -> TestDaemon {
        self.mount_of("photos", prepare)
    }

    /// Mounts another folder than the usual one.
    pub fn mount_of(&self, source: &str, prepare: impl FnOnce(&mut Command)) -> TestDaemon {
        let mut command = self.command(&["mount", "-f"]);
        command.args([self.path(source), self.path("mnt")]);
        prepare(&mut command);
        start(&mut command).unwrap_or_else(|said| panic!("{said}"))
    }

    /// Mounts in a process that starts with few descriptors.
    pub fn mount_with_descriptors(&self, most: usize) -> TestDaemon {
        let mut shell = self.alone(Command::new("sh"));
        let limited = format!("ulimit -n {most} && exec \"$0\" mount -f \"$@\"");
        shell.args(["-c", &limited, PROGRAM]);
        shell.args([self.path("photos"), self.path("mnt")]);
        start(&mut shell).unwrap_or_else(|said| panic!("{said}"))
    }

    /// Mounts in a sandbox; `None` where the kernel has no Landlock.
    pub fn mount_in_sandbox(&self, more: &[&str]) -> Option<TestDaemon> {
        let mut command = self.command(&["mount", "-f", "-o", "sandbox"]);
        command.args(more);
        command.args([self.path("photos"), self.path("mnt")]);
        match start(&mut command) {
            Ok(daemon) => Some(daemon),
            Err(said) => {
                assert!(said.contains("this kernel has no Landlock"), "{said}");
                eprintln!("skipped: {said}");
                None
            }
        }
    }

    pub fn mounted(&self) -> Option<mounts::Mount> {
        mounts::at(&self.path("mnt")).unwrap()
    }

    pub fn until_unmounted(&self) {
        until("the unmounting", || self.mounted().is_none());
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // Most tests have unmounted.
        let _ = mounts::detach(&self.path("mnt"));
    }
}

/// A mount whose process never says a word, until it is dropped.
pub struct Sick {
    device: std::fs::File,
    point: PathBuf,
}

impl Drop for Sick {
    fn drop(&mut self) {
        // A test may have taken it away.
        let _ = mounts::detach(&self.point);
        let _ = &self.device;
    }
}

fn start(command: &mut Command) -> Result<TestDaemon, String> {
    let (child, log) = live_mount::start(command)?;
    Ok(TestDaemon {
        child,
        log: Some(log),
    })
}

/// A mount's process; killed when dropped.
pub struct TestDaemon {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl TestDaemon {
    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    /// Waits until nothing of it is left, which its end alone doesn't tell.
    pub fn until_over(&mut self) {
        until("the process's end", || {
            self.child.try_wait().unwrap().is_some()
        });
    }

    pub fn number(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether it was ended by a signal that it couldn't take.
    pub fn was_killed(&mut self) -> bool {
        let status = self.child.wait().unwrap();
        status.signal() == Some(Signal::KILL.as_raw())
    }

    /// Waits until it has ended by itself.
    pub fn until_stopped(mut self) {
        self.until_over();
    }

    /// Its ends of the kernel's connection, which stays open for as long as these do.
    pub fn fuse_descriptors(&self) -> Vec<OwnedFd> {
        let process = pidfd_open(pid(self.child.id()), PidfdFlags::empty()).unwrap();
        let all = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let of_fuse = all.flatten().filter(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|file| file == Path::new("/dev/fuse"))
        });
        let numbers = of_fuse.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap());
        numbers
            .map(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).unwrap())
            .collect()
    }

    /// Waits for its end: how it ended, and its log.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    /// Ends it as a service's end does; its log.
    pub fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let (status, log) = self.end();
        assert!(status.success(), "{log}");
        log
    }

    /// How many descriptors it holds.
    pub fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        open.unwrap().count()
    }

    /// Those of its children that take its mount away: one, as a rule.
    pub fn guards(&self) -> Vec<u32> {
        let mut all = self.children();
        all.retain(|&child| is_called_with(child, "guard"));
        all
    }

    /// Those of its children that decode for it.
    pub fn decode_workers(&self) -> Vec<u32> {
        decode_workers(self.child.id())
    }

    pub fn children(&self) -> Vec<u32> {
        children(self.child.id())
    }
}

pub fn decode_workers(process: u32) -> Vec<u32> {
    let mut all = children(process);
    all.retain(|&child| is_called_with(child, "decode-worker"));
    all
}

/// Whether a process is this program, for this part of its work.
fn is_called_with(process: u32, command: &str) -> bool {
    let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    words.split(|&byte| byte == 0).nth(1) == Some(command.as_bytes())
}

fn children(process: u32) -> Vec<u32> {
    // The process may have ended, and a thread may end meanwhile: neither has children any more.
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
    let all: Vec<_> = lists.collect();
    all.iter()
        .flat_map(|l| l.split_whitespace())
        .map(|p| p.parse().unwrap())
        .collect()
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        // It has ended, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap()).unwrap()
}

/// Entries of a folder, none where it is none.
pub fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// What a command said in vain, in lower case.
pub fn refusal(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(!output.status.success(), "{said}");
    said
}
