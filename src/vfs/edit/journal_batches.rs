//! Which edits are one act of the journal: those that one process makes in one go, as `rm -r` does.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::{Caller, Editor, Result};
use crate::analysis::Process;
use crate::catalog::{Act, ActId, Actor, Deed, Role};

/// An act is over when its process does nothing for so long: `rm -r` and `cp` go on without such a pause, and a file
/// manager, which lives on, makes one between what its user does.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Words of one act, in bytes; what else it does isn't told by words. They stand in one line of the journal.
const MAX_SUMMARY_BYTES: usize = 200;
/// A process, by its number and its start.
type ProcessKey = (u32, u64);

/// The acts that may still go on.
#[derive(Default)]
pub struct ActBatcher(Mutex<HashMap<ProcessKey, OpenAct>>);

struct OpenAct {
    act: ActId,
    words: String,
    last: Instant,
}

impl ActBatcher {
    fn lock(&self) -> MutexGuard<'_, HashMap<ProcessKey, OpenAct>> {
        let mut open = self.0.lock();
        open.retain(|_, act| act.last.elapsed() < IDLE_TIMEOUT);
        open
    }

    /// What an edit is to the acts before it, and the words for all of them together.
    fn role(&self, process: Option<&Process>, words: String) -> (Role, String) {
        let open = self.lock();
        match process.and_then(|p| open.get(&p.key)) {
            Some(open) => (Role::Continues(open.act), joined(&open.words, words)),
            None => (Role::New, words),
        }
    }

    fn note(&self, process: Option<&Process>, act: ActId, words: String) {
        let Some(process) = process else {
            return;
        };
        let mut open = self.lock();
        let known = open.entry(process.key).or_insert_with(|| OpenAct {
            act,
            words: String::new(),
            last: Instant::now(),
        });
        (known.act, known.words, known.last) = (act, words, Instant::now());
    }
}

fn joined(before: &str, words: String) -> String {
    let told = before.split(", ").any(|told| told == words);
    match told || before.len() + words.len() > MAX_SUMMARY_BYTES {
        true => before.to_owned(),
        false => format!("{before}, {words}"),
    }
}

impl Editor {
    /// Does something on somebody's behalf; `words` don't name photos.
    pub(crate) fn act(&self, caller: &Caller, words: String, deeds: Vec<Deed>) -> Result<()> {
        self.entered(caller, words, deeds).map(|_| ())
    }

    /// Does it, and gives the act, if anything changed.
    pub(super) fn entered(
        &self,
        caller: &Caller,
        words: String,
        deeds: Vec<Deed>,
    ) -> Result<Option<ActId>> {
        let process = self.namespace.crawlers.process(caller.pid);
        let (role, words) = self.batcher.role(process.as_ref(), words);
        let by = Actor {
            process: process.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
            pid: process.as_ref().map_or(caller.pid, |p| p.key.0),
            uid: caller.uid,
        };
        let act = Act {
            by,
            words: words.clone(),
            role,
            deeds,
        };
        let act = self.library.act(act)?.map(|(act, _)| act);
        if let Some(act) = act {
            self.batcher.note(process.as_ref(), act, words);
        }
        Ok(act)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32) -> Process {
        Process {
            key: (pid, 1),
            name: "rm".into(),
        }
    }

    #[test]
    fn what_one_process_does_in_one_go_is_one_act() {
        let batcher = ActBatcher::default();
        let (rm, mv) = (process(1), process(2));
        assert_eq!(batcher.role(Some(&rm), "untag a".into()).0, Role::New);
        batcher.note(Some(&rm), ActId(7), "untag a".into());
        let (role, words) = batcher.role(Some(&rm), "untag a".into());
        assert_eq!(
            (role, words.as_str()),
            (Role::Continues(ActId(7)), "untag a")
        );
        let (_, words) = batcher.role(Some(&rm), "untag b".into());
        assert_eq!(words, "untag a, untag b");
        assert_eq!(batcher.role(Some(&mv), "x".into()).0, Role::New);
        assert_eq!(batcher.role(None, "x".into()).0, Role::New);
    }

    #[test]
    fn words_of_an_act_stay_few() {
        let words = (0..99).fold("untag a".to_owned(), |words, n| {
            joined(&words, format!("untag {n}"))
        });
        assert!(words.len() <= MAX_SUMMARY_BYTES + 2);
    }
}
