//! Programs that use a mount without end, in processes of their own: one that a killed mount leaves waiting can't be ended
//! by anything, and a test must be able to say so.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, kill_process_group};

use crate::test_env::{TestEnv, pid};
use crate::until::until;

/// What they do, each line of it over and over in a shell of its own. `$mnt` is the mount, `$photo` a photo elsewhere.
pub const EDITS: &[&str] = &[
    "ln $mnt/all/a.png $mnt/tags/one/x; rm $mnt/tags/one/x",
    "ln $mnt/all/b.png $mnt/tags/two/y; rm $mnt/tags/two/y; mkdir $mnt/tags/new; rmdir $mnt/tags/new",
    "ls $mnt/tags/one $mnt/tags/two $mnt/tags; stat $mnt/tags/one/x $mnt/tags/two/y",
];
pub const LISTS: &[&str] = &[
    "ls -l $mnt $mnt/all $mnt/tags $mnt/tags/one $mnt/tags/two",
    "find $mnt -name '*.png'",
    "ln $mnt/all/a.png $mnt/tags/one/x; rm $mnt/tags/one/x",
];
pub const DRAFTS: &[&str] = &[
    "cp $photo $mnt/tags/one/copy.png; rm $mnt/tags/one/copy.png",
    "cp $mnt/all/b.png $mnt/tags/two/; rm $mnt/tags/two/b.png",
    "ls -l $mnt/tags/one $mnt/tags/two",
];
pub const RENAMES: &[&str] = &[
    "mv $mnt/tags/one $mnt/tags/three; mv $mnt/tags/three $mnt/tags/one",
    "ln $mnt/all/b.png $mnt/tags/two/y; mv $mnt/tags/two/y $mnt/tags/two/z; rm $mnt/tags/two/z",
    "stat $mnt/tags/one/a.png $mnt/tags/three/a.png; ls -l $mnt/tags",
];

/// The shells of one mount, in a process group.
pub struct Busy {
    shells: Vec<Child>,
    /// Gets a byte a round of each.
    rounds: PathBuf,
}

impl Busy {
    pub fn start(env: &TestEnv, work: &[&str]) -> Self {
        let rounds = env.path("rounds");
        std::fs::write(&rounds, "").unwrap();
        env.own(&rounds);
        let shells = work.iter().map(|line| {
            let script = format!("while :; do {line}; printf x >> $rounds; done");
            // It ends with the test, whatever becomes of that.
            let mut shell = Command::new("setpriv");
            shell.args(["--pdeathsig", "KILL", "sh", "-c", &script]);
            shell.process_group(0);
            shell.env("mnt", env.path("mnt"));
            shell.env("photo", env.path("elsewhere/new.png"));
            shell.env("rounds", &rounds);
            shell.stdout(Stdio::null()).stderr(Stdio::null());
            env.as_its_user(&mut shell).spawn().unwrap()
        });
        Self {
            shells: shells.collect(),
            rounds,
        }
    }

    /// Waits until they have done so much.
    pub fn until_rounds(&self, rounds: u64) {
        let done = || std::fs::metadata(&self.rounds).unwrap().len();
        until("the rounds", || done() >= rounds);
    }

    /// Ends them. None may be left that can't be ended.
    pub fn end(mut self) {
        for shell in &mut self.shells {
            let group = pid(shell.id());
            // Its shell may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
            until("the end of a program in the mount", || {
                kill_process_group(group, Signal::KILL).is_err()
                    || shell.try_wait().unwrap().is_some() && !has_members(group.as_raw_pid())
            });
        }
    }
}

/// Whether some process of a group isn't over.
fn has_members(group: i32) -> bool {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.into_iter().any(|stat| {
        let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
        let words: Vec<_> = rest.split_whitespace().collect();
        words.get(2).is_some_and(|g| *g == group.to_string()) && !matches!(words[0], "Z" | "X")
    })
}
