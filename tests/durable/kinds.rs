//! Each kind of damage, and each command as the first one that meets it.

use std::fs;
use std::path::Path;

use kbasefs::store::sqlite;
use rusqlite::Connection;

use crate::test_env::{TestEnv, aside, clear_aside, settled};

const PAGE: usize = 4096;

/// What is done to the file of an index and to its log.
type Damage = fn(&mut Vec<u8>, &mut Vec<u8>);

const KINDS: [(&str, Damage); 14] = [
    ("none", |_, _| {}),
    ("a page of zeros", |file, _| page(file, 1, 2).fill(0)),
    // Not the one page of the journal, which nothing else says.
    ("a page of noise", |file, _| page(file, 3, 4).fill(0xa5)),
    ("half of it", |file, _| file.truncate(file.len() / 2)),
    ("a torn last page", |file, _| {
        file.truncate(file.len() - PAGE - 100);
    }),
    ("no header", |file, _| file[..100].fill(0)),
    ("no first page", |file, _| file[..PAGE].fill(0xa5)),
    ("bits here and there", |file, _| {
        for n in 0..20 {
            let at = PAGE + n * 7919 % (file.len() - PAGE);
            file[at] ^= 1 << (n % 8);
        }
    }),
    ("a bad list of free pages", |file, _| {
        file[32..40].copy_from_slice(&[0, 0, 0, 3, 0, 0, 0, 9]);
    }),
    ("nothing", |file, log| {
        file.clear();
        log.clear();
    }),
    ("nothing but the log", |file, _| file.clear()),
    ("no log", |_, log| log.clear()),
    ("noise for a log", |_, log| log.fill(0x5a)),
    ("half of the log", |_, log| log.truncate(log.len() / 2)),
];

/// One of so many parts of the pages.
fn page(file: &mut [u8], part: usize, parts: usize) -> &mut [u8] {
    let at = file.len() / PAGE * part / parts * PAGE;
    &mut file[at..at + PAGE]
}

/// Files of an index that a process was killed with.
struct Left {
    file: Vec<u8>,
    log: Vec<u8>,
}

impl Left {
    fn behind(env: &TestEnv) -> Self {
        let app = env.app();
        crate::test_env::tag(&app, "0.png", "latest");
        let read = |name: &str| fs::read(env.path(name)).unwrap();
        let left = Self {
            file: read("index/catalog.sqlite"),
            log: read("index/catalog.sqlite-wal"),
        };
        assert!(!left.log.is_empty());
        left
    }

    fn put(&self, env: &TestEnv, damage: Damage) {
        let (mut file, mut log) = (self.file.clone(), self.log.clone());
        damage(&mut file, &mut log);
        for (name, bytes) in [("", file), ("-wal", log), ("-shm", Vec::new())] {
            let path = env.path("index").join(format!("catalog.sqlite{name}"));
            match bytes.is_empty() && !name.is_empty() {
                true => drop(fs::remove_file(path)),
                false => fs::write(path, bytes).unwrap(),
            }
        }
    }
}

#[test]
fn the_first_command_after_damage_does_what_it_is_for() {
    let env = settled();
    // One that was closed, and one that was not.
    let closed = Left {
        file: fs::read(env.index()).unwrap(),
        log: Vec::new(),
    };
    let left = Left::behind(&env);
    let photos = env.path("photos");
    let photos = photos.to_str().unwrap();
    let photo = format!("{photos}/1.png");
    let commands: [&[&str]; 7] = [
        &["scan", photos],
        &["mount", photos, "MNT"],
        &["search", photos, "tag"],
        &["status", photos],
        &["tag", &photo, "new"],
        &["show", &photo],
        &["log", photos],
    ];
    let is_long = std::env::var_os("KBASEFS_LONG").is_some();
    let mut tried = 0;
    for (n, (kind, damage)) in KINDS.into_iter().enumerate() {
        for (state, files) in [("closed", &closed), ("left open", &left)] {
            let is_of_log = kind.contains("log");
            if is_of_log && files.log.is_empty() {
                continue;
            }
            for (m, command) in commands.iter().enumerate() {
                if !is_long && (n + files.log.len().min(3)) % commands.len() != m {
                    continue;
                }
                let at = format!("{kind}, {state}: {command:?}");
                files.put(&env, damage);
                // One without photos knows none to show.
                if kind == "nothing" && command[0] != "mount" && command[0] != "scan" {
                    continue;
                }
                run(&env, command, &at);
                check(&env, kind, &at);
                clear_aside(&env);
                tried += 1;
            }
        }
    }
    eprintln!("{tried} kinds of damage and first commands");
}

fn run(env: &TestEnv, command: &[&str], at: &str) {
    let mnt = env.path("mnt");
    let args = command.iter().map(|arg| match *arg {
        "MNT" => mnt.to_str().unwrap(),
        arg => arg,
    });
    let args: Vec<_> = args.collect();
    let run = || env.command(&[]).args(&args).output().unwrap();
    let mut ended = run();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    // Which folder it is of stood on the page that is lost; whoever names the folder says it again.
    if said.contains("meta: ") && said.contains("no catalog knows this file") {
        let photos = env.path("photos");
        assert!(
            env.run(&["scan", photos.to_str().unwrap()])
                .status
                .success()
        );
        ended = run();
    }
    assert!(ended.status.success(), "{at}: {said}");
    if command[0] == "mount" {
        assert!(mnt.join("all/1.png").exists(), "{at}");
        assert!(env.run(&["umount", mnt.to_str().unwrap()]).status.success());
    }
}

/// Nothing is lost but what stood on the damaged pages; what is there is sound.
fn check(env: &TestEnv, kind: &str, at: &str) {
    // What nobody asked for so far is found by the check, and is in order when the index is opened next.
    sqlite::check(&env.index()).unwrap();
    let app = env.app();
    app.scan().unwrap();
    assert_eq!(app.library().index().len(), 11, "{at}");
    drop(app);
    let found = sqlite::check(&env.index()).unwrap();
    assert_eq!(found, Vec::<String>::new(), "{at}");
    let index = Connection::open(env.index()).unwrap();
    let count = |sql: &str| {
        index
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .unwrap()
    };
    let tags = count(
        "SELECT count(DISTINCT photo) FROM label WHERE origin = 'human' AND facet = 'tag' AND confidence > 0",
    );
    let acts = count("SELECT count(*) FROM act");
    let least = match kind {
        // Half of the pages are gone, or all but those in the log.
        "nothing" | "half of it" | "nothing but the log" => 0,
        "half of the log" | "no log" => 1,
        _ => 10,
    };
    assert!(tags >= least, "{at}: {tags} photos with tags");
    assert!(acts >= least, "{at}: {acts} acts");
    let all = aside(env);
    let is_whole = |file: &Path| fs::metadata(file).is_ok();
    assert!(all.iter().all(|file| is_whole(file)), "{at}");
}
