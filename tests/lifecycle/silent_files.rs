//! Files whose disk doesn't answer, among others that are well: each is waited for by itself, and caught up when it answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Output;

use serde_json::Value;

use crate::silent_fs::SilentFs;
use crate::test_env::{TestDaemon, TestEnv};
use crate::until::until;

/// A mount of photos on such a disk.
struct Mounted {
    daemon: TestDaemon,
    disk: SilentFs,
    env: TestEnv,
}

const WELL: u8 = 4;

fn name(n: u8) -> String {
    format!("{n}.png")
}

/// The files that don't answer, which are neither copies of each other nor of those that are well.
fn silent(many: u8) -> Vec<String> {
    (0..many).map(|n| format!("silent{n}.png")).collect()
}

impl Mounted {
    /// With some photos that are well, and as many that are silent once `from_the_start` or later.
    fn new(many: u8, from_the_start: bool) -> Option<Self> {
        let env = TestEnv::new()?;
        (0..WELL).for_each(|n| env.photo(&name(n), 100 + n));
        for (n, silent) in silent(many).iter().enumerate() {
            env.photo(silent, n as u8 + 10);
        }
        env.settings("watch = \"poll\"\nwatch_interval_s = 0.2\n[embedded]\non = \"asked\"\n");
        let disk = SilentFs::mount(&env.path("photos"), &env.path("elsewhere"));
        if from_the_start {
            disk.silence(&silent(many));
        }
        let daemon = env.mount_of("elsewhere", |command| {
            command.arg("--web=127.0.0.1:0");
        });
        let mounted = Self { daemon, disk, env };
        if !from_the_start {
            let all = 1 + WELL + many;
            until("all photos", || mounted.status()["photos"] == all);
            mounted.disk.silence(&silent(many));
        }
        Some(mounted)
    }

    fn json(&self, args: &[&str], paths: &[&str]) -> Value {
        let output = self.env.run(args, paths);
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{args:?}: {e}: {output:?}"))
    }

    fn status(&self) -> Value {
        self.json(&["status", "--json"], &["mnt"])
    }

    fn has(&self, name: &str) -> bool {
        self.env.path("mnt/all").join(name).exists()
    }

    fn said(&self, args: &[&str]) -> String {
        let Output { stdout, stderr, .. } = self.env.run(args, &["mnt"]);
        String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
    }

    fn attribute(&self, photo: &str, attribute: &str) -> String {
        let mut value = [0; 4096];
        let photo = self.env.path("mnt/all").join(photo);
        let length = rustix::fs::getxattr(photo, attribute, &mut value).unwrap();
        String::from_utf8_lossy(&value[..length]).into_owned()
    }

    /// Takes the mount away; nothing of its process keeps the catalog.
    fn end(self) {
        let unmounted = self.env.run(&["umount"], &["mnt"]);
        assert!(unmounted.status.success(), "{unmounted:?}");
        let said = String::from_utf8_lossy(&unmounted.stderr);
        assert!(said.is_empty(), "{said}");
        assert_eq!(self.env.mounted(), None);
        self.disk.go_on();
        self.daemon.until_stopped();
    }
}

/// New photos, which are read for the first time.
fn check_new_ones(many: u8) {
    let Some(mounted) = Mounted::new(many, true) else {
        return;
    };
    let (env, status) = (&mounted.env, || mounted.status());
    until("those that are set aside", || {
        status()["unresponsive"] == many
    });
    assert_eq!(status()["photos"], 1 + WELL);
    env.photo("new.png", 200);
    until("a new photo", || mounted.has("new.png"));
    let words = match many {
        1 => "1 file does not answer".to_owned(),
        _ => format!("{many} files do not answer"),
    };
    assert!(mounted.said(&["status"]).contains(&words));
    let doctor = mounted.said(&["doctor"]);
    assert!(
        doctor.contains(&format!("{many} of its files do not answer")),
        "{doctor}"
    );
    let scanned = mounted.json(&["scan", "--json"], &["mnt"]);
    assert_eq!(
        (&scanned["unresponsive"], &scanned["gone"]),
        (&many.into(), &0.into())
    );

    mounted.disk.go_on();
    until("those that answer again", || {
        silent(many).iter().all(|name| mounted.has(name))
    });
    until("nothing that is set aside", || {
        status()["unresponsive"] == 0
    });
    mounted.end();
}

#[test]
fn a_mount_is_taken_away_while_files_hang() {
    let Some(mounted) = Mounted::new(6, true) else {
        return;
    };
    until("a read that isn't answered", || {
        mounted.disk.unanswered() > 0
    });
    mounted.end();
}

#[test]
fn two_new_files_that_hang_keep_nobody_from_following_the_others() {
    check_new_ones(2);
}

#[test]
fn six_new_files_that_hang_keep_nobody_from_following_the_others() {
    check_new_ones(6);
}

/// Photos that are known, and read to be looked at.
fn check_analyses(many: u8) {
    let Some(mounted) = Mounted::new(many, false) else {
        return;
    };
    let status = || mounted.status();
    // It comes to its end, and says of those that don't answer that they don't.
    let analyzed = mounted.said(&["analyze"]);
    assert_eq!(status()["analyzed"], 1 + WELL, "{analyzed}");
    assert!(analyzed.contains("does not answer"), "{analyzed}");
    assert_eq!(status()["photos"], 1 + WELL + many);
    let of_one = mounted.attribute(&silent(many)[0], "user.kbasefs.status");
    assert!(of_one.contains("does not answer"), "{of_one}");
    mounted.env.photo("new.png", 200);
    until("a new photo", || mounted.has("new.png"));

    mounted.disk.go_on();
    let all = 1 + WELL + many;
    until("those that answer again", || {
        status()["analyzed"].as_u64() >= Some(all.into())
    });
    until("nothing that is set aside", || {
        status()["unresponsive"] == 0
    });
    mounted.end();
}

#[test]
fn two_files_that_hang_keep_no_other_from_being_analysed() {
    check_analyses(2);
}

#[test]
fn six_files_that_hang_keep_no_other_from_being_analysed() {
    check_analyses(6);
}

/// Copies are told by reading.
#[test]
fn files_that_hang_are_compared_when_they_answer() {
    let Some(mounted) = Mounted::new(2, false) else {
        return;
    };
    let photos = mounted.env.path("photos");
    let twin = |of: &str, name: &str| std::fs::copy(photos.join(of), photos.join(name)).unwrap();
    mounted.disk.silence(&["twin.png"]);
    twin("0.png", "other.png");
    twin("1.png", "twin.png");
    let hash = |name: &str| mounted.json(&["show", "--json"], &[&format!("mnt/all/{name}")]);
    let hash = |name: &str| hash(name)["hash"].clone();
    until("the copy", || {
        mounted.has("other.png") && hash("other.png").is_string()
    });
    assert_eq!(hash("other.png"), hash("0.png"));
    assert!(!mounted.has("twin.png"));
    mounted.disk.go_on();
    until("the other copy", || {
        mounted.has("twin.png") && hash("twin.png").is_string()
    });
    assert_eq!(hash("twin.png"), hash("1.png"));
    mounted.end();
}

/// The thumbnail of a photo, by the page.
fn thumbnail(address: &str, id: u64) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /thumbnail/{id}/256 HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn files_that_hang_keep_nobody_from_the_thumbnails_of_others() {
    let Some(mounted) = Mounted::new(6, false) else {
        return;
    };
    let id = |name: &str| {
        let shown = mounted.json(&["show", "--json"], &[&format!("mnt/all/{name}")]);
        shown["id"].as_u64().unwrap()
    };
    let address = mounted.status()["page"].as_str().unwrap().to_owned();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let ids = silent(6).iter().map(|name| id(name)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for &id in &ids {
            scope.spawn(move || {
                let answer = thumbnail(address, id);
                assert!(
                    !answer.windows(2).any(|pair| pair == b"\xff\xd8"),
                    "no picture"
                );
            });
        }
        until("a read that isn't answered", || {
            mounted.disk.unanswered() > 0
        });
        for n in 0..WELL {
            let answer = thumbnail(address, id(&name(n)));
            assert!(answer.windows(2).any(|pair| pair == b"\xff\xd8"), "a JPEG");
        }
    });
    mounted.disk.go_on();
    until("those that answer again", || {
        let answer = thumbnail(address, ids[0]);
        answer.windows(2).any(|pair| pair == b"\xff\xd8")
    });
    mounted.end();
}
