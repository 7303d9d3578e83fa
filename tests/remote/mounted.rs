//! A mount of the real program whose photos are described by a server.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use image::{Rgb, RgbImage};
use rustix::fs::getxattr;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::can_mount::can_mount;
use crate::durability::kbasefs;
use crate::live_mount;
use crate::server::Server;

/// A mounted folder of photos with a provider on a server.
pub struct Catalog {
    pub home: tempfile::TempDir,
    daemon: Option<Child>,
    log: Option<std::thread::JoinHandle<String>>,
    /// Who asks, if not the one who mounts.
    user: Option<u32>,
}

impl Catalog {
    /// `folders` of so many photos each; `provider` and `settings` in the words of the configuration. `None` where
    /// nothing can be mounted.
    pub fn mount<'a>(
        server: impl Into<Option<&'a Server>>,
        folders: &[(&str, usize)],
        settings: &str,
        user: Option<u32>,
    ) -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        for (folder, count) in folders {
            fill(&home.path().join("photos").join(folder), *count);
        }
        std::fs::create_dir(home.path().join("mnt")).unwrap();
        let (top, provider) = settings.split_once('|').unwrap_or((settings, ""));
        let mut config = format!("watch = \"off\"\n{top}\n");
        if let Some(server) = server.into() {
            let table = "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nmodel = \"m\"";
            config += &format!("{table}\nurl = \"{}\"\n{provider}\n", server.url);
        }
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let mut catalog = Self {
            home,
            daemon: None,
            log: None,
            user,
        };
        std::fs::set_permissions(catalog.home.path(), PermissionsExt::from_mode(0o755)).unwrap();
        catalog.start();
        Some(catalog)
    }

    pub fn start(&mut self) {
        let config = self.home.path().join("config.toml");
        let mut command = kbasefs(
            self.home.path(),
            &["--config", config.to_str().unwrap(), "mount", "-f"],
        );
        command.args([self.home.path().join("photos"), self.path("")]);
        let (child, log) = live_mount::start(&mut command).unwrap_or_else(|said| panic!("{said}"));
        self.log = Some(log);
        self.daemon = Some(child);
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.home.path().join("mnt").join(path)
    }

    /// What a command in the mount prints; `None` where it isn't installed.
    pub fn shell(&self, script: &str) -> Option<Output> {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .current_dir(self.path(""))
            .env("LC_ALL", "C.UTF-8");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let output = command.output().unwrap();
        if output.status.code() == Some(127) {
            eprintln!("skipped: `{script}`: not installed");
            return None;
        }
        Some(output)
    }

    pub fn get(&self, photo: &str, attribute: &str) -> Result<String, Errno> {
        let mut value = [0; 4096];
        let length = getxattr(self.path(photo), attribute, &mut value)?;
        Ok(String::from_utf8_lossy(&value[..length]).into_owned())
    }

    pub fn status(&self, photo: &str) -> String {
        self.get(photo, "user.kbasefs.status").unwrap()
    }

    /// A program under another name: a copy of it.
    pub fn called(&self, name: &str, program: &str) -> PathBuf {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())
            .unwrap();
        let folder = self.home.path().join("bin");
        std::fs::create_dir_all(&folder).unwrap();
        let copy = folder.join(name);
        std::fs::copy(found, &copy).unwrap();
        std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
        copy
    }

    pub fn stop(mut self) -> String {
        self.end();
        self.log.take().unwrap().join().unwrap()
    }

    pub fn end(&mut self) {
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        let pid = Pid::from_raw(daemon.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        daemon.wait().unwrap();
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        self.end();
    }
}

/// So many different pictures, some of them large enough to be seen.
fn fill(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let seed = folder.file_name().unwrap().len() as u8;
    for n in 0..count {
        let shade = [n as u8 * 5, seed * 9, 70];
        let picture = RgbImage::from_fn(64, 48, |x, y| {
            Rgb([shade[0] ^ x as u8, shade[1], shade[2] ^ y as u8])
        });
        picture.save(folder.join(format!("{n:02}.png"))).unwrap();
    }
}
