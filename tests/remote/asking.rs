//! Descriptions asked for through a mount of the real program, one photo after the other and many at once: whoever asks
//! by name gets an answer, or the reason why there is none; who goes through everything costs nothing.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use rustix::io::Errno;

use crate::can_mount::can_mount;
use crate::durability::kbasefs;
use crate::mounted::Catalog;
use crate::server::{DOG, Server, say, status};
use crate::until::until;

/// More than any viewer reads at a time.
fn photos() -> usize {
    match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 42,
        None => 14,
    }
}

const DESCRIPTION: &str = "user.kbasefs.description";

/// A user who is nobody in particular.
const NOBODY: u32 = 65534;

const PATIENT: &str = "xattr_wait_s = 120";

fn described(output: &Output) -> usize {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|l| l.contains("A dog runs.")).count()
}

/// What goes through 42 photos in a folder and prints each description.
const LOOP: &str = "python3 -c '
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    print(os.getxattr(os.path.join(sys.argv[1], name), \"user.kbasefs.description\").decode())
'";
const RECURSIVELY: &str = "getfattr -R -n user.kbasefs.description";

#[test]
fn every_photo_that_is_asked_for_is_described_whoever_asks_and_however_many() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(5);
    let folders = ["a", "bb", "ccc", "dddd"].map(|folder| (folder, photos()));
    let Some(catalog) = Catalog::mount(&server, &folders, PATIENT, None) else {
        return;
    };
    let check = |script: &str| {
        if let Some(output) = catalog.shell(script) {
            assert_eq!(described(&output), photos(), "{script}: {output:?}");
        }
    };
    check(&format!("{LOOP} all/a"));
    check(&format!("{RECURSIVELY} all/bb"));
    check("find all/ccc -type f -exec getfattr -n user.kbasefs.description {} \\;");
    check("ls all/dddd/*.png | xargs -P 8 -n 1 getfattr -n user.kbasefs.description");
    // Each a single picture sent once.
    let pictures = server.pictures();
    assert!(pictures.values().all(|times| *times == 1), "{pictures:?}");
    catalog.stop();
}

#[test]
fn the_model_inside_answers_all_that_ask_at_once() {
    let Some(testdata) = std::env::var_os("KBASEFS_TESTDATA").map(PathBuf::from) else {
        eprintln!("skipped: KBASEFS_TESTDATA is not set");
        return;
    };
    let Some(mut catalog) = Catalog::mount(None, &[("a", 0)], PATIENT, None) else {
        return;
    };
    catalog.end();
    let samples = testdata.join("labelled/coco128").read_dir().unwrap();
    let mut samples: Vec<_> = samples.map(|sample| sample.unwrap().path()).collect();
    samples.sort();
    for sample in samples.iter().take(photos()) {
        let to = catalog.home.path().join("photos/a");
        std::fs::copy(sample, to.join(sample.file_name().unwrap())).unwrap();
    }
    catalog.start();
    let asked = "ls all/a/* | xargs -P 8 -n 1 getfattr --only-values -n user.kbasefs.description";
    if catalog.shell(asked).is_none() {
        return;
    }
    // What it has no words for is looked at all the same.
    for name in catalog.path("all/a").read_dir().unwrap() {
        let photo = format!("all/a/{}", name.unwrap().file_name().display());
        let status = catalog.status(&photo);
        let reason = "analyzed: embedded had no words for it";
        match catalog.get(&photo, DESCRIPTION) {
            Ok(_) => assert_eq!(status, "analyzed"),
            Err(e) => assert_eq!((e, &*status), (Errno::NODATA, reason)),
        }
    }
    catalog.stop();
}

#[test]
fn other_names_of_the_photos_and_other_users_are_answered_as_well() {
    let server = Server::start();
    let user = rustix::process::geteuid().is_root().then_some(NOBODY);
    let Some(catalog) = Catalog::mount(&server, &[("a", photos())], PATIENT, user) else {
        return;
    };
    if let Some(output) = catalog.shell(&format!("{RECURSIVELY} by-type/png")) {
        assert_eq!(described(&output), photos(), "{output:?}");
    }
    catalog.stop();
}

#[test]
fn who_waits_in_vain_finds_the_reason_and_the_photo_keeps_its_place() {
    let server = Server::start();
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    server.lock().gate = Some(gate.clone());
    let settings = "xattr_wait_s = 0.2 | parallel_requests = 1";
    let Some(catalog) = Catalog::mount(&server, &[("a", 40)], settings, None) else {
        return;
    };
    for photo in ["all/a/01.png", "all/a/02.png"] {
        // The model inside the program has nothing to say of it.
        assert_eq!(catalog.get(photo, DESCRIPTION), Err(Errno::NODATA));
    }
    until("a request", || server.count() > 0);
    until("a reason", || {
        catalog.status("all/a/01.png").contains("desk looks at it")
    });
    let second = catalog.status("all/a/02.png");
    assert!(second.contains("desk"), "{second}");
    server.lock().gate = None;
    gate.notify_one();
    for photo in ["all/a/01.png", "all/a/02.png"] {
        until("the answer", || {
            catalog.get(photo, DESCRIPTION).as_deref() == Ok("A dog runs.")
        });
        assert_eq!(catalog.status(photo), "analyzed");
    }
    assert_eq!(server.count(), 2);
    catalog.stop();
}

/// A catalog where each photo is asked for once, in vain; what its status says then.
fn reason(settings: &str, prepare: impl FnOnce(&Server)) -> String {
    let server = Server::start();
    prepare(&server);
    let Some(catalog) = Catalog::mount(&server, &[("a", 2)], settings, None) else {
        return String::new();
    };
    let photo = "all/a/01.png";
    assert_eq!(catalog.get(photo, DESCRIPTION), Err(Errno::NODATA));
    let config = catalog.home.path().join("config.toml");
    let shown = || -> serde_json::Value {
        let show = ["--config", config.to_str().unwrap(), "show", "--json"];
        let mut show = kbasefs(catalog.home.path(), &show);
        let shown = show.arg(catalog.path(photo)).output().unwrap();
        serde_json::from_slice(&shown.stdout).unwrap()
    };
    let mut said = String::new();
    // The two are asked at two moments: the model inside may still be at work at the first.
    until("the same reason of both", || {
        said = catalog.status(photo);
        said.ends_with(shown()["reason"].as_str().unwrap())
    });
    catalog.stop();
    said
}

#[test]
fn every_end_without_a_description_says_why() {
    if !can_mount() {
        return;
    }
    let check = |settings: &str, prepare: &dyn Fn(&Server), expected: &str| {
        let said = reason(settings, prepare);
        assert!(said.contains(expected), "{settings}: {said}");
    };
    let refusal = r#"{"refusal": "no faces, please"}"#;
    check(
        PATIENT,
        &|s| s.usual(say("I'm sorry, but I can't help with that.")),
        "refused",
    );
    check(PATIENT, &|s| s.usual(say(refusal)), "desk");
    check(PATIENT, &|s| s.usual(status(401)), "desk");
    check(
        "xattr_wait_s = 120\nmax_retries = 0\nretry_delay = 0.01",
        &|s| s.usual(status(500)),
        "desk",
    );
    check(
        "xattr_wait_s = 120 | requests_per_day = 0",
        &|_| (),
        "the budget of the day is spent",
    );
    check(
        "xattr_wait_s = 0.5 | requests_per_minute = 0",
        &|_| (),
        "enough for this minute",
    );
    let nothing = r#"{"title": null, "description": null, "tags": []}"#;
    check(PATIENT, &|s| s.usual(say(nothing)), "desk");
}

#[test]
fn a_file_that_is_no_picture_or_has_changed_says_so() {
    let server = Server::start();
    let Some(catalog) = Catalog::mount(&server, &[("a", 2)], PATIENT, None) else {
        return;
    };
    let original = catalog.home.path().join("photos/a/00.png");
    let mut bytes = std::fs::read(&original).unwrap();
    bytes.extend([0; 9]);
    std::fs::write(&original, bytes).unwrap();
    assert_eq!(catalog.get("all/a/00.png", DESCRIPTION), Err(Errno::NODATA));
    let said = catalog.status("all/a/00.png");
    assert!(said.contains("its file has changed"), "{said}");
    assert_eq!(server.count(), 0);
    catalog.stop();
}

#[test]
fn a_description_that_a_person_removed_is_not_asked_for() {
    let server = Server::start();
    let Some(catalog) = Catalog::mount(&server, &[("a", 1)], PATIENT, None) else {
        return;
    };
    let photo = "all/a/00.png";
    let set = |value: &[u8]| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(catalog.path(photo), DESCRIPTION, value, flags).unwrap();
    };
    set(b"a cat");
    rustix::fs::removexattr(catalog.path(photo), DESCRIPTION).unwrap();
    assert_eq!(catalog.get(photo, DESCRIPTION), Err(Errno::NODATA));
    let said = catalog.status(photo);
    assert!(said.contains("a person removed the description"), "{said}");
    assert_eq!(server.count(), 0);
    catalog.stop();
}

#[test]
fn programs_that_copy_everything_with_its_attributes_cost_nothing() {
    let server = Server::start();
    let Some(catalog) = Catalog::mount(&server, &[("a", photos())], PATIENT, None) else {
        return;
    };
    let out = catalog.home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let out = out.display();
    for script in [
        format!("cp -a all {out}/cp"),
        format!("rsync -aX all/ {out}/rsync/"),
        format!("tar --xattrs --xattrs-include='*' -cf {out}/all.tar all"),
        "getfattr -R -d -m - all".into(),
        "find all -type f -exec gio info {} +".into(),
    ] {
        if let Some(output) = catalog.shell(&script) {
            assert!(output.status.success(), "{script}: {output:?}");
        }
    }
    assert_eq!(server.count(), 0);
    catalog.stop();
}

#[test]
fn the_sentence_of_the_embedded_model_does_not_keep_a_better_one_away() {
    let server = Server::start();
    let Some(catalog) = Catalog::mount(&server, &[("a", 2)], PATIENT, None) else {
        return;
    };
    let photo = "all/a/00.png";
    let tags = |photo: &str| catalog.get(photo, "user.xdg.tags").unwrap_or_default();
    // Asking for the tags asks nobody; opening the folder has the embedded model look.
    until("the embedded model", || {
        catalog.shell("ls all/a").is_some() && catalog.status(photo).starts_with("analyzed")
    });
    let embedded = tags(photo);
    let lists = |photo: &str| {
        let output = catalog.shell(&format!("getfattr -d -m - {photo}"))?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(listed) = lists(photo) else {
        return;
    };
    assert!(!listed.contains(DESCRIPTION), "{listed}");
    if let Ok(comment) = catalog.get(photo, "user.xdg.comment") {
        assert!(listed.contains(&comment), "{listed}");
    }
    assert_eq!(server.count(), 0);
    assert_eq!(
        catalog.get(photo, DESCRIPTION).as_deref(),
        Ok("A dog runs.")
    );
    assert_eq!(server.count(), 1);
    let listed = lists(photo).unwrap();
    assert!(listed.contains(DESCRIPTION), "{listed}");
    let now = tags(photo);
    let kept = |tag: &&str| !tag.is_empty();
    for tag in embedded.split(',').filter(kept) {
        assert!(now.contains(tag), "{tag}: {now}");
    }
    assert_eq!(server.count(), 1);
    catalog.stop();
}

/// What reads photos on desktops, each by the name of its process: file managers, their thumbnailers, indexers.
const CRAWLERS: [&str; 16] = [
    "thunar",
    "tumblerd",
    "nautilus",
    "gdk-pixbuf-thum",
    "glycin-thumbnai",
    "pcmanfm",
    "dolphin",
    "kioworker",
    "nemo",
    "caja",
    "baloo_file",
    "baloo_file_extr",
    "tracker-miner-f",
    "tracker-extract",
    "localsearch-3",
    "localsearch-ext",
];

#[test]
fn file_managers_and_indexers_cost_nothing_even_where_reading_would() {
    let server = Server::start();
    let settings = format!("{PATIENT} | on = \"read\"");
    let Some(catalog) = Catalog::mount(&server, &[("a", photos())], &settings, None) else {
        return;
    };
    for name in CRAWLERS {
        let reader = catalog.called(name, "cat");
        let script = format!("exec {} all/a/*.png > /dev/null", reader.display());
        assert!(catalog.shell(&script).unwrap().status.success());
        let lister = catalog.called(name, "getfattr");
        let script = format!("{} -R -d -m - all", lister.display());
        assert!(catalog.shell(&script).unwrap().status.success());
    }
    assert_eq!(server.count(), 0);
    // Who looks at one photo after another is no crawler, whatever loads it.
    for (n, name) in ["gthumb", "glycin-image-rs", "bwrap"]
        .into_iter()
        .enumerate()
    {
        let viewer = catalog.called(name, "cat");
        let script = format!("exec {} all/a/{n:02}.png > /dev/null", viewer.display());
        assert!(catalog.shell(&script).unwrap().status.success());
        until(name, || server.count() > n);
    }
    catalog.stop();
}

#[test]
fn a_crawler_that_asks_by_name_is_named_in_the_status() {
    let server = Server::start();
    let Some(catalog) = Catalog::mount(&server, &[("a", 1)], PATIENT, None) else {
        return;
    };
    let crawler = catalog.called("tracker-extract", "getfattr");
    let ask = |program: &str| catalog.shell(&format!("{program} -n {DESCRIPTION} all/a/00.png"));
    let asked = ask(crawler.to_str().unwrap()).unwrap();
    assert!(!asked.status.success(), "{asked:?}");
    assert_eq!(server.count(), 0);
    let said = catalog.status("all/a/00.png");
    assert!(said.contains("tracker-extract asked"), "{said}");
    if let Some(output) = ask("getfattr") {
        assert_eq!(described(&output), 1, "{DOG}");
    }
    assert_eq!(catalog.status("all/a/00.png"), "analyzed");
    catalog.stop();
}
