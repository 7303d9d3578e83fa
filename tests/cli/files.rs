//! What becomes of what was said when files are copied, put aside, or on a disk that numbers them anew.

use std::process::Command;

use crate::can_mount::can_mount;
use crate::test_env::TestEnv;

/// Nothing was analysed, so nobody ever read the file as a whole.
#[test]
fn what_was_said_goes_along_when_a_photo_is_copied_and_deleted() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &photo, "keep"]);
    let to = env.text("photos/elsewhere.d");
    std::fs::create_dir(&to).unwrap();
    let copied = Command::new("cp").args(["-p", &photo, &to]).status();
    assert!(copied.unwrap().success());
    std::fs::remove_file(&photo).unwrap();
    env.ok(&["scan", &photos]);
    let shown = env.json(&["show", "--json", &env.text("photos/elsewhere.d/IMG_1.jpg")]);
    assert!(shown.to_string().contains("keep"), "{shown}");
    let undone = env.ok(&["undo", "--source", &photos]);
    assert!(undone.contains("1 photo"), "{undone}");
}

/// A plain copy has another time, so only the content tells.
#[test]
fn what_was_just_said_goes_along_when_a_photo_is_copied_anew_and_deleted() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &photo, "keep"]);
    let hash = env.json(&["show", "--json", &photo])["hash"].clone();
    assert!(hash.is_string(), "{hash}");
    let copy = env.text("photos/other.jpg");
    let bytes = std::fs::read(&photo).unwrap();
    std::fs::remove_file(&photo).unwrap();
    std::fs::write(&copy, bytes).unwrap();
    env.ok(&["scan", &photos]);
    let shown = env.json(&["show", "--json", &copy]);
    assert!(shown.to_string().contains("keep"), "{shown}");
}

/// `cp --backup`, as exiftool's default and many editors.
#[test]
fn a_name_keeps_its_tags_when_the_original_is_put_aside() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &photo, "keep"]);
    let new = env.path("new.jpg");
    let mut bytes = std::fs::read(&photo).unwrap();
    bytes.push(0);
    std::fs::write(&new, bytes).unwrap();
    let copied = Command::new("cp")
        .args(["--backup=simple".as_ref(), new.as_os_str(), photo.as_ref()])
        .status();
    assert!(copied.unwrap().success());
    env.ok(&["scan", &photos]);
    std::fs::remove_file(format!("{photo}~")).unwrap();
    env.ok(&["scan", &photos]);
    let shown = env.json(&["show", "--json", &photo]);
    assert!(shown.to_string().contains("keep"), "{shown}");
    env.ok(&["undo", "--source", &photos]);
    let shown = env.json(&["show", "--json", &photo]);
    assert!(!shown.to_string().contains("keep"), "{shown}");
}

/// As exFAT and FAT, which give every file another inode with every mount: nothing is read again.
#[test]
fn a_disk_that_numbers_its_files_anew_is_not_read_again() {
    let env = TestEnv::new();
    let (photos, disk) = (env.text("photos"), env.text("disk"));
    std::fs::rename(&photos, &disk).unwrap();
    std::fs::create_dir(&photos).unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !can_mount() || !run("bindfs", &["--no-allow-other", &disk, &photos]) {
        return eprintln!("skipped: needs FUSE and bindfs");
    }
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &env.text("photos/2019/IMG_1.jpg"), "keep"]);
    let first = env.json(&["scan", &photos, "--json"]);
    assert!(run("umount", &[&photos]));
    // Other inodes with the same names, sizes and times.
    let copy = env.text("copy");
    assert!(run("cp", &["-a", &disk, &copy]));
    assert!(run("bindfs", &["--no-allow-other", &copy, &photos]));
    let again = env.json(&["scan", &photos, "--json"]);
    let shown = env.json(&["show", "--json", &env.text("photos/2019/IMG_1.jpg")]);
    assert!(run("umount", &[&photos]));
    assert_eq!(first["photos"], again["photos"]);
    let number = |name: &str| again[name].as_u64().unwrap();
    // Text files are no photos, and are looked into by every process once.
    assert_eq!(
        number("opened"),
        first["opened"].as_u64().unwrap(),
        "{again}"
    );
    assert_eq!((number("hashed"), number("gone")), (0, 0), "{again}");
    assert!(number("changed") > 0, "{again}");
    assert!(shown.to_string().contains("keep"), "{shown}");
}
