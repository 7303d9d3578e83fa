//! Files of which the disk noted a change that may be one of their bytes, though their size and time are as they were.
//!
//! Some programs put the time back after writing; so do those that only look. The file is read as a whole, and only one with
//! other bytes is taken for written to: what is known of the others holds. Runs in the background, when the source is quiet.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use roaring::RoaringBitmap;

use super::batch::Batch;
use super::disks::Disks;
use super::scan_scope::{ScanScope, Sign};
use super::{Error, Sync};
use crate::catalog::{Change, FileStat, Photo, PhotoId};
use crate::source_files::content_hash;

/// What a file that was read as a whole turned out to be.
enum Verdict {
    /// It holds what it did; with what the disk says of it now.
    SameBytes(FileStat),
    OtherBytes,
    /// It can't be read now, or changed meanwhile.
    Open,
}

impl Sync {
    /// Whether there are files that may have other bytes.
    pub(super) fn has_suspects(&self) -> bool {
        !self.suspects.lock().is_empty()
    }

    /// Reads the files that may have other bytes, and looks again at those that have; says how many it read. One that can't
    /// be read now stays suspect. Waits for a scan that is under way.
    ///
    /// # Errors
    /// When the catalog can't be read or written, or the source as a whole isn't there.
    pub(super) fn verify_suspects(&self, stop: &AtomicBool) -> Result<u64, Error> {
        let suspects = mem::take(&mut *self.suspects.lock());
        if suspects.is_empty() {
            return Ok(0);
        }
        let (mut left, mut rewritten) = (RoaringBitmap::new(), ScanScope::default());
        let read = self.verify_all(&suspects, &mut left, &mut rewritten, stop);
        *self.suspects.lock() |= match read {
            Ok(_) => left,
            Err(_) => suspects,
        };
        let read = read?;
        if !rewritten.is_empty() {
            self.update(&rewritten, stop)?;
        }
        // Whoever looked at a picture meanwhile knew its bytes before its facts.
        self.read_outdated(stop)?;
        Ok(read)
    }

    fn verify_all(
        &self,
        suspects: &RoaringBitmap,
        left: &mut RoaringBitmap,
        rewritten: &mut ScanScope,
        stop: &AtomicBool,
    ) -> Result<u64, Error> {
        let disks = Disks::new(&self.source_files);
        let mut batch = Batch::new(&self.library, self.options.batch());
        let mut read = 0;
        for id in suspects {
            let Some(photo) = self.library.index().photo(PhotoId(id)) else {
                continue;
            };
            let verdict = match stop.load(Relaxed) {
                true => Verdict::Open,
                false => self.verify(&photo, &disks, stop),
            };
            read += u64::from(!matches!(verdict, Verdict::Open));
            match verdict {
                Verdict::SameBytes(stat) => batch.add(Change::Moved {
                    id: photo.id,
                    path: photo.path,
                    stat,
                })?,
                Verdict::OtherBytes => rewritten.add_signed(&photo.path, Sign::OtherBytes),
                Verdict::Open => drop(left.insert(id)),
            }
        }
        batch.commit()?;
        Ok(read)
    }

    fn verify(&self, photo: &Photo, disks: &Disks<'_>, stop: &AtomicBool) -> Verdict {
        self.try_verify(photo, disks, stop).unwrap_or_else(|error| {
            tracing::debug!(path = %photo.path, %error, "can't be verified");
            Verdict::Open
        })
    }

    fn try_verify(
        &self,
        photo: &Photo,
        disks: &Disks<'_>,
        stop: &AtomicBool,
    ) -> io::Result<Verdict> {
        let go_on = || !stop.load(Relaxed);
        let read = self.source_files.with_file(&photo.path, &go_on, |file| {
            let attributes = file.attributes();
            let hash = content_hash(&mut { file }, &|| file.goes_on())?;
            Ok((*file.stat(), attributes, hash, file.stat_now()?))
        });
        let (before, attributes, hash, after) = read?;
        if !before.same_content(&photo.stat) || !after.is_as(&before) || hash.is_none() {
            return Ok(Verdict::Open);
        }
        if hash != photo.hash {
            return Ok(Verdict::OtherBytes);
        }
        let FileStat {
            ctime_ns, links, ..
        } = disks.reliable(&photo.path, before);
        Ok(Verdict::SameBytes(FileStat {
            ctime_ns,
            links,
            attributes,
            ..photo.stat
        }))
    }
}
