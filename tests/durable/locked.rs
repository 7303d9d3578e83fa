//! A mount whose catalog another program locks, or that is made smaller: edits wait, and none fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rusqlite::Connection;

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, tagged};
use crate::until::until;

struct TestMount {
    env: TestEnv,
    process: Child,
}

impl TestMount {
    /// `None` where nothing can be mounted.
    fn start(env: TestEnv) -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let mut mount = env.command(&["mount", "-f"]);
        mount.args([env.path("photos"), env.path("mnt")]);
        let log = File::create(env.path("log")).unwrap();
        let process = mount.stderr(log).spawn().unwrap();
        let mount = Self { env, process };
        mount.until_told("is mounted on");
        Some(mount)
    }

    fn until_told(&self, words: &str) {
        let log = self.env.path("log");
        until(words, || fs::read_to_string(&log).unwrap().contains(words));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.env.path("mnt").join(name)
    }

    fn vacuum(&self) -> Output {
        vacuum(&self.env, &self.env.path("mnt"))
    }

    fn end(mut self) {
        let photos = self.env.path("mnt");
        assert!(
            self.env
                .run(&["umount", photos.to_str().unwrap()])
                .status
                .success()
        );
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for TestMount {
    fn drop(&mut self) {
        // Most have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn vacuum(env: &TestEnv, of: &Path) -> Output {
    env.run(&["catalog", "vacuum", of.to_str().unwrap()])
}

fn start(program: &str, args: &[&Path]) -> Child {
    let mut edit = Command::new(program);
    edit.args(args).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn edits_wait_for_a_program_that_holds_the_catalog_and_looking_does_not() {
    let Some(mount) = TestMount::start(tagged(3)) else {
        return;
    };
    let other = Connection::open(mount.env.index()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let rate = ["-n", "user.baloo.rating", "-v", "8"].map(Path::new);
    let rated = mount.path("all/2.png");
    let mut edits = [
        start(
            "ln",
            &[&mount.path("all/0.png"), &mount.path("tags/tag 1/")],
        ),
        start("mkdir", &[&mount.path("tags/new")]),
        start("setfattr", &[&rate[..], &[&rated]].concat()),
    ];
    // One of them has waited for as long as SQLite does by itself.
    mount.until_told("an edit waits for it");
    for edit in &mut edits {
        assert!(edit.try_wait().unwrap().is_none(), "{edit:?}");
    }
    // In a folder that is being changed the kernel itself has everybody wait.
    assert_eq!(fs::read_dir(mount.path("all")).unwrap().count(), 3);
    assert!(!mount.path("by-rating/5").exists());
    other.execute_batch("ROLLBACK").unwrap();
    for edit in edits {
        let done = edit.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    assert!(mount.path("tags/tag 1/0.png").exists());
    assert!(mount.path("tags/new").is_dir());
    let mut stars = [0; 8];
    let length = rustix::fs::getxattr(&rated, "user.baloo.rating", &mut stars).unwrap();
    assert_eq!(&stars[..length], b"8");
    mount.end();
}

fn free_pages(env: &TestEnv) -> i64 {
    let catalog = Connection::open(env.index()).unwrap();
    catalog
        .pragma_query_value(None, "freelist_count", |row| row.get(0))
        .unwrap()
}

/// Leaves free pages in the catalog.
fn waste(env: &TestEnv) {
    let catalog = Connection::open(env.index()).unwrap();
    let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
        INSERT INTO meta (key, value) SELECT 'x' || n, zeroblob(3000) FROM n;
        DELETE FROM meta WHERE key GLOB 'x*';";
    catalog.execute_batch(many).unwrap();
}

#[test]
fn a_catalog_is_made_smaller_while_it_is_mounted_and_edited() {
    let env = tagged(3);
    assert!(vacuum(&env, &env.path("photos")).status.success());
    waste(&env);
    let before = free_pages(&env);
    assert!(before > 2000, "{before}");
    let Some(mount) = TestMount::start(env) else {
        return;
    };
    let made = std::thread::scope(|scope| {
        let vacuum = scope.spawn(|| mount.vacuum());
        let mut made = 0;
        while !vacuum.is_finished() {
            fs::create_dir(mount.path(&format!("tags/new {made}"))).unwrap();
            made += 1;
        }
        let done = vacuum.join().unwrap();
        assert!(done.status.success(), "{done:?}");
        made
    });
    assert!(made > 0);
    let after = free_pages(&mount.env);
    assert!(after < 100, "{after} of {before}");
    assert_eq!(fs::read_dir(mount.path("tags")).unwrap().count(), 3 + made);
    mount.end();
}

#[test]
fn a_catalog_that_has_to_be_made_anew_is_not_while_it_is_mounted() {
    let Some(mount) = TestMount::start(tagged(3)) else {
        return;
    };
    waste(&mount.env);
    let before = free_pages(&mount.env);
    let refused = mount.vacuum();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("hold up every edit"), "{said}");
    assert!(said.contains("hint: unmount it"), "{said}");
    assert_eq!(free_pages(&mount.env), before);
    mount.end();
}
