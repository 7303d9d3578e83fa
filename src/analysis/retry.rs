//! Photos that could not be looked at, given another chance.

use std::sync::Arc;

use super::{Access, Scheduler};
use crate::catalog::{Change, Detail, PhotoId, Status};
use crate::library::Library;
use crate::store::Error;

/// Has failed photos looked at again.
pub struct Retry {
    library: Arc<Library>,
    scheduler: Arc<Scheduler>,
    /// Photos in one commit, at most.
    batch: usize,
}

impl Retry {
    /// Commits at most `batch` photos at a time.
    pub fn new(library: Arc<Library>, scheduler: Arc<Scheduler>, batch: usize) -> Self {
        Self {
            library,
            scheduler,
            batch,
        }
    }

    /// Has every photo that failed looked at again, now. Gives how many there are. Blocks on the disk.
    pub fn all(&self) -> Result<usize, Error> {
        let failed = self.library.index().photos_with(Status::Failed) | self.scheduler.given_up();
        let failed: Vec<_> = failed.iter().map(PhotoId).collect();
        self.now(&failed)
    }

    /// Has those of these photos that failed looked at again, now. Gives how many there are. Blocks on the disk.
    pub fn now(&self, photos: &[PhotoId]) -> Result<usize, Error> {
        let count = self.reset(photos)?;
        let asked = photos.iter();
        asked.for_each(|photo| self.scheduler.accessed(*photo, Access::Asked));
        Ok(count)
    }

    /// Those of these photos that failed wait for an analysis again, as if their files had just come; what people and
    /// sidecars said stays. Gives how many there are. Blocks on the disk.
    pub fn reset(&self, photos: &[PhotoId]) -> Result<usize, Error> {
        let mut count = 0;
        let given_up = self.scheduler.given_up();
        let has_failed = |detail: &Detail| {
            let photo = &detail.entry.photo;
            photo.status == Status::Failed || given_up.contains(photo.id.0)
        };
        for chunk in photos.chunks(self.batch) {
            let mut changes = Vec::new();
            for &id in chunk {
                let detail = self.library.detail(id)?;
                if let Some(failed) = detail.filter(has_failed) {
                    self.scheduler.reconsider(id)?;
                    count += 1;
                    changes.push(anew(failed));
                }
            }
            self.library.commit(&changes)?;
        }
        Ok(count)
    }
}

fn anew(detail: Detail) -> Change {
    let photo = detail.entry.photo;
    Change::Found {
        known: Some(photo.id),
        path: photo.path,
        stat: photo.stat,
        facts: Box::new(detail.facts),
    }
}
