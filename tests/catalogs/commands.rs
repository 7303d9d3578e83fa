//! Which commands may make a catalog, and that the others leave no trace where there is none.

use std::process::Output;

use serde_json::Value;

use super::test_env::{Person, TestEnv, everything};

/// Whether a command makes a catalog of a folder that has none.
#[derive(Clone, Copy, PartialEq, Debug)]
enum May {
    Make,
    NotMake,
    /// It has nothing to do with the catalog of a folder.
    Unrelated,
}

/// Every command there is, as it is run on a folder without a catalog.
const COMMANDS: &[(&str, &[&str], May)] = &[
    ("mount", &["PHOTOS", "MNT"], May::Make),
    ("umount", &["PHOTOS"], May::NotMake),
    ("serve", &["PHOTOS", "--web", "127.0.0.1:0"], May::Make),
    ("scan", &["PHOTOS"], May::Make),
    ("analyze", &["PHOTOS"], May::Make),
    ("search", &["PHOTOS", "dog"], May::NotMake),
    ("search", &["--save", "dogs", "PHOTOS", "dog"], May::NotMake),
    ("show", &["PHOTO"], May::NotMake),
    ("tag", &["PHOTO", "T"], May::NotMake),
    ("untag", &["PHOTO", "T"], May::NotMake),
    ("log", &["PHOTOS"], May::NotMake),
    ("undo", &["--source", "PHOTOS"], May::NotMake),
    ("redo", &["--source", "PHOTOS"], May::NotMake),
    ("status", &["PHOTOS"], May::NotMake),
    ("top", &["PHOTOS"], May::NotMake),
    (
        "export",
        &["PHOTOS", "OUT", "--format", "json"],
        May::NotMake,
    ),
    ("import", &["PHOTOS"], May::Make),
    ("provider", &["list"], May::Unrelated),
    ("catalog", &["check", "PHOTOS"], May::NotMake),
    ("catalog", &["backup", "PHOTOS", "OUT"], May::NotMake),
    ("catalog", &["vacuum", "PHOTOS"], May::NotMake),
    ("catalog", &["restore", "PHOTOS"], May::NotMake),
    ("catalog", &["restore", "PHOTOS", "OUT"], May::NotMake),
    (
        "catalog",
        &["export", "PHOTOS", "OUT", "--format", "json"],
        May::NotMake,
    ),
    ("catalog", &["list"], May::Unrelated),
    ("doctor", &["PHOTOS"], May::NotMake),
    ("config", &["show"], May::Unrelated),
    ("completions", &["bash"], May::Unrelated),
    ("man", &[], May::Unrelated),
    ("help", &[], May::Unrelated),
];

fn args_of(env: &TestEnv, name: &str, args: &[&str]) -> Vec<String> {
    let places = [
        ("PHOTOS", "photos"),
        ("PHOTO", "photos/1.png"),
        ("MNT", "mnt"),
        ("OUT", "out"),
    ];
    let path = |arg: &&str| {
        let place = places.iter().find(|(mark, _)| mark == arg);
        place.map(|(_, path)| env.path(path).to_str().unwrap().to_owned())
    };
    let args = args
        .iter()
        .map(|arg| path(arg).unwrap_or_else(|| (*arg).to_owned()));
    [name.to_owned()].into_iter().chain(args).collect()
}

#[test]
fn the_table_names_every_command() {
    let env = TestEnv::new();
    let help = env.person("me").ok(&["help"], &[] as &[&str]);
    let commands = help.split("Commands:").nth(1).unwrap();
    let commands = commands.split("Options:").next().unwrap().lines();
    let commands = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let there: Vec<_> = commands
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(there.len() > 15, "{help}");
    for name in there {
        assert!(COMMANDS.iter().any(|(known, ..)| *known == name), "{name}");
    }
}

/// What `status` says of the photos with these arguments, settings and variables.
fn catalog_of(me: &Person, args: &[&str], settings: &str, variables: &[(&str, &str)]) -> Output {
    let file = me.env.path("settings.toml");
    std::fs::write(&file, settings).unwrap();
    let mut status = me.command(&["status", "--json", "--config"]);
    status.arg(file).args(args).arg(me.env.path("photos"));
    status.envs(variables.iter().copied()).output().unwrap()
}

/// Scripts and settings of before go on working.
#[test]
fn what_catalogs_were_called_before_still_means_them() {
    let env = TestEnv::new();
    let me = env.person("me");
    let (file, other) = (env.path("own.sqlite"), env.path("other.sqlite"));
    let (file, other) = (file.to_str().unwrap(), other.to_str().unwrap());
    me.ok(&["scan", "--catalog", file], &["photos"]);
    let key = |key: &str, file: &str| format!("{key} = {file:?}\n");
    let ways: [Output; 9] = [
        catalog_of(&me, &["--catalog", file], "", &[]),
        catalog_of(&me, &["--index", file], "", &[]),
        catalog_of(&me, &["--index", file, "--catalog", file], "", &[]),
        catalog_of(&me, &[], &key("catalog", file), &[]),
        catalog_of(&me, &[], &key("index", file), &[]),
        catalog_of(&me, &[], "", &[("KBASEFS_CATALOG", file)]),
        catalog_of(&me, &[], "", &[("KBASEFS_INDEX", file)]),
        // Each of them by the old name, and it comes before what the others say.
        catalog_of(&me, &[], &key("catalog", other), &[("KBASEFS_INDEX", file)]),
        catalog_of(&me, &["--index", file], "", &[("KBASEFS_CATALOG", other)]),
    ];
    for (n, output) in ways.iter().enumerate() {
        assert!(output.status.success(), "{n}: {output:?}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        for (name, old) in [("catalog", "index"), ("catalog_bytes", "index_bytes")] {
            assert!(!status[name].is_null(), "{n}: {name}");
            assert_eq!(status[name], status[old], "{n}");
        }
        assert_eq!(status["catalog"], file, "{n}");
    }
    let args = |command| [command, "check", "--catalog", file];
    let [now, before] = ["catalog", "index"].map(|c| me.ok(&args(c), &["photos"]));
    assert_eq!(
        (&now, &now),
        (&before, &"the catalog is sound\n".to_owned())
    );
}

#[test]
fn both_names_of_a_catalog_that_differ_are_a_mistake() {
    let env = TestEnv::new();
    let me = env.person("me");
    let both = "catalog = \"/x\"\nindex = \"/y\"\n";
    let variables = [("KBASEFS_CATALOG", "/x"), ("KBASEFS_INDEX", "/y")];
    let check = |output: Output, code: i32, expected: &str| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    let flags = ["--catalog", "/x", "--index", "/y"];
    check(
        catalog_of(&me, &flags, "", &[]),
        2,
        "--catalog /x and --index /y name different files",
    );
    let expected = "catalog and index say different things";
    check(catalog_of(&me, &[], both, &[]), 1, expected);
    let expected = "KBASEFS_CATALOG and KBASEFS_INDEX say different things";
    check(catalog_of(&me, &[], "", &variables), 1, expected);
    assert!(everything(&me.home).is_empty());
}

/// Nobody is told of the old words.
#[test]
fn help_manual_and_completions_say_catalog() {
    let env = TestEnv::new();
    let me = env.person("me");
    let none: &[&str] = &[];
    let mut said = vec![
        me.ok(&["--help"], none),
        me.ok(&["help", "mount"], none),
        me.ok(&["catalog", "--help"], none),
        me.ok(&["config", "show"], none),
        me.ok(&["man"], none),
    ];
    std::fs::create_dir(env.path("pages")).unwrap();
    me.ok(&["man"], &["pages"]);
    for page in std::fs::read_dir(env.path("pages")).unwrap() {
        said.push(std::fs::read_to_string(page.unwrap().path()).unwrap());
    }
    assert!(said.len() > 20);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        said.push(me.ok(&["completions", shell], none));
    }
    for text in &said {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let says_it = |line: &&str| line.split(|c| !is_word(c)).any(|word| word == "index");
        let old = text.lines().find(says_it);
        assert_eq!(old, None);
    }
}

#[test]
fn who_only_asks_makes_nothing_where_there_is_no_catalog() {
    for (name, args, may) in COMMANDS {
        if *may == May::Make {
            continue;
        }
        let env = TestEnv::new();
        let (me, source) = (env.person("me"), everything(&env.path("photos")));
        let args = args_of(&env, name, args);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let output = me.command(&args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match may {
            // It says that there is none, among other things.
            May::NotMake if *name == "doctor" => {
                assert!(String::from_utf8_lossy(&output.stdout).contains("none yet"));
            }
            May::NotMake => {
                assert!(!output.status.success(), "{args:?}");
                assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
                assert!(said.contains("hint: "), "{args:?}: {said}");
            }
            _ => assert!(output.status.success(), "{args:?}: {said}"),
        }
        assert!(everything(&me.home).is_empty(), "{args:?} made something");
        assert_eq!(everything(&env.path("photos")), source, "{args:?}");
        assert!(!env.path("out").exists(), "{args:?}");
    }
}

#[test]
fn who_may_make_a_catalog_makes_one_and_in_its_place() {
    for (name, args, may) in COMMANDS {
        // One that stays is tested by itself.
        if *may != May::Make || matches!(*name, "mount" | "serve") {
            continue;
        }
        let env = TestEnv::new();
        let me = env.person("me");
        let args = args_of(&env, name, args);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        me.ok(&args, &[] as &[&str]);
        assert_eq!(me.catalogs().len(), 1, "{args:?}");
        assert_eq!(
            me.json(&["status", "--json"], &["photos"])["photos"],
            6,
            "{args:?}"
        );
    }
}

#[test]
fn who_stays_makes_a_catalog_in_its_place_as_well() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let env = TestEnv::new();
    let me = env.person("me");
    let mut serve = me.command(&["serve", "--web", "127.0.0.1:0"]);
    let serve = serve.arg(env.path("photos")).stdout(Stdio::piped());
    let mut serve = serve.spawn().unwrap();
    let mut line = String::new();
    let said = serve.stdout.take().unwrap();
    BufReader::new(said).read_line(&mut line).unwrap();
    assert!(line.contains("the page is at"), "{line}");
    assert_eq!(me.catalogs().len(), 1);
    serve.kill().unwrap();
    serve.wait().unwrap();
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    me.ok(&["mount"], &["photos", "mnt"]);
    assert_eq!(me.catalogs().len(), 1);
    me.ok(&["umount"], &["mnt"]);
}

#[test]
fn nobody_scans_who_only_asks() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    env.photo("photos/new.png", 50);
    for (name, args, may) in COMMANDS {
        if *may != May::NotMake {
            continue;
        }
        let args = args_of(&env, name, args);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        // Some have nothing to do here, and say so.
        me.command(&args).output().unwrap();
        assert_eq!(
            me.json(&["status", "--json"], &["photos"])["photos"],
            6,
            "{args:?}"
        );
    }
}
