//! What of the answers is kept when the program is killed amid them.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::test_env::TestEnv;
use crate::{PARALLEL, number};

/// Kills the program 20 times while answers come in; what it had said was analysed must be in the index afterwards.
pub fn kills(photos: &Path) {
    let env = TestEnv::new("3 20 none", PARALLEL);
    let (mut told, mut lost) = (HashSet::new(), HashSet::new());
    let mut killed = 0;
    for kill in 0..20 {
        killed += u32::from(killed_amid_answers(env.analyze(photos), kill, &mut told));
        let kept = env.kept(photos);
        lost.extend(told.iter().filter(|path| !kept.contains(*path)).cloned());
    }
    let stats = env.stats();
    let repeated = number(&stats, "requests") - number(&stats, "pictures");
    println!(
        "20 kills: amid answers      {killed:8}\n          answers sent      {:8}\n          acknowledged      {:8}",
        number(&stats, "answered"),
        told.len()
    );
    println!(
        "          of these lost     {:8}\n          requests repeated {repeated:8} ({} may be on their way at each)",
        lost.len(),
        PARALLEL
    );
}

/// Kills the program at a moment after its first answers, adds what it acknowledged until then, and says whether it was
/// still at work.
fn killed_amid_answers(mut child: Child, kill: u32, told: &mut HashSet<String>) -> bool {
    let out = child.stdout.take().expect("its output is piped");
    let (answers, wait) = moment(kill);
    let (mut at_work, mut heard) = (false, 0);
    // What is in the pipe when the program is killed was acknowledged as well.
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        // The last line may be cut off.
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        if line["result"] == "analyzed" {
            told.extend(line["path"].as_str().map(str::to_owned));
            heard += 1;
        }
        if heard == answers && !at_work {
            std::thread::sleep(wait);
            at_work = child.try_wait().is_ok_and(|ended| ended.is_none());
            child.kill().expect("it has not been waited for");
        }
    }
    child.wait().expect("the program ends");
    at_work
}

/// After how many answers, and how long after the last of them: scattered over the time of a request.
fn moment(kill: u32) -> (usize, Duration) {
    let hash = blake3::hash(&kill.to_le_bytes());
    let [answers, wait, ..] = *hash.as_bytes();
    (
        1 + usize::from(answers) % 12,
        Duration::from_micros(u64::from(wait) * 100),
    )
}
