//! What the kernel asks for what users do. Requests are what costs time, so they are counted.

use std::process::Command;
use std::sync::Arc;

use kbasefs::fuse::Request;
use kbasefs::store::sqlite::Sqlite;

use crate::fixture::{Fixture, Surface, content};
use crate::mount::{Mount, options};
use crate::watched::Watched;

#[test]
fn a_long_listing_asks_for_two_attributes_and_no_photo() {
    let folder = tempfile::tempdir().unwrap();
    let index = Sqlite::open(&folder.path().join("index.sqlite"), folder.path()).unwrap();
    let store = Arc::new(Watched::over(index));
    let fixture = Fixture::with_store(store.clone(), "");
    let photos = (0..10_000).map(|n| format!("{n}.jpg beach;"));
    fixture.add_empty(&photos.collect::<String>());
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let asked = store.calls();
    let list = || {
        Command::new("ls")
            .arg("-l")
            .arg(mount.path("tags/beach"))
            .output()
            .unwrap()
    };
    let lines = list().stdout.iter().filter(|&&b| b == b'\n').count();
    assert_eq!(lines, 10_001);
    assert_eq!(store.calls(), asked, "a listing asks the store for nothing");
    assert!(mount.count(Request::GetXattr) <= 2);
    assert_eq!(mount.count(Request::ListXattr), 0);
    assert_eq!(
        (mount.count(Request::Open), mount.count(Request::Read)),
        (0, 0)
    );
    let requests = [
        Request::Lookup,
        Request::ReadDir,
        Request::ReadDirPlus,
        Request::GetAttr,
    ];
    let before = requests.map(|request| mount.count(request));
    list();
    let mut expected = before;
    // The time of access of a folder that was listed: the kernel asks for it on mounts that aren't read-only.
    expected[3] += 1;
    assert_eq!(requests.map(|request| mount.count(request)), expected);
}

#[test]
fn a_second_walk_over_the_tree_reads_no_folder() {
    let photos = "a.jpg beach sunset 2024-07-14; trip/b.jpg beach dog; trip/deep/c.jpg dog";
    let fixture = Fixture::new(photos);
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    // Which searches are listed changes with each that somebody looks at: they are read anew, and so is their parent's
    // entry for them.
    let walk = || {
        let walked = Command::new("find")
            .arg(mount.path(""))
            .args(["-path", "*/search", "-prune", "-o", "-printf", "%P %i %s\n"])
            .output()
            .unwrap();
        assert!(walked.status.success());
        String::from_utf8(walked.stdout).unwrap()
    };
    let first = walk();
    assert!(first.lines().count() > 50, "{first}");
    let requests = [Request::ReadDir, Request::ReadDirPlus, Request::Lookup];
    let before = requests.map(|request| mount.count(request));
    assert_eq!(walk(), first);
    assert_eq!(requests.map(|request| mount.count(request)), before);
}

#[test]
fn a_missing_name_is_looked_up_once() {
    let fixture = Fixture::new("a.jpg beach");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    for _ in 0..10 {
        assert!(mount.stat("/.Trash-0").is_err());
    }
    assert_eq!(mount.count(Request::Lookup), 1);
}

#[test]
fn the_kernel_reads_originals_by_itself() {
    let fixture = Fixture::new("a.jpg");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    for _ in 0..3 {
        assert_eq!(mount.read("all/a.jpg"), Ok(content("a.jpg")));
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root gets passthrough");
        return;
    }
    assert_eq!(mount.count(Request::Read), 0);
}

#[test]
fn a_photo_is_read_once_where_the_kernel_may_not_read_by_itself() {
    let fixture = Fixture::new("a.jpg");
    let Some(mount) = Mount::with(&fixture, &options(false)) else {
        return;
    };
    assert_eq!(mount.read("all/a.jpg"), Ok(content("a.jpg")));
    let reads = mount.count(Request::Read);
    assert!(reads > 0);
    assert_eq!(mount.read("all/a.jpg"), Ok(content("a.jpg")));
    assert_eq!(mount.count(Request::Read), reads);
}
