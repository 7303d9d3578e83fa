//! Commands that ask a process of another version.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::test_env::TestEnv;

/// Answers as a process that knows its state, and nothing else.
fn answer(connection: UnixStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let body = r#"{"version":"0.0.9"}"#;
    let path = asked.split(' ').nth(1);
    let (status, body) = match path.and_then(|path| path.split('?').next()) {
        Some("/healthz" | "/api/v1/status") => ("200 OK", body),
        _ => ("404 Not Found", ""),
    };
    let length = body.len();
    write!(
        &connection,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn a_process_of_another_version_that_does_not_know_a_request_is_told_of() {
    let env = TestEnv::new();
    env.settings_of_index();
    let photos = env.text("photos");
    env.ok(&["scan", &photos]);
    let listener = UnixListener::bind(env.path("catalog.sock")).unwrap();
    // It ends with the test.
    std::thread::spawn(move || {
        let connections = listener.incoming();
        connections.for_each(|c| c.and_then(answer).unwrap_or_default());
    });
    for args in [
        &["catalog", "adopt", "--source", &photos][..],
        &["catalog", "vacuum", &photos],
        &["log", &photos],
    ] {
        let (code, said) = env.refused(args);
        assert_eq!(code, 1);
        assert!(said.contains("another version (0.0.9)"), "{said}");
        assert!(
            said.contains("hint: ") && said.contains("mount again"),
            "{said}"
        );
    }
    // What it answers in another way is told as before.
    let (_, said) = env.refused(&["status", &photos]);
    assert!(said.contains("answers in another way"), "{said}");
}
