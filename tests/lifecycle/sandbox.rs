//! A sandboxed mount does all that others do, and its process reaches nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::test_env::{TestEnv, refusal};
use crate::until::until;

fn text(path: &Path, attribute: &str) -> String {
    let mut value = [0; 4096];
    let length = getxattr(path, attribute, &mut value).unwrap();
    String::from_utf8_lossy(&value[..length]).into_owned()
}

#[test]
fn a_sandboxed_mount_works_and_its_process_reaches_nothing_else() {
    let Some(env) = TestEnv::new() else { return };
    let Some(daemon) = env.mount_in_sandbox(&[]) else {
        return;
    };
    let photo = env.path("mnt/all/a.png");
    let original = std::fs::read(env.path("photos/a.png")).unwrap();
    assert_eq!(std::fs::read(&photo).unwrap(), original);
    // Waits for the analysis, which finds nothing to say of it.
    let described = getxattr(&photo, "user.kbasefs.description", &mut [0; 4096]);
    assert_eq!(described.err(), Some(Errno::NODATA));
    assert_eq!(
        text(&photo, "user.kbasefs.status"),
        "analyzed: embedded had no words for it"
    );
    assert_eq!(daemon.decode_workers().len(), 1);
    setxattr(&photo, "user.xdg.tags", b"mine", XattrFlags::empty()).unwrap();
    assert_eq!(text(&photo, "user.xdg.tags"), "mine");
    std::fs::create_dir(env.path("mnt/tags/copied")).unwrap();
    let copy = env.path("mnt/tags/copied/a.png");
    std::fs::copy(env.path("photos/a.png"), &copy).unwrap();
    until("a copy", || {
        text(&photo, "user.xdg.tags").contains("copied")
    });
    env.photo("later.png", 7);
    until("a change of the source", || {
        env.path("mnt/all/later.png").exists()
    });

    // What this test may write and read, the daemon may not.
    let exported = ["export", "--format", "json"];
    let said = refusal(&env.run(&exported, &["photos", "elsewhere"]));
    assert!(said.contains("permission denied"), "{said}");
    assert_eq!(std::fs::read_dir(env.path("elsewhere")).unwrap().count(), 0);
    daemon.stop();
    assert!(env.mounted().is_none());

    let open = env.mount(|_| ());
    assert_eq!(text(&photo, "user.xdg.tags"), "copied,mine");
    assert!(
        env.run(&exported, &["photos", "elsewhere"])
            .status
            .success()
    );
    open.stop();

    let closed = env.mount_in_sandbox(&[]).unwrap();
    let said = refusal(&env.run(&["import"], &["photos", "elsewhere/catalog.jsonl"]));
    assert!(said.contains("permission denied"), "{said}");
    closed.stop();
}

#[test]
fn a_sandboxed_mount_goes_with_its_process() {
    let Some(env) = TestEnv::new() else { return };
    let Some(daemon) = env.mount_in_sandbox(&[]) else {
        return;
    };
    daemon.signal(Signal::KILL);
    env.until_unmounted();
}

#[test]
fn a_sandboxed_mount_in_the_background_is_unmounted_by_anybody_who_may() {
    let Some(env) = TestEnv::new() else { return };
    let mounted = env.run(&["mount", "--sandbox"], &["photos", "mnt"]);
    let said = String::from_utf8_lossy(&mounted.stderr);
    if said.contains("this kernel has no Landlock") {
        return eprintln!("skipped: {said}");
    }
    assert!(mounted.status.success(), "{said}");
    assert!(env.path("mnt/all/a.png").exists());
    assert!(env.run(&["umount"], &["mnt"]).status.success());
    assert!(env.mounted().is_none());
}

#[test]
fn a_sandboxed_mount_reaches_the_servers_of_its_settings() {
    let Some(env) = TestEnv::new() else { return };
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    env.settings(&format!(
        "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nmodel = \"m\"\nurl = \"http://localhost:{port}/v1\"\n"
    ));
    // Ends with the test's process.
    std::thread::spawn(move || serve(&server));
    let Some(daemon) = env.mount_in_sandbox(&[]) else {
        return;
    };
    let asked = env.run(&["analyze", "--provider", "desk"], &["photos"]);
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{said}");
    let described = text(&env.path("mnt/all/a.png"), "user.kbasefs.description");
    assert_eq!(described, "A small square.");
    daemon.stop();
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

/// The page listens before the sandbox closes, in which nothing may.
#[test]
fn a_sandboxed_mount_shows_its_page() {
    let Some(env) = TestEnv::new() else { return };
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let Some(daemon) = env.mount_in_sandbox(&[&format!("--web={address}")]) else {
        return;
    };
    let mut page = TcpStream::connect(address).unwrap();
    write!(
        page,
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("a.png"),
        "{answer}"
    );
    daemon.stop();
}
