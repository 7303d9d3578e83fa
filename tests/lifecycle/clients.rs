//! Programs at the control socket that don't read, and sockets that nobody listens at.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::process::Signal;

use crate::test_env::TestEnv;
use crate::until::until;

fn runtime_dir(env: &TestEnv) -> std::path::PathBuf {
    let folder = env.path("home/run");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn sockets(env: &TestEnv) -> Vec<std::path::PathBuf> {
    let folder = runtime_dir(env).join("kbasefs");
    let entries = folder.read_dir().into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn with_runtime_dir<'a>(env: &TestEnv, command: &'a mut Command) -> &'a mut Command {
    command.env("XDG_RUNTIME_DIR", runtime_dir(env))
}

#[test]
fn a_program_that_does_not_read_keeps_no_mount_from_its_end() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount(|command| {
        with_runtime_dir(&env, command);
    });
    let [socket] = &sockets(&env)[..] else {
        panic!("{:?}", sockets(&env))
    };
    let mut half = UnixStream::connect(socket).unwrap();
    let begun = "POST /api/v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        content-length: 1000\r\n\r\n{\"photos\":";
    half.write_all(begun.as_bytes()).unwrap();
    let mut unread = UnixStream::connect(socket).unwrap();
    unread.set_nonblocking(true).unwrap();
    let ask = b"GET /api/v1/status HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    until("a server that waits for its reader", || {
        // Full at once is not full for good.
        std::thread::sleep(std::time::Duration::from_millis(100));
        loop {
            match unread.write(&ask) {
                Ok(n) if n == ask.len() => {}
                Ok(_) => return false,
                Err(e) => return e.kind() == ErrorKind::WouldBlock,
            }
        }
    });
    let mut umount = env.command(&["umount"]);
    let umount = with_runtime_dir(&env, &mut umount).arg(env.path("mnt"));
    let unmounted = umount.output().unwrap();
    let said = String::from_utf8_lossy(&unmounted.stderr);
    assert!(unmounted.status.success() && said.is_empty(), "{said}");
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    let photo = env.path("photos/a.png");
    let mut tag = env.command(&["tag", "--tag", "sea"]);
    let tagged = with_runtime_dir(&env, &mut tag).arg(photo).output();
    assert!(tagged.unwrap().status.success());
}

#[test]
fn sockets_of_killed_processes_are_swept() {
    let Some(env) = TestEnv::new() else { return };
    std::fs::create_dir(env.path("home/other")).unwrap();
    let killed = |settings: &[(&str, &std::path::Path)]| {
        let mut daemon = env.mount(|command| {
            with_runtime_dir(&env, command).envs(settings.iter().copied());
        });
        daemon.signal(Signal::KILL);
        daemon.until_over();
        env.until_unmounted();
    };
    let other = env.path("home/other/catalog.sqlite");
    killed(&[("KBASEFS_CATALOG", &other)]);
    let [left] = &sockets(&env)[..] else {
        panic!("{:?}", sockets(&env))
    };
    let old = Command::new("touch")
        .args(["-h", "-d", "1 hour ago"])
        .arg(left)
        .status();
    assert!(old.unwrap().success());
    let daemon = env.mount(|command| {
        with_runtime_dir(&env, command);
    });
    assert!(!left.exists());
    assert_eq!(sockets(&env).len(), 1);
    daemon.stop();
}
