//! A home and photos for every test, and the program that is run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::isolated::isolated;

/// A home, a photo folder and a mountpoint, all gone in the end.
pub struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    pub fn new() -> Self {
        let env = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "photos/2019", "mnt"] {
            std::fs::create_dir_all(env.path(name)).unwrap();
        }
        let picture = |shade: u8| {
            image::RgbImage::from_fn(80, 60, |x, y| {
                image::Rgb([shade, (x * 3) as u8, (y * 4) as u8])
            })
        };
        picture(200)
            .save(env.path("photos/2019/IMG_1.jpg"))
            .unwrap();
        picture(20).save(env.path("photos/IMG_1.png")).unwrap();
        std::fs::copy(env.path("photos/IMG_1.png"), env.path("photos/copy.png")).unwrap();
        std::fs::write(
            env.path("photos/broken.jpg"),
            b"\xff\xd8\xff\xe0 no picture",
        )
        .unwrap();
        std::fs::write(env.path("photos/notes.txt"), "not a photo").unwrap();
        env
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Keeps the catalog at a place that tests know.
    pub fn settings_of_index(&self) {
        let file = self.path("home/.config/kbasefs/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = format!("catalog = {:?}\n", self.text("catalog.sqlite"));
        std::fs::write(file, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &self.path("home"));
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Runs what must be refused: the exit code and the one line that says why.
    pub fn refused(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        (output.status.code().unwrap(), error)
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // Most tests don't mount, or have unmounted.
        let _ = kbasefs::fuse::detach(&self.path("mnt"));
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
