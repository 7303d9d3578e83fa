//! What was committed stays, whatever happens to the process, the disk or the index file.

mod backups;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod damage;
mod failing_disk;
#[path = "../common/failing_fs/mod.rs"]
mod failing_fs;
mod foreign_logs;
#[path = "../common/isolated.rs"]
mod isolated;
mod kills;
mod kinds;
mod locked;
mod looking;
mod names_in_the_way;
mod replaced;
mod schema;
mod taken_away;
mod test_env;
mod told;
#[path = "../common/until.rs"]
mod until;
mod values;

use std::fs;
use std::path::Path;

use kbasefs::catalog::{Change, Edit, SourcePath, Stored, TextField, Words};
use kbasefs::store::Store;
use kbasefs::store::sqlite::{self, Sqlite};
use rustix::mount::MountFlags;

use test_env::{TestEnv, tag, tagged, tags};

#[test]
fn a_folder_that_became_read_only_is_said_to_be_and_loses_nothing() {
    let env = TestEnv::new(3);
    if !mount_small_disk(&env.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = env.app();
    app.scan().unwrap();
    tag(&app, "1.png", "before");
    drop(app);
    let again = |flags| {
        let none = std::ffi::CString::default();
        rustix::mount::mount_remount(env.path("index"), flags, none.as_c_str()).unwrap();
    };
    again(MountFlags::RDONLY);
    let photos = env.path("photos");
    let refused = env.run(&["tag", photos.join("1.png").to_str().unwrap(), "after"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("read-only"), "{said}");
    again(MountFlags::empty());
    assert_eq!(tags(&env.app(), "1.png"), ["before".to_owned()].into());
}

#[test]
fn an_index_of_the_first_schema_is_taken_over() {
    let env = TestEnv::new(0);
    let old = rusqlite::Connection::open(env.index()).unwrap();
    old.execute_batch(include_str!(
        "../../src/store/sqlite/migrations/0001_catalog.sql"
    ))
    .unwrap();
    old.execute_batch(include_str!("schemas/0001.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let store = Sqlite::open(&env.index(), Path::new("/photos")).unwrap();
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
    assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
}

#[test]
fn an_index_is_checked_copied_and_made_smaller() {
    let env = tagged(50);
    let photos = env.path("photos");
    let photos = photos.to_str().unwrap();
    let check = env.run(&["catalog", "check", photos]);
    assert_eq!(
        String::from_utf8_lossy(&check.stdout),
        "the catalog is sound\n"
    );
    let copy = env.path("copy.sqlite");
    let copy = copy.to_str().unwrap();
    assert!(
        env.run(&["catalog", "backup", photos, copy])
            .status
            .success()
    );
    assert!(
        !env.run(&["catalog", "backup", photos, copy])
            .status
            .success(),
        "it is there"
    );
    assert!(env.run(&["catalog", "vacuum", photos]).status.success());
    fs::rename(copy, env.index()).unwrap();
    assert_eq!(tags(&env.app(), "7.png"), ["tag 7".to_owned()].into());
    let mut bytes = fs::read(env.index()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(env.index(), bytes).unwrap();
    let check = env.run(&["catalog", "check", photos, "--json"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stdout).contains("\"sound\":false"));
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let env = TestEnv::new(40);
    if !mount_small_disk(&env.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = env.app();
    app.scan().unwrap();
    tag(&app, "3.png", "before");
    let ballast = env.path("index/ballast");
    let mut zeros = fs::File::create(&ballast).unwrap();
    // Until the disk is full.
    let full = std::io::copy(&mut std::io::repeat(0), &mut zeros).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let id = app
        .library()
        .index()
        .by_path(&SourcePath::new(*b"4.png"))
        .unwrap();
    let edit = || Edit::SetText(TextField::Description, "words ".repeat(20_000));
    let refused = app
        .library()
        .commit(&[Change::edited(id, edit())])
        .unwrap_err();
    assert!(refused.is_full(), "{refused}");
    assert!(
        app.library()
            .detail(id)
            .unwrap()
            .unwrap()
            .text(TextField::Description)
            .is_none()
    );
    drop(zeros);
    fs::remove_file(ballast).unwrap();
    app.library().commit(&[Change::edited(id, edit())]).unwrap();
    drop(app);
    let app = env.app();
    assert_eq!(tags(&app, "3.png"), ["before".to_owned()].into());
    assert!(
        app.library()
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
