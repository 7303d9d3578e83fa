//! A path in a mount leads to the catalog that the mount shows.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::test_env::{Bound, TestEnv, everything, is_root, names};

/// A folder whose photos have other numbers in the owner's catalog than in one that is made now.
fn renumbered() -> Option<TestEnv> {
    let env = TestEnv::with_mounts()?;
    env.person("owner").ok(&["scan"], &["photos"]);
    std::fs::rename(env.path("photos/1.png"), env.path("photos/9.png")).unwrap();
    env.photo("photos/0.png", 77);
    env.person("owner").ok(&["scan"], &["photos"]);
    Some(env)
}

#[test]
fn a_photo_in_a_mount_is_the_one_that_is_shown_there_whoever_asks() {
    let Some(env) = renumbered() else { return };
    let (owner, other) = (env.person("owner"), env.person("other"));
    owner.ok(&["mount"], &["photos", "mnt"]);
    for name in ["0.png", "2.png", "9.png", "sub/5.png", "sub/deep/6.png"] {
        let shown = other.json(&["show", "--json"], &[Path::new("mnt/all").join(name)]);
        assert_eq!(shown["path"], name);
        assert_eq!(
            Path::new(name).file_name().unwrap(),
            shown["name"].as_str().unwrap()
        );
    }
    other.ok(
        &["tag", "--tag", "mine"],
        &["mnt/all/9.png", "mnt/all/sub/5.png"],
    );
    assert_eq!(names(&env.path("mnt/tags/mine")), ["5.png", "9.png"]);
    let in_tag = other.json(&["show", "--json"], &["mnt/tags/mine/9.png"]);
    assert_eq!(in_tag["path"], "9.png");
    assert_eq!(owner.tags("photos/9.png"), "mine");
    other.ok(&["untag", "--tag", "mine"], &["mnt/tags/mine/9.png"]);
    assert_eq!(names(&env.path("mnt/tags/mine")), ["5.png"]);
    // Its own file, by its path in the folder: the same catalog, because this user has mounted it.
    assert_eq!(other.tags("photos/sub/5.png"), "mine");
    assert!(everything(&other.home).is_empty());
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn every_command_on_a_mount_reaches_its_catalog() {
    let Some(env) = renumbered() else { return };
    let (owner, other) = (env.person("owner"), env.person("other"));
    let index = env.path("kept/mine.sqlite");
    let index = index.to_str().unwrap();
    // This person's own catalog of the folder is another one.
    other.ok(&["scan"], &["photos"]);
    let before = everything(&other.home.join("data"));
    // Only one that was made anew is made smaller in a mount.
    owner.ok(&["scan", "--catalog", index], &["photos"]);
    owner.ok(&["catalog", "vacuum", "--catalog", index], &["photos"]);
    owner.ok(&["mount", "--catalog", index], &["photos", "mnt"]);
    for at in ["mnt", "mnt/all", "photos"] {
        let status = other.json(&["status", "--json"], &[at]);
        assert_eq!(status["index"], index, "{at}");
        other.ok(&["log"], &[at]);
    }
    other.ok(&["tag", "--tag", "T"], &["mnt/all/9.png"]);
    let found = env.path("photos/9.png");
    let search = |at: &str| {
        let mut search = other.command(&["search"]);
        let output = search.arg(env.path(at)).arg("tag:T").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for at in ["mnt", "mnt/all", "photos"] {
        assert_eq!(search(at), format!("{}\n", found.display()), "{at}");
    }
    assert_eq!(other.json(&["log", "--json"], &["mnt"])["words"], "tag T");
    other.ok(&["undo", "--source"], &["mnt"]);
    assert_eq!(owner.tags("mnt/all/9.png"), "");
    other.ok(&["redo", "--source"], &["mnt"]);
    assert_eq!(owner.tags("mnt/all/9.png"), "T");
    env.photo("photos/new.png", 99);
    assert_eq!(other.json(&["scan", "--json"], &["mnt"])["photos"], 8);
    let sum = other.json(&["analyze", "--json"], &["mnt/all/2.png", "photos/3.png"]);
    assert_eq!((&sum["photos"], &sum["analyzed"]), (&2.into(), &2.into()));
    assert_eq!(other.json(&["status", "--json"], &["mnt"])["analyzed"], 2);
    let out = other.json(&["export", "--format", "json", "--json"], &["mnt", "out"]);
    assert_eq!(out["photos"], 8);
    other.ok(&["import"], &["mnt", "out"]);
    other.ok(&["catalog", "check"], &["mnt"]);
    other.ok(&["catalog", "vacuum"], &["mnt/all"]);
    other.ok(&["catalog", "backup"], &["mnt", "copy.sqlite"]);
    let checked = String::from_utf8(other.run(&["doctor"], &["mnt"]).stdout).unwrap();
    assert!(checked.contains(&format!("{index} is sound")), "{checked}");
    other.ok(&["top", "-n", "1", "--json"], &["mnt"]);
    assert_eq!(everything(&other.home.join("data")), before);
    other.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_mount_says_which_catalog_it_shows_and_every_part_of_it_does() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    owner.ok(&["mount"], &["photos", "mnt"]);
    let asked = |at: &str, name: &str| {
        let mut value = vec![0; 4096];
        let length = rustix::fs::getxattr(env.path(at), name, &mut value).unwrap();
        value.truncate(length);
        String::from_utf8(value).unwrap()
    };
    let index = owner.json(&["status", "--json"], &["mnt"])["index"].clone();
    for at in ["mnt", "mnt/tags", "mnt/all/1.png", "mnt/README.txt"] {
        assert_eq!(asked(at, "user.kbasefs.catalog"), index, "{at}");
        assert!(Path::new(&asked(at, "user.kbasefs.socket")).exists());
        assert_eq!(asked(at, "user.kbasefs.id").len(), 32);
    }
    let mut list = vec![0; 4096];
    let length = rustix::fs::listxattr(env.path("mnt"), &mut list).unwrap();
    let listed = "user.kbasefs.catalog\0user.kbasefs.socket\0user.kbasefs.id\0";
    assert_eq!(String::from_utf8_lossy(&list[..length]), listed);
    let id = asked("mnt", "user.kbasefs.id");
    let flags = rustix::fs::XattrFlags::empty();
    for at in ["mnt", "mnt/all/1.png"] {
        let set = rustix::fs::setxattr(env.path(at), "user.kbasefs.id", b"x", flags);
        assert_eq!(set, Err(rustix::io::Errno::PERM), "{at}");
    }
    owner.ok(&["umount"], &["mnt"]);
    owner.ok(&["mount"], &["photos", "mnt"]);
    assert_eq!(
        asked("mnt", "user.kbasefs.id"),
        id,
        "a catalog stays what it is"
    );
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_process_answers_only_for_the_catalog_that_is_meant() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    owner.ok(&["mount"], &["photos", "mnt"]);
    let mut socket = vec![0; 4096];
    let length = rustix::fs::getxattr(env.path("mnt"), "user.kbasefs.socket", &mut socket);
    socket.truncate(length.unwrap());
    let ask = |id: &str| {
        use std::io::{Read, Write};
        let path = String::from_utf8(socket.clone()).unwrap();
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        let request = format!(
            "GET /api/v1/photo?id=1 HTTP/1.1\r\nhost: x\r\nkbasefs-catalog: {id}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let mut id = vec![0; 64];
    let length = rustix::fs::getxattr(env.path("mnt"), "user.kbasefs.id", &mut id).unwrap();
    assert_eq!(ask(std::str::from_utf8(&id[..length]).unwrap()), "200");
    assert_eq!(ask("0123456789abcdef0123456789abcdef"), "409");
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_socket_in_a_folder_of_the_session_is_found_from_any_session() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let (owner, other) = (env.person("owner"), env.person("other"));
    let session = env.path("session");
    std::fs::create_dir(&session).unwrap();
    let mut mount = owner.command(&["mount"]);
    mount.env("XDG_RUNTIME_DIR", &session);
    mount.args([env.path("photos"), env.path("mnt")]);
    assert!(mount.output().unwrap().status.success());
    for at in ["mnt/all/1.png", "photos/1.png"] {
        other.ok(&["tag", "--tag", "T"], &[at]);
        other.ok(&["untag", "--tag", "T"], &[at]);
    }
    // A homeless one, too.
    let mut show = other.command(&["show"]);
    show.env_remove("HOME").env_remove("XDG_DATA_HOME");
    let shown = show.arg(env.path("photos/1.png")).output().unwrap();
    assert!(shown.status.success(), "{shown:?}");
    std::fs::remove_dir_all(&session).unwrap();
    for at in ["mnt/all/1.png", "photos/1.png"] {
        let said = other.refused(&["show"], &[at]);
        assert!(said.contains("doesn't answer at"), "{said}");
    }
    assert!(everything(&other.home).is_empty());
    other.ok(&["umount"], &["mnt"]);
}

#[test]
fn another_index_than_the_one_that_is_shown_is_refused() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    let index = env.path("a.sqlite");
    let (index, other) = (index.to_str().unwrap(), env.path("b.sqlite"));
    owner.ok(&["scan", "--catalog", other.to_str().unwrap()], &["photos"]);
    owner.ok(&["mount", "--catalog", index], &["photos", "mnt"]);
    for args in [&["show"][..], &["tag", "--tag", "T"]] {
        let named = [args, &["--catalog", other.to_str().unwrap()]].concat();
        let said = owner.refused(&named, &["mnt/all/1.png"]);
        assert!(
            said.contains("a.sqlite, not") && said.contains("b.sqlite"),
            "{said}"
        );
        owner.ok(&[args, &["--catalog", index]].concat(), &["mnt/all/1.png"]);
    }
    // By its own path the file is in the catalog that is named, though another one is mounted.
    owner.ok(
        &["tag", "--tag", "B", "--catalog", other.to_str().unwrap()],
        &["photos/2.png"],
    );
    assert_eq!(owner.tags("photos/2.png"), "");
    // The settings of an environment are no reason to refuse: the mount says more.
    let mut show = owner.command(&["show"]);
    let shown = show
        .env("KBASEFS_CATALOG", other)
        .arg(env.path("mnt/all/1.png"));
    assert!(shown.output().unwrap().status.success());
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn photos_of_two_mounts_go_to_two_catalogs() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let (owner, other) = (env.person("owner"), env.person("other"));
    env.photo("else/1.png", 200);
    env.photo("else/2.png", 201);
    owner.ok(&["mount"], &["photos", "mnt"]);
    other.ok(&["mount"], &["else", "second"]);
    let both = ["mnt/all/3.png", "second/all/2.png"];
    env.person("third").ok(&["tag", "--tag", "both"], &both);
    assert_eq!(names(&env.path("mnt/tags/both")), ["3.png"]);
    assert_eq!(names(&env.path("second/tags/both")), ["2.png"]);
    let said = env.person("third").refused(&["log"], &[] as &[&str]);
    assert!(said.contains("several catalogs are mounted"), "{said}");
    let output = env
        .person("third")
        .run(&["status", "--json"], &[] as &[&str]);
    let said = String::from_utf8(output.stdout).unwrap();
    let indexes = said
        .lines()
        .filter(|line| line.contains(env.path("").to_str().unwrap()));
    assert_eq!(indexes.count(), 2, "{said}");
    owner.ok(&["umount"], &["second"]);
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn unmounting_waits_for_the_catalog_that_was_mounted() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let (owner, other) = (env.person("owner"), env.person("other"));
    let index = env.path("kept/a.sqlite");
    let is_free = || {
        let lock = std::fs::File::open(index.with_extension("lock")).unwrap();
        lock.try_lock().is_ok()
    };
    for _ in 0..3 {
        owner.ok(
            &["mount", "--catalog", index.to_str().unwrap()],
            &["photos", "mnt"],
        );
        assert!(!is_free());
        other.ok(&["umount"], &["mnt"]);
        assert!(is_free(), "it is back before the catalog is free");
    }
    assert!(everything(&other.home).is_empty());
}

#[test]
fn a_mount_that_nobody_serves_is_said_to_be_dead() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    owner.ok(&["scan"], &["photos"]);
    let mut mount = owner.command(&["mount", "-f"]);
    mount.arg(env.path("photos")).arg(env.path("mnt"));
    let mut mount = mount.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(mount.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("is mounted on")));
    // Its guard would take it away; while it is stopped it starts no other one.
    let send = |signal: Signal, to: u32| {
        let process = Pid::from_raw(to.try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    };
    send(Signal::STOP, mount.id());
    for task in std::fs::read_dir(format!("/proc/{}/task", mount.id())).unwrap() {
        let children = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap();
        let guards = children.split_whitespace().map(|n| n.parse().unwrap());
        guards.for_each(|guard| send(Signal::KILL, guard));
    }
    mount.kill().unwrap();
    mount.wait().unwrap();
    for args in [
        &["show"][..],
        &["tag", "--tag", "x"],
        &["status"],
        &["scan"],
    ] {
        let said = owner.refused(args, &["mnt/all/1.png"]);
        assert!(said.contains("nobody serves this mount"), "{args:?} {said}");
    }
    // The folder itself is another matter.
    assert_eq!(owner.json(&["status", "--json"], &["photos"])["photos"], 6);
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_part_of_a_mount_that_is_shown_elsewhere_leads_there_too() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    if !is_root() {
        return;
    }
    let (owner, other) = (env.person("owner"), env.person("other"));
    owner.ok(&["mount"], &["photos", "mnt"]);
    let bound = Bound::new(&env.path("mnt/all/sub"), &env.path("shown"));
    assert_eq!(
        other.json(&["show", "--json"], &["shown/5.png"])["path"],
        "sub/5.png"
    );
    assert_eq!(other.json(&["status", "--json"], &["shown"])["photos"], 2);
    assert_eq!(
        other.json(&["status", "--json"], &["shown/deep"])["photos"],
        1
    );
    // Taking the second place away ends nothing.
    owner.ok(&["umount"], &["shown"]);
    drop(bound);
    assert_eq!(other.json(&["status", "--json"], &["mnt"])["photos"], 6);
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_view_is_no_part_of_a_photo_folder() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    owner.ok(&["mount"], &["photos", "mnt"]);
    owner.ok(&["tag", "--tag", "T"], &["mnt/all/1.png"]);
    for args in [&["analyze"][..], &["scan"], &["status"], &["log"]] {
        let said = owner.refused(args, &["mnt/tags/T"]);
        assert!(said.contains("no folder of the photo folder"), "{said}");
    }
    let said = owner.refused(&["mount"], &["mnt/all", "second"]);
    assert!(said.contains("a mount, not a photo folder"), "{said}");
    owner.ok(&["umount"], &["mnt"]);
}

#[test]
fn what_a_command_did_is_in_the_mount_when_it_returns() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let owner = env.person("owner");
    owner.ok(&["mount"], &["photos", "mnt"]);
    let mut wrong = Vec::new();
    for round in 0..20 {
        let tag = format!("zed {round}");
        let shown = env.path(format!("mnt/tags/{tag}/2.png"));
        let mut check = |after: &'static str, is_there: bool| {
            if shown.symlink_metadata().is_ok() != is_there {
                wrong.push((round, after));
            }
        };
        check("nothing", false);
        owner.ok(&["tag", "--tag", &tag], &["mnt/all/2.png"]);
        check("tag", true);
        owner.ok(&["untag", "--tag", &tag], &["mnt/all/2.png"]);
        check("untag", false);
        owner.ok(&["undo", "--source"], &["mnt"]);
        check("undo", true);
        owner.ok(&["redo", "--source"], &["mnt"]);
        check("redo", false);
    }
    assert_eq!(wrong, []);
    owner.ok(&["umount"], &["mnt"]);
}
