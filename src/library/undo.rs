//! Taking acts back, and doing them again. Each is an act itself, so it can be taken back, too.
//!
//! Only what still is as the act left it changes: whatever was edited since is left alone, and told.

use std::collections::HashSet;

use jiff::Timestamp;

use super::Library;
use super::since::Since;
use crate::catalog::{Act, ActId, Actor, Change, Done, PhotoId, Role};
use crate::store;

/// Which acts are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one that makes sense.
    Last,
    /// This one, whenever it was.
    Act(ActId),
    /// All since the first act of then, in seconds since 1970.
    Since(i64),
}

/// Why nothing is taken back, or done again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No act of the journal has this number.
    #[error("the journal has no act {0}")]
    NoSuchAct(ActId),
    /// Taking it back once more would change nothing.
    #[error("act {act} is undone already, by act {by}")]
    Undone {
        /// The one that is meant.
        act: ActId,
        /// The one that took it back, which can be taken back itself.
        by: ActId,
    },
    /// It holds already, so it can't be done again.
    #[error("act {0} is not undone")]
    NotUndone(ActId),
    /// Nobody did anything in this time that still holds.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// Nothing was taken back last.
    #[error("there is nothing to redo")]
    NothingToRedo,
    /// The journal can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An act that was taken back or done again.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenBack {
    /// The act as it was before.
    pub act: Done,
    /// What became of it: [`Role::Undoes`] or [`Role::Redoes`].
    pub role: Role,
    /// The number under which this is in the journal.
    pub by: ActId,
    /// How many photos are as they were.
    pub photos: u64,
    /// Photos of which something was left alone, because it was changed since.
    pub left_alone: Vec<PhotoId>,
}

/// Acts looked at together. Most are found in the first page.
const PAGE: usize = 256;

/// An act that is to be taken back, or done again.
struct Reversal {
    /// As it was when it was chosen.
    act: Done,
    /// The act whose changes lead back.
    reversed: ActId,
    role: Role,
    words: String,
}

impl Reversal {
    fn undo(act: Done) -> Result<Self, Error> {
        match act.undone_by {
            Some(by) => Err(Error::Undone { act: act.id, by }),
            None => Ok(Self {
                role: Role::Undoes(act.id),
                words: format!("undo {}: {}", act.id, act.words),
                reversed: act.id,
                act,
            }),
        }
    }

    /// By taking back `undo`, which took it back.
    fn redo(act: Done, undo: ActId) -> Self {
        Self {
            role: Role::Redoes(act.id),
            words: format!("redo {}: {}", act.id, act.words),
            reversed: undo,
            act,
        }
    }
}

impl Library {
    /// Takes acts back, the latest first: all of them in one commit, or none. Blocks on the disk.
    ///
    /// # Errors
    /// When there is nothing like that to take back.
    pub fn undo(&self, which: Which, by: &Actor) -> Result<Vec<TakenBack>, Error> {
        self.reverse(by, || match which {
            Which::Last => {
                let last = self.last(is_undoable)?.ok_or(Error::NothingToUndo)?;
                Ok(vec![Reversal::undo(last)?])
            }
            Which::Act(id) => Ok(vec![self.toggle(id)?]),
            Which::Since(at) => {
                let acts = self.since(at)?;
                if acts.is_empty() {
                    return Err(Error::NothingToUndo);
                }
                acts.into_iter().map(Reversal::undo).collect()
            }
        })
    }

    /// Does an act again that was taken back: the one taken back last, or this one. Blocks on the disk.
    ///
    /// # Errors
    /// When there is nothing like that to do again.
    pub fn redo(&self, which: Option<ActId>, by: &Actor) -> Result<TakenBack, Error> {
        let mut done = self.reverse(by, || {
            let act = match which {
                None => self.last_undone()?.ok_or(Error::NothingToRedo)?,
                Some(id) => self.meant(self.done(id)?)?,
            };
            Ok(vec![self.redoing(act)?])
        })?;
        done.pop().ok_or(Error::NothingToRedo)
    }

    /// An act is taken back; one that took another back is taken back by doing that again.
    fn toggle(&self, id: ActId) -> Result<Reversal, Error> {
        let done = self.done(id)?;
        let undoes = matches!(done.role, Role::Undoes(_));
        let act = self.meant(done)?;
        match undoes {
            true => self.redoing(act),
            false => Reversal::undo(act),
        }
    }

    /// Where the journal has lost the act that took it back, nothing tells what to do again.
    fn redoing(&self, act: Done) -> Result<Reversal, Error> {
        let undo = act.undone_by.ok_or(Error::NotUndone(act.id))?;
        let undo = self.done(undo)?;
        Ok(Reversal::redo(act, undo.id))
    }

    /// The act that an act is about: that which it takes back or does again, or itself.
    fn meant(&self, done: Done) -> Result<Done, Error> {
        match done.role {
            Role::Undoes(of) | Role::Redoes(of) => self.done(of),
            Role::New | Role::Continues(_) => Ok(done),
        }
    }

    /// Leads back from what the chosen acts changed. Others may lead back from the same ones between the choice and the
    /// commit, which then refuses all: the choice is made anew.
    fn reverse(
        &self,
        by: &Actor,
        choose: impl Fn() -> Result<Vec<Reversal>, Error>,
    ) -> Result<Vec<TakenBack>, Error> {
        loop {
            let chosen = choose()?;
            let acts = chosen.iter().map(|reversal| {
                Change::Acted(Box::new(Act {
                    by: by.clone(),
                    words: reversal.words.clone(),
                    role: reversal.role,
                    deeds: Vec::new(),
                }))
            });
            let acted = match self.apply(&acts.collect::<Vec<_>>()) {
                Err(store::Error::Overtaken(_)) => continue,
                applied => applied?,
            };
            let ids = acted.into_iter().map(|(id, _)| id);
            return chosen
                .into_iter()
                .zip(ids)
                .map(|(reversal, id)| self.taken_back(reversal, id))
                .collect();
        }
    }

    /// What came of it.
    fn taken_back(&self, reversal: Reversal, by: ActId) -> Result<TakenBack, Error> {
        let entry = |id| self.store.act(id)?.ok_or(Error::NoSuchAct(id));
        let (done, changed) = entry(by)?;
        let (_, traces) = entry(reversal.reversed)?;
        let changed: HashSet<_> = changed.iter().map(|t| (t.photo, &t.slot)).collect();
        let left = traces
            .iter()
            .filter(|t| !changed.contains(&(t.photo, &t.slot)));
        let mut left_alone: Vec<_> = left.filter_map(|t| t.photo).collect();
        left_alone.dedup();
        Ok(TakenBack {
            act: reversal.act,
            role: reversal.role,
            by,
            photos: done.photos,
            left_alone,
        })
    }

    fn done(&self, id: ActId) -> Result<Done, Error> {
        let next = ActId(id.0.saturating_add(1));
        let found = self.store.acts(Some(next), 1)?.pop();
        found
            .filter(|done| done.id == id)
            .ok_or(Error::NoSuchAct(id))
    }

    /// The latest act that was taken back last and not done again.
    fn last_undone(&self) -> Result<Option<Done>, Error> {
        let mut found = None;
        self.walk(|done| {
            if let Role::Undoes(of) = done.role {
                let act = self.done(of)?;
                found = (act.undone_by == Some(done.id)).then_some(act);
            }
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn last(&self, wanted: impl Fn(&Done) -> bool) -> Result<Option<Done>, Error> {
        let mut found = None;
        self.walk(|done| {
            found = Some(done).filter(&wanted);
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn since(&self, at: i64) -> Result<Vec<Done>, Error> {
        let mut since = Since::new(at, Timestamp::now().as_second());
        self.walk(|done| Ok(since.take(done)))?;
        let acts = since.acts.into_iter();
        Ok(acts.filter(is_undoable).collect())
    }

    /// Walks the journal backwards for as long as `go_on`.
    fn walk(&self, mut go_on: impl FnMut(Done) -> Result<bool, Error>) -> Result<(), Error> {
        let mut before = None;
        loop {
            let page = self.store.acts(before, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            before = Some(last.id);
            for done in page {
                if !go_on(done)? {
                    return Ok(());
                }
            }
        }
    }
}

fn is_undoable(done: &Done) -> bool {
    done.role == Role::New && done.undone_by.is_none()
}
