//! Files read again because this version finds more in them than the one that read them.
//!
//! Only the photos that the catalog says so of are opened, and none twice: nothing else is asked of the disk. Runs in the
//! background; what people, sidecars and models said of a photo is none of its business.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::batch::Batch;
use super::{Error, Sync, facts};
use crate::catalog::{Change, Photo, PhotoId};

impl Sync {
    /// Reads the facts of every photo that an earlier version read; says how many it did. Blocks until it is through or
    /// `stop` is set. A file that can't be read or isn't what the catalog knows is left for the next time.
    ///
    /// # Errors
    /// When the catalog can't be read or written.
    pub fn read_outdated(&self, stop: &AtomicBool) -> Result<u64, Error> {
        let _one_at_a_time = self.rereading.lock();
        let mut batch = Batch::new(&self.library, self.options.batch());
        let mut read = 0;
        for id in &self.library.store().outdated()? {
            if stop.load(Relaxed) {
                break;
            }
            // One that is gone is read when it turns up.
            let Some(photo) = self.library.index().photo(PhotoId(id)) else {
                continue;
            };
            if let Some(change) = self.read_again(&photo, stop) {
                read += 1;
                batch.add(change)?;
            }
        }
        batch.commit()?;
        Ok(read)
    }

    fn read_again(&self, photo: &Photo, stop: &AtomicBool) -> Option<Change> {
        self.try_read_again(photo, stop).unwrap_or_else(|error| {
            tracing::debug!(path = %photo.path, %error, "can't be read again");
            None
        })
    }

    /// `None` where the file is another one, which the next scan sees.
    fn try_read_again(&self, photo: &Photo, stop: &AtomicBool) -> io::Result<Option<Change>> {
        let (id, known, path) = (photo.id, photo.stat, photo.path.clone());
        let go_on = || !stop.load(Relaxed);
        self.source_files
            .with_file(&photo.path, &go_on, move |file| {
                let stat = *file.stat();
                if !stat.same_content(&known) {
                    return Ok(None);
                }
                let reading = facts::read(file, &stat, &path)?;
                Ok(reading.map(|reading| Change::ReadAgain {
                    id,
                    stat,
                    facts: Box::new(reading.facts),
                }))
            })
    }
}
