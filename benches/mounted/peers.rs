//! File systems in user space: this one, and others if they are installed.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::collection::Collection;
use super::floor;

/// A mounted file system; unmounted when dropped.
pub struct Peer {
    name: &'static str,
    /// `None` where it isn't installed or doesn't mount.
    pub mountpoint: Option<PathBuf>,
    serving: Option<Child>,
    /// Its folder of settings, for this program.
    home: PathBuf,
}

impl Peer {
    /// Photos that this program has looked at since it was mounted.
    pub fn analyzed(&self) -> usize {
        let status = command(&self.home)
            .args(["status", "--json"])
            .arg(self.mountpoint.as_ref().unwrap_or(&self.home))
            .output();
        let text = status.map(|output| output.stdout).unwrap_or_default();
        let status: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        usize::try_from(status["analyzed"].as_u64().unwrap_or(0)).unwrap_or(0)
    }

    /// The number of the process that serves it, where this one started it.
    pub fn process(&self) -> Option<u32> {
        self.serving.as_ref().map(Child::id)
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Ends the process as it is; whoever waits for it gets away.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.serving {
            // One that has ended already is as good.
            let _ = child.kill();
        }
    }

    /// For the head of a column.
    pub fn heading(&self) -> String {
        match self.mountpoint {
            Some(_) => self.name.into(),
            None => format!("{} (not installed)", self.name),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mountpoint) = &self.mountpoint {
            // A user has no umount.
            let done = |program: &str, options: &[&str]| run(program, options, &[mountpoint]);
            let unmounted =
                done("umount", &[]) || done("fusermount3", &["-u"]) || done("fusermount", &["-u"]);
            // One that was killed is unmounted by its guard.
            if !unmounted && is_mounted(mountpoint) {
                eprintln!("{} is still mounted", mountpoint.display());
            }
        }
        if let Some(child) = &mut self.serving {
            // It ends with its mount.
            let _ = child.wait();
        }
    }
}

fn is_mounted(mountpoint: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut at = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    at.any(|at| Path::new(at) == mountpoint)
}

/// Whether a program ran well.
fn run<T: AsRef<OsStr>>(program: &str, options: &[&str], paths: &[T]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(options).args(paths).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Mounts all, this program first.
pub fn mount_all(collection: &Collection, scratch: &Path) -> io::Result<Vec<Peer>> {
    let own = kbasefs(&collection.source, scratch, "")?;
    let mountpoint = own.mountpoint.as_ref().expect("this program is here");
    collection.match_folders(mountpoint)?;
    give_attributes(collection, mountpoint);
    let mount = |name: &'static str, options: &[&str]| {
        let mountpoint = scratch.join(name);
        fs::create_dir(&mountpoint)?;
        let mounted = run(name, options, &[&collection.native, &mountpoint]);
        Ok::<_, io::Error>(Peer {
            name,
            mountpoint: mounted.then_some(mountpoint),
            serving: None,
            home: PathBuf::new(),
        })
    };
    let (bindfs, mergerfs) = (mount("bindfs", &[])?, mount("mergerfs", &[])?);
    let floor = floor(collection, scratch)?;
    Ok(vec![
        own,
        floor,
        bindfs,
        mergerfs,
        tmsu(collection, scratch)?,
    ])
}

/// What knows every answer before it is asked, as a process of its own.
fn floor(collection: &Collection, scratch: &Path) -> io::Result<Peer> {
    let mountpoint = scratch.join("floor");
    fs::create_dir(&mountpoint)?;
    let mut floor = Command::new(std::env::current_exe()?);
    let floor = floor
        .env(floor::SHOWS, &collection.native)
        .env(floor::MOUNTPOINT, &mountpoint);
    let mut serving = floor.stdout(Stdio::piped()).spawn()?;
    let log = BufReader::new(serving.stdout.take().expect("it is piped"));
    let ready = log.lines().map_while(Result::ok).any(|l| l == floor::READY);
    assert!(ready, "the floor is mounted");
    Ok(Peer {
        name: "floor",
        mountpoint: Some(mountpoint),
        serving: Some(serving),
        home: PathBuf::new(),
    })
}

/// Mounts a folder with this program, configured like this besides, and waits until all of it is known.
pub fn kbasefs(source: &Path, scratch: &Path, config: &str) -> io::Result<Peer> {
    let home = tempfile::tempdir_in(scratch)?.keep();
    let mountpoint = home.join("mount");
    fs::create_dir(&mountpoint)?;
    // Nothing is looked at while others are measured.
    let config = format!("{config}[embedded]\non = \"asked\"\n");
    fs::write(home.join("config.toml"), config)?;
    let scanned = command(&home)
        .arg("scan")
        .arg(source)
        .stdout(Stdio::null())
        .status()?;
    assert!(scanned.success(), "the photos are scanned");
    let mut mount = command(&home);
    mount.args(["mount", "-f"]).args([source, &mountpoint]);
    let mut serving = mount.stderr(Stdio::piped()).spawn()?;
    let mut log = BufReader::new(serving.stderr.take().expect("it is piped"));
    let mut said = String::new();
    while !said.contains("is mounted on") {
        assert!(log.read_line(&mut said)? > 0, "no mount: {said}");
    }
    // Whatever else it has to say goes nowhere, and never fills the pipe.
    std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Ok(Peer {
        name: "kbasefs",
        mountpoint: Some(mountpoint),
        serving: Some(serving),
        home,
    })
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
    let own = |name: &str| name.starts_with("XDG_") || name.starts_with("KBASEFS_");
    for (name, _) in std::env::vars().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    command
        .env("HOME", home)
        .arg("--config")
        .arg(home.join("config.toml"));
    command
}

/// The attribute that is read everywhere: native files get what the mount says.
fn give_attributes(collection: &Collection, mount: &Path) {
    for name in &collection.sample {
        let path = Path::new("tags/many").join(name);
        let mut value = [0; 1024];
        let given = rustix::fs::getxattr(mount.join(&path), "user.xdg.tags", &mut value).and_then(
            |length| {
                let native = collection.native.join(&path);
                rustix::fs::setxattr(
                    native,
                    "user.xdg.tags",
                    &value[..length],
                    rustix::fs::XattrFlags::empty(),
                )
            },
        );
        if let Err(e) = given {
            eprintln!("rows of attributes say nothing: {e}");
            return;
        }
    }
}

/// TMSU, a file system of tags; it knows the folders of tags only.
fn tmsu(collection: &Collection, scratch: &Path) -> io::Result<Peer> {
    let (database, mountpoint) = (scratch.join("tmsu.db"), scratch.join("tmsu"));
    fs::create_dir(&mountpoint)?;
    let database = format!("--database={}", database.display());
    let mut ready = run("tmsu", &[&database, "version"], &[] as &[&Path]);
    for tag in ["many", "most", "half"] {
        let files = collection.native.join("tags").join(tag).read_dir()?;
        let files = files
            .flatten()
            .filter(|f| f.file_type().is_ok_and(|t| t.is_file()));
        let files: Vec<_> = files.map(|f| f.path()).collect();
        let tags = format!("--tags={tag}");
        ready = ready
            && files
                .chunks(500)
                .all(|some| run("tmsu", &[&database, "tag", &tags], some));
    }
    let mounted = ready && run("tmsu", &[&database, "mount"], &[&mountpoint]);
    Ok(Peer {
        name: "tmsu",
        mountpoint: mounted.then_some(mountpoint),
        serving: None,
        home: PathBuf::new(),
    })
}
