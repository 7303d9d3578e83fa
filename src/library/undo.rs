//! Taking acts back, and doing them again. Each is an act itself, so it can be taken back, too.
//!
//! Only what still is as the act left it changes: whatever was edited since is left alone, and told.

use super::Library;
use crate::catalog::{Act, ActId, Actor, Deed, Done, PhotoId, Role};
use crate::store;

/// Which acts are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one that makes sense.
    Last,
    /// This one, whenever it was.
    Act(ActId),
    /// All since then, in seconds since 1970.
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
    /// Photos of which something was left alone, because it was changed since or they are gone.
    pub left_alone: Vec<PhotoId>,
}

/// Acts looked at together. Most are found in the first page.
const PAGE: usize = 256;

impl Library {
    /// Takes acts back, the latest first. Blocks on the disk.
    ///
    /// # Errors
    /// When there is nothing like that to take back.
    pub fn undo(&self, which: Which, by: &Actor) -> Result<Vec<TakenBack>, Error> {
        let acts = match which {
            Which::Last => vec![self.last(is_undoable)?.ok_or(Error::NothingToUndo)?],
            Which::Act(id) => return Ok(vec![self.toggle(id, by)?]),
            Which::Since(at) => self.since(at)?,
        };
        if acts.is_empty() {
            return Err(Error::NothingToUndo);
        }
        acts.into_iter()
            .map(|act| self.take_back(act, by))
            .collect()
    }

    /// Does an act again that was taken back: the one taken back last, or this one. Blocks on the disk.
    ///
    /// # Errors
    /// When there is nothing like that to do again.
    pub fn redo(&self, which: Option<ActId>, by: &Actor) -> Result<TakenBack, Error> {
        let act = match which {
            None => self.last_undone()?.ok_or(Error::NothingToRedo)?,
            Some(id) => self.meant(self.done(id)?)?,
        };
        self.do_again(act, by)
    }

    /// Takes an act back; one that took another back is taken back by doing that again.
    fn toggle(&self, id: ActId, by: &Actor) -> Result<TakenBack, Error> {
        let done = self.done(id)?;
        let undoes = matches!(done.role, Role::Undoes(_));
        let act = self.meant(done)?;
        match undoes {
            true => self.do_again(act, by),
            false => self.take_back(act, by),
        }
    }

    /// The act that an act is about: that which it takes back or does again, or itself.
    fn meant(&self, done: Done) -> Result<Done, Error> {
        match done.role {
            Role::Undoes(of) | Role::Redoes(of) => self.done(of),
            Role::New | Role::Continues(_) => Ok(done),
        }
    }

    fn take_back(&self, act: Done, by: &Actor) -> Result<TakenBack, Error> {
        if let Some(by) = act.undone_by {
            return Err(Error::Undone { act: act.id, by });
        }
        let (role, words) = (
            Role::Undoes(act.id),
            format!("undo {}: {}", act.id, act.words),
        );
        self.reverse(act.id, act, role, words, by)
    }

    fn do_again(&self, act: Done, by: &Actor) -> Result<TakenBack, Error> {
        let undone_by = act.undone_by.ok_or(Error::NotUndone(act.id))?;
        let (role, words) = (
            Role::Redoes(act.id),
            format!("redo {}: {}", act.id, act.words),
        );
        self.reverse(undone_by, act, role, words, by)
    }

    /// Leads back from what the act of this number changed.
    fn reverse(
        &self,
        changed_by: ActId,
        act: Done,
        role: Role,
        words: String,
        by: &Actor,
    ) -> Result<TakenBack, Error> {
        let no_act = Error::NoSuchAct(changed_by);
        let (_, traces) = self.store.act(changed_by)?.ok_or(no_act)?;
        let reversal = Act {
            by: by.clone(),
            words,
            role,
            deeds: vec![Deed::Restore(traces.clone())],
        };
        let (id, _) = self.act(reversal)?.ok_or(Error::NoSuchAct(act.id))?;
        let (done, changed) = self.store.act(id)?.ok_or(Error::NoSuchAct(id))?;
        let is_left = |t: &&crate::catalog::Trace| {
            let same = |c: &crate::catalog::Trace| (c.photo, &c.slot) == (t.photo, &t.slot);
            !changed.iter().any(same)
        };
        let mut left_alone: Vec<_> = traces
            .iter()
            .filter(is_left)
            .filter_map(|t| t.photo)
            .collect();
        left_alone.dedup();
        Ok(TakenBack {
            act,
            role,
            by: id,
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
        let mut found = Vec::new();
        self.walk(|done| {
            let is_within = done.at >= at;
            found.extend(Some(done).filter(|done| is_within && is_undoable(done)));
            Ok(is_within)
        })?;
        Ok(found)
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
