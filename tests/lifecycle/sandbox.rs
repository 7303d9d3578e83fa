//! A sandboxed mount does all that others do, and its process reaches nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kbasefs::fuse::mounts;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// `None` where nothing can be mounted.
    fn new() -> Option<Self> {
        if !Path::new("/dev/fuse").exists() {
            eprintln!("skipped: /dev/fuse is missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt", "elsewhere"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let house = Self { folder };
        house.photo("a.png", 1);
        Some(house)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn photo(&self, name: &str, look: u8) {
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([look, 2, 3]));
        picture.save(self.path("photos").join(name)).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let ours = |name: &str| name.starts_with("XDG_") || name.starts_with("KBASEFS_");
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home")).args(args);
        command
    }

    fn run(&self, args: &[&str], paths: &[&str]) -> Output {
        let paths = paths.iter().map(|path| self.path(path));
        self.command(args).args(paths).output().unwrap()
    }

    /// Mounts in the foreground; `None` where the kernel has no Landlock.
    fn mount(&self, options: &str) -> Option<Daemon> {
        let mut command = self.command(&["mount", "-f", "-o", options]);
        command.args([self.path("photos"), self.path("mnt")]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains("is mounted on") {
            let more = log.read_line(&mut text).unwrap() > 0;
            if text.contains("this kernel has no Landlock") {
                eprintln!("skipped: {text}");
                child.wait().unwrap();
                return None;
            }
            assert!(more, "{text}");
        }
        let rest = std::thread::spawn(move || log.read_to_string(&mut text).map(|_| text));
        Some(Daemon {
            child,
            rest: Some(rest),
        })
    }

    /// Waits for what shows in the mount.
    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{what}");
            std::thread::yield_now();
        }
    }

    fn is_mounted(&self) -> bool {
        mounts::at(&self.path("mnt")).is_some()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Most tests have unmounted.
        let _ = mounts::detach(&self.path("mnt"));
    }
}

/// A mount's process; killed when dropped.
struct Daemon {
    child: Child,
    rest: Option<std::thread::JoinHandle<std::io::Result<String>>>,
}

impl Daemon {
    fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(self.pid(), signal).unwrap();
        let status = self.child.wait().unwrap();
        let log = self.rest.take().unwrap().join().unwrap().unwrap();
        (status.code(), log)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Most have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path, attribute: &str) -> String {
    let mut value = [0; 4096];
    let length = getxattr(path, attribute, &mut value).unwrap();
    String::from_utf8_lossy(&value[..length]).into_owned()
}

#[test]
fn a_sandboxed_mount_works_and_its_process_reaches_nothing_else() {
    let Some(house) = House::new() else { return };
    let Some(daemon) = house.mount("sandbox") else {
        return;
    };
    let photo = house.path("mnt/all/a.png");
    let original = std::fs::read(house.path("photos/a.png")).unwrap();
    assert_eq!(std::fs::read(&photo).unwrap(), original);
    // Waits for the analysis, which finds nothing to say of it.
    let described = getxattr(&photo, "user.kbasefs.description", &mut [0; 4096]);
    assert_eq!(described.err(), Some(Errno::NODATA));
    assert_eq!(text(&photo, "user.kbasefs.status"), "analyzed");
    setxattr(&photo, "user.xdg.tags", b"mine", XattrFlags::empty()).unwrap();
    assert_eq!(text(&photo, "user.xdg.tags"), "mine");
    std::fs::create_dir(house.path("mnt/tags/copied")).unwrap();
    let copy = house.path("mnt/tags/copied/a.png");
    std::fs::copy(house.path("photos/a.png"), &copy).unwrap();
    house.until("a copy", || {
        text(&photo, "user.xdg.tags").contains("copied")
    });
    house.photo("later.png", 7);
    house.until("a change of the source", || {
        house.path("mnt/all/later.png").exists()
    });

    // What this test may write and read, the daemon may not.
    let exported = ["export", "--format", "json"];
    let refused = house.run(&exported, &["photos", "elsewhere"]);
    let said = String::from_utf8_lossy(&refused.stderr).to_lowercase();
    assert!(
        !refused.status.success() && said.contains("permission denied"),
        "{said}"
    );
    assert_eq!(
        std::fs::read_dir(house.path("elsewhere")).unwrap().count(),
        0
    );
    let (code, log) = daemon.end(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
    assert!(!house.is_mounted());

    let open = house.mount("rw").unwrap();
    assert_eq!(text(&photo, "user.xdg.tags"), "copied,mine");
    assert!(
        house
            .run(&exported, &["photos", "elsewhere"])
            .status
            .success()
    );
    open.end(Signal::TERM);

    let closed = house.mount("sandbox").unwrap();
    let refused = house.run(&["import"], &["photos", "elsewhere/catalog.jsonl"]);
    let said = String::from_utf8_lossy(&refused.stderr).to_lowercase();
    assert!(
        !refused.status.success() && said.contains("permission denied"),
        "{said}"
    );
    closed.end(Signal::TERM);
}

#[test]
fn a_sandboxed_mount_goes_with_its_process() {
    let Some(house) = House::new() else { return };
    let Some(daemon) = house.mount("sandbox") else {
        return;
    };
    daemon.end(Signal::KILL);
    house.until("the guard", || !house.is_mounted());
}

#[test]
fn a_sandboxed_mount_in_the_background_is_unmounted_by_anybody_who_may() {
    let Some(house) = House::new() else { return };
    let mounted = house.run(&["mount", "--sandbox"], &["photos", "mnt"]);
    let said = String::from_utf8_lossy(&mounted.stderr);
    if said.contains("this kernel has no Landlock") {
        return eprintln!("skipped: {said}");
    }
    assert!(mounted.status.success(), "{said}");
    assert!(house.path("mnt/all/a.png").exists());
    assert!(house.run(&["umount"], &["mnt"]).status.success());
    assert!(!house.is_mounted());
}

#[test]
fn a_sandboxed_mount_reaches_the_servers_of_its_settings() {
    let Some(house) = House::new() else { return };
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let settings = format!(
        "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nmodel = \"m\"\nurl = \"http://localhost:{port}/v1\"\n"
    );
    let file = house.path("home/.config/kbasefs/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, settings).unwrap();
    // Ends with the test's process.
    std::thread::spawn(move || serve(&server));
    let Some(daemon) = house.mount("sandbox") else {
        return;
    };
    let asked = house.run(&["analyze", "--provider", "desk"], &["photos"]);
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{said}");
    let described = text(&house.path("mnt/all/a.png"), "user.kbasefs.description");
    assert_eq!(described, "A small square.");
    daemon.end(Signal::TERM);
}

/// Answers whatever it is asked.
fn serve(server: &TcpListener) {
    let said =
        r#"{\"title\": \"Square\", \"description\": \"A small square.\", \"tags\": [\"square\"]}"#;
    let body = format!(
        r#"{{"model":"m","choices":[{{"finish_reason":"stop","message":{{"role":"assistant","content":"{said}"}}}}]}}"#
    );
    for connection in server.incoming() {
        let mut connection = connection.unwrap();
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        reader.take(length).read_to_end(&mut Vec::new()).unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        write!(
            connection,
            "{head}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
}
