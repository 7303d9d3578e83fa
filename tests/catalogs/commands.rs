//! Which commands may make a catalog, and that the others leave no trace where there is none.

use super::house::{House, everything};

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
    ("index", &["check", "PHOTOS"], May::NotMake),
    ("index", &["backup", "PHOTOS", "OUT"], May::NotMake),
    ("index", &["vacuum", "PHOTOS"], May::NotMake),
    ("doctor", &["PHOTOS"], May::NotMake),
    ("config", &["show"], May::Unrelated),
    ("completions", &["bash"], May::Unrelated),
    ("man", &[], May::Unrelated),
    ("help", &[], May::Unrelated),
];

fn args_of(house: &House, name: &str, args: &[&str]) -> Vec<String> {
    let places = [
        ("PHOTOS", "photos"),
        ("PHOTO", "photos/1.png"),
        ("MNT", "mnt"),
        ("OUT", "out"),
    ];
    let path = |arg: &&str| {
        let place = places.iter().find(|(mark, _)| mark == arg);
        place.map(|(_, path)| house.path(path).to_str().unwrap().to_owned())
    };
    let args = args
        .iter()
        .map(|arg| path(arg).unwrap_or_else(|| (*arg).to_owned()));
    [name.to_owned()].into_iter().chain(args).collect()
}

#[test]
fn the_table_names_every_command() {
    let house = House::new();
    let help = house.person("me").ok(&["help"], &[] as &[&str]);
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

#[test]
fn who_only_asks_makes_nothing_where_there_is_no_catalog() {
    for (name, args, may) in COMMANDS {
        if *may == May::Make {
            continue;
        }
        let house = House::new();
        let (me, source) = (house.person("me"), everything(&house.path("photos")));
        let args = args_of(&house, name, args);
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
        assert_eq!(everything(&house.path("photos")), source, "{args:?}");
        assert!(!house.path("out").exists(), "{args:?}");
    }
}

#[test]
fn who_may_make_a_catalog_makes_one_and_in_its_place() {
    for (name, args, may) in COMMANDS {
        // One that stays is tested by itself.
        if *may != May::Make || matches!(*name, "mount" | "serve") {
            continue;
        }
        let house = House::new();
        let me = house.person("me");
        let args = args_of(&house, name, args);
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
    let house = House::new();
    let me = house.person("me");
    let mut serve = me.command(&["serve", "--web", "127.0.0.1:0"]);
    let serve = serve.arg(house.path("photos")).stdout(Stdio::piped());
    let mut serve = serve.spawn().unwrap();
    let mut line = String::new();
    let said = serve.stdout.take().unwrap();
    BufReader::new(said).read_line(&mut line).unwrap();
    assert!(line.contains("the page is at"), "{line}");
    assert_eq!(me.catalogs().len(), 1);
    serve.kill().unwrap();
    serve.wait().unwrap();
    let Some(house) = House::with_mounts() else {
        return;
    };
    let me = house.person("me");
    me.ok(&["mount"], &["photos", "mnt"]);
    assert_eq!(me.catalogs().len(), 1);
    me.ok(&["umount"], &["mnt"]);
}

#[test]
fn nobody_scans_who_only_asks() {
    let house = House::new();
    let me = house.person("me");
    me.ok(&["scan"], &["photos"]);
    house.photo("photos/new.png", 50);
    for (name, args, may) in COMMANDS {
        if *may != May::NotMake {
            continue;
        }
        let args = args_of(&house, name, args);
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
