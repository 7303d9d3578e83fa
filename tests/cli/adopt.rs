//! Photos that were moved and changed at once: what was said of them is told, and goes to what they are now.

use serde_json::Value;

use crate::can_mount::can_mount;
use crate::test_env::TestEnv;

/// A picture that is no copy of any other one.
fn picture(env: &TestEnv, name: &str, shade: u8) {
    let path = env.path(&format!("photos/{name}"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let color = image::Rgb([shade, 90, 30]);
    let side = 20 + u32::from(shade);
    image::RgbImage::from_pixel(side, 40, color)
        .save(path)
        .unwrap();
}

/// Moves a file to another folder and writes other bytes into it.
fn move_and_change(env: &TestEnv, from: &str, to: &str, shade: u8) {
    std::fs::remove_file(env.path(&format!("photos/{from}"))).unwrap();
    picture(env, to, shade);
}

/// Two tagged photos, one of them moved and changed, the other one removed.
fn with_gone() -> TestEnv {
    let env = TestEnv::new();
    picture(&env, "rome/P1.jpg", 10);
    picture(&env, "rome/P2.jpg", 20);
    let (photos, tagged) = (env.text("photos"), env.text("photos/rome/P1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", "--tag", "keep", "--tag", "dog", &tagged]);
    env.ok(&["tag", "--tag", "other", &env.text("photos/rome/P2.jpg")]);
    assert!(!env.ok(&["scan", &photos]).contains("is gone"));
    move_and_change(&env, "rome/P1.jpg", "2020/rome/p1.JPG", 30);
    std::fs::remove_file(env.path("photos/rome/P2.jpg")).unwrap();
    env
}

fn tags(env: &TestEnv, photo: &str) -> String {
    let known = env.json(&["show", &env.text(photo), "--json"]);
    let tags = known["tags"].as_array().unwrap().iter();
    let tags: Vec<_> = tags.map(|tag| tag["name"].as_str().unwrap()).collect();
    tags.join(" ")
}

fn listed(env: &TestEnv, photos: &str) -> Vec<Value> {
    let text = env.ok(&["catalog", "adopt", "--source", photos, "--json"]);
    let lines = text.lines();
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// What holds of a catalog, whether a process has it or not; `at` is the photo folder, or a mount of it.
fn check(env: &TestEnv, at: &str) {
    const NEW: &str = "photos/2020/rome/p1.JPG";
    let told = "2 photos of which something was said are gone";
    for command in ["scan", "status", "doctor"] {
        let said = env.run(&[command, at]);
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains(told), "{command}: {said}");
        assert!(said.contains("kbasefs catalog adopt --source"), "{said}");
    }
    let count = |command| env.json(&[command, at, "--json"])["gone_with_words"].clone();
    assert_eq!((count("scan"), count("status")), (2.into(), 2.into()));
    let gone = listed(env, at);
    assert_eq!(gone[0]["path"], "rome/P1.jpg");
    assert_eq!(gone[0]["tags"], serde_json::json!(["dog", "keep"]));
    let found = &gone[0]["candidates"][0];
    assert_eq!(found["path"], "2020/rome/p1.JPG");
    let same = serde_json::json!(["file name", "folder name"]);
    assert_eq!(
        (&found["same"], &found["id"]),
        (&same, &gone[0]["successor"])
    );
    assert_eq!(gone[1]["candidates"], serde_json::json!([]));
    let list = env.ok(&["catalog", "adopt", "--source", at]);
    assert!(list.contains("tags dog, keep"), "{list}");
    assert!(
        list.contains("nothing that came later is like it"),
        "{list}"
    );
    let all = ["catalog", "adopt", "--all", "--source", at];
    let dry = env.ok(&[&all[..], &["--dry-run"]].concat());
    assert!(dry.contains("1 of 2 would be given over"), "{dry}");
    assert_eq!(tags(env, NEW), "", "the list changes nothing");

    let said = env.ok(&all);
    assert!(
        said.contains("1 gone photos") && said.contains("1 are left"),
        "{said}"
    );
    assert_eq!(tags(env, NEW), "dog keep");
    assert_eq!(listed(env, at).len(), 1);
    let undone = env.ok(&["undo", "--source", at]);
    assert!(
        undone.contains("adopt what was said of gone photos"),
        "{undone}"
    );
    assert_eq!((tags(env, NEW).as_str(), listed(env, at).len()), ("", 2));

    // Whoever names both needs no sign; what was said of the new one stays.
    let number = gone[1]["id"].to_string();
    let given = env.json(&["catalog", "adopt", &number, &env.text(NEW), "--json"]);
    assert_eq!((&given["photos"], &given["left"]), (&1.into(), &1.into()));
    env.ok(&["catalog", "adopt", "rome/P1.jpg", &env.text(NEW)]);
    assert_eq!(tags(env, NEW), "dog keep other");
    let said = env.ok(&["catalog", "adopt", "--source", at]);
    assert!(
        said.starts_with("no photo of which something was said is gone"),
        "{said}"
    );
    assert!(!env.ok(&["status", at]).contains("catalog adopt"));
    env.ok(&["undo", "--since", "1h", "--source", at]);
    assert_eq!((tags(env, NEW).as_str(), listed(env, at).len()), ("", 0));
    assert_eq!(env.json(&["log", at, "--json", "-n", "1"])["photos"], 1);
}

#[test]
fn words_of_photos_that_are_gone_are_offered_to_what_they_are_now() {
    let env = with_gone();
    env.ok(&["scan", &env.text("photos")]);
    check(&env, &env.text("photos"));
}

#[test]
fn a_mount_offers_the_words_of_photos_that_are_gone_as_well() {
    if !can_mount() {
        return;
    }
    let env = with_gone();
    let (photos, mounted) = (env.text("photos"), env.text("mnt"));
    env.ok(&["mount", &photos, &mounted]);
    env.ok(&["scan", &mounted]);
    check(&env, &mounted);
    env.ok(&["umount", &mounted]);
}

#[test]
fn who_names_no_gone_photo_or_none_that_is_there_is_told_what_to_do() {
    let env = with_gone();
    let (photos, new) = (env.text("photos"), env.text("photos/2020/rome/p1.JPG"));
    env.ok(&["scan", &photos]);
    let check = |gone: &str, new: &str, expected: &str| {
        let (code, said) = env.refused(&["catalog", "adopt", gone, new]);
        assert!(code == 1 && said.contains(expected), "{said}");
        assert!(said.contains("hint"), "{said}");
    };
    let outside = env.text("elsewhere.jpg");
    check("rome/P9.jpg", &new, "rome/P9.jpg: no photo that is gone");
    check("999", &new, "photo 999: no photo that is gone");
    check(
        "copy.png",
        &new,
        "copy.png: is there, and has what was said",
    );
    check(&outside, &new, "not in");
    check(
        "rome/P1.jpg",
        &env.text("photos/rome/P7.jpg"),
        "no such file",
    );
    check("rome/P1.jpg", &env.text("photos/notes.txt"), "notes.txt: ");
    let part = env.text("photos/2020");
    let (_, said) = env.refused(&["catalog", "adopt", "--source", &part]);
    assert!(said.contains("a part of the catalog"), "{said}");
    // Two photos that were at one place one after the other are told apart by number.
    picture(&env, "rome/P1.jpg", 50);
    env.ok(&["tag", &env.text("photos/rome/P1.jpg"), "second"]);
    std::fs::remove_file(env.path("photos/rome/P1.jpg")).unwrap();
    env.ok(&["scan", &photos]);
    check(
        "rome/P1.jpg",
        &new,
        "several photos that are gone were there",
    );
    assert_eq!(tags(&env, "photos/2020/rome/p1.JPG"), "");
}

/// A camera counts its files anew, and a file that says when it was taken is no other photo of that name.
#[test]
fn what_only_a_file_name_speaks_for_is_offered_and_not_given_over_by_itself() {
    let env = TestEnv::new();
    picture(&env, "rome/P1.jpg", 10);
    let photos = env.text("photos");
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &env.text("photos/rome/P1.jpg"), "keep"]);
    move_and_change(&env, "rome/P1.jpg", "paris/P1.jpg", 30);
    env.ok(&["scan", &photos]);
    let gone = &listed(&env, &photos)[0];
    assert_eq!(gone["candidates"][0]["path"], "paris/P1.jpg");
    assert_eq!(gone["successor"], Value::Null);
    let said = env.ok(&["catalog", "adopt", "--all", "--source", &photos]);
    assert!(
        said.contains("0 gone photos") && said.contains("1 are left"),
        "{said}"
    );
}
