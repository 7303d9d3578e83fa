//! What was committed stays, whatever happens to the process, the disk or the index file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kbasefs::app::App;
use kbasefs::catalog::{Change, Edit, Facet, PhotoId, SourcePath, Stored, TextField, Words};
use kbasefs::config::Config;
use kbasefs::fuse::mounts;
use kbasefs::store::Store;
use kbasefs::store::ledger::{Ledger, Spent};
use kbasefs::store::sqlite::{self, Sqlite};
use rustix::fs::{XattrFlags, setxattr};
use rustix::io::Errno;
use rustix::mount::MountFlags;

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new(photos: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt", "index"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let house = Self { folder };
        for n in 0..photos {
            picture(&house.path(&format!("photos/{n}.png")), n);
        }
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn index(&self) -> PathBuf {
        self.path("index/catalog.sqlite")
    }

    fn config(&self) -> Config {
        Config {
            index: Some(self.index()),
            ..Config::default()
        }
    }

    fn app(&self) -> App {
        App::open(&self.path("photos"), self.config()).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let ours = |name: &str| name.starts_with("XDG_") || name.starts_with("KBASEFS_");
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home"));
        command.args(args).arg("--index").arg(self.index());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Most tests don't mount, or have unmounted.
        let _ = mounts::detach(&self.path("mnt"));
        let _ = mounts::detach(&self.path("index"));
    }
}

fn picture(path: &Path, look: usize) {
    let (look, more) = ((look % 251) as u8, (look / 251) as u8);
    let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([look, more, 3]));
    picture.save(path).unwrap();
}

fn tag(app: &App, path: &str, tag: &str) {
    let id = app
        .library
        .index()
        .by_path(&SourcePath::new(path.as_bytes()));
    let (id, edit) = (id.unwrap(), Edit::Tag(tag.into()));
    app.library.commit(&[Change::edited(id, edit)]).unwrap();
}

fn tags(app: &App, path: &str) -> BTreeSet<String> {
    let index = app.library.index();
    let id = index.by_path(&SourcePath::new(path.as_bytes())).unwrap();
    let labels = index.labels_of(id).into_iter();
    let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
    tags.map(|(_, value)| value).collect()
}

/// The files beside the index that were set aside.
fn aside(house: &House) -> Vec<PathBuf> {
    let all = fs::read_dir(house.path("index")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let is_aside = |p: &PathBuf| {
        p.extension()
            .is_some_and(|e| e.to_str() == Some("damaged-1"))
    };
    all.filter(is_aside).collect()
}

/// A catalog of some photos with a tag each, closed again.
fn tagged(photos: usize) -> House {
    let house = House::new(photos);
    let app = house.app();
    app.scan().unwrap();
    for n in 0..photos {
        tag(&app, &format!("{n}.png"), &format!("tag {n}"));
    }
    house
}

#[test]
fn a_damaged_index_is_set_aside_and_what_can_be_read_of_it_stays() {
    const PAGE: usize = 4096;
    let house = tagged(300);
    let pages = ["photo", "label", "text", "act"].map(|table| page_of(&house, table));
    let sound = fs::read(house.index()).unwrap();
    let mut kept = 0;
    for page in std::iter::once(0).chain(pages) {
        let mut damaged = sound.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        fs::write(house.index(), &damaged).unwrap();
        // As after a crash: only then is all of it looked at.
        fs::write(house.path("index/catalog.sqlite-wal"), "x").unwrap();
        let app = house.app();
        app.scan().unwrap();
        assert_eq!(app.library.index().len(), 300, "page {page}");
        let own = |n: usize| tags(&app, &format!("{n}.png")).contains(&format!("tag {n}"));
        kept += (0..300).filter(|&n| own(n)).count();
        drop(app);
        let set_aside = aside(&house);
        assert_eq!(set_aside.len(), 1, "page {page}");
        assert!(
            fs::read(&set_aside[0]).unwrap() == damaged,
            "it is as it was found"
        );
        assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
        for file in aside(&house) {
            fs::remove_file(file).unwrap();
        }
    }
    // Of the first page nothing can be read; of the others nearly everything.
    assert!(kept > 3 * 300, "{kept} of 1500 tags");
}

#[test]
fn damage_that_shows_only_when_the_index_is_read_is_set_aside_too() {
    let house = tagged(300);
    let mut bytes = fs::read(house.index()).unwrap();
    let (from, to) = (bytes.len() / 5 / 4096 * 4096, bytes.len() * 3 / 5);
    bytes[from..to].fill(0xa5);
    fs::write(house.index(), bytes).unwrap();
    let app = house.app();
    app.scan().unwrap();
    assert_eq!(app.library.index().len(), 300);
    assert_eq!(aside(&house).len(), 1);
    drop(app);
    assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
}

#[test]
fn a_cut_index_is_set_aside_too() {
    let house = tagged(200);
    let sound = fs::read(house.index()).unwrap();
    fs::write(house.index(), &sound[..sound.len() / 2]).unwrap();
    let app = house.app();
    app.scan().unwrap();
    assert_eq!(app.library.index().len(), 200);
    assert_eq!(aside(&house).len(), 1);
}

#[test]
fn the_journal_and_what_was_spent_outlive_damage() {
    let house = tagged(300);
    let spent = Spent {
        requests: 3,
        cost: 1.5,
        ..Spent::default()
    };
    let store = Sqlite::open(&house.index(), &house.path("photos")).unwrap();
    store.spend("desk", "2026-01-31", &spent).unwrap();
    drop(store);
    let pages = ["photo", "label", "words_docsize", "act"].map(|table| page_of(&house, table));
    let sound = fs::read(house.index()).unwrap();
    let mut acts = 0;
    for page in pages {
        let mut damaged = sound.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(house.index(), &damaged).unwrap();
        fs::write(house.path("index/catalog.sqlite-wal"), "x").unwrap();
        drop(house.app());
        assert_eq!(aside(&house).len(), 1, "page {page}");
        let store = Sqlite::open(&house.index(), &house.path("photos")).unwrap();
        let kept = store.acts(None, 1000).unwrap();
        assert!(kept.is_sorted_by(|a, b| a.id > b.id), "the latest first");
        acts += kept.len();
        let account = store.spent("desk", "2026-01").unwrap();
        assert_eq!(account, spent, "page {page}");
        // What is done next is no act of before.
        let edit = Change::edited(PhotoId(1), Edit::Tag("next".into()));
        store.commit(&[edit]).unwrap();
        assert!(store.acts(None, 1).unwrap()[0].id > kept[0].id);
        drop(store);
        fs::remove_file(&aside(&house)[0]).unwrap();
    }
    assert!(acts > 3 * 300, "{acts} of 1200 acts");
}

/// A page of rows in the middle of a table.
fn page_of(house: &House, table: &str) -> usize {
    let index = rusqlite::Connection::open(house.index()).unwrap();
    let pages = "SELECT pageno - 1 FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path";
    let mut pages = index.prepare(pages).unwrap();
    let pages = pages.query_map([table], |row| row.get(0)).unwrap();
    let pages: Vec<u32> = pages.map(Result::unwrap).collect();
    pages[pages.len() / 2] as usize
}

#[test]
fn a_folder_that_became_read_only_is_said_to_be_and_loses_nothing() {
    let house = House::new(3);
    if !mount_small_disk(&house.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = house.app();
    app.scan().unwrap();
    tag(&app, "1.png", "before");
    drop(app);
    let again = |flags| {
        let none = std::ffi::CString::default();
        rustix::mount::mount_remount(house.path("index"), flags, none.as_c_str()).unwrap();
    };
    again(MountFlags::RDONLY);
    let photos = house.path("photos");
    let refused = house.run(&["tag", photos.join("1.png").to_str().unwrap(), "after"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("read-only"), "{said}");
    again(MountFlags::empty());
    assert_eq!(tags(&house.app(), "1.png"), ["before".to_owned()].into());
}

#[test]
fn a_sound_index_is_left_where_it_is() {
    let house = tagged(3);
    assert_eq!(tags(&house.app(), "1.png"), ["tag 1".to_owned()].into());
    assert!(aside(&house).is_empty());
}

#[test]
fn an_index_of_the_first_schema_is_taken_over() {
    let house = House::new(0);
    let old = rusqlite::Connection::open(house.index()).unwrap();
    old.execute_batch(include_str!(
        "../src/store/sqlite/migrations/0001_catalog.sql"
    ))
    .unwrap();
    old.execute_batch(include_str!("schemas/0001.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let store = Sqlite::open(&house.index(), Path::new("/photos")).unwrap();
    let mut photos = Vec::new();
    let take = &mut |stored| {
        if let Stored::Photo(photo, _) = stored {
            photos.push(photo);
        }
    };
    store.load(take).unwrap();
    let names: Vec<_> = photos.iter().map(|p| p.path.to_string()).collect();
    assert_eq!(names, ["2019/a.jpg", "b.jpg"]);
    let detail = store.detail(photos[0].id).unwrap().unwrap();
    assert_eq!(detail.text(TextField::Description).unwrap().value, "mine");
    assert!(photos[0].edited && !photos[1].edited);
    let words = Words::new("mine").unwrap();
    let found = store.full_text(&words).unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), [1]);
    drop(store);
    assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
}

#[test]
fn an_index_is_checked_copied_and_made_smaller() {
    let house = tagged(50);
    let photos = house.path("photos");
    let photos = photos.to_str().unwrap();
    let check = house.run(&["index", "check", photos]);
    assert_eq!(
        String::from_utf8_lossy(&check.stdout),
        "the index is sound\n"
    );
    let copy = house.path("copy.sqlite");
    let copy = copy.to_str().unwrap();
    assert!(
        house
            .run(&["index", "backup", photos, copy])
            .status
            .success()
    );
    assert!(
        !house
            .run(&["index", "backup", photos, copy])
            .status
            .success(),
        "it is there"
    );
    assert!(house.run(&["index", "vacuum", photos]).status.success());
    fs::rename(copy, house.index()).unwrap();
    assert_eq!(tags(&house.app(), "7.png"), ["tag 7".to_owned()].into());
    let mut bytes = fs::read(house.index()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(house.index(), bytes).unwrap();
    let check = house.run(&["index", "check", photos, "--json"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stdout).contains("\"sound\":false"));
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let house = House::new(40);
    if !mount_small_disk(&house.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = house.app();
    app.scan().unwrap();
    tag(&app, "3.png", "before");
    let ballast = house.path("index/ballast");
    let mut zeros = fs::File::create(&ballast).unwrap();
    // Until the disk is full.
    let full = std::io::copy(&mut std::io::repeat(0), &mut zeros).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let id = app
        .library
        .index()
        .by_path(&SourcePath::new(*b"4.png"))
        .unwrap();
    let edit = || Edit::SetText(TextField::Description, "words ".repeat(20_000));
    let refused = app
        .library
        .commit(&[Change::edited(id, edit())])
        .unwrap_err();
    assert!(refused.is_full(), "{refused}");
    assert!(
        app.library
            .detail(id)
            .unwrap()
            .unwrap()
            .text(TextField::Description)
            .is_none()
    );
    drop(zeros);
    fs::remove_file(ballast).unwrap();
    app.library.commit(&[Change::edited(id, edit())]).unwrap();
    drop(app);
    let app = house.app();
    assert_eq!(tags(&app, "3.png"), ["before".to_owned()].into());
    assert!(
        app.library
            .detail(id)
            .unwrap()
            .unwrap()
            .text(TextField::Description)
            .is_some()
    );
}

fn mount_small_disk(at: &Path) -> bool {
    let size = std::ffi::CString::new("size=8m").unwrap();
    rustix::mount::mount("none", at, "tmpfs", MountFlags::empty(), size.as_c_str()).is_ok()
}

/// A mount that is killed again and again while somebody edits, files come and go, and pictures are looked at: what was
/// acknowledged is there afterwards. `KBASEFS_KILLS` says how often; a night's worth is 200.
#[test]
fn what_was_acknowledged_survives_every_kill() {
    if !Path::new("/dev/fuse").exists() {
        eprintln!("skipped: /dev/fuse is missing");
        return;
    }
    let kills: usize = std::env::var("KBASEFS_KILLS").map_or(5, |n| n.parse().unwrap());
    let house = House::new(30);
    let mut model = BTreeMap::new();
    let mut acknowledged = 0;
    for round in 0..kills {
        let mut daemon = mount(&house);
        check_model(&house, &model, round);
        let killed = AtomicBool::new(false);
        let before = model.clone();
        let (edited, count) = std::thread::scope(|scope| {
            let edits = scope.spawn(|| edit_until(&house, &killed, round, before));
            scope.spawn(|| stir_until(&house, &killed, round));
            // Looks at everything, so that pictures are analysed.
            scope.spawn(|| {
                fs::read_dir(house.path("mnt/tags"))
                    .map(Iterator::count)
                    .is_ok()
            });
            std::thread::sleep(Duration::from_millis(((round * 37) % 400) as u64));
            killed.store(true, Ordering::Relaxed);
            daemon.kill().unwrap();
            daemon.wait().unwrap();
            edits.join().unwrap()
        });
        model = edited;
        acknowledged += count;
        // Its guard may be about to do the same.
        let _ = mounts::detach(&house.path("mnt"));
        assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
    }
    let mut daemon = mount(&house);
    check_model(&house, &model, kills);
    mounts::detach(&house.path("mnt")).unwrap();
    assert!(daemon.wait().unwrap().success());
    assert!(aside(&house).is_empty());
    eprintln!("{kills} kills, {acknowledged} edits acknowledged, none lost");
}

/// What the comment of each photo may be: what was acknowledged last, or what was under way then; `None` for whatever it
/// was before anybody said anything.
type Model = BTreeMap<String, BTreeSet<Option<String>>>;

fn mount(house: &House) -> Child {
    let mut command = house.command(&["mount", "-f"]);
    command.args([house.path("photos"), house.path("mnt")]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("is mounted on") {
        assert!(log.read_line(&mut text).unwrap() > 0, "{text}");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    child
}

fn edit_until(
    house: &House,
    killed: &AtomicBool,
    round: usize,
    mut model: Model,
) -> (Model, usize) {
    let mut acknowledged = 0;
    for n in 0.. {
        let photo = format!("{}.png", (n * 7 + round) % 30);
        let value = format!("r{round}n{n}");
        let at = house.path("mnt/all").join(&photo);
        let allowed = model.entry(photo.clone()).or_insert_with(|| [None].into());
        allowed.insert(Some(value.clone()));
        match setxattr(
            &at,
            "user.xdg.comment",
            value.as_bytes(),
            XattrFlags::empty(),
        ) {
            Ok(()) => {
                model.insert(photo, [Some(value)].into());
                acknowledged += 1;
            }
            // Its connection broke off: it is being killed.
            Err(Errno::CONNABORTED | Errno::NOTCONN) => return (model, acknowledged),
            Err(_) if killed.load(Ordering::Relaxed) => return (model, acknowledged),
            Err(e) => panic!("{}: {e}", at.display()),
        }
    }
    unreachable!("the process is killed in the end")
}

/// Photos come, move and go in the source.
fn stir_until(house: &House, killed: &AtomicBool, round: usize) {
    for n in 0.. {
        if killed.load(Ordering::Relaxed) {
            return;
        }
        let (new, moved) = (
            format!("photos/new-{n}.png"),
            format!("photos/moved-{n}.png"),
        );
        picture(&house.path(&new), 1000 + round * 50 + n);
        fs::rename(house.path(&new), house.path(&moved)).unwrap();
        if n % 3 == 0 {
            fs::remove_file(house.path(&moved)).unwrap();
        }
    }
}

fn check_model(house: &House, model: &Model, round: usize) {
    for (photo, allowed) in model {
        let at = house.path("mnt/all").join(photo);
        let mut value = vec![0; 256];
        let length = rustix::fs::getxattr(&at, "user.xdg.comment", &mut value[..]);
        let value = length.map(|n| String::from_utf8(value[..n].to_vec()).unwrap());
        let fits = allowed.contains(&None) || allowed.contains(&value.clone().ok());
        assert!(
            fits,
            "round {round}: {photo} is {value:?}, not one of {allowed:?}"
        );
    }
}
