//! A photo folder, mountpoints, and people with homes of their own, all gone in the end.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::can_mount::can_mount;
use crate::isolated::isolated;

pub struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    /// With photos `1.png` to `4.png` and two more in `sub`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env = Self { folder };
        for name in ["photos/sub/deep", "mnt", "second"] {
            std::fs::create_dir_all(env.path(name)).unwrap();
        }
        for (look, name) in ["1", "2", "3", "4", "sub/5", "sub/deep/6"]
            .iter()
            .enumerate()
        {
            env.photo(format!("photos/{name}.png"), look as u8);
        }
        env
    }

    /// As [`Self::new`] makes it; nothing where nothing can be mounted.
    pub fn with_mounts() -> Option<Self> {
        can_mount().then(Self::new)
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let root = self.folder.path().canonicalize().unwrap();
        root.join(name)
    }

    pub fn photo(&self, name: impl AsRef<Path>, look: u8) {
        let picture = image::RgbImage::from_fn(16, 12, |x, y| {
            image::Rgb([look.wrapping_mul(40), (x * 16) as u8, (y * 20) as u8])
        });
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture
            .save_with_format(path, image::ImageFormat::Png)
            .unwrap();
    }

    /// Somebody whose home is here.
    pub fn person(&self, name: &str) -> Person<'_> {
        Person {
            env: self,
            home: self.path(name),
            user: None,
        }
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        for name in ["mnt", "second"] {
            // Most tests have unmounted, or mount nothing.
            let _ = kbasefs::fuse::detach(&self.path(name));
        }
    }
}

pub struct Person<'a> {
    pub env: &'a TestEnv,
    pub home: PathBuf,
    /// Another user than the one who tests.
    pub user: Option<u32>,
}

impl Person<'_> {
    pub fn command(&self, args: &[&str]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &self.home);
        for (name, folder) in [("DATA", "data"), ("CACHE", "cache"), ("CONFIG", "config")] {
            command.env(format!("XDG_{name}_HOME"), self.home.join(folder));
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.args(args);
        command
    }

    /// Runs a command with paths behind its arguments: those of this environment, or absolute ones.
    pub fn run(&self, args: &[&str], paths: &[impl AsRef<OsStr>]) -> Output {
        let paths = paths.iter().map(|path| self.env.path(Path::new(path)));
        self.command(args).args(paths).output().unwrap()
    }

    pub fn ok(&self, args: &[&str], paths: &[impl AsRef<OsStr>]) -> String {
        let output = self.run(args, paths);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn json(&self, args: &[&str], paths: &[impl AsRef<OsStr>]) -> Value {
        let text = self.ok(args, paths);
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }

    /// What a command says that is refused.
    pub fn refused(&self, args: &[&str], paths: &[impl AsRef<OsStr>]) -> String {
        let output = self.run(args, paths);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args:?}: {output:?}");
        assert!(error.contains("hint: "), "{args:?}: {error}");
        error
    }

    /// The catalogs that are kept for this person.
    pub fn catalogs(&self) -> Vec<OsString> {
        let folders = std::fs::read_dir(self.home.join("data/kbasefs"));
        let folders = folders.into_iter().flatten().map(|e| e.unwrap());
        let mut names: Vec<_> = folders.map(|e| e.file_name()).collect();
        names.sort();
        names
    }

    /// The names of a photo's tags.
    pub fn tags(&self, photo: impl AsRef<Path>) -> String {
        let known = self.json(&["show", "--json"], &[photo.as_ref()]);
        let tags = known["tags"].as_array().unwrap().iter();
        let human = tags.filter(|t| t["origin"] == "human");
        let names: Vec<_> = human.map(|t| t["name"].as_str().unwrap()).collect();
        names.join(" ")
    }
}

/// Whatever is in a folder, with its sizes and times: nothing where there is none.
pub fn everything(folder: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
        }
    }
    found
}

/// The names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: this needs root");
    }
    root
}

/// Shows a folder at a second place.
pub struct Bound(PathBuf);

impl Bound {
    pub fn new(from: &Path, to: &Path) -> Self {
        std::fs::create_dir_all(to).unwrap();
        rustix::mount::mount_bind(from, to).unwrap();
        Self(to.into())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let flags = rustix::mount::UnmountFlags::DETACH;
        // A test that fails is told of by its own panic.
        let _ = rustix::mount::unmount(&self.0, flags);
    }
}
