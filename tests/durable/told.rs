//! What was lost is said by the first command that finds it, a mount too, and for a while by others.

use std::fs;
use std::path::Path;

use kbasefs::store::sqlite;
use rusqlite::Connection;

use crate::house::{House, settled};

fn mount(house: &House) -> String {
    let (photos, mnt) = (house.path("photos"), house.path("mnt"));
    let mounted = house.run(&["mount", photos.to_str().unwrap(), mnt.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&mounted.stderr).into_owned();
    assert!(mounted.status.success(), "{said}");
    said
}

fn umount(house: &House) {
    let umounted = house.run(&["umount", house.path("mnt").to_str().unwrap()]);
    assert!(umounted.status.success());
}

#[test]
fn the_first_mount_after_damage_says_what_was_lost() {
    if !Path::new("/dev/fuse").exists() {
        eprintln!("skipped: /dev/fuse is missing");
        return;
    }
    let house = settled();
    let photos = house.path("photos");
    let sound = fs::read(house.index()).unwrap();
    let misread = |house: &House| {
        let index = Connection::open(house.index()).unwrap();
        let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
        index.execute(word, []).unwrap();
        index.close().unwrap();
        assert!(!sqlite::check(&house.index()).unwrap().is_empty());
    };
    let cut = |house: &House| fs::write(house.index(), &sound[..sound.len() / 2]).unwrap();
    for damage in [&misread as &dyn Fn(&House), &cut] {
        fs::write(house.index(), &sound).unwrap();
        damage(&house);
        let said = mount(&house);
        assert!(
            said.contains("was damaged") && said.contains("rows could be read"),
            "{said}"
        );
        for command in ["status", "doctor"] {
            let told = house.run(&[command, photos.to_str().unwrap()]);
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(told.contains("rows could be read"), "{command}: {told}");
        }
        umount(&house);
        assert_eq!(mount(&house), "", "it is news once");
        umount(&house);
    }
    let log = fs::read_to_string(house.path("index/catalog.log")).unwrap();
    assert!(log.contains("was damaged and is set aside"), "{log}");
}
