//! Two catalogs of one folder become one: what people and models said in the inner one is in the outer one afterwards.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::test_env::{Person, TestEnv, names};

/// What the inner catalog says before it is taken over.
fn fill(me: &Person) {
    me.ok(&["scan"], &["photos/sub"]);
    me.ok(&["analyze"], &["photos/sub"]);
    me.ok(
        &["tag", "--tag", "inner", "--tag", "both"],
        &["photos/sub/5.png", "photos/sub/deep/6.png"],
    );
    let csv = "path,title,rating\n5.png,Inner title,4\ndeep/6.png,Deep,2\n";
    std::fs::write(me.env.path("words.csv"), csv).unwrap();
    me.ok(&["import"], &["photos/sub", "words.csv"]);
    save(me, "photos/sub", "dogs", "dog folder:/deep");
}

fn save(me: &Person, at: &str, name: &str, query: &str) {
    let mut save = me.command(&["search", "--save", name]);
    let saved = save.arg(me.env.path(at)).arg(query).output().unwrap();
    assert!(saved.status.success(), "{saved:?}");
}

/// The index of the catalog of a folder of this name.
fn index(me: &Person, name: &str) -> PathBuf {
    let folders = me.catalogs().into_iter();
    let mut folders = folders.filter(|f| f.to_str().unwrap().starts_with(&format!("{name}-")));
    let folder = folders.next().unwrap();
    me.home
        .join("data/kbasefs")
        .join(folder)
        .join("catalog.sqlite")
}

fn change(index: &Path, sql: &str) {
    Connection::open(index).unwrap().execute_batch(sql).unwrap();
}

fn number(index: &Path, sql: &str) -> i64 {
    Connection::open(index)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

fn adopt(me: &Person) -> serde_json::Value {
    me.json(&["catalog", "adopt", "--json"], &["photos/sub"])
}

#[test]
fn what_was_said_in_the_inner_catalog_is_said_in_the_outer_one() {
    let env = TestEnv::new();
    let me = env.person("me");
    fill(&me);
    let model = me.json(&["show", "--json"], &["photos/sub/5.png"]);
    let denied = model["tags"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["origin"] == "embedded");
    let denied = denied.map(|t| t["name"].as_str().unwrap().to_owned());
    if let Some(tag) = &denied {
        me.ok(&["untag", "--tag", tag], &["photos/sub/5.png"]);
    }
    me.ok(&["scan"], &["photos"]);
    let told = adopt(&me);
    assert_eq!(
        (&told["photos"], &told["changed"]),
        (&2.into(), &2.into()),
        "{told}"
    );
    assert_eq!(told["failed"], serde_json::json!([]));
    let shown = me.json(&["show", "--json"], &["photos/sub/5.png"]);
    assert_eq!(shown["path"], "sub/5.png");
    assert_eq!(
        (&shown["title"], &shown["rating"]),
        (&"Inner title".into(), &4.into())
    );
    assert_eq!(me.tags("photos/sub/5.png"), "both inner");
    let has = |tag: &str| {
        shown["tags"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["name"] == tag)
    };
    assert!(denied.is_none_or(|tag| !has(&tag)), "{shown}");
    // What models said is there as well: nobody looks again.
    assert_eq!(shown["status"], "analyzed");
    let sum = me.json(&["analyze", "--json"], &["photos/sub"]);
    assert_eq!((&sum["analyzed"], &sum["skipped"]), (&0.into(), &2.into()));
    // A query that was kept means the photos that it meant.
    let saved = "SELECT count(*) FROM saved WHERE name = 'dogs' AND query = 'folder:/sub dog folder:/sub/deep'";
    assert_eq!(number(&index(&me, "photos"), saved), 1);
    assert_eq!(
        me.json(&["log", "--json", "-n", "1"], &["photos"])["words"],
        "adopt sub"
    );
    // The inner index is kept, and is in nobody's way any more.
    assert!(Path::new(told["aside"].as_str().unwrap()).exists());
    let output = me.run(&["status"], &["photos/sub"]);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let said = me.refused(&["catalog", "adopt"], &["photos/sub"]);
    assert!(said.contains("has no catalog of its own"), "{said}");
    // As one act it is taken back.
    me.ok(&["undo", "--source"], &["photos"]);
    assert_eq!(me.tags("photos/sub/5.png"), "");
    assert_eq!(me.catalogs().len(), 2);
}

#[test]
fn of_two_words_on_one_thing_the_later_one_holds() {
    let env = TestEnv::new();
    let me = env.person("me");
    fill(&me);
    me.ok(&["scan"], &["photos"]);
    let csv = "path,title,rating\nsub/5.png,Outer title,1\nsub/deep/6.png,Outer too,5\n";
    std::fs::write(env.path("words.csv"), csv).unwrap();
    me.ok(&["import"], &["photos", "words.csv"]);
    me.ok(&["tag", "--tag", "both"], &["photos/sub/5.png"]);
    me.ok(&["untag", "--tag", "both"], &["photos/sub/5.png"]);
    save(&me, "photos", "dogs", "cat");
    let (outer, inner) = (index(&me, "photos"), index(&me, "sub"));
    // All that was said of the one photo was said later in the outer catalog, of the other one earlier.
    change(&inner, "UPDATE act SET at = 1000");
    let earlier = "UPDATE act SET at = 500 WHERE id IN (SELECT act FROM trace WHERE photo = \
        (SELECT id FROM photo WHERE path = CAST('sub/deep/6.png' AS BLOB)))";
    change(&outer, earlier);
    change(&outer, "UPDATE act SET at = 500 WHERE words = 'import'");
    me.ok(&["tag", "--tag", "outer"], &["photos/sub/5.png"]);
    let csv = "path,title,rating\nsub/5.png,Later title,3\n";
    std::fs::write(env.path("words.csv"), csv).unwrap();
    me.ok(&["import"], &["photos", "words.csv"]);
    adopt(&me);
    let shown = me.json(&["show", "--json"], &["photos/sub/5.png"]);
    assert_eq!(
        (&shown["title"], &shown["rating"]),
        (&"Later title".into(), &3.into())
    );
    // What was taken away later stays away.
    assert_eq!(me.tags("photos/sub/5.png"), "inner outer");
    let shown = me.json(&["show", "--json"], &["photos/sub/deep/6.png"]);
    assert_eq!(
        (&shown["title"], &shown["rating"]),
        (&"Deep".into(), &2.into())
    );
    assert_eq!(
        number(
            &outer,
            "SELECT count(*) FROM saved WHERE name = 'dogs' AND query = 'cat'"
        ),
        1
    );
    assert_eq!(
        number(
            &outer,
            "SELECT count(*) FROM saved WHERE name = 'dogs (sub)'"
        ),
        1
    );
}

#[test]
fn a_photo_that_has_left_the_inner_folder_is_found_by_its_content() {
    let env = TestEnv::new();
    let me = env.person("me");
    fill(&me);
    std::fs::rename(env.path("photos/sub/5.png"), env.path("photos/moved.png")).unwrap();
    me.ok(&["scan"], &["photos"]);
    me.ok(&["analyze"], &["photos/moved.png"]);
    std::fs::remove_file(env.path("photos/sub/deep/6.png")).unwrap();
    let told = adopt(&me);
    assert_eq!(told["failed"][0]["path"], "deep/6.png");
    assert_eq!(me.tags("photos/moved.png"), "both inner");
    assert_eq!(
        me.json(&["show", "--json"], &["photos/moved.png"])["title"],
        "Inner title"
    );
}

#[test]
fn what_was_paid_for_comes_along_and_is_counted_once() {
    let env = TestEnv::new();
    let me = env.person("me");
    fill(&me);
    let inner = index(&me, "sub");
    change(
        &inner,
        "UPDATE analysis SET analyzer = 'desk', remote = 1; UPDATE analysis_tag SET analyzer = 'desk'; \
         UPDATE analyzed SET analyzer = 'desk'; \
         INSERT INTO analysis SELECT randomblob(32), 'desk', model, 1, at, title, \
         'of what is gone', version FROM analysis LIMIT 1; \
         INSERT INTO no_answer VALUES (randomblob(32), 'desk', '1', 'declined', 'no'); \
         INSERT INTO spent VALUES ('desk', '2026-01-31', 7, 70, 700, 1.5, 1); \
         INSERT INTO server VALUES ('desk', 'sees')",
    );
    me.ok(&["scan"], &["photos"]);
    let outer = index(&me, "photos");
    change(
        &outer,
        "INSERT INTO spent VALUES ('desk', '2026-01-31', 1, 10, 100, 0.5, 0)",
    );
    let aside = adopt(&me)["aside"].as_str().unwrap().to_owned();
    let check = |requests: i64| {
        let sum = "SELECT requests * 1000000 + input_tokens * 1000 + output_tokens FROM spent";
        assert_eq!(
            number(&outer, sum),
            requests * 1_000_000 + requests * 10_000 + requests * 100
        );
        assert_eq!(
            number(
                &outer,
                "SELECT count(*) FROM analysis WHERE analyzer = 'desk'"
            ),
            3
        );
        assert_eq!(number(&outer, "SELECT count(*) FROM no_answer"), 1);
        assert_eq!(number(&outer, "SELECT count(*) FROM server"), 1);
    };
    check(8);
    assert_eq!(
        number(
            &outer,
            "SELECT count(*) FROM analyzed WHERE analyzer = 'desk'"
        ),
        2
    );
    // Again, after more was spent: only that is added.
    std::fs::rename(&aside, &inner).unwrap();
    assert_eq!(adopt(&me)["changed"], 0);
    check(8);
    std::fs::rename(&aside, &inner).unwrap();
    change(
        &inner,
        "UPDATE spent SET requests = 9, input_tokens = 90, output_tokens = 900",
    );
    adopt(&me);
    check(10);
}

#[test]
fn a_mounted_catalog_takes_over_and_shows_it() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    fill(&me);
    me.ok(&["mount"], &["photos/sub", "second"]);
    me.ok(&["scan"], &["mnt"]);
    let (photos, mnt) = (env.path("photos"), env.path("mnt"));
    let said = me.refused(&["catalog", "adopt"], &["photos/sub"]);
    assert!(said.contains("in use"), "{said}");
    me.ok(&["umount"], &["second"]);
    me.ok(&["mount"], &[&photos, &mnt]);
    assert_eq!(adopt(&me)["changed"], 2);
    assert_eq!(names(&env.path("mnt/tags/inner")), ["5.png", "6.png"]);
    assert_eq!(names(&env.path("mnt/saved")), ["dogs"]);
    me.ok(&["umount"], &["mnt"]);
}

#[test]
fn an_inner_catalog_in_an_index_of_its_own_is_named_by_it() {
    let env = TestEnv::new();
    let me = env.person("me");
    let own = env.path("own.sqlite");
    let own = own.to_str().unwrap();
    me.ok(&["scan", "--catalog", own], &["photos/sub"]);
    me.ok(
        &["tag", "--tag", "own", "--catalog", own],
        &["photos/sub/5.png"],
    );
    let said = me.refused(&["catalog", "adopt"], &["photos/sub"]);
    assert!(said.contains("has no catalog of its own"), "{said}");
    let said = me.refused(&["catalog", "adopt", "--catalog", own], &["photos/sub"]);
    assert!(
        said.contains("in no other folder that has a catalog"),
        "{said}"
    );
    me.ok(&["scan"], &["photos"]);
    me.ok(&["catalog", "adopt", "--catalog", own], &["photos/sub"]);
    assert_eq!(me.tags("photos/sub/5.png"), "own");
    assert!(!env.path("own.sqlite").exists() && env.path("own.sqlite.adopted-1").exists());
}

/// Killed at any moment, it is done again: nothing is lost, and nothing is there twice.
#[test]
fn an_adoption_that_is_killed_is_done_again() {
    let env = TestEnv::new();
    let me = env.person("me");
    for n in 0..300 {
        let name = format!("photos/sub/many/{n}.png");
        std::fs::create_dir_all(env.path("photos/sub/many")).unwrap();
        std::fs::copy(env.path("photos/1.png"), env.path(&name)).unwrap();
    }
    fill(&me);
    let csv: String = (0..300)
        .map(|n| format!("many/{n}.png,many,{}\n", n % 6))
        .collect();
    std::fs::write(env.path("words.csv"), format!("path,tags,rating\n{csv}")).unwrap();
    me.ok(&["import"], &["photos/sub", "words.csv"]);
    let inner = index(&me, "sub");
    change(
        &inner,
        "INSERT INTO spent VALUES ('desk', '2026-01-31', 7, 70, 700, 1.5, 1)",
    );
    me.ok(&["scan"], &["photos"]);
    let outer = index(&me, "photos");
    let long = std::env::var_os("KBASEFS_LONG").is_some();
    let kills = if long { 50 } else { 6 };
    let began = std::time::Instant::now();
    let mut adopted = me.command(&["catalog", "adopt"]);
    let (kept, new) = (env.path("kept"), env.path("new"));
    copy(&inner, &kept.join("inner"));
    copy(&outer, &kept.join("outer"));
    assert!(
        adopted
            .arg(env.path("photos/sub"))
            .output()
            .unwrap()
            .status
            .success()
    );
    let whole = began.elapsed();
    copy(&outer, &new);
    let words = "SELECT count(*) * 1000 + (SELECT sum(requests) FROM spent) FROM label WHERE origin = 'human'";
    let expected = number(&outer, words);
    let mut interrupted = 0;
    for n in 0..kills {
        restore(&kept.join("inner"), &inner);
        restore(&kept.join("outer"), &outer);
        let mut adopting = me.command(&["catalog", "adopt"]);
        let mut adopting = adopting.arg(env.path("photos/sub")).spawn().unwrap();
        // Where it stands by then is up to the machine: any moment will do.
        std::thread::sleep(whole * (n + 1) / (kills + 1));
        adopting.kill().unwrap();
        interrupted += u32::from(!adopting.wait().unwrap().success());
        if inner.exists() {
            adopt(&me);
        }
        assert_eq!(number(&outer, words), expected, "kill {n}");
        assert!(!inner.exists() && inner.with_added_extension("adopted-1").exists());
    }
    println!(
        "{interrupted} of {kills} adoptions were killed before their end; all were complete after another one"
    );
    assert!(interrupted > 0, "no kill came in time");
}

/// Copies the folder of an index.
fn copy(index: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(index.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn restore(from: &Path, index: &Path) {
    let folder = index.parent().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    copy(&from.join("x"), folder);
}
