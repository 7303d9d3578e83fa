//! Names that the kernel remembers: they are right, also while they change, and it is seldom asked for them again.

use std::sync::atomic::{AtomicBool, Ordering};

use kbasefs::catalog::{Change, Edit};
use kbasefs::fuse::{MountOptions, Request};

use crate::fixture::{Fixture, Surface};
use crate::mount::Mount;

const MANY: usize = 300;

fn many() -> Fixture {
    let photos: String = (0..MANY).map(|n| format!("{n}.jpg beach;")).collect();
    Fixture::new(&format!("{photos} other.jpg"))
}

fn without_epochs() -> MountOptions {
    let mut options = MountOptions::default();
    options.epochs = false;
    options
}

/// How often the kernel asks for a name while somebody looks at all of these.
fn lookups(mount: &Mount, photos: std::ops::Range<usize>) -> u64 {
    let before = mount.count(Request::Lookup);
    for n in photos {
        mount.stat(&format!("/tags/beach/{n}.jpg")).unwrap();
    }
    mount.count(Request::Lookup) - before
}

fn gone(fixture: &Fixture, name: &str) {
    let id = fixture.id(name);
    fixture.library.commit(&[Change::Gone { id }]).unwrap();
}

#[test]
fn a_change_of_other_names_costs_no_lookup() {
    let fixture = many();
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    assert!(lookups(&mount, 0..MANY) >= MANY as u64);
    assert_eq!(lookups(&mount, 0..MANY), 0);
    let before = mount.stat("/all/other.jpg").unwrap().size;
    fixture.add("late.jpg dog");
    std::fs::write(fixture.path("other.jpg"), "now it is another").unwrap();
    fixture.see_again("other.jpg");
    // The kernel has been told of all that when it is told of this.
    mount.eventually(&mut || mount.stat("/all/other.jpg").unwrap().size != before);
    assert_eq!(lookups(&mount, 0..MANY), 0);
}

#[test]
fn an_edit_through_the_mount_costs_no_lookup_of_other_names() {
    let fixture = many();
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    lookups(&mount, 0..MANY);
    for round in 1..4 {
        let links = || mount.stat("/all/other.jpg").unwrap().nlink;
        let before = links();
        mount
            .link("/all/other.jpg", "/tags/beach/other.jpg")
            .unwrap();
        mount.eventually(&mut || links() != before);
        mount.stat("/tags/beach/other.jpg").unwrap();
        assert_eq!(lookups(&mount, 0..MANY), 0, "linked, round {round}");
        mount.remove_file("/tags/beach/other.jpg").unwrap();
        mount.eventually(&mut || links() == before);
        assert!(mount.stat("/tags/beach/other.jpg").is_err());
        assert_eq!(lookups(&mount, 0..MANY), 0, "removed, round {round}");
    }
}

#[test]
fn a_change_of_a_remembered_name_costs_one_lookup_of_each() {
    let fixture = many();
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    lookups(&mount, 0..MANY);
    gone(&fixture, "0.jpg");
    mount.eventually(&mut || mount.stat("/tags/beach/0.jpg").is_err());
    let again = lookups(&mount, 1..MANY);
    assert!(
        (MANY as u64 - 1..MANY as u64 + 3).contains(&again),
        "{again}"
    );
    assert_eq!(lookups(&mount, 1..MANY), 0);
}

#[test]
fn a_kernel_without_epochs_asks_each_time_and_is_never_wrong() {
    let fixture = many();
    let Some(mount) = Mount::with(&fixture, &without_epochs()) else {
        return;
    };
    for _ in 0..2 {
        assert!(lookups(&mount, 0..MANY) >= MANY as u64);
    }
    for n in 0..20 {
        assert!(mount.stat(&format!("/tags/beach/late{n}.jpg")).is_err());
        fixture.add(&format!("late{n}.jpg beach"));
        assert!(mount.stat(&format!("/tags/beach/late{n}.jpg")).is_ok());
        gone(&fixture, &format!("{n}.jpg"));
        assert!(mount.stat(&format!("/tags/beach/{n}.jpg")).is_err());
    }
}

/// Names that come along with listings under way are the hardest to take back.
#[test]
fn no_name_stays_wrong_after_a_storm_of_listings_and_changes() {
    for options in [MountOptions::default(), without_epochs()] {
        let fixture = many();
        let Some(mount) = Mount::with(&fixture, &options) else {
            return;
        };
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let names = mount.list("/tags/beach").unwrap();
                        for name in names.iter().step_by(7) {
                            // It may be gone since.
                            let _ = mount.stat(&format!("/tags/beach/{name}"));
                        }
                    }
                });
            }
            for n in 0..200 {
                gone(&fixture, &format!("{n}.jpg"));
                fixture.add(&format!("late{n}.jpg beach"));
                let shown = format!("/tags/beach/late{n}.jpg");
                mount.eventually(&mut || mount.stat(&shown).is_ok());
            }
            over.store(true, Ordering::Relaxed);
        });
        for n in 0..200 {
            let (gone, late) = (
                format!("/tags/beach/{n}.jpg"),
                format!("/tags/beach/late{n}.jpg"),
            );
            mount.eventually(&mut || mount.stat(&gone).is_err() && mount.stat(&late).is_ok());
        }
        assert_eq!(mount.list("/tags/beach").unwrap().len(), MANY);
    }
}

#[test]
fn who_waits_until_all_are_told_finds_every_change_in_the_mount() {
    let fixture = Fixture::new("1.jpg; 2.jpg beach");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let mut wrong = Vec::new();
    let mut check = |round: u32, name: &str, is_there: bool| {
        fixture.library.wait_until_told();
        if mount.stat(name).is_ok() != is_there {
            wrong.push((round, name.to_owned(), is_there));
        }
    };
    for round in 0..500 {
        check(round, "/tags/zed/1.jpg", false);
        fixture.edit("1.jpg", Edit::Tag("zed".into()));
        check(round, "/tags/zed/1.jpg", true);
        fixture.edit("1.jpg", Edit::Untag("zed".into()));
        check(round, "/tags/zed/1.jpg", false);
        check(round, "/tags/zed", false);
    }
    // The kernel is told of what models say only now and then, unless somebody waits.
    for round in 0..20 {
        let (now, other) = [("cat", "dog"), ("dog", "cat")][round as usize % 2];
        fixture.analyze("2.jpg", &[now]);
        check(round, &format!("/tags/{now}/2.jpg"), true);
        check(round, &format!("/tags/{other}/2.jpg"), false);
    }
    assert_eq!(wrong, []);
}
