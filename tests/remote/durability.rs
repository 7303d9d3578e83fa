//! The program is killed while it works: what was answered is there, and is not asked for again.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::isolated::isolated;
use crate::server::Server;

const PHOTOS: usize = 40;

pub fn kbasefs(home: &Path, args: &[&str]) -> Command {
    let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
    let mut command = isolated(program, home);
    command.args(args);
    command
}

pub fn setup(server: &Server) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("photos");
    std::fs::create_dir_all(&photos).unwrap();
    for n in 0..PHOTOS {
        let picture = RgbImage::from_fn(96, 72, |x, y| Rgb([n as u8 * 5, x as u8, y as u8]));
        picture.save(photos.join(format!("{n:02}.jpg"))).unwrap();
    }
    let config = format!(
        "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nurl = \"{}\"\nmodel = \"m\"\nparallel_requests = 2\n",
        server.url
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn analyze(home: &Path) -> Child {
    let config = home.join("config.toml");
    let photos = home.join("photos");
    let args = [
        "--config",
        config.to_str().unwrap(),
        "analyze",
        photos.to_str().unwrap(),
        "--provider",
        "desk",
        "--json",
    ];
    kbasefs(home, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn no_answer_is_lost_and_none_is_asked_for_twice_when_the_program_is_killed() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(10);
    let home = setup(&server);
    let mut told = 0;
    for kill in 1..=4 {
        let mut child = analyze(home.path());
        // Lines are told after their commit: each of them is an answer that must be there afterwards.
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        for line in lines.by_ref().take(12) {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            told += usize::from(line["result"] == "analyzed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(told > 0, "{kill}");
    }
    let output = analyze(home.path()).wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let sum: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&sum["photos"], &sum["failed"]),
        (&PHOTOS.into(), &0.into())
    );
    let repeated: usize = server.pictures().values().map(|n| n - 1).sum();
    assert_eq!(server.pictures().len(), PHOTOS);
    // Two requests may be on their way at each of the four moments.
    assert!(repeated <= 8, "{repeated} requests were repeated");
    assert!(told + sum["analyzed"].as_u64().unwrap() as usize <= PHOTOS);
}

#[test]
fn providers_are_listed_and_tried_and_keys_stay_secret() {
    let server = Server::start();
    let home = setup(&server);
    let config = home.path().join("config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str("api_key = \"sk-very-secret\"\n");
    std::fs::write(&config, text).unwrap();
    let run = |args: &[&str]| {
        let all = [&["--config", config.to_str().unwrap()], args].concat();
        let output = kbasefs(home.path(), &all).output().unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("very-secret"), "{text}");
        (output.status.success(), text)
    };
    let (well, listed) = run(&["provider", "list", "--json"]);
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert!(well && first["reachable"] == true, "{listed}");
    let photo = home.path().join("photos/00.jpg");
    let (well, tried) = run(&["provider", "test", "desk", photo.to_str().unwrap()]);
    assert!(well && tried.contains("A dog runs."), "{tried}");
    assert!(tried.contains("cost unknown"), "{tried}");
    let (well, shown) = run(&["config", "show"]);
    assert!(well && shown.contains("(hidden)"), "{shown}");
    let photos = home.path().join("photos");
    let photos = photos.to_str().unwrap();
    let (well, estimate) = run(&[
        "analyze",
        photos,
        "--provider",
        "desk",
        "--dry-run",
        "--json",
    ]);
    let estimate: Value = serde_json::from_str(&estimate).unwrap();
    assert!(well, "{estimate}");
    assert_eq!(estimate["providers"][0]["images"], PHOTOS);
    assert!(
        estimate["providers"][0]["cost"].is_null(),
        "an unknown price is not nothing"
    );
    assert_eq!(server.count(), 1);
    drop(server);
    let (well, tried) = run(&["provider", "test", "desk"]);
    assert!(!well && tried.contains("desk: "), "{tried}");
}
