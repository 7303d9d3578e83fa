//! Which edits are one act of the journal: those that one process makes in one go, as `rm -r` does.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::{Caller, Editor, Result};
use crate::analysis::Process;
use crate::catalog::{Act, ActId, Actor, Deed, LabelKey, PhotoId, Role};

/// An act is over when its process does nothing for so long: `rm -r` and `cp` go on without such a pause, and a file
/// manager, which lives on, makes one between what its user does.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Words of one act, in bytes; what else it does isn't told by words. They stand in one line of the journal.
const MAX_SUMMARY_BYTES: usize = 200;
/// Removals remembered of one act: a bound on memory, some 100 MB, that only an `rm -r` of a million photos meets. What
/// is beyond it isn't given back.
const MAX_REMOVALS: usize = 1 << 20;

/// A process, by its number and its start.
type ProcessKey = (u32, u64);

/// The acts that may still go on.
#[derive(Default)]
pub struct ActBatcher(Mutex<HashMap<ProcessKey, OpenAct>>);

struct OpenAct {
    act: ActId,
    words: String,
    last: Instant,
    /// Photos that were removed from folders below others, and the path of tags.
    removed: Vec<(PhotoId, Vec<LabelKey>)>,
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
            removed: Vec::new(),
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
        if let Some((act, _)) = self.library.act(act)? {
            self.batcher.note(process.as_ref(), act, words);
        }
        Ok(())
    }

    /// Remembers that an act removed a photo from a folder below others.
    pub(super) fn note_removal(&self, caller: &Caller, photo: PhotoId, path: &[LabelKey]) {
        let Some(process) = self.namespace.crawlers.process(caller.pid) else {
            return;
        };
        if let Some(open) = self.batcher.lock().get_mut(&process.key)
            && open.removed.len() < MAX_REMOVALS
        {
            open.removed.push((photo, path.to_vec()));
        }
    }

    /// The removals of the same act from folders below this one: photos, and the tag that each lost there.
    pub(super) fn removals_below(
        &self,
        caller: &Caller,
        path: &[LabelKey],
    ) -> Vec<(PhotoId, LabelKey)> {
        let Some(process) = self.namespace.crawlers.process(caller.pid) else {
            return Vec::new();
        };
        let open = self.batcher.lock();
        let removed = open.get(&process.key).map_or(&[][..], |open| &open.removed);
        let below = removed.iter();
        let below = below.filter(|(_, from)| from.len() > path.len() && from.starts_with(path));
        below
            .filter_map(|(photo, from)| Some((*photo, from.last()?.clone())))
            .collect()
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
