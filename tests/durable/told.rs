//! What was lost is said by the first command that finds it, a mount too, and for a while by others.

use std::fs;

use kbasefs::store::sqlite;
use rusqlite::Connection;

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, settled};

fn mount(env: &TestEnv) -> String {
    let (photos, mnt) = (env.path("photos"), env.path("mnt"));
    let mounted = env.run(&["mount", photos.to_str().unwrap(), mnt.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&mounted.stderr).into_owned();
    assert!(mounted.status.success(), "{said}");
    said
}

fn umount(env: &TestEnv) {
    let umounted = env.run(&["umount", env.path("mnt").to_str().unwrap()]);
    assert!(umounted.status.success());
}

#[test]
fn the_first_mount_after_damage_says_what_was_lost() {
    if !can_mount() {
        return;
    }
    let env = settled();
    let photos = env.path("photos");
    let sound = fs::read(env.index()).unwrap();
    let misread = |env: &TestEnv| {
        let index = Connection::open(env.index()).unwrap();
        let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
        index.execute(word, []).unwrap();
        index.close().unwrap();
        assert!(!sqlite::check(&env.index()).unwrap().is_empty());
    };
    let cut = |env: &TestEnv| fs::write(env.index(), &sound[..sound.len() / 2]).unwrap();
    for damage in [&misread as &dyn Fn(&TestEnv), &cut] {
        fs::write(env.index(), &sound).unwrap();
        damage(&env);
        let said = mount(&env);
        assert!(
            said.contains("was damaged") && said.contains("rows could be read"),
            "{said}"
        );
        for command in ["status", "doctor"] {
            let told = env.run(&[command, photos.to_str().unwrap()]);
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(told.contains("rows could be read"), "{command}: {told}");
        }
        umount(&env);
        assert_eq!(mount(&env), "", "it is news once");
        umount(&env);
    }
    let log = fs::read_to_string(env.path("index/catalog.log")).unwrap();
    assert!(log.contains("was damaged and is set aside"), "{log}");
}
